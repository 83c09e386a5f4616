//! Earwitness: a call-recording archive with retention enforcement.
//!
//! The modules follow the life of a recording, in this order:
//!
//! | stage | module | what it answers for |
//! |---|---|---|
//! | time | [`clock`] | the one clock |
//! | nouns | [`recording`] | what a recording is, in types |
//! | who | [`access`] | roles, tokens, what a caller sees, and why |
//! | receive | [`receive`] | what the product says, and the bytes on their way in |

pub mod access;
pub mod clock;
pub mod receive;
pub mod recording;
