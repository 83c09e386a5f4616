//! One recording for one caller, and what stands in the way as a problem.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::access::{Caller, Purpose};
use crate::archive::Archive;
use crate::clock::Timestamp;
use crate::find::{FindError, Opened, Reader, Sight, look_up};
use crate::http::codes::Code;
use crate::http::problem::Problem;
use crate::recording::RecordingId;
use crate::retention::sunset;

const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// What stands in the way as a problem: 503 where trying again can help.
pub(super) fn failed(error: impl Into<FindError>) -> Problem {
    match error.into() {
        FindError::NotFound | FindError::OutOfScope => Problem::new(Code::NotFound),
        FindError::Gone => Problem::new(Code::Expired),
        FindError::Archive(error) if error.is_unavailable() => Problem::unavailable(&error, 1),
        error => Problem::internal(&error),
    }
}

/// The caller as somebody who reads.
pub(super) fn reader(caller: &Caller, purpose: Option<&Purpose>) -> Reader {
    Reader { actor: caller.actor(), view: caller.view(), purpose: purpose.map(|purpose| purpose.as_str().to_owned()) }
}

/// The recording, if the caller reaches it now.
pub(super) async fn reach(archive: &Archive, caller: &Caller, id: RecordingId) -> Result<Opened, Problem> {
    look_up(archive, id, Sight::View(&caller.view())).await.map_err(failed)
}

/// Adds `Sunset` (RFC 8594), unless a hold keeps the recording and the caller may know of it.
pub(super) fn with_sunset(mut response: Response, opened: &Opened, caller: &Caller, now: Timestamp) -> Response {
    let date = sunset(opened.row.expires_at, now, &opened.holds(), caller.view().held);
    if let Some(date) = date.and_then(|date| HeaderValue::try_from(date).ok()) {
        response.headers_mut().insert(SUNSET, date);
    }
    response
}
