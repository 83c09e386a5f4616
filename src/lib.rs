//! Earwitness: a call-recording archive with retention enforcement.
//!
//! The modules follow the life of a recording, in this order:
//!
//! | stage | module | what it answers for |
//! |---|---|---|
//! | time | [`clock`] | the one clock |
//! | nouns | [`recording`] | what a recording is, in types |
//! | record | [`ledger`] | what happened, provably: leaves, tree, checkpoints, proofs, signed documents |
//! | rules | [`retention`] | when a period ends, what is due, what a hold changes |
//! | settings | [`config`] | what an operator can set, checked before anything starts |
//! | logs, metrics | [`telemetry`] | without personal data |
//! | seal, store | [`vault`] | sealing, keys, objects |

pub mod catalog;
//! | check | [`audio`] | is it whole, what is it, how does it look and play |

pub mod audio;
pub mod clock;
pub mod ledger;
pub mod config;
//! | who | [`access`] | roles, tokens, what a caller sees, and why |
//! | receive | [`receive`] | what the product says, and the bytes on their way in |
//! | serve | [`http`] | every route, who may call it, and what is common to all answers |

pub mod access;
pub mod clock;
pub mod http;
pub mod receive;
pub mod recording;
pub mod retention;
pub mod telemetry;
pub mod failpoint;
pub mod recording;
pub mod vault;
