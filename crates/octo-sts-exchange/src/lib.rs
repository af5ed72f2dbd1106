//! stub
pub mod placeholder {}
