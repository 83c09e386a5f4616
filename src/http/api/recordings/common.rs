//! What the endpoints of one recording share: looking it up, noting the access, the headers of the answer.

use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::find::access::{Action, record_read};
use crate::find::{FindError, Opened, Reader, Sight, look_up};
use crate::http::app::App;
use crate::http::may::{May, keep_refusal};
use crate::http::permission::Permission;
use crate::http::problem::Problem;
use crate::recording::RecordingId;
use crate::retention::sunset;

/// The caller as a reader.
pub(in crate::http::api) fn reader<P>(may: &May<P>) -> Reader {
    Reader::new(may.caller(), may.purpose())
}

/// Looks a recording up; that somebody reached for one that is not theirs is kept.
pub(in crate::http::api) async fn look<P: Permission>(
    app: &App,
    may: &May<P>,
    id: RecordingId,
    sight: Sight<'_>,
) -> Result<Opened, Problem> {
    let found = look_up(app.archive(), id, sight).await;
    if matches!(found, Err(FindError::OutOfScope)) {
        keep_refusal(app, may.caller(), P::NAME, "out-of-scope").await;
    }
    Ok(found?)
}

/// Notes the access. Nothing of the recording leaves unless this succeeded.
pub(in crate::http::api) async fn note(
    app: &App,
    opened: &Opened,
    reader: &Reader,
    action: Action<'_>,
) -> Result<(), Problem> {
    Ok(record_read(app.archive(), opened, reader, action).await?)
}

/// Adds what every answer about a recording carries: that nobody may keep it, and its deadline unless it is held and the
/// reader may know.
pub(in crate::http::api) fn about(
    mut response: Response,
    app: &App,
    opened: &Opened,
    may_know_of_holds: bool,
) -> Response {
    let now = app.archive().clock.now();
    let sunset = sunset(opened.row.expires_at, now, &opened.holds(), may_know_of_holds);
    if let Some(value) = sunset.and_then(|date| HeaderValue::try_from(date).ok()) {
        response.headers_mut().insert(HeaderName::from_static("sunset"), value);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `Content-Disposition` with a plain name (RFC 6266): it lands on people's disks, and says nothing about the call.
pub(in crate::http) fn disposition(response: &mut Response, kind: &str, file_name: &str) {
    if let Ok(value) = HeaderValue::try_from(format!("{kind}; filename=\"{file_name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
}
