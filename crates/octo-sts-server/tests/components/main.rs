//! The whole service, started as operators start it, with the real programs it depends on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod aws;
mod caller;
mod clock;
mod firestore;
mod house;
mod news;
mod pkcs11;
mod redis;
mod replicas;
mod rotation;
mod secrets;
mod service;
mod skew;
#[path = "../wire/mod.rs"]
mod wire;
