//! Earwitness: a call-recording archive with retention enforcement.
//!
//! The modules follow the life of a recording, in this order:
//!
//! | stage | module | what it answers for |
//! |---|---|---|
//! | time | [`clock`] | the one clock |
//! | nouns | [`recording`] | what a recording is, in types |
//! | check | [`audio`] | is it whole, what is it, how does it look and play |

pub mod audio;
pub mod clock;
pub mod recording;
