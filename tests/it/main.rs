//! The tests from outside: one binary, one module per subject.

mod tink;
