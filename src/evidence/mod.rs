//! Evidence that is handed over: a package that an outsider checks with ordinary tools and without us.
//!
//! | question | file |
//! |---|---|
//! | what a package is: a ZIP with one BagIt bag, its files, who may receive one | [`zip`], [`bag`], [`shapes`], [`names`], [`recipient`] |
//! | what is written into it | [`parts`], `page`, `sections`, [`report`], [`instructions`] |
//! | what it is signed with, and how it is closed | [`seal`], [`close`] |
//! | what is known of a recording, and what of it is another's business | [`gather`] |
//! | how it is handed over: asked for, begun, sent, ended | `asked`, [`begin`](begin()), [`send`](send()), `making`, `ended` |
//! | what the ledger says of it | `payload`, [`shapes::Promise`] |
//! | to whom what went | [`register`] |
//! | whether one holds, offline | [`verify`] |

mod asked;
pub mod bag;
mod begin;
pub mod close;
mod ended;
mod error;
pub mod gather;
pub mod instructions;
mod making;
pub mod names;
mod out;
mod page;
pub mod parts;
mod payload;
pub mod recipient;
pub mod register;
pub mod report;
pub mod seal;
mod sections;
mod send;
pub mod shapes;
pub mod verify;
pub mod zip;

#[cfg(test)]
mod sample;

pub use asked::{Asked, MAX_RECORDINGS};
pub use begin::{Begun, begin};
pub use ended::end_abandoned;
pub use error::EvidenceError;
pub use send::send;
