//! Canonical JSON (RFC 8785), for what is hashed or signed: one value has one text.
//!
//! Whole numbers only, within ±(2^53 − 1): RFC 8785 writes numbers as IEEE doubles, and beyond that two numbers
//! share a text; and fractions are where implementations of other languages differ first.

use serde::Serialize;
use serde_json::Value;

use super::LedgerError;

/// 2^53 − 1, the largest whole number that every JSON reader keeps exactly (RFC 7493 section 2.2).
pub const LARGEST_NUMBER: u64 = (1 << 53) - 1;

/// The canonical text of a value. Errors with [`LedgerError::Canonical`] on fractions and large numbers.
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, LedgerError> {
    let value = serde_json::to_value(value).map_err(|_| LedgerError::Canonical("cannot be written as JSON"))?;
    check_numbers(&value)?;
    serde_json_canonicalizer::to_vec(&value).map_err(|_| LedgerError::Canonical("cannot be written as JSON"))
}

/// Reads a value whose text must be the canonical one to the last byte. That excludes members given twice, white
/// space, other orders and other escapes.
pub fn parse(bytes: &[u8]) -> Result<Value, LedgerError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| LedgerError::Canonical("not JSON"))?;
    if to_bytes(&value)? != bytes {
        return Err(LedgerError::Canonical("not the one canonical text of its content (RFC 8785)"));
    }
    Ok(value)
}

fn check_numbers(value: &Value) -> Result<(), LedgerError> {
    match value {
        Value::Number(number) => {
            let magnitude = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64());
            match magnitude {
                Some(magnitude) if magnitude <= LARGEST_NUMBER => Ok(()),
                _ => Err(LedgerError::Canonical("a number that is not whole, or is beyond 2^53 - 1")),
            }
        }
        Value::Array(items) => items.iter().try_for_each(check_numbers),
        Value::Object(members) => members.values().try_for_each(check_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_the_order_of_utf_16_and_text_is_escaped_minimally() {
        // U+1F600 is a surrogate pair from 0xD83D on, so it stands before U+FB33: the example of RFC 8785 3.2.3.
        let value = serde_json::json!({"\u{fb33}": 1, "\u{1f600}": 2, "b/": "\u{7}\n\"é", "a": [true, null]});
        let text = "{\"a\":[true,null],\"b/\":\"\\u0007\\n\\\"é\",\"\u{1f600}\":2,\"\u{fb33}\":1}";
        assert_eq!(String::from_utf8(to_bytes(&value).unwrap()).unwrap(), text);
        assert_eq!(parse(text.as_bytes()).unwrap(), value);
    }

    #[test]
    fn any_other_text_of_the_same_content_is_refused() {
        assert!(parse(br#"{"a":1,"b":2}"#).is_ok());
        for text in [
            r#"{"b":2,"a":1}"#,
            r#"{"a":1, "b":2}"#,
            r#"{"a":1,"a":1,"b":2}"#,
            r#"{"a":2,"a":1,"b":2}"#,
            r#"{"a":1,"b":2} "#,
            r#"{"a":1,"b":2e0}"#,
            r#"{"a":1,"b":2.5}"#,
            r#"{"a":1,"b":-0}"#,
            r#"{"a":1,"b":9007199254740992}"#,
            r#"{"a":1,"b":1e400}"#,
            r#"{"\u0061":1,"b":2}"#,
            "",
        ] {
            assert!(matches!(parse(text.as_bytes()), Err(LedgerError::Canonical(_))), "{text}");
        }
    }

    #[test]
    fn a_deep_nest_is_refused_not_followed() {
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
    }
}
