//! One binary for every integration test, so that they link once.

mod catalog;
mod support;
//! The tests from outside: one binary, one module per subject.

mod tink;
