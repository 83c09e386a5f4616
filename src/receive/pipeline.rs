//! From a spooled upload to a receipt: the first half of a recording's life, step by step.
//!
//! judge the metadata → claim the call → check the audio → seal and store → commit → receipt. Whatever fails before
//! the commit leaves nothing behind, or what [`settle`](super::settle) brings to an end.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use super::claim::{Claimed, HeldClaim, claim};
use super::spool::SpooledAudio;
use super::{ReceiveError, commit, settle, store};
use crate::access::Actor;
use crate::archive::{Archive, ArchiveError};
use crate::audio::{self, Expectations, Finding, FindingCode, Inspection};
use crate::catalog::{CallClaim, RecordingRow, Stage};
use crate::clock::Timestamp;
use crate::recording::{Metadata, RecordingId, Status};
use crate::retention::{self, Deadline};
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, RecordingPart};

/// An upload that arrived whole.
pub struct Submission {
    /// What the sender says, validated.
    pub metadata: Metadata,
    /// The audio.
    pub audio: SpooledAudio,
    /// Who sends it.
    pub actor: Actor,
}

/// What the sender gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The recording.
    pub id: RecordingId,
    /// Whether it is new here, and sound.
    pub outcome: Outcome,
    /// The signed receipt, word for word.
    pub receipt: Vec<u8>,
}

/// How an upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is kept.
    Accepted,
    /// It is kept, in quarantine.
    Quarantined,
    /// It was here already.
    Repeated,
}

/// Everything that is known once the audio was checked.
pub struct Checked {
    /// The submission.
    pub submission: Submission,
    /// The recording's id.
    pub id: RecordingId,
    /// When it had arrived.
    pub received_at: Timestamp,
    /// Its deadline.
    pub deadline: Deadline,
    /// What the audio is, and what is wrong with it.
    pub inspection: Inspection,
    /// Accepted or quarantined.
    pub status: Status,
    /// The quarantined upload whose place it takes.
    pub supersedes: Option<RecordingId>,
}

/// Takes an upload in.
pub async fn receive(archive: &Arc<Archive>, submission: Submission) -> Result<Received, ReceiveError> {
    receive_found(archive, submission, Vec::new()).await
}

/// Takes an upload in, about which something was found on its way.
pub async fn receive_found(
    archive: &Arc<Archive>,
    submission: Submission,
    found: Vec<Finding>,
) -> Result<Received, ReceiveError> {
    let now = archive.clock.now();
    let deadline = retention::judge_recorded_at(now, submission.metadata.recorded_at, &archive.policy)?;
    let submission = refuse_what_is_not_audio(submission).await?;
    let installation = archive.keyring.ensure_secret(&KeyName::Installation).await.map_err(ArchiveError::from)?;
    let call = installation.call_uniqueness_mac(&submission.metadata.call_id, submission.metadata.part);
    let sha256 = hex::encode(submission.audio.sha256);
    let offered = Offered { metadata: submission.metadata.clone(), sha256, found };
    let id = RecordingId::new(now);
    let mut look_first = true;
    let held = loop {
        match claim(archive, &call, id, deadline.month, look_first).await? {
            Claimed::Held(held) => break held,
            Claimed::Standing(standing) => match judge_standing(archive, standing, &offered).await? {
                Standing::Same(received) => return Ok(received),
                Standing::MayBeBettered | Standing::Gone | Standing::Past => look_first = false,
            },
        }
    };
    match take_in(archive, submission, &offered, id, now, deadline, &held).await {
        Err(error) if error.is_certain() => {
            if let Err(error) = settle::give_up(archive, &held.claim, deadline.month).await {
                tracing::warn!(%error, "a failed upload is left to the background pass");
            }
            match error {
                ReceiveError::Overtaken(cause) => answer_for_the_other(archive, &held.claim, &offered, cause).await,
                other => Err(other),
            }
        }
        result => result,
    }
}

/// The answer to an upload that somebody else brought to its end, or whose call somebody else brought back meanwhile.
async fn answer_for_the_other(
    archive: &Archive,
    claim: &CallClaim,
    offered: &Offered,
    cause: ArchiveError,
) -> Result<Received, ReceiveError> {
    tracing::warn!(error = %cause, "an upload was overtaken");
    let holder = archive.catalog.call_holder(&claim.mac).await.map_err(ArchiveError::from)?;
    for standing in [Some(claim.pending_id), holder].into_iter().flatten() {
        if let Standing::Same(received) = judge_standing(archive, standing, offered).await? {
            return Ok(received);
        }
    }
    Err(ReceiveError::Overtaken(cause))
}

async fn take_in(
    archive: &Arc<Archive>,
    submission: Submission,
    offered: &Offered,
    id: RecordingId,
    received_at: Timestamp,
    deadline: Deadline,
    held: &HeldClaim,
) -> Result<Received, ReceiveError> {
    crate::failpoint::hit("receive.claimed");
    // Somebody may have finished the same call while this upload waited for its claim.
    let mut bettered = held.previous;
    if let Some(previous) = held.previous {
        match judge_standing(archive, previous, offered).await? {
            Standing::Same(received) => {
                archive.catalog.release_call(&held.claim).await.map_err(ArchiveError::from)?;
                return Ok(received);
            }
            Standing::Past => bettered = None,
            Standing::MayBeBettered | Standing::Gone => {}
        }
    }
    if archive.call_erased_at(&held.claim.mac).await?.is_some() {
        return Err(ReceiveError::Erased);
    }
    let inspection = check(archive, &submission, &offered.found).await?;
    let quarantined = inspection.is_quarantined();
    let status = if quarantined { Status::Quarantined } else { Status::Accepted };
    let supersedes = bettered.filter(|_| !quarantined);
    let checked = Checked { submission, id, received_at, deadline, inspection, status, supersedes };
    let sealed = store::seal_and_store(archive, &checked).await?;
    crate::failpoint::hit("receive.stored");
    let receipt = commit::commit(archive, &checked, &sealed, held).await?;
    crate::failpoint::hit("receive.committed");
    archive.guard(id).await.map_err(ReceiveError::Unguarded)?;
    archive.ledger_nudge.notify_one();
    // Whoever catches what arrives under a rule does so behind the answer, which is the same for everything.
    archive.arrivals_nudge.notify_one();
    let outcome = if quarantined { Outcome::Quarantined } else { Outcome::Accepted };
    Ok(Received { id, outcome, receipt })
}

/// What of an upload is compared with the recording that stands for its call, and what was found before its check.
struct Offered {
    metadata: Metadata,
    sha256: String,
    found: Vec<Finding>,
}

/// What the recording that stands for a call means for an upload of the same call.
enum Standing {
    Same(Received),
    MayBeBettered,
    Gone,
    /// Its time is over, so that the call's name is free: whoever kept it would tell whether it is held.
    Past,
}

async fn judge_standing(archive: &Archive, standing: RecordingId, offered: &Offered) -> Result<Standing, ReceiveError> {
    let Some(row) = archive.catalog.recording(standing).await.map_err(ArchiveError::from)? else {
        return Ok(Standing::Gone);
    };
    if is_past(archive, &row) {
        return Ok(Standing::Past);
    }
    let (key, sealed) = archive.open_recording(&row).await?;
    let same_bytes = sealed.sha256 == offered.sha256;
    let same_metadata = sealed.metadata == offered.metadata;
    let decided = matches!(row.status, Status::Accepted | Status::Superseded);
    match (same_bytes, same_metadata, decided) {
        (true, true, _) => {
            let receipt = crate::archive::row::open_receipt(row.id, &key, &row.sealed_receipt)?;
            assert_stored(archive, &row).await?;
            archive.guard(row.id).await.map_err(ReceiveError::Unguarded)?;
            Ok(Standing::Same(Received { id: row.id, outcome: Outcome::Repeated, receipt }))
        }
        (_, _, false) => Ok(Standing::MayBeBettered),
        (true, false, true) => Err(ReceiveError::MetadataMismatch),
        (false, _, true) => Err(ReceiveError::CallExists),
    }
}

/// Whether nothing may be told of a recording any more, and nothing is kept for it.
fn is_past(archive: &Archive, row: &RecordingRow) -> bool {
    row.stage == Stage::Fenced || row.expires_at <= archive.clock.now()
}

/// A receipt is a promise, so it is never handed out again for audio that is not there.
async fn assert_stored(archive: &Archive, row: &RecordingRow) -> Result<(), ReceiveError> {
    let audio = ObjectKey::Recording { month: row.month, id: row.id, part: RecordingPart::Audio };
    if archive.store.head(&audio).await.map_err(ArchiveError::from)?.is_some() {
        return Ok(());
    }
    // The purge may have been at it since the row was read.
    if is_past(archive, row) {
        return Err(ReceiveError::AlreadyPast);
    }
    metrics::counter!("earwitness_audio_missing_total").increment(1);
    tracing::error!(recording = %row.id, "the audio of a recording is missing: its receipt is not handed out again");
    Err(ArchiveError::AudioMissing.into())
}

async fn refuse_what_is_not_audio(mut submission: Submission) -> Result<Submission, ReceiveError> {
    let head = tokio::task::spawn_blocking(move || -> std::io::Result<(Submission, Vec<u8>)> {
        let mut head = Vec::new();
        let mut file: &File = &submission.audio.file;
        file.seek(SeekFrom::Start(0))?;
        file.take(audio::SNIFF_BYTES as u64).read_to_end(&mut head)?;
        submission.audio.file.seek(SeekFrom::Start(0))?;
        Ok((submission, head))
    });
    let (submission, head) = head.await.map_err(std::io::Error::other)??;
    if audio::sniff(&head).is_some() { Ok(submission) } else { Err(ReceiveError::NotAudio) }
}

async fn check(archive: &Archive, submission: &Submission, found: &[Finding]) -> Result<Inspection, ReceiveError> {
    let file = submission.audio.file.try_clone()?;
    let expectations = Expectations { duration_ms: submission.metadata.duration_ms };
    let mut inspection = archive.decoder.inspect(file, submission.audio.byte_len, &expectations).await?;
    if let Some(stated) = &submission.metadata.sha256
        && !stated.eq_ignore_ascii_case(&hex::encode(submission.audio.sha256))
    {
        let detail = "the SHA-256 of the audio is not the one that the metadata states";
        inspection.findings.push(Finding::new(FindingCode::DigestMismatch, detail));
    }
    // Each code is there once.
    let known = |one: &&Finding| !inspection.findings.iter().any(|other| other.code == one.code);
    let more: Vec<Finding> = found.iter().filter(known).cloned().collect();
    inspection.findings.extend(more);
    Ok(inspection)
}
