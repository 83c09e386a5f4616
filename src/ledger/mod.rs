//! The ledger: what happened, in an order that nobody can change afterwards, provable to outsiders.
//!
//! Everything here works on bytes alone: no SQL, no object store, no clock. Whoever keeps the bytes calls it.
//!
//! | question | file |
//! |---|---|
//! | what is one entry, and what can be erased of it | [`entry`], [`kind`] |
//! | how entries make a tree (RFC 6962), and what proves it | [`tree`] |
//! | how the tree is published (C2SP tlog-tiles), and read back | [`tiles`], [`rebuild`] |
//! | what the archive stands for at one moment (C2SP tlog-checkpoint) | [`checkpoint`] |
//! | what witnesses outside say of it (C2SP tlog-cosignature) | [`cosignature`] |
//! | how one entry is shown to an outsider (C2SP tlog-proof) | [`proof`] |
//! | with which key | [`signing`], [`key_file`] |
//! | what is handed out, signed | [`document`], [`receipt`], [`certificate`], [`account_certificate`], [`destruction`], [`shapes`] |
//! | whether all that holds | [`verify`] |
//!
//! A leaf holds no personal data: it commits to a payload by a salted digest, and payload and salt (the
//! [`entry::Opening`]) are kept elsewhere. Erasing the opening leaves every checkpoint and proof valid and makes
//! the payload unguessable, because the salt is gone with it.

pub mod account_certificate;
pub mod canonical;
pub mod certificate;
pub mod checkpoint;
pub mod cosignature;
pub mod destruction;
pub mod document;
pub mod entry;
mod error;
pub mod key_file;
pub mod kind;
pub mod proof;
mod published;
pub mod rebuild;
pub mod receipt;
pub mod sequencer;
pub mod shapes;
pub mod signing;
pub mod statistics;
pub mod tiles;
pub mod tree;
pub mod verify;

#[cfg(test)]
mod tests;

pub use error::LedgerError;
pub use tlog_tiles::{Hash, HashReader};
