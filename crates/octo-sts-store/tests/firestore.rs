//! A test.
