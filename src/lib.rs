//! Earwitness: a call-recording archive with retention enforcement.
//!
//! The modules follow the life of a recording, in this order:
//!
//! | stage | module | what it answers for |
//! |---|---|---|
//! | time | [`clock`] | the one clock |
//! | nouns | [`recording`] | what a recording is, in types |
//! | seal, store | [`vault`] | sealing, keys, objects |

pub mod clock;
pub mod failpoint;
pub mod recording;
pub mod vault;
