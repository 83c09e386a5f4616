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
//! | serve | [`http`] | every route, who may call it, and what is common to all answers |

pub mod access;
pub mod clock;
pub mod http;
pub mod receive;
pub mod recording;
