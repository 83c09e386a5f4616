//! The tests from outside: one binary, one module per subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a panic is the answer")]

mod tink;
