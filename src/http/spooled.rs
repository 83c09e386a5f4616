//! A whole body in an unlinked temporary file: memory stays bounded however many come at once.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use futures::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use crate::http::codes::Code;
use crate::http::problem::Problem;
use crate::http::state::HttpSettings;
use crate::http::upload::Upload;
use crate::receive::spool::{Spool, SpoolError, SpooledAudio};

/// Reads the body, of at most `limit_bytes`. `what` it is stands in the problem of a larger one.
pub(super) async fn spool(
    headers: &HeaderMap,
    body: &mut Upload,
    settings: &HttpSettings,
    limit_bytes: u64,
    what: &str,
) -> Result<SpooledAudio, Problem> {
    let too_large = || {
        let detail = format!("{what} are larger than {limit_bytes} bytes");
        Problem::new(Code::TooLarge).detail(detail).member("limit_bytes", limit_bytes)
    };
    let stated = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > limit_bytes) {
        return Err(too_large());
    }
    let end = Instant::now() + settings.upload_time_limit;
    let mut spool = Spool::create(&settings.spool_folder, limit_bytes).await?;
    loop {
        let pause_ends = Instant::now() + settings.upload_idle_limit;
        let next = timeout_at(pause_ends.min(end), body.next()).await;
        match next.map_err(|_| Problem::new(Code::UploadTimeout))? {
            None => return Ok(spool.finish().await?),
            Some(Ok(bytes)) => match spool.write(&bytes).await {
                Err(SpoolError::TooLarge { .. }) => return Err(too_large()),
                written => written?,
            },
            Some(Err(_)) => return Err(Problem::new(Code::BadRequest).detail("the body broke off")),
        }
    }
}
