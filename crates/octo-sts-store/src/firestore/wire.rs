//! The messages of `google.firestore.v1` that are used here, with the field numbers of its published definition. Fields that
//! are not used are left out, which Protocol Buffers allow.

use std::collections::HashMap;

use prost::{Message, Oneof};
use prost_types::Timestamp;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Document {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(map = "string, message", tag = "2")]
    pub(super) fields: HashMap<String, Value>,
    #[prost(message, optional, tag = "4")]
    pub(super) update_time: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(oneof = "Kind", tags = "2, 10, 18")]
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Kind {
    #[prost(int64, tag = "2")]
    Integer(i64),
    #[prost(message, tag = "10")]
    Timestamp(Timestamp),
    #[prost(bytes, tag = "18")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchGetDocumentsRequest {
    #[prost(string, tag = "1")]
    pub(super) database: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) documents: Vec<String>,
}

/// One of a stream: a document, or the name of one that is not there (field 2).
#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchGetDocumentsResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) found: Option<Document>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CommitRequest {
    #[prost(string, tag = "1")]
    pub(super) database: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) writes: Vec<Write>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CommitResponse {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Write {
    #[prost(oneof = "Operation", tags = "1, 2")]
    pub(super) operation: Option<Operation>,
    #[prost(message, optional, tag = "4")]
    pub(super) current_document: Option<Precondition>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Operation {
    #[prost(message, tag = "1")]
    Update(Document),
    #[prost(string, tag = "2")]
    Delete(String),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Precondition {
    #[prost(oneof = "Condition", tags = "1, 2")]
    pub(super) condition: Option<Condition>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Condition {
    #[prost(bool, tag = "1")]
    Exists(bool),
    #[prost(message, tag = "2")]
    UpdateTime(Timestamp),
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind) }
    }
}

impl Document {
    pub(super) fn integer(&self, field: &str) -> Option<i64> {
        if let Some(Kind::Integer(value)) = self.fields.get(field)?.kind { Some(value) } else { None }
    }

    pub(super) fn timestamp(&self, field: &str) -> Option<Timestamp> {
        if let Some(Kind::Timestamp(value)) = self.fields.get(field)?.kind { Some(value) } else { None }
    }

    pub(super) fn bytes(&self, field: &str) -> Option<&[u8]> {
        if let Some(Kind::Bytes(value)) = &self.fields.get(field)?.kind { Some(value) } else { None }
    }
}
