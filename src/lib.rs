//! Earwitness: a call-recording archive with retention enforcement.
//!
//! The modules follow the life of a recording, in this order:
//!
//! | stage | module | what it answers for |
//! |---|---|---|
//! | time | [`clock`] | the one clock |
//! | nouns | [`recording`] | what a recording is, in types |
//! | record | [`ledger`] | what happened, provably: leaves, tree, checkpoints, proofs, signed documents |

pub mod catalog;
pub mod clock;
pub mod ledger;
pub mod recording;
