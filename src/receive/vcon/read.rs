//! A vCon read as a stream: members into memory, within a small bound; contents into drafts, piece by piece.
//!
//! A document may be larger than memory, so nothing of it is held but what is not a content. What a member means is
//! looked at later; here it is JSON, its lists are short, no name stands twice, and no content is larger than its draft
//! takes.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::rc::Rc;

use serde_json::{Map, Number, Value};
use struson::reader::{JsonReader as _, JsonStreamReader, ReaderError, ReaderSettings, ValueType};

use super::meter::{Meter, Metered, Stopped};
use crate::receive::metadata::{FieldProblem, shown};
use crate::vcon::base64url::Decoder;

/// How deep objects and lists may lie in one another.
const MAX_DEPTH: u32 = 32;
/// The most values, whatever they are, outside of contents. Each costs memory beyond its bytes, an object of one member some
/// 700 bytes: without this a mebibyte of small ones would be a hundred in memory.
const MAX_VALUES: u32 = 20_000;
/// Bytes of a content that are looked at together.
const CHUNK_BYTES: usize = 64 * 1024;
/// The longest of the lists of members that have contents.
pub(super) const MAX_ENTRIES: usize = 64;

/// Where contents go.
pub(super) trait Drafts {
    /// One content on its way.
    type Draft: Write;
    /// A new one, for a content of this kind.
    fn begin(&mut self, kind: ContentKind) -> io::Result<Self::Draft>;
}

/// The kinds of contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentKind {
    /// The body of a dialog: decoded on its way.
    Audio,
    /// The payload of a signed vCon: decoded on its way.
    Payload,
    /// The body of an attachment or analysis, as it stands: its encoding may be said behind it.
    Beside,
}

/// What stands in a document.
#[derive(Debug)]
pub(super) struct Document<D> {
    /// The members that are not named below.
    pub members: Map<String, Value>,
    /// The dialogs; at most one has a body.
    pub dialog: Vec<Entry<D>>,
    /// The attachments.
    pub attachments: Vec<Entry<D>>,
    /// The analyses.
    pub analysis: Vec<Entry<D>>,
    /// The payload of a signed vCon.
    pub payload: Option<D>,
}

/// A dialog, an attachment or an analysis.
#[derive(Debug)]
pub(super) struct Entry<D> {
    /// Its members but for the body.
    pub members: Map<String, Value>,
    /// Its body.
    pub body: Option<Body<D>>,
}

/// The body of an entry.
#[derive(Debug)]
pub(super) enum Body<D> {
    /// A text, in its draft.
    Text(D),
    /// Another JSON value.
    Json(Value),
}

/// Why a document could not be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It is not JSON, or not of the form that a vCon has.
    Field(FieldProblem),
    /// There is more in it, contents apart, than may be.
    TooMuch,
    /// More than one dialog has a body.
    SeveralContents,
    /// A draft takes no more.
    Draft(io::Error),
    /// It could not be read where it lies.
    Source(io::Error),
}

/// Reads a document in which all but the contents has at most `other_bytes`.
pub(super) fn read<R: Read, D: Drafts>(
    source: R,
    other_bytes: u64,
    drafts: &mut D,
) -> Result<Document<D::Draft>, ReadError> {
    let meter = Rc::new(Meter::new(other_bytes));
    let settings = ReaderSettings { max_nesting_depth: Some(MAX_DEPTH), track_path: false, ..Default::default() };
    let json = JsonStreamReader::new_custom(Metered::new(source, meter.clone()), settings);
    Reading { json, meter, drafts, has_audio: false, values_left: MAX_VALUES }.document()
}

struct Reading<'a, R: Read, D: Drafts> {
    json: JsonStreamReader<Metered<R>>,
    meter: Rc<Meter>,
    drafts: &'a mut D,
    has_audio: bool,
    values_left: u32,
}

fn wrong(path: &str, code: &'static str, message: impl Into<String>) -> ReadError {
    ReadError::Field(FieldProblem::new(path, code, message))
}

impl<R: Read, D: Drafts> Reading<'_, R, D> {
    fn document(mut self) -> Result<Document<D::Draft>, ReadError> {
        let mut document = Document {
            members: Map::new(),
            dialog: Vec::new(),
            attachments: Vec::new(),
            analysis: Vec::new(),
            payload: None,
        };
        self.expect(ValueType::Object, "")?;
        self.object("", |reading, name| {
            match name.as_str() {
                "dialog" => document.dialog = reading.entries("dialog", ContentKind::Audio)?,
                "attachments" => document.attachments = reading.entries("attachments", ContentKind::Beside)?,
                "analysis" => document.analysis = reading.entries("analysis", ContentKind::Beside)?,
                "payload" => {
                    reading.expect(ValueType::String, "payload")?;
                    document.payload = Some(reading.content("payload", ContentKind::Payload)?);
                }
                _ => {
                    let value = reading.value(&name)?;
                    document.members.insert(name, value);
                }
            }
            Ok(())
        })?;
        let Self { json, meter, .. } = self;
        json.consume_trailing_whitespace().map_err(|error| read_error(&meter, error, ""))?;
        Ok(document)
    }

    fn failed(&self, error: ReaderError, path: &str) -> ReadError {
        read_error(&self.meter, error, path)
    }

    fn peek(&mut self, path: &str) -> Result<ValueType, ReadError> {
        self.json.peek().map_err(|error| read_error(&self.meter, error, path))
    }

    fn expect(&mut self, expected: ValueType, path: &str) -> Result<(), ReadError> {
        if self.peek(path)? == expected {
            return Ok(());
        }
        let what = match expected {
            ValueType::Object if path.is_empty() => "must be one JSON object",
            ValueType::Object => "must be an object",
            ValueType::Array => "must be a list",
            _ => "must be a text",
        };
        Err(wrong(path, if path.is_empty() { "not-json" } else { "wrong-type" }, what))
    }

    /// The members of the object that comes next, one by one.
    fn object(
        &mut self,
        path: &str,
        mut member: impl FnMut(&mut Self, String) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.json.begin_object().map_err(|error| read_error(&self.meter, error, path))?;
        let mut seen = BTreeSet::new();
        while self.json.has_next().map_err(|error| read_error(&self.meter, error, path))? {
            let name = self.json.next_name_owned().map_err(|error| read_error(&self.meter, error, path))?;
            if !seen.insert(name.clone()) {
                return Err(wrong(&under(path, &shown(&name)), "duplicate", "stands there twice"));
            }
            member(self, name)?;
        }
        self.json.end_object().map_err(|error| self.failed(error, path))
    }

    /// A list of objects that may have a body. An empty one may be written as null.
    fn entries(&mut self, path: &str, kind: ContentKind) -> Result<Vec<Entry<D::Draft>>, ReadError> {
        if self.peek(path)? == ValueType::Null {
            self.json.next_null().map_err(|error| self.failed(error, path))?;
            return Ok(Vec::new());
        }
        self.expect(ValueType::Array, path)?;
        self.json.begin_array().map_err(|error| read_error(&self.meter, error, path))?;
        let mut entries = Vec::new();
        while self.json.has_next().map_err(|error| read_error(&self.meter, error, path))? {
            if entries.len() == MAX_ENTRIES {
                return Err(wrong(path, "too-many", format!("must be at most {MAX_ENTRIES}")));
            }
            entries.push(self.entry(&format!("{path}[{}]", entries.len()), kind)?);
        }
        self.json.end_array().map_err(|error| self.failed(error, path))?;
        Ok(entries)
    }

    fn entry(&mut self, path: &str, kind: ContentKind) -> Result<Entry<D::Draft>, ReadError> {
        let mut entry = Entry { members: Map::new(), body: None };
        self.expect(ValueType::Object, path)?;
        self.object(path, |reading, name| {
            let inner = under(path, &shown(&name));
            if name != "body" {
                let value = reading.value(&inner)?;
                entry.members.insert(name, value);
                return Ok(());
            }
            entry.body = match reading.peek(&inner)? {
                ValueType::Null => {
                    reading.json.next_null().map_err(|error| reading.failed(error, &inner))?;
                    None
                }
                ValueType::String => Some(Body::Text(reading.content(&inner, kind)?)),
                _ => Some(Body::Json(reading.value(&inner)?)),
            };
            Ok(())
        })?;
        Ok(entry)
    }

    /// The text that comes next, into a draft.
    fn content(&mut self, path: &str, kind: ContentKind) -> Result<D::Draft, ReadError> {
        if kind == ContentKind::Audio && std::mem::replace(&mut self.has_audio, true) {
            return Err(ReadError::SeveralContents);
        }
        let mut draft = self.drafts.begin(kind).map_err(ReadError::Draft)?;
        let not_base64 = |_| wrong(path, "format", "must be base64url without padding");
        let mut decoder = (kind != ContentKind::Beside).then(Decoder::default);
        let (mut text, mut bytes) = (vec![0; CHUNK_BYTES], Vec::with_capacity(CHUNK_BYTES));
        self.meter.suspend();
        let mut reader = self.json.next_string_reader().map_err(|error| read_error(&self.meter, error, path))?;
        loop {
            let count = match reader.read(&mut text) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return Err(stream_error(&self.meter, &error, path)),
            };
            bytes.clear();
            match &mut decoder {
                Some(decoder) => decoder.push(&text[..count], &mut bytes).map_err(not_base64)?,
                None => bytes.extend_from_slice(&text[..count]),
            }
            draft.write_all(&bytes).map_err(ReadError::Draft)?;
        }
        drop(reader);
        self.meter.resume();
        if let Some(decoder) = decoder {
            draft.write_all(&decoder.finish().map_err(not_base64)?).map_err(ReadError::Draft)?;
        }
        draft.flush().map_err(ReadError::Draft)?;
        Ok(draft)
    }

    /// The value that comes next, in memory.
    fn value(&mut self, path: &str) -> Result<Value, ReadError> {
        let Some(left) = self.values_left.checked_sub(1) else {
            return Err(wrong("", "too-many", format!("must have at most {MAX_VALUES} values beside its contents")));
        };
        self.values_left = left;
        Ok(match self.peek(path)? {
            ValueType::Null => {
                self.json.next_null().map_err(|error| self.failed(error, path))?;
                Value::Null
            }
            ValueType::Boolean => Value::Bool(self.json.next_bool().map_err(|error| self.failed(error, path))?),
            ValueType::String => Value::String(self.json.next_string().map_err(|error| self.failed(error, path))?),
            ValueType::Number => {
                let text = self.json.next_number_as_string().map_err(|error| self.failed(error, path))?;
                let number: Option<Number> = serde_json::from_str(&text).ok();
                number.map(Value::Number).ok_or_else(|| wrong(path, "out-of-range", "is no number that can be kept"))?
            }
            ValueType::Array => {
                self.json.begin_array().map_err(|error| self.failed(error, path))?;
                let mut items = Vec::new();
                while self.json.has_next().map_err(|error| read_error(&self.meter, error, path))? {
                    items.push(self.value(&format!("{path}[{}]", items.len()))?);
                }
                self.json.end_array().map_err(|error| self.failed(error, path))?;
                Value::Array(items)
            }
            ValueType::Object => {
                let mut members = Map::new();
                self.object(path, |reading, name| {
                    let value = reading.value(&under(path, &shown(&name)))?;
                    members.insert(name, value);
                    Ok(())
                })?;
                Value::Object(members)
            }
        })
    }
}

/// The path of a member. What it is in the document as a whole has no full stop before it.
fn under(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn read_error(meter: &Meter, error: ReaderError, path: &str) -> ReadError {
    match meter.take_stopped() {
        Some(Stopped::TooMuch) => return ReadError::TooMuch,
        Some(Stopped::Failed(cause)) => return ReadError::Source(cause),
        None => {}
    }
    let location = match error {
        ReaderError::SyntaxError(ref syntax) => &syntax.location,
        ReaderError::MaxNestingDepthExceeded { .. } => {
            return wrong(path, "too-deep", format!("objects and lists lie more than {MAX_DEPTH} deep"));
        }
        ReaderError::IoError { ref location, .. }
        | ReaderError::UnexpectedValueType { ref location, .. }
        | ReaderError::UnexpectedStructure { ref location, .. }
        | ReaderError::UnsupportedNumberValue { ref location, .. } => location,
        _ => return wrong(path, "not-json", "is not JSON"),
    };
    let place = location.line_pos.map(|at| format!(" at line {}, column {}", at.line + 1, at.column + 1));
    wrong("", "not-json", format!("is not JSON{}", place.unwrap_or_default()))
}

/// What went wrong within a text: the reader hides it in an error of input and output.
fn stream_error(meter: &Meter, error: &io::Error, path: &str) -> ReadError {
    match meter.take_stopped() {
        Some(Stopped::TooMuch) => ReadError::TooMuch,
        Some(Stopped::Failed(cause)) => ReadError::Source(cause),
        None => {
            tracing::debug!(%error, "a text in a vCon is not JSON");
            wrong(path, "not-json", "is not JSON: the text does not end, or has characters that no text has")
        }
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
#[allow(clippy::panic, reason = "a test that fails should say so at once")]
mod tests;
