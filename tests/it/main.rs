//! All tests from outside, in one program.

mod audio;
