//! Every problem that a client can meet, in one table.

use axum::http::StatusCode;

macro_rules! codes {
    ($($name:ident $code:literal $status:ident $title:literal)*) => {
        /// A problem's stable name: clients may branch on it, so it never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $code, "`: ", $title, ".")] $name,)*
        }

        impl Code {
            /// The whole table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in the member `code` and at the end of `type`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The status with which it is answered.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),* }
            }

            /// The problem in a few words; the same in every answer (RFC 9457 section 3.1.3).
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
        }
    };
}

codes! {
    BadRequest "bad-request" BAD_REQUEST "The request cannot be understood"
    InvalidJson "invalid-json" BAD_REQUEST "The body is not the JSON that is asked for"
    InvalidQuery "invalid-query" BAD_REQUEST "A query parameter is unknown or has no valid value"
    InvalidCursor "invalid-cursor" BAD_REQUEST "The cursor was not given out by this archive"
    InvalidPurpose "invalid-purpose" BAD_REQUEST "The header Earwitness-Purpose is not valid"
    PurposeRequired "purpose-required" BAD_REQUEST "The header Earwitness-Purpose is required"
    InvalidMultipart "invalid-multipart" BAD_REQUEST "The multipart body is not well-formed"
    MissingPart "missing-part" BAD_REQUEST "The multipart body lacks a part"
    DuplicatePart "duplicate-part" BAD_REQUEST "The multipart body has a part twice"
    UnknownPart "unknown-part" BAD_REQUEST "The multipart body has a part that nobody asked for"
    Unauthorized "unauthorized" UNAUTHORIZED "A valid access token is required"
    Forbidden "forbidden" FORBIDDEN "Your role does not allow this"
    SecondPersonRequired "second-person-required" FORBIDDEN "Another person has to decide this"
    NotFound "not-found" NOT_FOUND "There is no such thing, or it is not yours to see"
    NotDecodable "not-decodable" NOT_FOUND "The recording cannot be decoded: there is no form of it to play, only the original"
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED "This path does not answer this method"
    NotAcceptable "not-acceptable" NOT_ACCEPTABLE "There is no form of it that you accept"
    UploadTimeout "upload-timeout" REQUEST_TIMEOUT "The upload took too long"
    Conflict "conflict" CONFLICT "This contradicts the present state"
    CallExists "call-exists" CONFLICT "The call is archived with other audio"
    MetadataMismatch "metadata-mismatch" CONFLICT "The call is archived with other metadata"
    RelatedExists "related-exists" CONFLICT "Related data of this name is archived with other content"
    TooManyRelated "too-many-related" CONFLICT "The recording has as much related data as it may have"
    AlreadyDecided "already-decided" CONFLICT "A decision on this recording was taken before"
    AccountMerged "account-merged" CONFLICT "The account was merged into another"
    CaseClosed "case-closed" CONFLICT "The case is closed"
    CaseInForce "case-in-force" CONFLICT "A hold, a rule or a release of the case is still in force"
    NothingToHandOver "nothing-to-hand-over" CONFLICT "The case holds no recording, and none was named"
    NothingHeld "nothing-held" CONFLICT "Nothing that is in force would be let go of"
    ReleaseDecided "release-decided" CONFLICT "A decision on this release was taken before"
    TooManyFound "too-many-found" CONFLICT "More recordings than one request may hold"
    TooMany "too-many" CONFLICT "There are as many as there may be"
    RecordingHeld "recording-held" CONFLICT "The recording is on legal hold"
    Expired "expired" GONE "The retention period is over"
    Erased "erased" GONE "It was erased by a decision"
    TooLarge "too-large" PAYLOAD_TOO_LARGE "The body is larger than allowed"
    UnsupportedMediaType "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The body's media type is not one that is taken here"
    NotAudio "not-audio" UNSUPPORTED_MEDIA_TYPE "The audio part is not audio"
    RangeNotSatisfiable "range-not-satisfiable" RANGE_NOT_SATISFIABLE "The range lies outside the content"
    InvalidMetadata "invalid-metadata" UNPROCESSABLE_ENTITY "The metadata cannot be taken"
    InvalidVcon "invalid-vcon" UNPROCESSABLE_ENTITY "The body is not a vCon of draft-ietf-vcon-vcon-core"
    UnsupportedVcon "unsupported-vcon" UNPROCESSABLE_ENTITY "The vCon says something that the archive does not take"
    InvalidSignature "invalid-signature" UNPROCESSABLE_ENTITY "The signature of the vCon does not hold"
    MediaHostNotAllowed "media-host-not-allowed" UNPROCESSABLE_ENTITY "The vCon refers to audio at an address from which nothing is fetched"
    MediaUnavailable "media-unavailable" UNPROCESSABLE_ENTITY "The audio that the vCon refers to could not be fetched"
    InvalidBody "invalid-body" UNPROCESSABLE_ENTITY "The body's content cannot be taken"
    RecordedInFuture "recorded-in-future" UNPROCESSABLE_ENTITY "The recording lies in the future"
    PastDeadline "past-deadline" UNPROCESSABLE_ENTITY "The retention period was over before the recording arrived"
    TooManyRequests "too-many-requests" TOO_MANY_REQUESTS "Too many requests at once"
    HeadersTooLarge "headers-too-large" REQUEST_HEADER_FIELDS_TOO_LARGE "The request's head is too large"
    Internal "internal" INTERNAL_SERVER_ERROR "The archive failed; the request id tells the operator where"
    Unavailable "unavailable" SERVICE_UNAVAILABLE "The archive cannot answer at the moment"
    KeyProviderUnavailable "key-provider-unavailable" SERVICE_UNAVAILABLE "The key server cannot be asked, and what this needs is not in memory"
    StorageFull "storage-full" INSUFFICIENT_STORAGE "The archive has no room left"
}

impl Code {
    /// The code with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// The general code of a status, for answers that came without a problem of their own.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::NOT_ACCEPTABLE => Self::NotAcceptable,
            StatusCode::REQUEST_TIMEOUT => Self::UploadTimeout,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::GONE => Self::Expired,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::RANGE_NOT_SATISFIABLE => Self::RangeNotSatisfiable,
            StatusCode::UNPROCESSABLE_ENTITY => Self::InvalidBody,
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::HeadersTooLarge,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            StatusCode::INSUFFICIENT_STORAGE => Self::StorageFull,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_code_is_one_plain_word_and_an_error() {
        let names: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{code:?}");
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
            assert_eq!(Code::from_name(code.as_str()), Some(*code));
        }
    }

    #[test]
    fn a_status_finds_a_code_of_the_same_status() {
        for code in Code::ALL {
            assert_eq!(Code::of_status(code.status()).status(), code.status(), "{code:?}");
        }
        assert_eq!(Code::of_status(StatusCode::IM_A_TEAPOT), Code::BadRequest);
        assert_eq!(Code::of_status(StatusCode::BAD_GATEWAY), Code::Internal);
    }
}
