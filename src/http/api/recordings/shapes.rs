//! Recordings as clients see them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::access::View;
use crate::audio::{Facts, Finding, FindingCode, Severity};
use crate::clock::Timestamp;
use crate::find::Opened;
use crate::find::related::RelatedItem;
use crate::recording::{Metadata, RecordingId, Status};

/// One recording, as far as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recording {
    /// The archive's id of it.
    id: RecordingId,
    /// What the archive decided about it.
    status: Status,
    /// The customer's account.
    #[schema(example = "A-1001")]
    account_id: String,
    /// When the recording began, as the product reported it. The retention period counts from here.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T09:15:00Z")]
    recorded_at: Timestamp,
    /// When the archive had received it.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T09:21:14.250Z")]
    received_at: Timestamp,
    /// The deadline: from this instant on nobody can read it.
    #[schema(value_type = String, format = DateTime, example = "2031-11-22T09:15:00Z")]
    expires_at: Timestamp,
    /// The retention rule that gives the deadline, with its version, as stamped on the recording.
    #[schema(example = "call_recording/1 P5Y Europe/Brussels instant")]
    rule: String,
    /// Length of the original audio in bytes.
    byte_len: u64,
    /// How long it plays, in milliseconds, measured; 0 when it could not be decoded.
    duration_ms: u64,
    /// SHA-256 of the original audio, 64 hexadecimal digits.
    #[schema(min_length = 64, max_length = 64)]
    sha256: String,
    /// What the product said about the call, word for word. Left out for those who do not see sealed metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    /// What the audio is, measured by decoding all of it.
    facts: Facts,
    /// What the check found; empty when nothing.
    findings: Vec<FindingShown>,
    /// The quarantined upload of the same call whose place this one took.
    #[serde(skip_serializing_if = "Option::is_none")]
    supersedes: Option<RecordingId>,
    /// Whether it is on legal hold. Left out for those who may not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
    /// Transcripts, notes and the like, oldest first. Only in the answer about one recording, for those who may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<Vec<RelatedItem>>,
    /// Where its parts are.
    links: Links,
}

/// Something that the check found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingShown {
    /// The stable code.
    code: FindingCode,
    /// A warning, or a ground for quarantine.
    severity: Severity,
    /// What was seen, in English.
    detail: String,
}

impl From<&Finding> for FindingShown {
    fn from(finding: &Finding) -> Self {
        Self { code: finding.code, severity: finding.severity(), detail: finding.detail.clone() }
    }
}

/// Paths of a recording's parts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Links {
    /// This recording.
    #[serde(rename = "self")]
    #[schema(example = "/v1/recordings/0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21")]
    itself: String,
    /// The original audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<String>,
    /// A form that browsers play; left out when nothing could be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<String>,
    /// The waveform as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    waveform: Option<String>,
    /// The waveform as a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    waveform_svg: Option<String>,
}

/// A page of recordings, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundRecordings {
    /// The recordings.
    pub(super) recordings: Vec<Recording>,
    /// Where the next page begins: to be given as `cursor`. Null on the last page.
    pub(super) next_cursor: Option<String>,
}

/// The path of a recording.
pub(super) fn path_of(id: RecordingId) -> String {
    format!("/v1/recordings/{id}")
}

impl Recording {
    /// As the caller with this view sees it. `related` where it was asked for.
    pub(super) fn of(opened: &Opened, view: &View, related: Option<Vec<RelatedItem>>) -> Self {
        let (row, sealed) = (&opened.row, &opened.sealed);
        Self {
            id: row.id,
            status: row.status,
            account_id: row.account_id.clone(),
            recorded_at: row.recorded_at,
            received_at: row.received_at,
            expires_at: row.expires_at,
            rule: row.rule.clone(),
            byte_len: row.byte_len,
            duration_ms: row.duration_ms,
            sha256: sealed.sha256.clone(),
            metadata: view.sealed_metadata.then(|| sealed.metadata.clone()),
            facts: sealed.facts.clone(),
            findings: sealed.findings.iter().map(FindingShown::from).collect(),
            // What it superseded was in quarantine, which not everybody may know of.
            supersedes: sealed.supersedes.filter(|_| view.statuses.contains(&Status::Superseded)),
            held: view.held.then_some(row.held_since.is_some()),
            related,
            links: Links::of(opened, view),
        }
    }
}

impl Links {
    fn of(opened: &Opened, view: &View) -> Self {
        let itself = path_of(opened.row.id);
        let part = |name: &str, is_there: bool| (view.audio && is_there).then(|| format!("{itself}/{name}"));
        let facts = &opened.sealed.facts;
        Self {
            audio: part("audio", true),
            listen: part("listen", facts.plays_in_browser || facts.frames > 0),
            waveform: part("waveform", true),
            waveform_svg: part("waveform.svg", true),
            itself,
        }
    }
}
