//! YAML that means one thing.
//!
//! Upstream reads its files by YAML 1.1 rules and then as JSON, so `0123` is 83 there and `yes` is `true`. Other readers
//! differ. Here whatever two readers could take for two values is an error that says what to write: numbers and words that
//! change when they become text, equal keys, anchors, merges, tags, several documents, and line ends only some know.
//!
//! Every scalar is text in the tree. Each node knows its bytes, so that a finding can underline them.

mod characters;
mod plain;
mod reader;

use std::ops::Range;

pub(crate) use characters::is_invisible;
pub(crate) use plain::{Plain, plain};
pub(crate) use reader::read;

/// Largest file that is read, in bytes.
pub const LARGEST_FILE: usize = 64 << 10;

/// A node and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`: as if it had not been written.
    Null,
    Text(Text),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A scalar.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// Written without quotes.
    pub(crate) plain: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    /// What it is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}
