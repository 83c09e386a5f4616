//! What the service's answers mean.

use std::io;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::vault::objects::StoreError;

/// An answer that is an error, as far as we tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No such object, version or upload.
    Missing,
    /// No such bucket.
    NoBucket,
    /// A condition of ours does not hold: there is an object already.
    Precondition,
    /// Another write of the same object is under way.
    Conflict,
    /// Not allowed: missing rights, or a lock.
    Denied,
    /// No room left.
    Full,
    /// The range is not inside the object.
    Range,
    /// The request is not one that this store takes.
    Invalid,
    /// The store does not know the operation, or the bucket is not set up for it.
    Unsupported,
    /// Everything else, and no answer at all.
    Other,
}

/// What an error is.
pub(super) fn refusal<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Refusal {
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    of(error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or(""), status)
}

/// What an error's code, and its status where there is one, mean.
pub(super) fn of(code: &str, status: u16) -> Refusal {
    match (code, status) {
        ("NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" | "NotFound", _) => Refusal::Missing,
        ("NoSuchBucket", _) => Refusal::NoBucket,
        ("PreconditionFailed", _) | (_, 412) => Refusal::Precondition,
        ("ConditionalRequestConflict" | "OperationAborted", _) => Refusal::Conflict,
        ("QuotaExceeded" | "InsufficientStorage" | "XMinioStorageFull" | "EntityTooLarge.Quota", _) | (_, 507) => {
            Refusal::Full
        }
        ("InvalidRange", _) | (_, 416) => Refusal::Range,
        // Stores call "there is no lock here" by several names, of which AWS has one for each question.
        (
            "ObjectLockConfigurationNotFoundError"
            | "NoSuchObjectLockConfiguration"
            | "NotImplemented"
            | "MethodNotAllowed"
            | "NoSuchLifecycleConfiguration",
            _,
        )
        | (_, 405 | 501) => Refusal::Unsupported,
        // Credentials that are over are told with the status of a malformed request, and say nothing of the bucket.
        (_, 401 | 403)
        | ("AccessDenied" | "ObjectLocked" | "ExpiredToken" | "ExpiredTokenException" | "RequestExpired", _)
        | ("InvalidToken" | "TokenRefreshRequired" | "AuthorizationHeaderMalformed", _) => Refusal::Denied,
        // A body that came too slowly, or not whole.
        ("RequestTimeout" | "IncompleteBody", _) => Refusal::Other,
        ("", 404) => Refusal::Missing,
        ("", 409) => Refusal::Conflict,
        (_, 400) => Refusal::Invalid,
        _ => Refusal::Other,
    }
}

/// Whether a code says that the store could not do it now, and nothing of whether it would.
pub(super) fn is_busy(code: &str) -> bool {
    matches!(code, "" | "InternalError" | "ServiceUnavailable" | "SlowDown") || of(code, 0) == Refusal::Conflict
}

/// An error as the contract's.
pub(super) fn failed<E>(error: SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match refusal(&error) {
        Refusal::Missing => StoreError::NotFound,
        Refusal::Precondition => StoreError::AlreadyExists,
        Refusal::Full => StoreError::Full,
        Refusal::Range => StoreError::RangeOutside,
        Refusal::Denied => denied(error.as_service_error().and_then(ProvideErrorMetadata::code)),
        Refusal::NoBucket => no_bucket(),
        _ => unavailable(describe(&error)),
    }
}

/// What is told of an error: code and status, not what the store wrote.
fn describe<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match (error.as_service_error().and_then(ProvideErrorMetadata::code), error.raw_response()) {
        (code, Some(response)) => {
            format!("it answers {} {}", response.status().as_u16(), code.unwrap_or("without saying why"))
        }
        _ => DisplayErrorContext(error).to_string(),
    }
}

/// A store that does not do what it should.
pub(super) fn unavailable(text: impl Into<String>) -> StoreError {
    StoreError::Unavailable(io::Error::other(text.into()))
}

/// Rights are missing, or the credentials are wrong.
pub(super) fn denied(code: Option<&str>) -> StoreError {
    unavailable(format!("the store refuses access ({})", code.unwrap_or("no reason given")))
}

/// The bucket is away: what is in it is not "gone".
pub(super) fn no_bucket() -> StoreError {
    unavailable("the bucket does not exist")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        for (code, status, meaning) in [
            ("NoSuchKey", 404, Refusal::Missing),
            ("", 404, Refusal::Missing),
            ("NoSuchBucket", 404, Refusal::NoBucket),
            ("PreconditionFailed", 412, Refusal::Precondition),
            ("", 412, Refusal::Precondition),
            ("ConditionalRequestConflict", 409, Refusal::Conflict),
            ("AccessDenied", 403, Refusal::Denied),
            ("SignatureDoesNotMatch", 403, Refusal::Denied),
            ("AccessDenied", 0, Refusal::Denied),
            ("QuotaExceeded", 403, Refusal::Full),
            ("", 507, Refusal::Full),
            ("InvalidRange", 416, Refusal::Range),
            ("ObjectLockConfigurationNotFoundError", 404, Refusal::Unsupported),
            ("NotImplemented", 501, Refusal::Unsupported),
            ("InvalidRequest", 400, Refusal::Invalid),
            ("ExpiredToken", 400, Refusal::Denied),
            ("TokenRefreshRequired", 400, Refusal::Denied),
            ("RequestTimeout", 400, Refusal::Other),
            ("SlowDown", 503, Refusal::Other),
            ("", 0, Refusal::Other),
        ] {
            assert_eq!(of(code, status), meaning, "{code} {status}");
        }
    }
}
