//! What holds of two replicas that share a real Redis or Firestore.

#![expect(clippy::unwrap_used, reason = "what a test stands on must be there")]

mod firestore;
mod redis;

fn key(number: u64) -> octo_sts_store::Key {
    octo_sts_store::Key::of("test", &[&number.to_be_bytes()])
}
