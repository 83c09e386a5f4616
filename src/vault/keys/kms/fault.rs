//! What the errors of AWS KMS mean.

use std::io;

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

use crate::vault::keys::{KeyError, KeyName};

/// Why KMS did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no such key or alias.
    NoKey,
    /// The key is in a state that does not allow it: to be deleted, disabled …
    State,
    /// What was to be decrypted is not what this key encrypted in this context.
    Ciphertext,
    /// The alias is taken.
    Taken,
    /// Anything else: why, for the operator.
    Unavailable(String),
}

impl Fault {
    pub(super) fn about(self, name: &KeyName) -> KeyError {
        match self {
            Self::NoKey => KeyError::Gone(*name),
            Self::Ciphertext => KeyError::Corrupt(*name),
            Self::State => unavailable("the key at AWS KMS is disabled, or in another state that forbids its use"),
            Self::Taken => unavailable("the alias at AWS KMS is taken"),
            Self::Unavailable(why) => unavailable(&why),
        }
    }
}

pub(super) fn unavailable(why: &str) -> KeyError {
    KeyError::Unavailable(io::Error::other(why.to_owned()))
}

/// Reads an error by its name: the names are the same for all operations.
pub(super) fn read<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> Fault {
    let SdkError::ServiceError(answered) = &error else {
        return Fault::Unavailable(unanswered(&error).to_owned());
    };
    match answered.err().code() {
        Some(code) => of_code(code),
        None => Fault::Unavailable("AWS KMS answered with an error that has no name".to_owned()),
    }
}

fn unanswered<E, R>(error: &SdkError<E, R>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "AWS KMS does not answer in time",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "AWS KMS does not answer in time",
        SdkError::DispatchFailure(failure) if failure.is_io() => "AWS KMS cannot be reached",
        SdkError::DispatchFailure(_) => "AWS KMS cannot be asked: no credentials, or no way to it",
        SdkError::ResponseError(_) => "the answer is not that of AWS KMS",
        _ => "AWS KMS cannot be asked: is a region configured?",
    }
}

fn of_code(code: &str) -> Fault {
    match code {
        "NotFoundException" => Fault::NoKey,
        "KMSInvalidStateException" | "DisabledException" => Fault::State,
        "InvalidCiphertextException" | "IncorrectKeyException" | "InvalidKeyUsageException" => Fault::Ciphertext,
        "AlreadyExistsException" => Fault::Taken,
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "InvalidSignatureException" => Fault::Unavailable(format!("AWS KMS refuses the credentials ({code})")),
        code => Fault::Unavailable(format!("AWS KMS answered {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_key_is_gone_and_only_a_bad_ciphertext_is_corrupt() {
        assert_eq!(of_code("NotFoundException"), Fault::NoKey);
        for code in ["InvalidCiphertextException", "IncorrectKeyException"] {
            assert_eq!(of_code(code), Fault::Ciphertext);
        }
        let name = KeyName::Installation;
        for code in [
            "AccessDeniedException",
            "ThrottlingException",
            "KMSInternalException",
            "DependencyTimeoutException",
            "KeyUnavailableException",
            "DisabledException",
            "KMSInvalidStateException",
            "LimitExceededException",
            "NewException",
        ] {
            assert_eq!(of_code(code).about(&name).code(), "key-provider-unavailable", "{code}");
        }
    }
}
