//! Mending: what catalog and store say of each other, both ways, and a catalog that is lost or old.
//!
//! Four walks, each by itself and repeatable: [`rebuild`] brings a lost or old catalog up to date from the store;
//! [`objects`] looks for every object's row; [`rows`] looks for every row's objects; [`cases`] does both for cases,
//! and [`erasures`] for the tombstones of what was erased. Without `repair` nothing changes.
//! One object that cannot be read is reported, and keeps no other from being mended.

mod believe;
mod cases;
mod catch_up;
mod clock;
mod erasures;
mod objects;
mod rebuild;
mod rehash;
mod report;
mod rows;
mod tokens;
mod trouble;

pub use report::{Action, Finding, Problem, Report};

use crate::archive::{Archive, ArchiveError};
use crate::recording::RecordingId;

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
    // First what was erased, so that nothing of it is brought back; what brings objects to light; then what misses them.
    erasures::check(archive, options.repair || options.rebuild, &mut report).await?;
    objects::check(archive, options.repair || options.rebuild, &mut report).await?;
    cases::check(archive, options.repair || options.rebuild, &mut report).await?;
    rows::check(archive, options, None, u64::MAX, &mut report).await?;
    if options.rehash {
        rehash::check(archive, &mut report).await?;
    }
    tell(&report);
    Ok(report)
}

/// Looks over all objects, which a listing shows by the thousand, and over so many recordings after `after`, whose
/// objects are asked for one by one; mends. Returns where the next look goes on; none at the end.
pub async fn look(
    archive: &Archive,
    after: Option<RecordingId>,
    most: u64,
) -> Result<(Report, Option<RecordingId>), ArchiveError> {
    let mut report = Report::default();
    erasures::check(archive, true, &mut report).await?;
    objects::check(archive, true, &mut report).await?;
    cases::check(archive, true, &mut report).await?;
    let mend = Options { repair: true, ..Options::default() };
    let next = rows::check(archive, mend, after, most, &mut report).await?;
    tell(&report);
    Ok((report, next))
}

fn tell(report: &Report) {
    for finding in &report.findings {
        let (problem, action) = (finding.problem.as_str(), finding.action.as_str());
        tracing::warn!(problem, action, what = finding.what, "fsck");
    }
}
