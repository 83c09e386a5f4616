//! Whether a caller reaches a recording at this moment: 404 out of their scope while its rows exist, 410 afterwards
//! and from its very deadline on. Rules first, then the look into the catalog.

use axum::http::HeaderValue;
use axum::response::Response;

use crate::access::Caller;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{RecordingRow, Stage};
use crate::clock::Timestamp;
use crate::http::codes::Code;
use crate::http::problem::Problem;
use crate::recording::RecordingId;
use crate::retention::{HoldSpan, Reading, may_read, sunset};

/// A failure of the archive as a problem: 503 where trying again can help, 410 where the key is gone, else 500.
pub(super) fn failed(error: impl Into<ArchiveError>) -> Problem {
    let error = error.into();
    match error.code() {
        _ if error.is_unavailable() => Problem::unavailable(&error, 1),
        "gone" | "key-gone" => Problem::new(Code::Expired),
        _ => Problem::internal(&error),
    }
}

fn holds(row: &RecordingRow) -> Vec<HoldSpan> {
    row.held_since.iter().map(|since| HoldSpan { since: *since, released_at: None }).collect()
}

/// What stands between a caller and a recording whose row is there. Pure.
fn judge(row: &RecordingRow, caller: &Caller, now: Timestamp) -> Result<(), Code> {
    let view = caller.view();
    // The agent is sealed; none of the roles that get here is limited to one.
    if !view.admits(row.status, &row.account_id, None) {
        return Err(Code::NotFound);
    }
    let open = may_read(row.expires_at, now, &holds(row), view.held_past_deadline) == Reading::Open;
    if open && row.stage == Stage::Live { Ok(()) } else { Err(Code::Expired) }
}

/// The recording's row, if the caller reaches it now.
pub(super) async fn reach(archive: &Archive, caller: &Caller, id: RecordingId) -> Result<RecordingRow, Problem> {
    if let Some(row) = archive.catalog.recording(id).await.map_err(failed)? {
        judge(&row, caller, archive.clock.now())?;
        return Ok(row);
    }
    let purged = archive.catalog.purge_of(id).await.map_err(failed)?.is_some();
    Err(Problem::new(if purged { Code::Expired } else { Code::NotFound }))
}

/// Adds `Sunset` (RFC 8594), unless a hold keeps the recording and the caller may know of it.
pub(super) fn with_sunset(mut response: Response, row: &RecordingRow, caller: &Caller, now: Timestamp) -> Response {
    let date = sunset(row.expires_at, now, &holds(row), caller.view().held);
    if let Some(date) = date.and_then(|date| HeaderValue::try_from(date).ok()) {
        response.headers_mut().insert("sunset", date);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use uuid::Uuid;

    use super::*;
    use crate::access::Role;
    use crate::recording::Status;

    const DEADLINE: Timestamp = Timestamp::from_micros(1_000);

    fn row(status: Status, held_since: Option<i64>, stage: Stage) -> RecordingRow {
        RecordingRow {
            id: RecordingId(Uuid::nil()),
            account_id: "A".into(),
            product: None,
            language: None,
            recorded_at: Timestamp::from_micros(0),
            received_at: Timestamp::from_micros(0),
            expires_at: DEADLINE,
            month: "1970-01".parse().unwrap(),
            rule: String::new(),
            status,
            stage,
            byte_len: 0,
            duration_ms: 0,
            ingested_by: String::new(),
            revision: 1,
            sealed: vec![],
            sealed_receipt: vec![],
            wrapped: None,
            held_since: held_since.map(Timestamp::from_micros),
        }
    }

    fn caller(role: Role) -> Caller {
        let address = IpAddr::from([192, 0, 2, 7]);
        Caller { token_id: Uuid::nil(), owner: "x".into(), role, accounts: vec![], agent: None, address }
    }

    #[test]
    fn the_deadline_closes_at_its_very_instant_but_for_legal_on_what_was_held_before() {
        let at = Timestamp::from_micros;
        for (role, held_since, now, open) in [
            (Role::Auditor, None, 999, true),
            (Role::Auditor, None, 1_000, false),
            (Role::Auditor, Some(1), 1_000, false),
            (Role::Privacy, Some(1), 1_000, false),
            (Role::Legal, None, 1_000, false),
            (Role::Legal, Some(999), 1_000, true),
            (Role::Legal, Some(1_000), 1_000, false),
        ] {
            let answer = judge(&row(Status::Accepted, held_since, Stage::Live), &caller(role), at(now));
            assert_eq!(answer, if open { Ok(()) } else { Err(Code::Expired) }, "{role} {held_since:?} {now}");
        }
        let fenced = row(Status::Accepted, Some(1), Stage::Fenced);
        assert_eq!(judge(&fenced, &caller(Role::Legal), at(1_000)), Err(Code::Expired));
    }

    #[test]
    fn out_of_scope_is_not_found_while_the_row_is_there() {
        let now = Timestamp::from_micros(5_000);
        let accepted = row(Status::Accepted, None, Stage::Live);
        assert_eq!(judge(&accepted, &caller(Role::Operator), now), Err(Code::NotFound));
        assert_eq!(judge(&accepted, &caller(Role::Rep), now), Err(Code::NotFound));
        let quarantined = row(Status::Quarantined, None, Stage::Live);
        assert_eq!(judge(&quarantined, &caller(Role::Operator), Timestamp::from_micros(1)), Ok(()));
    }
}
