//! One binary for every integration test, so that they link once. One module per subject.

mod catalog;
mod support;
mod tink;
