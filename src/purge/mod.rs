//! The end of a recording's life: fenced, its key destroyed, its objects and rows deleted, looked for again, certified.
//! And of a case's and an account's, after periods of their own.
//!
//! A pass ([`pass`]) takes no input: it reads what is due and how far each purge has come from the catalog, does a
//! bounded batch of each step, and says what it did. Whatever stops it half-way, the next one goes on, and one recording
//! that cannot be purged does not keep the others. The loop ([`run`]) only decides when. The brakes ([`brakes`]) are looked at before anything is destroyed.

mod accounts;
pub mod brakes;
mod cases;
mod certify;
pub mod erasure;
mod error;
mod failures;
mod months;
mod pass;
pub mod remains;
pub mod returned;
mod run;
mod statistics;
mod steps;

pub use error::PurgeError;
pub use pass::{DryRun, PassReport, dry_run, pass};
pub use run::run;

/// Recordings that one pass takes through each step.
pub const BATCH: u32 = 100;
