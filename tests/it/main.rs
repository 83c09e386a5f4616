//! One binary for every integration test, so that they link once. One module per subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails should say so at once")]

mod answers;
mod attest;
mod audio;
mod bodies;
mod browser;
mod bucket;
mod cases;
mod catalog;
mod chaos;
mod cli;
mod crash;
mod erasure;
mod evidence;
mod failpoints;
mod forgotten;
mod gone;
mod holding;
mod housekeeping;
mod keys_away;
mod locked;
mod mend;
mod migrate;
mod oversight;
mod publishing;
mod purging;
mod rebuild;
mod recordings;
mod report;
mod restore;
mod samples;
mod support;
mod timestamps;
mod tink;
mod vcon;
mod wire;
