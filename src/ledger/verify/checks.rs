//! The checks that go with each kind of document, beyond its signature.

use serde_json::Value;

use super::detail;
use super::report::{CheckKind, Report};
use crate::ledger::LedgerError;
use crate::ledger::account_certificate::AccountCertificate;
use crate::ledger::certificate::{Certificate, PurgeGround};
use crate::ledger::destruction::DestructionRecord;
use crate::ledger::document::Document;
use crate::ledger::kind::Kind;
use crate::ledger::proof::Proof;
use crate::ledger::receipt::{Receipt, ReceiptEntry};
use crate::ledger::shapes::ProvenEntry;
use crate::ledger::statistics::StatisticsRecord;

macro_rules! checks {
    ($($name:ident = $text:literal, $means:literal;)*) => {
        $(pub(super) const $name: CheckKind = CheckKind { name: $text, means: $means };)*
    };
}

checks! {
    RECOGNISED = "recognised", "This is not something that this archive hands out, or it was damaged.";
    WELL_FORMED = "well formed", "At least one byte is not as the archive wrote it.";
    SIGNATURE = "signature", "The content was changed after it was signed, or somebody else made it.";
    KEY_GIVEN = "key", "A checkpoint does not carry its key: give the whole key with --trust. Nothing else was checked.";
    TRUSTED = "trusted key", "It was signed with another key than the one you trust.";
    ORIGIN = "ledger", "It belongs to another ledger than the one you trust.";
    SHAPE = "members", "The archive signed something that is not complete.";
    COMMITMENT = "commitment", "The ledger entry says something else than this document.";
    INCLUDED = "inclusion", "It is not shown that the entry is in the ledger's tree.";
    ORDER = "order of times", "The times contradict each other: steps were not taken in the order that is promised.";
    ATTESTED = "attestations", "A timestamp or a witness was given for something that has none.";
    TIMESTAMP = "timestamp", "It is not shown that the tree existed at that time.";
    WITNESS = "witness", "It is not shown that this witness saw the tree as the continuation of those before.";
    COARSE = "coarse enough", "A cell is of fewer calls than the statistics promise.";
    LOCKED = "locked objects", "It says that a lock kept bytes: that only happens to what is erased before its deadline.";
    GONE = "looked again", "Something of it was still there when it was looked for again.";
}

/// Members of a payload that say what a receipt is about: without them the entry could be about anything.
const RECEIPT_FACTS: [&str; 2] = ["id", "sha256"];

/// Each gives the name of the ledger that the document belongs to, as far as it can be told.
pub(super) fn receipt(report: &mut Report, document: &Document, proof: Option<&str>) -> Option<String> {
    let read = document.read::<Receipt>();
    report.add(SHAPE, read.is_ok(), &detail(&read));
    let receipt = read.ok()?;
    let known = [Kind::RECORDING_RECEIVED, Kind::RECORDING_QUARANTINED].contains(&receipt.ledger.kind);
    if let Some(opening) = &receipt.ledger.opening {
        let commits = opening.opening().is_ok_and(|opening| opening.commit() == receipt.ledger.commitment);
        let agrees = agrees(document, &opening.payload, &RECEIPT_FACTS);
        report.add(COMMITMENT, known && commits && agrees, &format!("entry {}", receipt.ledger.entry));
    } else {
        report.add(COMMITMENT, known, "the opening was not handed out: not compared");
    }
    let order = receipt.recorded_at < receipt.expires_at && receipt.received_at < receipt.expires_at;
    report.add(ORDER, order, &format!("kept until {}", receipt.expires_at));
    if let Some(proof) = proof {
        let found = promised(&receipt.ledger, document, proof);
        report.add(INCLUDED, found.is_ok(), found.as_deref().unwrap_or(&detail(&found)));
    }
    Some(receipt.ledger.origin)
}

pub(super) fn certificate(report: &mut Report, document: &Document) -> Option<String> {
    let read = document.read::<Certificate>();
    report.add(SHAPE, read.is_ok(), &detail(&read));
    let certificate = read.ok()?;
    let facts = &certificate.facts;
    report.add(ORDER, facts.disorder().is_none(), facts.disorder().unwrap_or_default());
    let left = facts.found_again.total();
    report.add(GONE, left == 0, &format!("{left} things were found at {}", facts.looked_again_at));
    if let Some(locked) = &facts.locked {
        let told = match locked.deleted_at {
            Some(at) => {
                format!("{} were kept by the store's lock, sealed for good, and deleted at {at}", locked.objects)
            }
            None => format!("{} are kept by the store's lock until {}, sealed for good", locked.objects, locked.until),
        };
        report.add(LOCKED, facts.ground == PurgeGround::Erasure, &told);
    }
    proven(report, document, &certificate.ledger, &facts.entry_kind())
}

pub(super) fn account_certificate(report: &mut Report, document: &Document) -> Option<String> {
    let read = document.read::<AccountCertificate>();
    report.add(SHAPE, read.is_ok(), &detail(&read));
    let certificate = read.ok()?;
    let facts = &certificate.facts;
    report.add(ORDER, facts.disorder().is_none(), facts.disorder().unwrap_or_default());
    let left = facts.found_again.total();
    report.add(GONE, left == 0, &format!("{left} things were found at {}", facts.looked_again_at));
    proven(report, document, &certificate.ledger, &Kind::ACCOUNT_PURGED)
}

pub(super) fn destruction(report: &mut Report, document: &Document) -> Option<String> {
    let read = document.read::<DestructionRecord>();
    report.add(SHAPE, read.is_ok(), &detail(&read));
    let record = read.ok()?;
    let facts = &record.facts;
    let order = facts.closed_at <= facts.destroyed_at && facts.destroyed_at <= facts.effective_at;
    let mut told = if facts.takes_effect_later() {
        format!(
            "asked for at {}, takes effect at {}: can be called off until then",
            facts.destroyed_at, facts.effective_at
        )
    } else {
        format!("destroyed at {}", facts.destroyed_at)
    };
    if facts.former_keys_left {
        told.push_str("; keys that the archive was moved away from were not destroyed yet");
    }
    report.add(ORDER, order, &told);
    proven(report, document, &record.ledger, &Kind::MONTH_DESTROYED)
}

pub(super) fn statistics(report: &mut Report, document: &Document) -> Option<String> {
    let read = document.read::<StatisticsRecord>();
    report.add(SHAPE, read.is_ok(), &detail(&read));
    let record = read.ok()?;
    let smallest = record.facts.cells.iter().map(|cell| cell.calls).min();
    let told = smallest.map_or("no cell".to_owned(), |calls| format!("the smallest cell is of {calls} calls"));
    report.add(COARSE, smallest.is_none_or(|calls| calls >= record.facts.fewest_calls), &told);
    proven(report, document, &record.ledger, &Kind::STATISTICS_PUBLISHED)
}

fn proven(report: &mut Report, document: &Document, entry: &ProvenEntry, kind: &Kind) -> Option<String> {
    let facts: Vec<&str> = document.members().keys().map(String::as_str).filter(|name| !is_frame(name)).collect();
    let agrees = entry.kind == *kind && agrees(document, &entry.opening.payload, &facts);
    report.add(COMMITMENT, agrees, &format!("entry {}, {}", entry.seq, entry.kind));
    let found = entry.verify(document.key());
    let place = found.as_ref().map(|c| format!("{}, entry {} of {}", c.origin, entry.seq, c.head.size));
    report.add(INCLUDED, found.is_ok(), &place.unwrap_or_else(|error| error.to_string()));
    found.ok().map(|checkpoint| checkpoint.origin)
}

/// Whether the payload has all `required` members and says of every member that it shares with the document, but
/// for the document's frame, the same as the document.
fn agrees(document: &Document, payload: &Value, required: &[&str]) -> bool {
    let Some(payload) = payload.as_object() else { return false };
    let same = |name: &String, value: &Value| {
        is_frame(name) || document.members().get(name).is_none_or(|stated| stated == value)
    };
    required.iter().all(|name| payload.contains_key(*name)) && payload.iter().all(|(name, value)| same(name, value))
}

/// The members that stand around the facts.
fn is_frame(name: &str) -> bool {
    matches!(name, "type" | "controller" | "ledger" | "signature")
}

/// Checks that the entry that a receipt promises is where `proof` says.
fn promised(entry: &ReceiptEntry, document: &Document, proof: &str) -> Result<String, LedgerError> {
    let proof = Proof::parse(proof)?;
    let checkpoint = proof.verify(&entry.leaf(proof.index)?, document.key())?;
    if checkpoint.origin != entry.origin {
        return Err(LedgerError::Checkpoint("of another ledger"));
    }
    Ok(format!("{}, entry {} of {}", checkpoint.origin, proof.index, checkpoint.head.size))
}
