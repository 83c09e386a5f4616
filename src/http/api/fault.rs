//! Errors of the archive as problems, in one place.

use axum::http::HeaderValue;
use axum::http::header::RETRY_AFTER;

use crate::archive::ArchiveError;
use crate::evidence::EvidenceError;
use crate::find::FindError;
use crate::find::related::MAX_RELATED_ITEMS;
use crate::hold::HoldError;
use crate::http::codes::Code;
use crate::http::problem::{Problem, log_cause};
use crate::receive::ReceiveError;
use crate::receive::metadata::FieldProblem;
use crate::receive::vcon::{FetchError, VconError};
use crate::retention::RecordedAtError;

/// In how many seconds a client may try again when a part of the archive does not answer.
const RETRY_AFTER_S: u32 = 5;

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        match error.code() {
            "key-provider-unavailable" => Self::unavailable_for(Code::KeyProviderUnavailable, &error, RETRY_AFTER_S),
            _ if error.is_unavailable() => Self::unavailable(&error, RETRY_AFTER_S),
            "gone" | "key-gone" => Self::new(Code::Expired),
            "store-full" => {
                log_cause(Code::StorageFull, &error);
                Self::new(Code::StorageFull)
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<FindError> for Problem {
    fn from(error: FindError) -> Self {
        match error {
            FindError::NotFound | FindError::OutOfScope => Self::new(Code::NotFound),
            FindError::Gone => Self::new(Code::Expired),
            FindError::Erased => Self::new(Code::Erased),
            FindError::NotDecodable => Self::new(Code::NotDecodable),
            FindError::Busy => Self::new(Code::TooManyRequests).header(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S)),
            FindError::TooManyRelated => Self::new(Code::TooManyRelated)
                .detail(format!("a recording has at most {MAX_RELATED_ITEMS} pieces of related data; replace one"))
                .member("limit", MAX_RELATED_ITEMS),
            FindError::Archive(error) => error.into(),
        }
    }
}

impl From<VconError> for Problem {
    fn from(error: VconError) -> Self {
        match error {
            VconError::Invalid(problems) => Self::fields(Code::InvalidVcon, problems),
            VconError::Unsupported(problem) => Self::fields(Code::UnsupportedVcon, vec![problem]),
            VconError::Signature(why) => Self::new(Code::InvalidSignature).detail(why),
            VconError::Metadata(error) => error.into(),
            VconError::TooMuch { limit_bytes } => {
                Self::new(Code::TooLarge).detail(&error).member("limit_bytes", limit_bytes)
            }
            VconError::Fetch(FetchError::NotAllowed) => Self::new(Code::MediaHostNotAllowed),
            VconError::Fetch(FetchError::Unavailable) => Self::new(Code::MediaUnavailable),
            VconError::Fetch(FetchError::Spool(error)) | VconError::Spool(error) => error.into(),
        }
    }
}

impl From<HoldError> for Problem {
    fn from(error: HoldError) -> Self {
        match &error {
            HoldError::NotFound | HoldError::NoCase => Self::new(Code::NotFound),
            HoldError::TooLate => Self::new(Code::Expired),
            HoldError::CaseClosed => Self::new(Code::CaseClosed),
            HoldError::StillHolds => Self::new(Code::CaseInForce),
            HoldError::NoRelease => Self::new(Code::NotFound),
            HoldError::NothingHeld => Self::new(Code::NothingHeld),
            HoldError::SecondPerson => Self::new(Code::SecondPersonRequired),
            HoldError::Decided => Self::new(Code::ReleaseDecided),
            HoldError::TooManyFound(most) => Self::new(Code::TooManyFound).detail(&error).member("limit", *most),
            HoldError::RuleEnded | HoldError::Conflict => Self::new(Code::Conflict).detail(&error),
            HoldError::TooMany(_, most) => Self::new(Code::TooMany).detail(&error).member("limit", *most),
            HoldError::Archive(_) => match error {
                HoldError::Archive(error) => error.into(),
                other => Self::internal(&other),
            },
        }
    }
}

impl From<EvidenceError> for Problem {
    fn from(error: EvidenceError) -> Self {
        match error {
            EvidenceError::Nothing => Self::new(Code::NothingToHandOver),
            EvidenceError::TooMany(most) => Self::new(Code::TooMany).detail(&error).member("limit", most),
            EvidenceError::Case(error) => error.into(),
            EvidenceError::Recording(error) => error.into(),
            EvidenceError::Archive(error) => error.into(),
            EvidenceError::NotPublished => Self::unavailable(&error, RETRY_AFTER_S),
            other => Self::internal(&other),
        }
    }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::RecordedAt(RecordedAtError::Future) => {
                Self::new(Code::RecordedInFuture).detail("`recorded_at` is more than 5 minutes in the future")
            }
            ReceiveError::RecordedAt(RecordedAtError::AlreadyPast) | ReceiveError::AlreadyPast => {
                Self::new(Code::PastDeadline)
            }
            ReceiveError::RecordedAt(RecordedAtError::BeyondCalendar(_)) => {
                let problem = FieldProblem::new("recorded_at", "out-of-range", "its deadline is beyond the calendar");
                Self::fields(Code::InvalidMetadata, vec![problem])
            }
            ReceiveError::Erased => Self::new(Code::Erased),
            ReceiveError::NotAudio => Self::new(Code::NotAudio),
            ReceiveError::CallExists => Self::new(Code::CallExists),
            ReceiveError::MetadataMismatch => Self::new(Code::MetadataMismatch),
            ReceiveError::Archive(error) => error.into(),
            // The same upload again gives the receipt, or takes it in: either way nothing is stored twice.
            ReceiveError::Uncertain(_) | ReceiveError::Overtaken(_) => Self::unavailable(&error, RETRY_AFTER_S),
            ReceiveError::Unguarded(_) => Self::unavailable(&error, RETRY_AFTER_S)
                .detail("the recording is kept, but the store did not confirm its lock: send the same upload again"),
            ReceiveError::Spool(io) => crate::receive::spool::SpoolError::from(io).into(),
        }
    }
}
