//! Evidence that is handed over: a package that an outsider checks with ordinary tools and without us.
//!
//! | question | file |
//! |---|---|
//! | what a package is: a ZIP with one BagIt bag, its files, who may receive one | [`zip`], [`bag`], [`shapes`], [`names`], [`recipient`] |
//! | what it is signed with, and how it is closed | [`seal`], [`close`] |
//! | what is written into it | [`parts`], [`instructions`], [`report`] |
//! | whether one holds, offline | [`verify`] |

pub mod bag;
pub mod close;
pub mod instructions;
pub mod names;
pub mod parts;
pub mod recipient;
pub mod report;
pub mod seal;
pub mod shapes;
pub mod verify;
pub mod zip;

#[cfg(test)]
mod sample;
