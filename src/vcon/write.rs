//! A recording as an unsigned vCon.

use ::uuid::Uuid;
use serde::Serialize;

use super::parties::{ARCHIVE, EXTENSION, Party, Voices, originator, parties};
use super::uuid::uuid_of;
use super::{METADATA_PURPOSE, SYNTAX};
use crate::audio::{Container, Facts};
use crate::clock::Timestamp;
use crate::recording::{Metadata, RecordingId};

/// What a vCon says about a recording.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// The recording.
    pub id: RecordingId,
    /// The name of the archive's ledger: its host goes into the document's UUID.
    pub origin: &'a str,
    /// When the archive had received it: from then on there was something to write the document from.
    pub received_at: Timestamp,
    /// What the product said.
    pub metadata: &'a Metadata,
    /// What was measured.
    pub facts: &'a Facts,
    /// The organisation that keeps the recording.
    pub archive: &'a str,
}

/// A file beside the recording.
#[derive(Debug, Clone)]
pub struct Attached {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name, without personal data.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// When the archive got or made it.
    pub at: Timestamp,
}

/// What an attachment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Related data: a transcript, a note.
    Related,
    /// The receipt that the archive signed.
    Receipt,
}

impl Purpose {
    /// As the document has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Related => "earwitness-related",
            Self::Receipt => "earwitness-receipt",
        }
    }
}

/// A piece of the document. All of them in their order are the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// This text.
    Text(String),
    /// A content in base64url without padding: 0 is the audio, the others the attachments, counted from 1.
    Content(usize),
    /// The `sha512-…` token of the audio, which is known once it was written.
    AudioHash,
}

/// The name that a recording's audio has as a file. Says nothing about the call.
pub fn file_name(id: RecordingId, container: Container) -> String {
    format!("recording-{id}.{}", container.extension())
}

/// The media types that the draft wants where it names one, else that of the file form.
fn media_type(container: Container) -> &'static str {
    match container {
        Container::Wav | Container::Rf64 => "audio/x-wav",
        Container::Mpeg => "audio/x-mp3",
        Container::Mp4 => "audio/x-mp4",
        other => other.media_type(),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    vcon: &'static str,
    uuid: Uuid,
    extensions: [&'static str; 1],
    created_at: Timestamp,
    parties: [Party<'a>; 3],
}

#[derive(Serialize)]
struct Dialog {
    #[serde(rename = "type")]
    kind: &'static str,
    start: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Seconds>,
    parties: Voices,
    #[serde(skip_serializing_if = "Option::is_none")]
    originator: Option<usize>,
    mediatype: &'static str,
    filename: String,
    encoding: &'static str,
}

/// The draft has whole numbers, or numbers with a decimal point.
#[derive(Serialize)]
#[serde(untagged)]
enum Seconds {
    Whole(u64),
    Parts(f64),
}

impl Seconds {
    fn of(ms: u64) -> Self {
        // No recording is so long that a number of this kind could not hold its milliseconds.
        if ms.is_multiple_of(1_000) { Self::Whole(ms / 1_000) } else { Self::Parts(ms as f64 / 1_000.0) }
    }
}

#[derive(Serialize)]
struct Attachment<'a> {
    purpose: &'static str,
    start: Timestamp,
    party: usize,
    dialog: usize,
    mediatype: &'a str,
    filename: &'a str,
    encoding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a Metadata>,
}

/// The document about a recording, with these files attached to it.
///
/// # Errors
/// Never in practice: everything in it can be written as JSON.
pub fn of(recorded: &Recorded<'_>, attached: &[Attached]) -> Result<Vec<Piece>, serde_json::Error> {
    let Recorded { id, origin, received_at, metadata, facts, archive } = *recorded;
    let document = Document {
        vcon: SYNTAX,
        uuid: uuid_of(id, origin),
        extensions: [EXTENSION],
        created_at: received_at,
        parties: parties(metadata, archive),
    };
    let dialog = Dialog {
        kind: "recording",
        start: metadata.recorded_at,
        duration: (facts.frames > 0).then(|| Seconds::of(facts.duration_ms)),
        parties: Voices::of(facts.channels),
        originator: originator(metadata),
        mediatype: media_type(facts.container),
        filename: file_name(id, facts.container),
        encoding: "base64url",
    };
    let mut pieces = Pieces { done: Vec::new(), text: opened(&document)? };
    pieces.text.push_str(r#","dialog":["#);
    pieces.text.push_str(&opened(&dialog)?);
    pieces.body(0);
    pieces.text.push_str(r#","content_hash":""#);
    pieces.put(Piece::AudioHash);
    pieces.text.push_str(r#""}],"attachments":["#);
    let metadata = Attachment {
        purpose: METADATA_PURPOSE,
        body: Some(metadata),
        encoding: "json",
        ..attachment("", received_at, "application/json", "metadata.json")
    };
    pieces.text.push_str(&serde_json::to_string(&metadata)?);
    for (index, one) in attached.iter().enumerate() {
        let file = attachment(one.purpose.as_str(), one.at, &one.media_type, &one.name);
        pieces.text.push(',');
        pieces.text.push_str(&opened(&file)?);
        pieces.body(index + 1);
        pieces.text.push('}');
    }
    pieces.text.push_str("]}");
    Ok(pieces.finish())
}

fn attachment<'a>(purpose: &'static str, start: Timestamp, mediatype: &'a str, filename: &'a str) -> Attachment<'a> {
    Attachment { purpose, start, party: ARCHIVE, dialog: 0, mediatype, filename, encoding: "base64url", body: None }
}

/// An object with members, without its closing brace.
fn opened(object: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(object)?;
    text.pop();
    Ok(text)
}

/// Pieces, and the text that goes on.
struct Pieces {
    done: Vec<Piece>,
    text: String,
}

impl Pieces {
    fn put(&mut self, piece: Piece) {
        self.done.push(Piece::Text(std::mem::take(&mut self.text)));
        self.done.push(piece);
    }

    fn body(&mut self, content: usize) {
        self.text.push_str(r#","body":""#);
        self.put(Piece::Content(content));
        self.text.push('"');
    }

    fn finish(mut self) -> Vec<Piece> {
        self.done.push(Piece::Text(self.text));
        self.done
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::audio::Codec;
    use crate::vcon::base64url;

    const ID: &str = "0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21";

    fn metadata(more: Value) -> Metadata {
        let mut all = json!({"call_id": "c-1", "account_id": "A-1", "recorded_at": "2026-11-22T10:15:00+01:00"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn facts(channels: u16, duration_ms: u64) -> Facts {
        Facts { channels, duration_ms, frames: duration_ms * 8, ..Facts::unknown(Container::Wav, Codec::Pcm, 9) }
    }

    fn written(metadata: &Metadata, facts: &Facts, attached: &[Attached]) -> Value {
        let at = Timestamp::parse("2026-11-22T09:21:14.25Z").unwrap();
        let origin = "example.org/calls";
        let id = ID.parse().unwrap();
        let recorded = Recorded { id, origin, received_at: at, metadata, facts, archive: "Example NV" };
        let piece = |piece| match piece {
            Piece::Text(text) => text,
            Piece::Content(number) => base64url::encode(format!("content {number}")),
            Piece::AudioHash => "sha512-x".to_owned(),
        };
        let text: String = of(&recorded, attached).unwrap().into_iter().map(piece).collect();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn all_that_is_known_has_its_place() {
        let more = json!({"number": "+32470123456", "agent": "ann", "direction": "outbound", "tags": ["a\"b"],
            "person": {"id": "p-7", "name": "Jan \"J\" é"}});
        let metadata = metadata(more);
        let document = written(&metadata, &facts(1, 33_120), &[]);
        let expected = json!({
            "vcon": "0.4.0", "uuid": "0193d8a0-5b7e-8c11-9cff-74552469f5ad", "extensions": ["CC"],
            "created_at": "2026-11-22T09:21:14.250Z",
            "parties": [
                {"tel": "tel:+32470123456", "name": "Jan \"J\" é", "validation": "none", "type": "person", "org": "A-1",
                    "role": "customer"},
                {"name": "ann", "validation": "none", "role": "agent"},
                {"name": "Example NV", "validation": "none", "type": "organization"},
            ],
            "dialog": [{
                "type": "recording", "start": "2026-11-22T09:15:00Z", "duration": 33.12, "parties": [0, 1],
                "originator": 1, "mediatype": "audio/x-wav", "filename": format!("recording-{ID}.wav"),
                "encoding": "base64url", "body": base64url::encode("content 0"), "content_hash": "sha512-x",
            }],
            "attachments": [{
                "purpose": "earwitness-metadata", "start": "2026-11-22T09:21:14.250Z", "party": 2, "dialog": 0,
                "mediatype": "application/json", "filename": "metadata.json", "encoding": "json",
                "body": serde_json::to_value(&metadata).unwrap(),
            }],
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let document = written(&metadata(json!({})), &Facts::unknown(Container::Mpeg, Codec::Mp3, 9), &[]);
        assert_eq!(document["parties"][0], json!({"org": "A-1", "role": "customer"}));
        assert_eq!(document["parties"][1], json!({"role": "agent"}));
        let dialog = &document["dialog"][0];
        assert_eq!((dialog.get("duration"), dialog.get("originator")), (None, None));
        assert_eq!(dialog["mediatype"], "audio/x-mp3");
    }

    #[test]
    fn there_is_a_list_of_parties_for_each_of_several_channels() {
        let dialog = &written(&metadata(json!({})), &facts(2, 2_000), &[])["dialog"][0];
        assert_eq!((&dialog["parties"], &dialog["duration"]), (&json!([[0, 1], [0, 1]]), &json!(2)));
    }

    #[test]
    fn files_are_attached_in_their_order() {
        let at = Timestamp::parse("2026-12-01T00:00:00Z").unwrap();
        let one =
            |purpose, name: &str| Attached { purpose, name: name.to_owned(), media_type: "text/plain".into(), at };
        let files = [one(Purpose::Receipt, "receipt.json"), one(Purpose::Related, "note")];
        let document = written(&metadata(json!({})), &facts(1, 1), &files);
        let expected = json!({
            "purpose": "earwitness-related", "start": "2026-12-01T00:00:00Z", "party": 2, "dialog": 0,
            "mediatype": "text/plain", "filename": "note", "encoding": "base64url",
            "body": base64url::encode("content 2"),
        });
        assert_eq!((document["attachments"].as_array().unwrap().len(), &document["attachments"][2]), (3, &expected));
    }
}
