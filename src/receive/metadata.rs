//! What the product says about a recording: read from JSON, every problem named at once.

use std::fmt;

use serde::{Serialize, de};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::receive::fields::{Fields, opt};
use crate::recording::{Direction, Language, Metadata, Person};

/// One thing that is wrong with a field. Never quotes the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The field, as a path: `person.name`, `tags[3]`; empty for the document as a whole.
    pub field: String,
    /// A stable word for the problem: `required`, `unknown-field`, `duplicate`, `wrong-type`, `empty`, `too-long`,
    /// `too-many`, `control-character`, `format`, `unknown-value`, `out-of-range`, `not-json`.
    pub code: &'static str,
    /// The rule, in English.
    pub message: String,
}

impl FieldProblem {
    /// A problem of the field at `field`.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }

    /// What is wrong with a text of 1 to `most` characters, of one line or of several. Pure.
    pub fn of_text(field: impl Into<String>, text: &str, most: usize, lines: bool) -> Option<Self> {
        if text.trim().is_empty() {
            Some(Self::new(field, "empty", "must not be empty"))
        } else if text.chars().count() > most {
            Some(Self::new(field, "too-long", format!("must have at most {most} characters")))
        } else if text.chars().any(|c| c.is_control() && !(lines && c == '\n')) {
            Some(Self::new(field, "control-character", "must have no control characters"))
        } else {
            None
        }
    }
}

/// Metadata that cannot be taken: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the metadata has {} problem(s)", .0.len())]
pub struct InvalidMetadata(pub Vec<FieldProblem>);

impl InvalidMetadata {
    /// The stable code that clients see.
    pub fn code(&self) -> &'static str {
        "invalid-metadata"
    }
}

/// The largest whole number that canonical JSON (RFC 8785) can carry exactly: 2^53 - 1.
const MAX_JSON_INTEGER: u64 = 9_007_199_254_740_991;

/// Reads metadata from a JSON object (RFC 8259).
pub fn parse(json: &[u8]) -> Result<Metadata, InvalidMetadata> {
    let (fields, mut twice) = members(json)?;
    match (from_fields(fields), twice.is_empty()) {
        (Ok(metadata), true) => Ok(metadata),
        (Ok(_), false) => Err(InvalidMetadata(twice)),
        (Err(InvalidMetadata(problems)), _) => {
            twice.extend(problems);
            Err(InvalidMetadata(twice))
        }
    }
}

/// The fields of a JSON object that is to be completed from elsewhere.
pub(super) fn fields(json: &[u8]) -> Result<Map<String, Value>, InvalidMetadata> {
    let (fields, twice) = members(json)?;
    if twice.is_empty() { Ok(fields) } else { Err(InvalidMetadata(twice)) }
}

/// The members of a JSON object, and those that stand there twice.
fn members(json: &[u8]) -> Result<(Map<String, Value>, Vec<FieldProblem>), InvalidMetadata> {
    let Pairs(pairs) = serde_json::from_slice(json).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let message = match error.classify() {
            serde_json::error::Category::Data => "must be one JSON object".to_owned(),
            serde_json::error::Category::Eof => format!("the JSON ends too early, at {place}"),
            _ => format!("is not JSON at {place}"),
        };
        InvalidMetadata(vec![FieldProblem::new("", "not-json", message)])
    })?;
    let mut fields = Map::new();
    let mut twice = Vec::new();
    for (name, value) in pairs {
        if fields.contains_key(&name) {
            twice.push(FieldProblem::new(shown(&name), "duplicate", "stands there twice"));
        }
        fields.insert(name, value);
    }
    Ok((fields, twice))
}

/// Reads metadata from fields that were read elsewhere (a manifest). `null` in an optional field is no value.
pub fn from_fields(fields: Map<String, Value>) -> Result<Metadata, InvalidMetadata> {
    let mut f = Fields::new("", fields);
    let call_id = f.text("call_id", 200);
    f.require("call_id", &call_id);
    let account_id = f.text("account_id", 200);
    f.require("account_id", &account_id);
    let recorded_at = f.time("recorded_at");
    f.require("recorded_at", &recorded_at);
    let part = f.integer("part", 9_999).and_then(|part| u32::try_from(part).ok());
    let direction = f.word("direction", &[("inbound", Direction::Inbound), ("outbound", Direction::Outbound)]);
    let language =
        f.word("language", &[("nl", Language::Nl), ("fr", Language::Fr), ("en", Language::En), ("de", Language::De)]);
    let (agent, lead_id) = (f.text("agent", 200), f.text("lead_id", 200));
    let (listing_id, notice) = (f.text("listing_id", 200), f.text("notice", 200));
    let number = f.matching("number", "must be an E.164 number such as +32470123456", is_e164);
    let product = f.matching("product", "must be 1 to 64 of a-z 0-9 . _ -", is_product);
    let sha256 = f.matching("sha256", "must be 64 hexadecimal digits", is_sha256);
    let duration_ms = f.integer("duration_ms", MAX_JSON_INTEGER);
    let tags = f.tags("tags", 32, 64);
    let person = f.object("person").map(|mut p| {
        let person = Person { id: p.text("id", 200), name: p.text("name", 200) };
        f.absorb(p);
        person
    });
    let problems = f.finish();
    match (call_id, account_id, recorded_at) {
        (Some(call_id), Some(account_id), Some(recorded_at)) if problems.is_empty() => Ok(Metadata {
            call_id,
            part: part.unwrap_or(0),
            account_id,
            recorded_at,
            direction,
            agent,
            // A person of whom nothing is said is no person: two uploads that differ in that alone are the same.
            person: opt(person, |p| p.id.is_some() || p.name.is_some()),
            number,
            lead_id,
            listing_id,
            product,
            language,
            notice,
            sha256: sha256.map(|digits| digits.to_ascii_lowercase()),
            duration_ms,
            tags,
        }),
        _ => Err(InvalidMetadata(problems)),
    }
}

/// ITU-T E.164: a plus sign and at most 15 digits, the first of which is not 0.
pub(crate) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
    })
}

/// 1 to 64 of `a-z 0-9 . _ -`.
pub(crate) fn is_product(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A field's name as the client wrote it, cut and without control characters.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// An object's members in their order, repeated ones included.
struct Pairs(Vec<(String, Value)>);

impl<'de> de::Deserialize<'de> for Pairs {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn minimal() -> Value {
        json!({"call_id": "c-1", "account_id": "a-1", "recorded_at": "2026-11-22T10:15:00+01:00"})
    }

    fn with(field: &str, value: Value) -> Vec<(String, &'static str)> {
        let mut document = minimal();
        document[field] = value;
        match parse(document.to_string().as_bytes()) {
            Ok(_) => vec![],
            Err(InvalidMetadata(problems)) => problems.into_iter().map(|p| (p.field, p.code)).collect(),
        }
    }

    fn one(field: &str, code: &'static str) -> Vec<(String, &'static str)> {
        vec![(field.to_owned(), code)]
    }

    #[test]
    fn the_whole_of_it_reads_as_the_nouns_do() {
        let mut document = minimal();
        let rest = json!({"part": 2, "direction": "inbound", "agent": "jan", "person": {"id": "p", "name": "Ann"},
            "number": "+32470123456", "lead_id": "l", "listing_id": "i", "product": "lead-contact", "language": "nl",
            "notice": "1.0", "sha256": "ab".repeat(32), "duration_ms": 61_000, "tags": ["a", "b"]});
        document.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let read = parse(document.to_string().as_bytes()).unwrap();
        assert_eq!(read, serde_json::from_value(document).unwrap());
    }

    #[test]
    fn absent_null_and_empty_person_are_the_same() {
        let mut document = minimal();
        let plain = parse(document.to_string().as_bytes()).unwrap();
        document["agent"] = Value::Null;
        document["person"] = json!({"name": null});
        document["part"] = Value::Null;
        document["tags"] = json!([]);
        assert_eq!(parse(document.to_string().as_bytes()).unwrap(), plain);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let text = r#"{"call_id": "", "recorded_at": "yesterday", "number": "0470", "x": 1, "x": 2, "tags": ["a", 7]}"#;
        let InvalidMetadata(problems) = parse(text.as_bytes()).unwrap_err();
        let mut seen: Vec<_> = problems.iter().map(|p| (p.field.as_str(), p.code)).collect();
        seen.sort_unstable();
        let expected = [
            ("account_id", "required"),
            ("call_id", "empty"),
            ("number", "format"),
            ("recorded_at", "format"),
            ("tags[1]", "wrong-type"),
            ("x", "duplicate"),
            ("x", "unknown-field"),
        ];
        assert_eq!(seen, expected);
        assert!(problems.iter().all(|p| !p.message.contains("0470") && !p.message.contains("yesterday")));
    }

    #[test]
    fn the_rules_of_each_field() {
        assert_eq!(with("call_id", json!("é".repeat(200))), vec![]);
        assert_eq!(with("call_id", json!("é".repeat(201))), one("call_id", "too-long"));
        assert_eq!(with("call_id", json!(7)), one("call_id", "wrong-type"));
        assert_eq!(with("account_id", Value::Null), one("account_id", "required"));
        assert_eq!(with("recorded_at", json!("2026-11-22T10:15:00")), one("recorded_at", "format"));
        assert_eq!(with("agent", json!("a\u{0}b")), one("agent", "control-character"));
        assert_eq!(with("agent", json!("a\nb")), one("agent", "control-character"));
        for bad in ["32470123456", "+0470123456", "+3247012345678901", "+32 470", "+", "+32é"] {
            assert_eq!(with("number", json!(bad)), one("number", "format"), "{bad}");
        }
        assert_eq!(with("product", json!("Lead")), one("product", "format"));
        assert_eq!(with("sha256", json!("zz".repeat(32))), one("sha256", "format"));
        assert_eq!(with("sha256", json!("AB".repeat(32))), vec![]);
        assert_eq!(with("language", json!("es")), one("language", "unknown-value"));
        assert_eq!(with("direction", json!("in")), one("direction", "unknown-value"));
        assert_eq!(with("part", json!(10_000)), one("part", "out-of-range"));
        assert_eq!(with("part", json!(-1)), one("part", "wrong-type"));
        assert_eq!(with("duration_ms", json!(1.5)), one("duration_ms", "wrong-type"));
        assert_eq!(with("duration_ms", json!(1_u64 << 53)), one("duration_ms", "out-of-range"));
        assert_eq!(with("tags", json!(vec!["t"; 33])), one("tags", "too-many"));
        assert_eq!(with("tags", json!(["t".repeat(65)])), one("tags[0]", "too-long"));
        assert_eq!(with("person", json!({"nam": "x"})), one("person.nam", "unknown-field"));
        assert_eq!(with("person", json!("Ann")), one("person", "wrong-type"));
        assert_eq!(with("person", json!({"name": ""})), one("person.name", "empty"));
    }

    #[test]
    fn what_is_no_object_is_told_so() {
        for text in ["", "[]", "null", "{\"call_id\": ", "\u{feff}{}", "{}x"] {
            let InvalidMetadata(problems) = parse(text.as_bytes()).unwrap_err();
            assert_eq!((problems.len(), problems[0].code), (1, "not-json"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(parse(&bytes).is_err());
        }
    }
}
