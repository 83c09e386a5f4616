//! Earwitness: a call-recording archive with retention enforcement.
//!
//! The modules follow the life of a recording, in this order:
//!
//! | stage | module | what it answers for |
//! |---|---|---|
//! | time | [`clock`] | the one clock |
//! | nouns | [`recording`] | what a recording is, in types |
//! | rules | [`retention`] | when a period ends, what is due, what a hold changes |
//! | settings | [`config`] | what an operator can set, checked before anything starts |
//! | logs, metrics | [`telemetry`] | without personal data |
//! | receive | [`receive`] | what the product says, and the bytes on their way in |
//! | check | [`audio`] | is it whole, what is it, how does it look and play |
//! | seal, store | [`vault`] | sealing, keys, objects |
//! | record | [`catalog`] | all SQL |
//! | sign for outsiders | [`signature`] | signatures by certificate (CMS) |
//! | ask outside | [`outside`], [`timestamp`] | that something existed at a time, in the word of an authority (RFC 3161) |
//! | exchange | [`vcon`] | a recording as an IETF vCon, in pieces |
//! | prove | [`ledger`] | what happened, provably: leaves, tree, checkpoints, proofs, signed documents |
//! | be witnessed | [`witness`] | others cosign what the ledger stands for |
//! | together | [`archive`] | the parts in one place, and what takes two of them |
//! | who | [`access`] | roles, tokens, what a caller sees, and why |
//! | mirror | [`account`] | the product's accounts, their persons and their life |
//! | find, play | [`find`] | searching, reading and hearing, each noted before its first byte |
//! | keep in a dispute | [`hold`] | cases, their holds and rules, releases by two persons: past its deadline a held recording lives by its case's key |
//! | hand over | [`evidence`] | packages that an outsider can check without us |
//! | count | [`statistics`] | what purged calls leave: counts too coarse to find anyone in |
//! | purge | [`purge`] | fence, key, objects, rows, look again, certificate |
//! | account for | [`holdings`] | what is held, on what ground, until when (GDPR article 30) |
//! | mend | [`fsck`] | orphans both ways, digests, lost or old catalogs |
//! | once at a time | [`leases`] | work that one node does while the others wait |
//! | keep in order | [`housekeeping`] | what is swept up behind everything else |
//! | grow | [`migrate`] | another store, another catalog, other keys: nothing lost, nothing that was purged comes back |
//! | serve | [`http`], [`serve`] | every route, who may call it; the listener and the loops behind it |
//! | command line | [`cli`] | one file per command |

pub mod access;
pub mod account;
pub mod archive;
pub mod audio;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod evidence;
pub mod failpoint;
pub mod find;
pub mod fsck;
pub mod hold;
pub mod holdings;
pub mod housekeeping;
pub mod http;
pub mod leases;
pub mod ledger;
pub mod migrate;
pub mod outside;
pub mod purge;
pub mod receive;
pub mod recording;
pub mod retention;
pub mod serve;
pub mod signature;
pub mod statistics;
pub mod telemetry;
pub mod timestamp;
pub mod vault;
pub mod vcon;
pub mod witness;
