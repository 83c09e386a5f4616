//! That somebody looked: committed to the ledger before the first byte of what they asked for leaves.

use std::time::Duration;

use serde::Serialize;

use super::gate::failed;
use crate::access::{Actor, Caller, Purpose};
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::RecordingRow;
use crate::clock::Timestamp;
use crate::http::problem::Problem;
use crate::ledger::kind::Kind;
use crate::recording::RecordingId;
use crate::vault::secrets::DataKey;

/// Within this much time, one actor's accesses of one kind to one recording count once.
const WINDOW: Duration = Duration::from_secs(600);

/// What the entry of an access commits to.
#[derive(Serialize)]
struct ReadPayload<'a> {
    recording_id: RecordingId,
    actor: Actor,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
}

/// What the entry of a listing commits to.
#[derive(Serialize)]
struct ListPayload<'a> {
    actor: Actor,
    search: &'static str,
    found: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
}

fn window_of(now: Timestamp) -> Timestamp {
    let window = i64::try_from(WINDOW.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.micros().div_euclid(window).saturating_mul(window))
}

/// Keeps that `caller` looked at a recording, once in ten minutes.
pub(super) async fn recording_read(
    archive: &Archive,
    caller: &Caller,
    purpose: Option<&Purpose>,
    row: &RecordingRow,
    key: &DataKey,
    action: &'static str,
) -> Result<(), Problem> {
    let now = archive.clock.now();
    let purpose = purpose.map(Purpose::as_str);
    let payload = ReadPayload { recording_id: row.id, actor: caller.actor(), action, purpose };
    let commit = async {
        let (entry, _) = archive.entry(Kind::RECORDING_READ, About::Recording(row.id, key), &payload, now).await?;
        let mut tx = archive.catalog.begin().await?;
        if !tx.first_access(&caller.token_id.to_string(), row.id, action, window_of(now)).await? {
            tx.rollback().await?;
            return Ok(());
        }
        tx.append_entry(&entry).await?;
        tx.commit().await?;
        archive.ledger_nudge.notify_one();
        Ok::<(), ArchiveError>(())
    };
    commit.await.map_err(failed)
}

/// Keeps that `caller` was shown a list of `found` recordings.
pub(super) async fn listed(
    archive: &Archive,
    caller: &Caller,
    purpose: Option<&Purpose>,
    search: &'static str,
    found: usize,
) -> Result<(), Problem> {
    let purpose = purpose.map(Purpose::as_str);
    let payload = ListPayload { actor: caller.actor(), search, found: found as u64, purpose };
    let commit = async {
        let (entry, _) = archive.entry(Kind::SEARCH_MADE, About::Activity, &payload, archive.clock.now()).await?;
        let mut tx = archive.catalog.begin().await?;
        tx.append_entry(&entry).await?;
        tx.commit().await?;
        archive.ledger_nudge.notify_one();
        Ok::<(), ArchiveError>(())
    };
    commit.await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_every_ten_minutes() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        assert_eq!(window_of(at("2026-11-22T10:19:59.999999Z")), at("2026-11-22T10:10:00Z"));
        assert_eq!(window_of(at("2026-11-22T10:20:00Z")), at("2026-11-22T10:20:00Z"));
        assert_eq!(window_of(at("1969-12-31T23:59:59Z")), at("1969-12-31T23:50:00Z"));
    }
}
