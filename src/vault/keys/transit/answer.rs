//! What the key server's answers mean. "Gone" has consequences that nobody takes back, so it is only read from what
//! the transit engine itself says about a key, never from a proxy's 404 or from a mount that is not there.

use reqwest::StatusCode;
use serde::Deserialize;

/// Why the server did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The engine has no key of this name, or, asked for a list, none at all.
    NoKey,
    /// What was to be decrypted is not what this key encrypted for this purpose.
    Ciphertext,
    /// The token may not do that, or is none.
    Denied,
    /// Anything else: why, for the operator.
    Unavailable(String),
}

impl Fault {
    /// Why, where it lies with neither a key nor a ciphertext.
    pub(super) fn told(self) -> String {
        match self {
            Self::Unavailable(why) => why,
            Self::Denied => "the key server refuses the token (403)".to_owned(),
            Self::NoKey | Self::Ciphertext => "the key server's answer makes no sense".to_owned(),
        }
    }
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

/// The longest text of the server's that is repeated in ours.
const MAX_TOLD_CHARS: usize = 200;

const NO_KEY: [&str; 3] = ["encryption key not found", "no existing key named", "could not delete key; not found"];
const NOT_OURS: [&str; 5] = [
    "message authentication failed",
    "invalid ciphertext",
    "missing ciphertext",
    "unable to decrypt",
    "version is too new",
];

/// Reads an answer that is no success.
pub(super) fn read_fault(status: StatusCode, body: &[u8]) -> Fault {
    let told = serde_json::from_slice::<Errors>(body).ok().map(|answer| answer.errors);
    let says = |texts: &[&str]| {
        let told = told.iter().flatten();
        told.into_iter().any(|error| texts.iter().any(|text| error.contains(text)))
    };
    match status.as_u16() {
        404 if told.as_ref().is_some_and(Vec::is_empty) => Fault::NoKey,
        404 if says(&["no handler for route", "unsupported path"]) => {
            Fault::Unavailable("no transit engine is mounted at the configured place".to_owned())
        }
        400 if says(&NO_KEY) => Fault::NoKey,
        400 if says(&NOT_OURS) => Fault::Ciphertext,
        403 => Fault::Denied,
        429 => Fault::Unavailable("the key server limits how often it may be asked (429)".to_owned()),
        503 => Fault::Unavailable("the key server is sealed or not the active one (503)".to_owned()),
        300..400 => Fault::Unavailable("the key server sends us elsewhere, which is not followed".to_owned()),
        code => Fault::Unavailable(format!("the key server answered {code}{}", told_by(told.unwrap_or_default()))),
    }
}

/// Whether asking again in a moment may help.
pub(super) fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// What the server said, short and on one line.
fn told_by(errors: Vec<String>) -> String {
    let text = errors.join("; ");
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TOLD_CHARS);
    if text.is_empty() { String::new() } else { format!(": {}", plain.collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: u16, body: &str) -> Fault {
        read_fault(StatusCode::from_u16(code).unwrap(), body.as_bytes())
    }

    #[test]
    fn only_the_engine_itself_can_say_that_a_key_is_gone() {
        assert_eq!(fault(404, r#"{"errors":[]}"#), Fault::NoKey);
        assert_eq!(fault(400, r#"{"errors":["encryption key not found"]}"#), Fault::NoKey);
        for (code, body) in [
            (404, "<html>not found</html>"),
            (404, ""),
            (404, r#"{"errors":["no handler for route \"t/keys/x\". route entry not found."]}"#),
            (404, r#"{"message":"not found"}"#),
            (503, r#"{"errors":["Vault is sealed"]}"#),
            (307, ""),
            (500, r#"{"errors":[]}"#),
        ] {
            assert!(matches!(fault(code, body), Fault::Unavailable(_)), "{code} {body}");
        }
        assert_eq!(fault(403, r#"{"errors":["encryption key not found"]}"#), Fault::Denied);
    }

    #[test]
    fn what_does_not_decrypt_is_told_from_what_cannot_be_asked() {
        for text in [
            "cipher: message authentication failed",
            "invalid ciphertext: no prefix",
            "invalid ciphertext length",
            "invalid ciphertext: version is too new",
            "missing ciphertext to decrypt",
        ] {
            assert_eq!(fault(400, &format!(r#"{{"errors":["{text}"]}}"#)), Fault::Ciphertext, "{text}");
        }
        // Somebody raised the key's least version: that can be taken back, nothing is damaged.
        let raised = "ciphertext or signature version is disallowed by policy (too old)";
        let told = fault(400, &format!(r#"{{"errors":["{raised}"]}}"#));
        assert!(matches!(&told, Fault::Unavailable(why) if why.contains(raised)), "{told:?}");
    }

    #[test]
    fn what_the_server_says_stays_short_and_on_one_line() {
        let told = fault(500, &format!(r#"{{"errors":["a\nb{}"]}}"#, "x".repeat(900)));
        assert!(matches!(&told, Fault::Unavailable(why) if why.contains("a b") && why.len() < 300), "{told:?}");
    }
}
