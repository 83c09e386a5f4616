//! The body of `POST /v1/recordings`: one part `metadata`, one part `audio`, in either order, read as a stream.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Request};
use multer::{Field, Multipart};
use tokio::time::{Instant, timeout_at};

use crate::http::codes::Code;
use crate::http::problem::{Problem, log_cause};
use crate::http::state::HttpSettings;
use crate::http::upload::{BodyFault, Upload};
use crate::receive::metadata;
use crate::receive::spool::{Spool, SpooledAudio};
use crate::recording::Metadata;

/// What the two parts cost beyond their content: boundaries and part headers.
const FRAMING_BYTES: u64 = 64 * 1024;

/// An upload that was received whole and whose metadata follows the rules.
#[derive(Debug)]
pub struct Received {
    /// What the product says.
    pub metadata: Metadata,
    /// The bytes, not yet looked at.
    pub audio: SpooledAudio,
}

/// Reads an upload. Memory stays bounded whatever the client does; nothing is left behind when it fails.
///
/// A failure is answered at once. What the client is still sending is then read and dropped for a while, because a
/// connection that is reset would take the answer with it.
pub async fn receive(request: Request<Body>, settings: &HttpSettings) -> Result<Received, Problem> {
    let (parts, body) = request.into_parts();
    let mut upload = Upload::new(body);
    let outcome = match check_head(&parts.headers, settings) {
        Ok(boundary) => read(&mut upload, boundary, settings).await,
        Err(problem) => Err(problem),
    };
    if outcome.is_err() {
        upload.drop_the_rest();
    }
    outcome
}

/// The boundary (RFC 7578 section 4.1), when the head promises a body that can be taken.
fn check_head(headers: &HeaderMap, settings: &HttpSettings) -> Result<String, Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind)
        .map_err(|_| Problem::new(Code::UnsupportedMediaType).detail("send multipart/form-data with its boundary"))?;
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let most = settings.max_upload_bytes.saturating_add(settings.max_metadata_bytes).saturating_add(FRAMING_BYTES);
    if length.is_some_and(|length| length > most) {
        return Err(too_large("the body", settings.max_upload_bytes));
    }
    Ok(boundary)
}

fn too_large(what: &str, limit_bytes: u64) -> Problem {
    let detail = format!("{what} is larger than {limit_bytes} bytes");
    Problem::new(Code::TooLarge).detail(detail).member("limit_bytes", limit_bytes)
}

async fn read(upload: &mut Upload, boundary: String, settings: &HttpSettings) -> Result<Received, Problem> {
    let patience = Patience { end: Instant::now() + settings.upload_time_limit, idle: settings.upload_idle_limit };
    let head_guard = upload.head_guard();
    let mut multipart = Multipart::new(upload, boundary);
    let (mut metadata, mut audio) = (None, None);
    let mut parts = 0;
    loop {
        head_guard.expect_head();
        let Some(field) = patience.wait(multipart.next_field()).await? else { break };
        head_guard.expect_content();
        parts += 1;
        if parts > settings.max_parts {
            return Err(Problem::new(Code::InvalidMultipart).detail("there are more parts than allowed"));
        }
        match field.name() {
            Some("metadata") if metadata.is_none() => {
                let bytes = read_metadata(field, settings.max_metadata_bytes, &patience).await?;
                metadata = Some(metadata::parse(&bytes)?);
            }
            Some("audio") if audio.is_none() => audio = Some(read_audio(field, settings, &patience).await?),
            Some("metadata" | "audio") => return Err(Code::DuplicatePart.into()),
            _ => return Err(Problem::new(Code::UnknownPart).detail("the parts are `metadata` and `audio`")),
        }
    }
    let missing = |name: &str| Problem::new(Code::MissingPart).detail(format!("there is no part `{name}`"));
    let metadata = metadata.ok_or_else(|| missing("metadata"))?;
    let audio = audio.ok_or_else(|| missing("audio"))?;
    Ok(Received { metadata, audio })
}

async fn read_metadata(mut field: Field<'_>, limit_bytes: u64, patience: &Patience) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = patience.wait(field.chunk()).await? {
        if bytes.len() as u64 + chunk.len() as u64 > limit_bytes {
            return Err(too_large("the part `metadata`", limit_bytes));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn read_audio(
    mut field: Field<'_>,
    settings: &HttpSettings,
    patience: &Patience,
) -> Result<SpooledAudio, Problem> {
    let mut spool = Spool::create(&settings.spool_folder, settings.max_upload_bytes).await?;
    while let Some(chunk) = patience.wait(field.chunk()).await? {
        spool.write(&chunk).await?;
    }
    Ok(spool.finish().await?)
}

/// How long a client is waited for.
struct Patience {
    /// The end of the whole upload.
    end: Instant,
    /// The longest pause.
    idle: Duration,
}

impl Patience {
    async fn wait<T>(&self, next: impl Future<Output = multer::Result<T>>) -> Result<T, Problem> {
        let pause_ends = Instant::now() + self.idle;
        match timeout_at(pause_ends.min(self.end), next).await {
            Ok(read) => read.map_err(|error| problem_of(&error)),
            Err(_) if pause_ends < self.end => {
                Err(Problem::new(Code::UploadTimeout).detail("nothing came for too long"))
            }
            Err(_) => Err(Code::UploadTimeout.into()),
        }
    }
}

fn problem_of(error: &multer::Error) -> Problem {
    let detail = match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast_ref::<BodyFault>() {
            Some(BodyFault::HeadTooLong) => "a part's head is too long",
            _ => "the body broke off",
        },
        multer::Error::IncompleteStream | multer::Error::IncompleteFieldData { .. } => {
            "the body ends before its last boundary"
        }
        multer::Error::LockFailure => {
            log_cause(Code::Internal, error);
            return Code::Internal.into();
        }
        _ => "a part's head is not well-formed",
    };
    Problem::new(Code::InvalidMultipart).detail(detail)
}

#[cfg(test)]
#[path = "multipart_tests.rs"]
mod tests;
