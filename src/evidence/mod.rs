//! Evidence that is handed over: a package that an outsider checks with ordinary tools and without us.
//!
//! | question | file |
//! |---|---|
//! | what a package is: a ZIP with one BagIt bag, its files, who may receive one | [`zip`], [`bag`], [`shapes`], [`names`], [`recipient`] |
//! | what is written into it | [`parts`], `page`, [`report`], [`instructions`] |
//! | what it is signed with, and how it is closed | [`seal`], [`close`] |
//! | what is known of a recording, and what of it is another's business | [`gather`] |
//! | how it is handed over: begun, sent, broken off | [`begin`](begin()), [`send`](send()), `abandoned` |
//! | to whom what went | [`register`] |
//! | whether one holds, offline | [`verify`] |

mod abandoned;
pub mod bag;
mod begin;
pub mod close;
mod error;
pub mod gather;
pub mod instructions;
pub mod names;
mod page;
pub mod parts;
pub mod recipient;
pub mod register;
pub mod report;
pub mod seal;
mod send;
pub mod shapes;
pub mod verify;
pub mod zip;

#[cfg(test)]
mod sample;

pub use abandoned::end_abandoned;
pub use begin::{Asked, Begun, MAX_RECORDINGS, begin};
pub use error::EvidenceError;
pub use send::send;
