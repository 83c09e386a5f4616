//! What a vCon means for the archive: the metadata of an upload, where its audio is, what is stored beside it.
//!
//! An attachment of purpose `earwitness-metadata` has the fields of an upload, and then nothing but `call_id`,
//! `account_id` and `recorded_at` is looked for elsewhere. Without one they come from what the draft itself has:
//!
//! | field | from |
//! |---|---|
//! | `call_id` | `uuid` of the vCon |
//! | `recorded_at`, `duration_ms` | `start`, `duration` of the recording |
//! | `account_id` | `org` of the party whose `role` is `customer` |
//! | `number`, `person` | its `tel`, its `uuid` and `name` |
//! | `agent` | `uuid`, else `name`, of the party whose `role` is `agent` |
//! | `direction` | who of the two is the originator |

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::VconError;
use super::members::{Members, index};
use super::read::{Body, Document, Entry};
use crate::clock::Timestamp;
use crate::receive::metadata::FieldProblem;
use crate::vcon::content_hash::ContentHash;
use crate::vcon::parties::{AGENT_ROLE, CUSTOMER_ROLE, EXTENSION};
use crate::vcon::{METADATA_PURPOSE, Purpose, SYNTAX};

/// The most parties that a vCon may name.
const MAX_PARTIES: usize = 64;
/// The most hashes of one content.
const MAX_HASHES: usize = 8;
/// The name that stands for no name.
const ANONYMOUS: &str = "anonymous";

/// A vCon whose form is good.
#[derive(Debug)]
pub(super) struct Conversation<D> {
    /// The metadata as it carries them, to be completed.
    pub carried: Option<Body<D>>,
    /// What the draft's own members say, as fields of an upload.
    pub told: Map<String, Value>,
    /// Where the audio is.
    pub audio: Media<D>,
    /// What the audio hashes to, as far as that can be checked.
    pub hashes: Vec<ContentHash>,
    /// Attachments and analyses.
    pub beside: Vec<Beside<D>>,
}

/// Where the audio is.
#[derive(Debug)]
pub(super) enum Media<D> {
    /// In the vCon.
    Inline(D),
    /// At this address.
    At(String),
}

/// An attachment or analysis.
#[derive(Debug)]
pub(super) struct Beside<D> {
    /// Its path in the document.
    pub path: String,
    /// Its name, if it has one.
    pub filename: Option<String>,
    /// Its media type, if it has one.
    pub mediatype: Option<String>,
    /// How its body is encoded.
    pub encoding: Encoding,
    /// Its body.
    pub body: Body<D>,
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Base64Url,
    Json,
    None,
}

/// What a document means; nothing of its contents is looked at.
pub(super) fn map<D>(document: Document<D>) -> Result<Conversation<D>, VconError> {
    let top = Members::new("", &document.members);
    let uuid = check_top(&top)?;
    let parties = parties(&top)?;
    let mut dialog = document.dialog.into_iter();
    let (Some(one), None) = (dialog.next(), dialog.next()) else {
        return Err(VconError::unsupported("dialog", "must be one recording: send several in a vCon each"));
    };
    let told_by_dialog = Members::new("dialog[0]", &one.members);
    let hashes = check_dialog(&told_by_dialog, &parties)?;
    let audio = media(&told_by_dialog, one.body, &hashes)?;
    let mut told = told(&told_by_dialog, &parties)?;
    told.insert("call_id".to_owned(), json!(uuid));
    let (mut carried, mut beside) = (None, Vec::new());
    for (list, entries) in [("attachments", document.attachments), ("analysis", document.analysis)] {
        for (at, entry) in entries.into_iter().enumerate() {
            let path = format!("{list}[{at}]");
            let purpose = entry.members.get("purpose").and_then(Value::as_str).map(str::to_owned);
            let Some(found) = check_beside(path, entry, parties.len())? else { continue };
            match purpose.as_deref() {
                Some(METADATA_PURPOSE) if carried.is_some() => {
                    return Err(VconError::invalid(found.path, "duplicate", "is a second attachment with metadata"));
                }
                Some(METADATA_PURPOSE) => carried = Some(carried_metadata(found)?),
                // The receipt of the archive that it comes from; this one gives its own.
                Some(purpose) if purpose == Purpose::Receipt.as_str() => {}
                _ => beside.push(found),
            }
        }
    }
    Ok(Conversation { carried, told, audio, hashes, beside })
}

fn check_top(top: &Members<'_>) -> Result<Uuid, VconError> {
    if !top.is_empty("critical") {
        let named = top
            .get("critical")
            .and_then(Value::as_array)
            .ok_or_else(|| top.wrong("critical", "wrong-type", "must be a list of texts"))?;
        if !named.iter().all(|name| name.as_str() == Some(EXTENSION)) {
            return Err(VconError::unsupported("critical", "names an extension that is not known here"));
        }
    }
    if top.text("vcon")?.is_some_and(|version| version != SYNTAX) {
        return Err(VconError::unsupported("vcon", format!("must be {SYNTAX}, or left out")));
    }
    for name in ["redacted", "group"] {
        if !top.is_empty(name) {
            return Err(VconError::unsupported(name, "is not taken: the archive keeps recordings as they were made"));
        }
    }
    for name in ["created_at", "updated_at"] {
        top.time(name)?;
    }
    let uuid = top.required("uuid")?;
    Uuid::try_parse(uuid).map_err(|_| top.wrong("uuid", "format", "must be a UUID"))
}

/// The members of each party.
fn parties<'a>(top: &Members<'a>) -> Result<Vec<Members<'a>>, VconError> {
    let list = match top.get("parties") {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= MAX_PARTIES => list,
        Some(Value::Array(_)) => {
            return Err(top.wrong("parties", "too-many", &format!("must be at most {MAX_PARTIES}")));
        }
        Some(_) => return Err(top.wrong("parties", "wrong-type", "must be a list")),
    };
    let party = |(at, party): (usize, &'a Value)| {
        let path = format!("parties[{at}]");
        let members = party.as_object().ok_or_else(|| VconError::invalid(&path, "wrong-type", "must be an object"))?;
        let party = Members::new(path, members);
        for name in ["tel", "name", "org", "uuid", "role"] {
            party.text(name)?;
        }
        Ok(party)
    };
    list.iter().enumerate().map(party).collect()
}

/// The form of the one dialog. Gives the hashes that can be checked.
fn check_dialog(dialog: &Members<'_>, parties: &[Members<'_>]) -> Result<Vec<ContentHash>, VconError> {
    if dialog.required("type")? != "recording" {
        return Err(VconError::unsupported("dialog[0].type", "must be `recording`"));
    }
    if dialog.time("start")?.is_none() {
        return Err(dialog.wrong("start", "required", "is required"));
    }
    if dialog.get("duration").is_some_and(|duration| !duration.as_f64().is_some_and(|s| s >= 0.0)) {
        return Err(dialog.wrong("duration", "wrong-type", "must be a number of seconds, 0 or more"));
    }
    if dialog.get("parties").is_some_and(|value| speakers(value, parties.len()).is_none()) {
        return Err(dialog.not_there("parties"));
    }
    dialog.index("originator", parties.len())?;
    if dialog.text("mediatype")?.is_some_and(|kind| !kind.contains('/')) {
        return Err(dialog.wrong("mediatype", "format", "must be a media type"));
    }
    dialog.text("filename")?;
    content_hashes(dialog)
}

/// The indices in a member `parties`, in their order; none when one of them is wrong. Nothing stands for a channel
/// without anybody.
fn speakers(value: &Value, len: usize) -> Option<Vec<usize>> {
    let one_channel = |value: &Value| match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(|item| index(item, len)).collect(),
        one => index(one, len).map(|index| vec![index]),
    };
    match value {
        Value::Array(items) => items.iter().map(one_channel).collect::<Option<Vec<_>>>().map(|all| all.concat()),
        one => index(one, len).map(|index| vec![index]),
    }
}

fn content_hashes(dialog: &Members<'_>) -> Result<Vec<ContentHash>, VconError> {
    let wrong = || dialog.wrong("content_hash", "format", "must be sha512-… or a list of such");
    let tokens: Vec<&Value> = match dialog.get("content_hash") {
        None => Vec::new(),
        Some(Value::Array(tokens)) if tokens.len() > MAX_HASHES => {
            return Err(dialog.wrong("content_hash", "too-many", &format!("must be at most {MAX_HASHES}")));
        }
        Some(Value::Array(tokens)) => tokens.iter().collect(),
        Some(token) => vec![token],
    };
    let hash = |token: &&Value| {
        let text = token.as_str().ok_or_else(wrong)?;
        ContentHash::parse(text).map_err(|_| wrong())
    };
    tokens.iter().filter_map(|token| hash(token).transpose()).collect()
}

fn media<D>(dialog: &Members<'_>, body: Option<Body<D>>, hashes: &[ContentHash]) -> Result<Media<D>, VconError> {
    let encoding = dialog.text("encoding")?;
    match (body, dialog.text("url")?) {
        (Some(_), Some(_)) => Err(dialog.wrong("url", "duplicate", "stands beside a body: it is one or the other")),
        (Some(Body::Text(draft)), None) if encoding.is_none_or(|encoding| encoding == "base64url") => {
            Ok(Media::Inline(draft))
        }
        (Some(_), None) => Err(dialog.wrong("encoding", "unknown-value", "must be `base64url`: audio is no text")),
        (None, Some(_)) if hashes.is_empty() => {
            Err(dialog.wrong("content_hash", "required", "must be given with sha512 or sha256 beside a url"))
        }
        (None, Some(url)) => Ok(Media::At(url.to_owned())),
        (None, None) => Err(dialog.wrong("body", "required", "must be given, or a url")),
    }
}

/// An attachment or analysis; none when it has no body and refers to nothing.
fn check_beside<D>(path: String, entry: Entry<D>, parties: usize) -> Result<Option<Beside<D>>, VconError> {
    let members = Members::new(path, &entry.members);
    members.time("start")?;
    members.index("party", parties)?;
    if members.get("dialog").is_some_and(|value| speakers(value, 1).is_none()) {
        return Err(members.not_there("dialog"));
    }
    let filename = members.text("filename")?.map(str::to_owned);
    let mediatype = members.text("mediatype")?.map(str::to_owned);
    let encoding = match members.text("encoding")? {
        Some("base64url") => Some(Encoding::Base64Url),
        Some("json") => Some(Encoding::Json),
        Some("none") => Some(Encoding::None),
        Some(_) => return Err(members.wrong("encoding", "unknown-value", "must be one of: base64url, json, none")),
        None => None,
    };
    if members.text("url")?.is_some() {
        return Err(VconError::unsupported(
            members.at("url"),
            "is taken for the recording alone: send this with its body",
        ));
    }
    let Some(body) = entry.body else { return Ok(None) };
    // Where it is not said, a text is itself and anything else is JSON.
    let encoding = encoding.unwrap_or(match body {
        Body::Text(_) => Encoding::None,
        Body::Json(_) => Encoding::Json,
    });
    if matches!(body, Body::Json(_)) && encoding != Encoding::Json {
        return Err(members.wrong("body", "wrong-type", "must be a text in this encoding"));
    }
    let path = members.path;
    Ok(Some(Beside { path, filename, mediatype, encoding, body }))
}

/// The metadata that an attachment carries: an object, or a text that is one.
fn carried_metadata<D>(found: Beside<D>) -> Result<Body<D>, VconError> {
    match (&found.body, found.encoding) {
        (Body::Json(Value::Object(_)), _) | (Body::Text(_), Encoding::None | Encoding::Json) => Ok(found.body),
        _ => Err(VconError::invalid(format!("{}.body", found.path), "wrong-type", "must be an object with metadata")),
    }
}

/// What the draft's own members say, as fields of an upload.
fn told(dialog: &Members<'_>, parties: &[Members<'_>]) -> Result<Map<String, Value>, VconError> {
    let mut told = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.insert(name.to_owned(), value);
        }
    };
    put("recorded_at", dialog.text("start")?.map(Value::from));
    put("duration_ms", dialog.get("duration").and_then(Value::as_f64).map(milliseconds).map(Value::from));
    let with_role = |role: &str| {
        let has = |party: &Members<'_>| {
            party.get("role").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(role))
        };
        parties.iter().position(has)
    };
    let (customer, agent) = (with_role(CUSTOMER_ROLE), with_role(AGENT_ROLE));
    if let Some(party) = customer.and_then(|at| parties.get(at)) {
        put("account_id", party.text("org")?.map(Value::from));
        put("number", party.text("tel")?.map(number).map(Value::from));
        let name = party.text("name")?.filter(|name| !name.eq_ignore_ascii_case(ANONYMOUS));
        put("person", Some(json!({"id": party.text("uuid")?, "name": name})));
    }
    if let Some(party) = agent.and_then(|at| parties.get(at)) {
        put("agent", party.text("uuid")?.or(party.text("name")?).map(Value::from));
    }
    // The first of those who speak has called, unless somebody else is named.
    let first = dialog.get("parties").and_then(|value| speakers(value, parties.len())?.first().copied());
    let caller = dialog.index("originator", parties.len())?.or(first);
    let direction = match caller {
        None => None,
        caller if caller == customer => Some("inbound"),
        caller if caller == agent => Some("outbound"),
        _ => None,
    };
    put("direction", direction.map(Value::from));
    Ok(told)
}

/// Seconds as whole milliseconds.
fn milliseconds(seconds: f64) -> u64 {
    // A number that is no length of time becomes the largest there is, and is refused with the metadata.
    (seconds * 1_000.0).round() as u64
}

/// A number as E.164, if it is a global one (RFC 3966): without scheme, parameters and visual separators.
fn number(tel: &str) -> String {
    let tel = tel.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:")).map_or(tel, |_| &tel[4..]);
    let tel = tel.split(';').next().unwrap_or_default();
    tel.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect()
}

/// Fills what metadata do not say themselves, and compares where both do.
pub(super) fn complete(
    carried: Option<Map<String, Value>>,
    told: Map<String, Value>,
) -> Result<Map<String, Value>, VconError> {
    let Some(mut fields) = carried else { return Ok(told) };
    let time = |fields: &Map<String, Value>| Timestamp::parse(fields.get("recorded_at")?.as_str()?).ok();
    if let (Some(theirs), Some(start)) = (time(&fields), time(&told))
        && theirs != start
    {
        let problem = FieldProblem::new("dialog[0].start", "contradiction", "is not the `recorded_at` of the metadata");
        return Err(VconError::Invalid(vec![problem]));
    }
    for (name, value) in told {
        if matches!(name.as_str(), "call_id" | "account_id" | "recorded_at") {
            let own = fields.entry(name).or_insert(Value::Null);
            if own.is_null() {
                *own = value;
            }
        }
    }
    Ok(fields)
}

#[cfg(test)]
#[path = "map_tests.rs"]
#[allow(clippy::panic, reason = "a test that fails should say so at once")]
mod tests;
