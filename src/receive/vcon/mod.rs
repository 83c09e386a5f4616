//! A vCon on its way in: the same as an upload of metadata and audio, written as one document.
//!
//! The body was spooled as it came. From there it is read as a stream, on a thread that may block: contents go into
//! unlinked files, everything else has to fit into a small bound.
//!
//! | part | answers for |
//! |---|---|
//! | `read`, `meter` | JSON as a stream, bounded |
//! | `draft` | contents in unlinked files |
//! | `jws` | the signed form |
//! | `map`, `members` | what it all means for the archive |
//! | `fetch` | audio by its address |

mod draft;
mod error;
mod fetch;
mod jws;
mod map;
mod members;
mod meter;
mod read;

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::PathBuf;

use serde_json::{Map, Value};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use self::draft::{ContentLimits, Draft, Folder, spool_error};
use self::map::{Beside, Conversation, Encoding, Media};
use self::read::{Body, Document, ReadError};
use super::metadata;
use super::spool::{SpoolError, SpooledAudio};
use crate::audio::{Finding, FindingCode};
use crate::recording::Metadata;
use crate::vcon::base64url::encoded_len;
use crate::vcon::content_hash::ContentHash;
use crate::vcon::signers::Signers;
pub use error::VconError;
pub use fetch::{FetchError, MediaRules};

/// What may stand in a vCon beside metadata and contents: parties, types, times.
const OTHER_BYTES: u64 = 1 << 20;
/// All attachments of one vCon together.
const ALL_BESIDE_BYTES: u64 = 64 << 20;

/// What is taken.
#[derive(Debug, Clone)]
pub struct VconRules {
    /// The folder of the unlinked files.
    pub spool_folder: PathBuf,
    /// The largest audio, in bytes.
    pub max_upload_bytes: u64,
    /// The most metadata, in bytes.
    pub max_metadata_bytes: u64,
    /// The largest attachment, in bytes.
    pub max_attachment_bytes: u64,
    /// Whose signatures count.
    pub signers: Signers,
    /// From where media are fetched.
    pub media: MediaRules,
}

impl VconRules {
    /// How large an unsigned vCon is at the most.
    fn max_unsigned_bytes(&self) -> u64 {
        let contents = encoded_len(self.max_upload_bytes).saturating_add(encoded_len(ALL_BESIDE_BYTES));
        contents.saturating_add(self.other_bytes())
    }

    /// How large a body is at the most: that of a signed one.
    pub fn max_body_bytes(&self) -> u64 {
        encoded_len(self.max_unsigned_bytes()).saturating_add(OTHER_BYTES)
    }

    fn other_bytes(&self) -> u64 {
        OTHER_BYTES.saturating_add(self.max_metadata_bytes)
    }
}

/// What a vCon brought.
pub struct Arrived {
    /// The metadata, validated.
    pub metadata: Metadata,
    /// The audio.
    pub audio: SpooledAudio,
    /// What was found on the way.
    pub found: Vec<Finding>,
    /// What is to be stored beside the recording.
    pub beside: Vec<Attachment>,
}

/// An attachment or analysis, to be stored as related data.
pub struct Attachment {
    /// The name it brought, if any.
    pub filename: Option<String>,
    /// Its path in the document: `attachments[1]`.
    pub path: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub content: SpooledAudio,
}

/// Takes in the vCon in `body`, fetching what it refers to until `end`.
pub async fn take(body: SpooledAudio, rules: VconRules, end: Instant) -> Result<Arrived, VconError> {
    let media = rules.media.clone();
    let folder = folder(&rules);
    let reading = spawn_blocking(move || open(body.file, &rules).and_then(|document| settle(document, &rules)));
    let taken = reading.await.map_err(|error| SpoolError::from(io::Error::other(error)))??;
    let Taken { metadata, audio, hashes, beside } = taken;
    let audio = match audio {
        Media::Inline(draft) => draft,
        Media::At(url) => {
            let draft = folder.draft(folder.limits.audio_bytes).map_err(spool_error)?;
            fetch::fetch(&url, &media, draft, end).await?
        }
    };
    let mut found = Vec::new();
    if hashes.iter().any(|hash| !audio.is(hash)) {
        let detail = "the audio is not what the content_hash of the vCon states";
        found.push(Finding::new(FindingCode::DigestMismatch, detail));
    }
    let audio = audio.into_spooled().map_err(SpoolError::from)?;
    Ok(Arrived { metadata, audio, found, beside })
}

/// Everything of a vCon that needs no network.
struct Taken {
    metadata: Metadata,
    audio: Media<Draft>,
    hashes: Vec<ContentHash>,
    beside: Vec<Attachment>,
}

fn folder(rules: &VconRules) -> Folder {
    let limits = ContentLimits {
        audio_bytes: rules.max_upload_bytes,
        payload_bytes: rules.max_unsigned_bytes(),
        beside_bytes: rules.max_attachment_bytes,
    };
    Folder { path: rules.spool_folder.clone(), limits }
}

fn parse(source: &mut File, rules: &VconRules) -> Result<Document<Draft>, VconError> {
    let limit_bytes = rules.other_bytes();
    read::read(source, limit_bytes, &mut folder(rules)).map_err(|error| match error {
        ReadError::Field(problem) => VconError::Invalid(vec![problem]),
        ReadError::TooMuch => VconError::TooMuch { limit_bytes },
        ReadError::SeveralContents => {
            VconError::unsupported("dialog", "must be one recording: send several in a vCon each")
        }
        ReadError::Draft(error) => spool_error(error).into(),
        ReadError::Source(error) => SpoolError::from(error).into(),
    })
}

/// The unsigned vCon that `body` is or vouches for.
fn open(mut body: File, rules: &VconRules) -> Result<Document<Draft>, VconError> {
    body.rewind().map_err(SpoolError::from)?;
    let mut outer = parse(&mut body, rules)?;
    if outer.members.contains_key("ciphertext") {
        return Err(VconError::unsupported("ciphertext", "is not read here: send the vCon unsigned or signed"));
    }
    let (mut payload, signatures) = match (outer.payload.take(), outer.members.get("signatures")) {
        (None, None) => return Ok(outer),
        (Some(payload), Some(signatures)) => (payload, signatures),
        (None, Some(_)) => return Err(VconError::invalid("payload", "required", "is required beside signatures")),
        (Some(_), None) => return Err(VconError::invalid("signatures", "required", "is required beside a payload")),
    };
    // The body may be larger than memory, and its payload is in a file of its own.
    drop(body);
    let named = jws::verify(payload.rewound().map_err(SpoolError::from)?, signatures, &rules.signers)?;
    let file = payload.rewound().map_err(SpoolError::from)?;
    let inner = parse(file, rules)?;
    if inner.payload.is_some() || inner.members.contains_key("ciphertext") {
        return Err(VconError::unsupported("payload", "must be an unsigned vCon"));
    }
    let uuid = inner.members.get("uuid").and_then(Value::as_str).and_then(|text| text.parse().ok());
    if named.iter().any(|name| Some(*name) != uuid) {
        return Err(VconError::Signature("its header names another vCon"));
    }
    Ok(inner)
}

/// Metadata, audio and attachments, each ready for its place.
fn settle(document: Document<Draft>, rules: &VconRules) -> Result<Taken, VconError> {
    let Conversation { carried, told, audio, hashes, beside } = map::map(document)?;
    let carried = carried.map(|body| carried_fields(body, rules)).transpose()?;
    let metadata = metadata::from_fields(map::complete(carried, told)?)?;
    let folder = folder(rules);
    let (mut taken, mut bytes) = (Vec::with_capacity(beside.len()), 0_u64);
    for one in beside {
        let attachment = attachment(one, &folder)?;
        bytes = bytes.saturating_add(attachment.content.byte_len);
        if bytes > ALL_BESIDE_BYTES {
            return Err(SpoolError::TooLarge { limit_bytes: ALL_BESIDE_BYTES }.into());
        }
        taken.push(attachment);
    }
    Ok(Taken { metadata, audio, hashes, beside: taken })
}

fn carried_fields(body: Body<Draft>, rules: &VconRules) -> Result<Map<String, Value>, VconError> {
    let mut draft = match body {
        Body::Json(Value::Object(fields)) => return Ok(fields),
        Body::Json(_) => return Err(VconError::invalid("attachments", "wrong-type", "metadata must be an object")),
        Body::Text(draft) => draft,
    };
    if draft.byte_len() > rules.max_metadata_bytes {
        return Err(VconError::TooMuch { limit_bytes: rules.max_metadata_bytes });
    }
    let mut text = Vec::new();
    draft.rewound().and_then(|file| file.read_to_end(&mut text)).map_err(SpoolError::from)?;
    Ok(metadata::fields(&text)?)
}

fn attachment(one: Beside<Draft>, folder: &Folder) -> Result<Attachment, VconError> {
    let Beside { path, filename, mediatype, encoding, body } = one;
    let usual = match encoding {
        Encoding::Base64Url => "application/octet-stream",
        Encoding::Json => "application/json",
        Encoding::None => "text/plain; charset=utf-8",
    };
    let not_base64 = |_| VconError::invalid(format!("{path}.body"), "format", "must be base64url without padding");
    let draft = match (body, encoding) {
        (Body::Text(draft), Encoding::Base64Url) => draft.decoded(folder).map_err(spool_error)?.map_err(not_base64)?,
        (Body::Text(draft), _) => draft,
        (Body::Json(value), _) => {
            let mut draft = folder.draft(folder.limits.beside_bytes).map_err(spool_error)?;
            serde_json::to_writer(&mut draft, &value).map_err(|error| spool_error(error.into()))?;
            draft
        }
    };
    if draft.byte_len() > folder.limits.beside_bytes {
        return Err(SpoolError::TooLarge { limit_bytes: folder.limits.beside_bytes }.into());
    }
    let content = draft.into_spooled().map_err(SpoolError::from)?;
    Ok(Attachment { filename, path, media_type: mediatype.unwrap_or_else(|| usual.to_owned()), content })
}
