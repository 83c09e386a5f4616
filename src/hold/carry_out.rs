//! An approved release is carried out, hold by hold. What is not carried out yet is held still; whatever broke it off, the
//! background pass brings it to its end.

use std::collections::HashMap;

use uuid::Uuid;

use super::ask::text_of;
use super::case::record;
use super::{HoldError, release};
use crate::access::Actor;
use crate::archive::{Archive, ArchiveError, Round};
use crate::catalog::{HoldToRelease, ReleaseRow};

/// Holds that end before the answer; the others follow in the background.
const AT_ONCE: u32 = 500;
/// Holds that one pass ends.
const BATCH: u64 = 2_000;
/// Holds, or releases, that one look at the catalog gives.
const PAGE: u32 = 100;

/// How far a release was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CarriedOut {
    /// Holds that ended.
    pub released: u64,
    /// Holds that end in the background.
    pub left: u64,
}

/// Ends the first holds of a release that was approved now. What cannot be ended is left to the background pass.
pub(super) async fn carry_out(archive: &Archive, row: &ReleaseRow, by: &Actor) -> Result<CarriedOut, ArchiveError> {
    let (mut released, mut tried, mut after) = (0, 0, None);
    while tried < AT_ONCE {
        let page = archive.catalog.holds_to_release(Some(row.id), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        for held in &page {
            tried += 1;
            released += u64::from(end(archive, held, by).await.unwrap_or(false));
        }
        crate::failpoint::hit("release.carried_on");
    }
    let left = note_if_done(archive, row).await?;
    Ok(CarriedOut { released, left })
}

/// Ends one hold; false where another release, or the purge, was faster.
async fn end(archive: &Archive, held: &HoldToRelease, by: &Actor) -> Result<bool, ArchiveError> {
    match release::release(archive, held.recording_id, held.hold_id, Some(held.release_id), by).await {
        Ok(()) => Ok(true),
        Err(HoldError::Archive(error)) => {
            tracing::error!(recording = %held.recording_id, %error, "an approved release is not carried out yet");
            Err(error)
        }
        Err(_) => Ok(false),
    }
}

/// Notes that nothing is left to do about a release, if that is so. Returns how many holds are left.
async fn note_if_done(archive: &Archive, row: &ReleaseRow) -> Result<u64, ArchiveError> {
    let left = archive.catalog.count_holds_to_release(row.id).await?;
    if left == 0 {
        archive.catalog.release_done(row.case_id, row.id, archive.clock.now()).await?;
        crate::failpoint::hit("release.done");
    }
    Ok(left)
}

/// Carries on with every approved release that is not carried out; a bounded number of holds. Returns how many ended, or
/// the first failure, which keeps no other hold, and no other release, from being carried out.
pub async fn carry_on(archive: &Archive) -> Result<u64, ArchiveError> {
    let mut round = Round::begin(&archive.bookmarks.releases, BATCH);
    let mut deciders = HashMap::new();
    while round.goes_on() {
        let page = archive.catalog.holds_to_release(None, round.after(), PAGE).await?;
        round.turn(page.last().map(HoldToRelease::place));
        for held in &page {
            let ended = match decider(archive, &mut deciders, held.release_id).await {
                Ok(by) => end(archive, held, &by).await,
                Err(error) => Err(error),
            };
            round.count(ended.map(u64::from));
        }
    }
    let noted = note_all_done(archive).await;
    let ended = round.end();
    noted.and(ended)
}

/// Who approved a release, looked up once.
async fn decider(archive: &Archive, known: &mut HashMap<Uuid, Actor>, release: Uuid) -> Result<Actor, ArchiveError> {
    if let Some(by) = known.get(&release) {
        return Ok(by.clone());
    }
    let undecided = ArchiveError::Document("a release that nobody decided");
    let Some(row) = archive.catalog.release(release).await? else { return Err(undecided) };
    let by = text_of(archive, &row).await?.decision.ok_or(undecided)?.by;
    known.insert(release, by.clone());
    Ok(by)
}

async fn note_all_done(archive: &Archive) -> Result<(), ArchiveError> {
    let mut after = None;
    loop {
        let page = archive.catalog.releases_to_do(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.asked_at, last.id));
        for row in &page {
            if note_if_done(archive, row).await? == 0 {
                record::keep(archive, row.case_id).await;
            }
        }
    }
}
