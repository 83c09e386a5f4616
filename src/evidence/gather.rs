//! What is known of one recording, gathered for a package: once, and in bounded memory.

use serde_json::Value;
use uuid::Uuid;

use super::EvidenceError;
use super::recipient::Recipient;
use super::shapes::{CustodyLine, RecordingFacts, ShownDecision};
use crate::archive::row::{Decision, Verdict, open_receipt};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{LedgerState, OpeningRow, SequencedEntry};
use crate::find::{FindError, Opened};
use crate::ledger::document::{self, DocumentKind};
use crate::ledger::entry::{Commitment, leaf_bytes};
use crate::ledger::kind::Kind;
use crate::ledger::receipt::Receipt;
use crate::ledger::shapes::OpeningText;

/// Entries that are read at once.
pub(super) const PAGE: u32 = 200;

/// Whose eyes a package is for: of other cases and other recipients it says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// The case.
    pub case_id: Uuid,
    /// The recipient.
    pub recipient: &'a Recipient,
}

/// What a recording is, and what was done to it: told to whoever receives it.
const TOLD: [Kind; 4] =
    [Kind::RECORDING_RECEIVED, Kind::RECORDING_QUARANTINED, Kind::RECORDING_DECIDED, Kind::RELATED_STORED];
/// What was done for a case: told to whoever receives a package of that case.
const TOLD_OF_THE_CASE: [Kind; 5] =
    [Kind::HOLD_PLACED, Kind::HOLD_RELEASED, Kind::EVIDENCE_BEGUN, Kind::EVIDENCE_MADE, Kind::EVIDENCE_BROKEN];

impl Audience<'_> {
    /// Whether who did it and why is told of an entry of this kind that says this. Of everything else, also of kinds that
    /// are new, a package has the leaf alone: what happened and when. Pure.
    pub fn is_told(&self, kind: &Kind, payload: &Value) -> bool {
        let (case, recipient) = (payload.get("case_id"), payload.get("recipient"));
        let is_of_no_case = case.is_none() && recipient.is_none();
        let is_of_the_case = case.and_then(Value::as_str) == Some(self.case_id.to_string().as_str())
            && recipient.is_none_or(|other| serde_json::to_value(self.recipient).ok().as_ref() == Some(other));
        (TOLD.contains(kind) && is_of_no_case) || (TOLD_OF_THE_CASE.contains(kind) && is_of_the_case)
    }
}

/// The receipt, word for word. It must bear the archive's signature, and be of this recording.
pub fn receipt(archive: &Archive, opened: &Opened) -> Result<Vec<u8>, EvidenceError> {
    let bytes = open_receipt(opened.row.id, &opened.key, &opened.row.sealed_receipt)?;
    let document = document::open(&bytes)?;
    if document.kind() != DocumentKind::Receipt || *document.key() != archive.signing.public() {
        return Err(ArchiveError::Document("a receipt that the archive did not sign").into());
    }
    let receipt: Receipt = document.read()?;
    if receipt.id != opened.row.id || receipt.sha256 != opened.sealed.sha256 {
        return Err(ArchiveError::Document("the receipt of another recording").into());
    }
    Ok(bytes)
}

/// Row and sealed row, as a package tells them.
pub fn facts(opened: &Opened) -> RecordingFacts {
    let (row, sealed) = (&opened.row, &opened.sealed);
    RecordingFacts {
        id: row.id,
        status: row.status,
        recorded_at: row.recorded_at,
        received_at: row.received_at,
        expires_at: row.expires_at,
        rule: row.rule.clone(),
        byte_len: row.byte_len,
        duration_ms: row.duration_ms,
        sha256: sealed.sha256.clone(),
        metadata: sealed.metadata.clone(),
        facts: sealed.facts.clone(),
        findings: sealed.findings.clone(),
        supersedes: sealed.supersedes,
        decision: sealed.decision.as_ref().map(decision),
    }
}

fn decision(decision: &Decision) -> ShownDecision {
    let verdict = match decision.verdict {
        Verdict::Accept => "accept",
        Verdict::Reject => "reject",
    };
    ShownDecision { verdict: verdict.to_owned(), reason: decision.reason.clone(), at: decision.at }
}

/// A page of what happened to a recording while the tree had less than `before` entries, from the `from`th on. Whether there
/// may be more comes last.
pub async fn custody(
    archive: &Archive,
    opened: &Opened,
    before: u64,
    audience: &Audience<'_>,
    from: u64,
) -> Result<(Vec<(CustodyLine, SequencedEntry)>, bool), EvidenceError> {
    let rows = archive.catalog.custody(opened.row.id, PAGE, from).await?;
    let mut told = Vec::with_capacity(rows.len());
    let is_full = rows.len() == PAGE as usize;
    for row in rows {
        // They come in the tree's order, what has no place yet last.
        if row.entry.seq.is_none_or(|seq| seq >= before) {
            return Ok((told, false));
        }
        told.push((line(archive, opened, &row, audience)?, row.entry));
    }
    Ok((told, is_full))
}

/// One entry about a recording.
pub async fn entry(
    archive: &Archive,
    opened: &Opened,
    id: Uuid,
    audience: &Audience<'_>,
) -> Result<(CustodyLine, SequencedEntry), EvidenceError> {
    let row = archive.catalog.opening(id).await?.ok_or(FindError::Gone)?;
    Ok((line(archive, opened, &row, audience)?, row.entry))
}

/// Entries that the checkpoint of `state` covers, each with the text of its proof.
pub async fn prove(
    archive: &Archive,
    state: &LedgerState,
    told: Vec<(CustodyLine, SequencedEntry)>,
) -> Result<Vec<(CustodyLine, String)>, EvidenceError> {
    let entries: Vec<_> = told.iter().map(|(_, entry)| entry).collect();
    let proofs = archive.ledger().prove_all(state, &entries).await?;
    let mut proved = Vec::with_capacity(told.len());
    for ((line, _), proof) in told.into_iter().zip(proofs) {
        let proof = proof.ok_or(EvidenceError::NotPublished)?;
        // What is handed over is what an outsider will find: the leaf is in the tree of the checkpoint.
        proof.verify(&leaf_bytes(line.seq, &line.as_entry())?, &archive.signing.public())?;
        proved.push((line, proof.encode()?));
    }
    Ok(proved)
}

fn line(
    archive: &Archive,
    opened: &Opened,
    row: &OpeningRow,
    audience: &Audience<'_>,
) -> Result<CustodyLine, EvidenceError> {
    let entry = &row.entry.entry;
    let opening = archive.open_custody(&opened.key, row)?;
    if opening.commit() != Commitment(entry.commitment) {
        return Err(ArchiveError::Document("an entry that commits to something else").into());
    }
    let (opening, kind) = (OpeningText::of(&opening)?, entry.kind.parse()?);
    let seq = row.entry.seq.ok_or(ArchiveError::Document("an entry with a proof and without a place"))?;
    Ok(CustodyLine {
        seq,
        at: entry.at,
        entry: entry.id,
        commitment: Commitment(entry.commitment),
        opening: audience.is_told(&kind, &opening.payload).then_some(opening),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evidence::recipient::RecipientKind;

    #[test]
    fn a_kind_is_told_only_where_somebody_thought_about_it() {
        let case_id = Uuid::from_u128(7);
        let recipient = Recipient { name: "A BV".to_owned(), kind: RecipientKind::Bailiff };
        let audience = Audience { case_id, recipient: &recipient };
        let own = json!({"name": "A BV", "kind": "bailiff"});
        let of_case = json!({"case_id": case_id, "recipient": own});
        for kind in Kind::ALL.iter().chain(&["recording.new_one".parse().unwrap(), "hold.new_one".parse().unwrap()]) {
            assert_eq!(audience.is_told(kind, &json!({"actor": {"name": "an"}})), TOLD.contains(kind), "{kind}");
            assert_eq!(audience.is_told(kind, &of_case), TOLD_OF_THE_CASE.contains(kind), "{kind}");
            for hidden in [
                json!({"case_id": Uuid::from_u128(8)}),
                json!({"case_id": Uuid::from_u128(8), "recipient": own}),
                json!({"case_id": case_id, "recipient": {"name": "A BV", "kind": "bank"}}),
                json!({"case_id": case_id, "recipient": {"name": "B BV", "kind": "bailiff"}}),
            ] {
                assert!(!audience.is_told(kind, &hidden), "{kind} {hidden}");
            }
        }
        assert!(audience.is_told(&Kind::HOLD_PLACED, &json!({"case_id": case_id})));
    }
}
