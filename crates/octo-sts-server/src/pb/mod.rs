//! The generated code of the service definition in `proto/`; `tests/generated.rs` keeps it what the definition says.

#![expect(missing_docs, unused_qualifications, clippy::pedantic, clippy::allow_attributes, reason = "generated")]

#[rustfmt::skip]
mod generated;

pub use generated::*;

/// Every descriptor of the definition, encoded, with its HTTP bindings: what reflection answers with.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("descriptors.bin");
