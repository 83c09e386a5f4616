//! One binary for every integration test, so that they link once. One module per subject.

mod audio;
mod catalog;
mod oversight;
mod support;
mod tink;
