//! One binary for every integration test, so that they link once. One module per subject.

mod audio;
mod catalog;
mod cli;
mod housekeeping;
mod support;
mod tink;
