//! Real programs that tests run against: Redis, moto (AWS), `SoftHSM` (PKCS#11), the Firestore emulator.
//!
//! Each runs on a port and in a folder of its own and ends with the test. What is not installed fails the test with one
//! sentence that says how to install it. For tests alone: nothing here goes into the program.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what a test stands on must be there, else the test fails")]

mod firestore;
mod moto;
mod process;
mod program;
mod redis;
mod second_process;
mod softhsm;

pub use firestore::FirestoreEmulator;
pub use moto::{Moto, Quirks};
pub use process::{Process, free_port, listening};
pub use program::program;
pub use redis::Redis;
pub use second_process::{again, output};
pub use softhsm::{SoftHsm, library};
