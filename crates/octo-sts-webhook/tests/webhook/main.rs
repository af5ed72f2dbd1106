//! The webhook against the sandbox's GitHub: deliveries in, check runs, events and news out.
#![cfg(test)]

mod changes;
mod checks;
mod deliveries;
mod news;
mod outages;
mod support;
