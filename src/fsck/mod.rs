//! Mending: what catalog and store say of each other, both ways, and a catalog that is lost or old.
//!
//! Three walks, each by itself and repeatable: [`rebuild`] brings a lost or old catalog up to date from the store;
//! [`rows`] looks for every row's objects; [`objects`] looks for every object's row. Without `repair` nothing changes.
//! One object that cannot be read is reported, and keeps no other from being mended.

mod believe;
mod catch_up;
mod clock;
mod hidden;
mod objects;
mod rebuild;
mod rehash;
mod report;
mod rows;
mod trouble;

pub use report::{Action, Finding, Problem, Report};

use crate::archive::{Archive, ArchiveError};

/// What to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Mend what can be mended. Without, problems are only reported.
    pub repair: bool,
    /// Read every recording again, whole, and compare its digest.
    pub rehash: bool,
    /// First bring a lost or old catalog up to date from the store.
    pub rebuild: bool,
}

/// Looks over the whole archive.
pub async fn run(archive: &Archive, options: Options) -> Result<Report, ArchiveError> {
    let mut report = Report::default();
    if options.rebuild {
        rebuild::rebuild(archive, &mut report).await?;
    }
    rows::check(archive, options, &mut report).await?;
    objects::check(archive, options.repair || options.rebuild, &mut report).await?;
    if options.rehash {
        rehash::check(archive, &mut report).await?;
    }
    for finding in &report.findings {
        let (problem, action) = (finding.problem.as_str(), finding.action.as_str());
        tracing::warn!(problem, action, what = finding.what, "fsck");
    }
    Ok(report)
}
