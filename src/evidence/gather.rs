//! What is known of one recording, gathered for a package: once, and in bounded memory.

use serde_json::Value;
use uuid::Uuid;

use super::EvidenceError;
use super::recipient::Recipient;
use super::shapes::{CustodyLine, RecordingFacts, ShownDecision};
use crate::archive::row::{Decision, Verdict, open_receipt};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{LedgerState, OpeningRow};
use crate::find::Opened;
use crate::ledger::document::{self, DocumentKind};
use crate::ledger::entry::{Commitment, leaf_bytes};
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

impl Audience<'_> {
    /// Whether what an entry says is about another case, or about what went to another recipient. Pure.
    pub fn is_of_another(&self, payload: &Value) -> bool {
        let case = payload.get("case_id").and_then(Value::as_str);
        let recipient = payload.get("recipient");
        case.is_some_and(|case| case != self.case_id.to_string())
            || recipient.is_some_and(|other| serde_json::to_value(self.recipient).ok().as_ref() != Some(other))
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

/// A page of the entries about a recording that the checkpoint of `state` covers, from the `from`th on, each with the text
/// of its proof. Whether there may be more comes last.
pub async fn custody(
    archive: &Archive,
    opened: &Opened,
    state: &LedgerState,
    audience: &Audience<'_>,
    from: u64,
) -> Result<(Vec<(CustodyLine, String)>, bool), EvidenceError> {
    let rows = archive.catalog.custody(opened.row.id, PAGE, from).await?;
    let more = rows.len() == PAGE as usize;
    let entries: Vec<_> = rows.iter().map(|row| &row.entry).collect();
    let proofs = archive.ledger().prove_all(state, &entries).await?;
    let mut told = Vec::with_capacity(rows.len());
    for (row, proof) in rows.iter().zip(proofs) {
        // What came after the checkpoint is not in the package.
        let Some(proof) = proof else { return Ok((told, false)) };
        let line = line(archive, opened, row, audience)?;
        // What is handed over is what an outsider will find: the leaf is in the tree of the checkpoint.
        proof.verify(&leaf_bytes(line.seq, &line.as_entry())?, &archive.signing.public())?;
        told.push((line, proof.encode()?));
    }
    Ok((told, more))
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
    let opening = OpeningText::of(&opening)?;
    let seq = row.entry.seq.ok_or(ArchiveError::Document("an entry with a proof and without a place"))?;
    Ok(CustodyLine {
        seq,
        at: entry.at,
        kind: entry.kind.parse()?,
        entry: entry.id,
        commitment: Commitment(entry.commitment),
        opening: (!audience.is_of_another(&opening.payload)).then_some(opening),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evidence::recipient::RecipientKind;

    #[test]
    fn other_cases_and_other_recipients_are_not_told_of() {
        let case_id = Uuid::from_u128(7);
        let recipient = Recipient { name: "A BV".to_owned(), kind: RecipientKind::Bailiff };
        let audience = Audience { case_id, recipient: &recipient };
        let own = json!({"name": "A BV", "kind": "bailiff"});
        for shown in [
            json!({"actor": {"name": "an"}}),
            json!({"case_id": case_id}),
            json!({"case_id": case_id, "recipient": own}),
            json!({"recipient": own}),
        ] {
            assert!(!audience.is_of_another(&shown), "{shown}");
        }
        for hidden in [
            json!({"case_id": Uuid::from_u128(8)}),
            json!({"case_id": Uuid::from_u128(8), "recipient": own}),
            json!({"case_id": case_id, "recipient": {"name": "A BV", "kind": "bank"}}),
            json!({"case_id": case_id, "recipient": {"name": "B BV", "kind": "bailiff"}}),
        ] {
            assert!(audience.is_of_another(&hidden), "{hidden}");
        }
    }
}
