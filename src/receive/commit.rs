//! The one transaction that makes an upload a recording: row, keys, look-ups, call, ledger entry — or none of them.

use serde::Serialize;

use super::ReceiveError;
use super::claim::HeldClaim;
use super::pipeline::Checked;
use super::store::Sealed;
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::row::{seal_receipt, seal_row};
use crate::archive::sidecar::Sidecar;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{CatalogError, NewEntry, NewRecording, Stage};
use crate::ledger::entry::{Commitment, Opening};
use crate::ledger::kind::Kind;
use crate::ledger::receipt::{PROMISE, Receipt, ReceiptEntry};
use crate::ledger::shapes::OpeningText;
use crate::recording::{Language, RecordingId, Status};
use crate::vault::keys::KeyName;

/// What the entry about an upload commits to.
#[derive(Serialize)]
struct ReceivedPayload<'a> {
    id: RecordingId,
    actor: &'a Actor,
    account_id: &'a str,
    call_id: &'a str,
    part: u32,
    sha256: &'a str,
    byte_len: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supersedes: Option<RecordingId>,
}

/// Commits an upload whose objects are stored. Returns the signed receipt.
pub async fn commit(
    archive: &Archive,
    checked: &Checked,
    sealed: &Sealed,
    held: &HeldClaim,
) -> Result<Vec<u8>, ReceiveError> {
    let (entry, opening) = make_entry(archive, checked, sealed).await?;
    let receipt = make_receipt(archive, checked, sealed, &entry, &opening)?;
    let new = make_row(checked, sealed, &archive.policy.rule_text(), &receipt)?;
    let sidecar = Sidecar::of_new(&new, checked.submission.metadata.language, &entry);
    archive
        .write_sidecar(checked.id, checked.deadline.month, &sealed.key, std::slice::from_ref(&sealed.wrap), &sidecar)
        .await?;
    crate::failpoint::hit("receive.sidecar_stored");

    let erased = archive.erased_macs(&held.claim.mac).await?;
    let mut tx = archive.catalog.begin().await.map_err(ArchiveError::from)?;
    let month = KeyName::Month(checked.deadline.month).to_string();
    if !tx.lock_live_secret(&month).await.map_err(ArchiveError::from)? {
        return Err(ReceiveError::AlreadyPast);
    }
    if checked.deadline.expires_at <= archive.clock.now() {
        return Err(ReceiveError::AlreadyPast);
    }
    tx.insert_recording(&new).await.map_err(overtaken)?;
    tx.settle_call(&held.claim, checked.id, held.previous).await.map_err(overtaken)?;
    match tx.call_is_erased(&erased).await.map_err(ArchiveError::from)? {
        Some(false) => {}
        Some(true) => return Err(ReceiveError::Erased),
        // The first erasure of a month was committed since: the same upload again is told.
        None => return Err(overtaken(CatalogError::ClaimLost)),
    }
    if let Some(previous) = checked.supersedes
        && !tx.supersede(previous).await.map_err(ArchiveError::from)?
    {
        tx.rollback().await.map_err(ArchiveError::from)?;
        return Err(not_to_be_bettered(archive, previous).await?);
    }
    tx.append_entry(&entry).await.map_err(ArchiveError::from)?;
    crate::failpoint::hit("receive.before_commit");
    tx.commit().await.map_err(|error| ReceiveError::Uncertain(error.into()))?;
    Ok(receipt)
}

/// An error of the commit that says that somebody else has to do with this upload or its call.
fn overtaken(error: CatalogError) -> ReceiveError {
    match error {
        CatalogError::AlreadyThere | CatalogError::ClaimLost => ReceiveError::Overtaken(error.into()),
        other => ArchiveError::from(other).into(),
    }
}

/// Why a quarantined recording cannot be superseded: legal accepted it in the meantime, or its deadline came, after
/// which nothing is told of it.
async fn not_to_be_bettered(archive: &Archive, previous: RecordingId) -> Result<ReceiveError, ReceiveError> {
    let row = archive.catalog.recording(previous).await.map_err(ArchiveError::from)?;
    let is_kept = row.is_some_and(|row| row.stage == Stage::Live && row.expires_at > archive.clock.now());
    Ok(if is_kept { ReceiveError::CallExists } else { ReceiveError::AlreadyPast })
}

async fn make_entry(
    archive: &Archive,
    checked: &Checked,
    sealed: &Sealed,
) -> Result<(NewEntry, Opening), ArchiveError> {
    let metadata = &checked.submission.metadata;
    let payload = ReceivedPayload {
        id: checked.id,
        actor: &checked.submission.actor,
        account_id: &metadata.account_id,
        call_id: &metadata.call_id,
        part: metadata.part,
        sha256: &sealed.row.sha256,
        byte_len: checked.submission.audio.byte_len,
        duration_ms: decoded_ms(checked),
        status: checked.status.as_str(),
        findings: checked.inspection.findings.iter().map(|f| f.code.code()).collect(),
        supersedes: checked.supersedes,
    };
    let kind = match checked.status {
        Status::Quarantined => Kind::RECORDING_QUARANTINED,
        _ => Kind::RECORDING_RECEIVED,
    };
    archive.entry(kind, About::Recording(checked.id, &sealed.key), &payload, checked.received_at).await
}

/// How long it plays; none when nothing of it could be decoded.
fn decoded_ms(checked: &Checked) -> Option<u64> {
    let facts = &checked.inspection.facts;
    (facts.frames > 0).then_some(facts.duration_ms)
}

fn make_receipt(
    archive: &Archive,
    checked: &Checked,
    sealed: &Sealed,
    entry: &NewEntry,
    opening: &Opening,
) -> Result<Vec<u8>, ArchiveError> {
    let metadata = &checked.submission.metadata;
    let facts = &checked.inspection.facts;
    let receipt = Receipt {
        document_type: String::new(),
        id: checked.id,
        call_id: metadata.call_id.clone(),
        part: metadata.part,
        sha256: sealed.row.sha256.clone(),
        byte_len: checked.submission.audio.byte_len,
        duration_ms: decoded_ms(checked),
        codec: serde_json::to_value(facts.codec).ok().and_then(|name| name.as_str().map(str::to_owned)),
        status: checked.status,
        findings: checked.inspection.findings.iter().map(|f| f.code.code().to_owned()).collect(),
        supersedes: checked.supersedes,
        recorded_at: metadata.recorded_at,
        received_at: checked.received_at,
        expires_at: checked.deadline.expires_at,
        rule: archive.policy.rule_text(),
        ledger: ReceiptEntry {
            origin: archive.origin.clone(),
            entry: entry.id,
            at: entry.at,
            kind: entry.kind.parse()?,
            commitment: Commitment(entry.commitment),
            opening: Some(OpeningText::of(opening)?),
            promise: PROMISE.to_owned(),
        },
        controller: Some(archive.controller()),
        signature: None,
    };
    Ok(receipt.sign(&archive.signing)?)
}

fn make_row(checked: &Checked, sealed: &Sealed, rule: &str, receipt: &[u8]) -> Result<NewRecording, ArchiveError> {
    let metadata = &checked.submission.metadata;
    Ok(NewRecording {
        id: checked.id,
        account_id: metadata.account_id.clone(),
        product: metadata.product.clone(),
        language: metadata.language.map(Language::code),
        recorded_at: metadata.recorded_at,
        received_at: checked.received_at,
        expires_at: checked.deadline.expires_at,
        month: checked.deadline.month,
        rule: rule.to_owned(),
        status: checked.status,
        byte_len: checked.submission.audio.byte_len,
        duration_ms: checked.inspection.facts.duration_ms,
        ingested_by: checked.submission.actor.id.to_string(),
        revision: 1,
        sealed: seal_row(checked.id, &sealed.key, &sealed.row)?,
        sealed_receipt: seal_receipt(checked.id, &sealed.key, receipt)?,
        wraps: vec![sealed.wrap.clone()],
        lookups: sealed.lookups.clone(),
    })
}
