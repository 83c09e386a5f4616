//! Each recording: its receipt, its audio, what happened to it, and the proofs of that.

use std::io::{Read, Seek};

use super::checks;
use super::contents::Ledger;
use super::files::Files;
use crate::evidence::names;
use crate::evidence::shapes::{CustodyLine, PackagedRecording, RecordingFacts};
use crate::ledger::document::{self, DocumentKind};
use crate::ledger::entry::{leaf_bytes, leaf_hash};
use crate::ledger::kind::Kind;
use crate::ledger::proof::{self, Proof};
use crate::ledger::receipt::Receipt;
use crate::ledger::tree;
use crate::ledger::verify::{CheckKind, Report, TrustedKey, verify};

/// Longest JSON file of a recording, in bytes.
const MAX_JSON_BYTES: u64 = 16 << 20;
/// Longest list of what happened to one recording, in bytes.
const MAX_CUSTODY_BYTES: u64 = 256 << 20;

/// One line of the report for all recordings: how many hold, and the first that does not.
struct Tally {
    kind: CheckKind,
    made: u64,
    failed: u64,
    first: String,
}

impl Tally {
    fn of(kind: CheckKind) -> Self {
        Self { kind, made: 0, failed: 0, first: String::new() }
    }

    fn add(&mut self, place: &str, wrong: Option<&str>) {
        self.made += 1;
        if let Some(wrong) = wrong {
            if self.failed == 0 {
                self.first = format!("; the first: {place}: {wrong}");
            }
            self.failed += 1;
        }
    }

    fn tell(self, report: &mut Report) {
        let ok = self.failed == 0 && self.made > 0;
        report.add(self.kind, ok, &format!("{} of {}{}", self.made - self.failed, self.made, self.first));
    }
}

struct Tallies {
    receipts: Tally,
    recordings: Tally,
    audio: Tally,
    custody: Tally,
    proofs: Tally,
    handing_over: Tally,
}

/// Checks all of them.
pub(super) fn check<R: Read + Seek>(report: &mut Report, files: &mut Files<R>, ledger: &Ledger) {
    let mut tallies = Tallies {
        receipts: Tally::of(checks::RECEIPTS),
        recordings: Tally::of(checks::RECORDINGS),
        audio: Tally::of(checks::AUDIO),
        custody: Tally::of(checks::CUSTODY),
        proofs: Tally::of(checks::PROOFS),
        handing_over: Tally::of(checks::HANDING_OVER),
    };
    for recording in &ledger.package.recordings {
        check_one(&mut tallies, files, ledger, recording);
    }
    let Tallies { receipts, recordings, audio, custody, proofs, handing_over } = tallies;
    for tally in [receipts, recordings, audio, custody, proofs, handing_over] {
        tally.tell(report);
    }
}

fn check_one<R: Read + Seek>(all: &mut Tallies, files: &mut Files<R>, ledger: &Ledger, recording: &PackagedRecording) {
    let folder = recording.folder.as_str();
    let at = |name: &str| format!("{folder}/{name}");
    let receipt = receipt(files.data(&at(names::RECEIPT), document::MAX_BYTES as u64), ledger, recording);
    all.receipts.add(folder, receipt.as_ref().err().copied());
    let digest = files.digest(&format!("data/{}", at(&recording.audio))).map(hex::encode);
    let same_audio = matches!((&receipt, &digest), (Ok(receipt), Some(digest)) if receipt.sha256 == *digest);
    all.audio.add(folder, (!same_audio).then_some("its digest is not that of the receipt"));
    let facts = files.data(&at(names::RECORDING), MAX_JSON_BYTES);
    let facts: Option<RecordingFacts> = facts.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let told = match (&facts, &receipt) {
        (Some(facts), Ok(receipt)) => difference(facts, receipt),
        (None, _) => Some("it cannot be read"),
        (_, Err(_)) => Some("there is no receipt to compare it with"),
    };
    all.recordings.add(folder, told);
    let lines = files.data(&at(names::CUSTODY), MAX_CUSTODY_BYTES).and_then(|bytes| custody(&bytes));
    let Some(lines) = lines.filter(|lines| !lines.is_empty()) else {
        return all.custody.add(folder, Some("it cannot be read"));
    };
    let order = lines.windows(2).all(|pair| pair[0].seq < pair[1].seq);
    let received = receipt.as_ref().is_ok_and(|receipt| {
        lines.iter().any(|line| line.as_entry() == receipt.ledger.entry() && line.entry == receipt.ledger.entry)
    });
    let whole = if order { None } else { Some("its entries are out of order") };
    all.custody.add(folder, whole.or((!received).then_some("the entry that the receipt promises is not there")));
    for line in &lines {
        let place = at(&line.proof_file());
        all.custody.add(&place, (!opens(line)).then_some("the entry commits to something else"));
        let proof = files.data(&place, proof::MAX_BYTES as u64);
        all.proofs.add(&place, not_proved(line, proof, ledger));
    }
    let begun = lines.iter().any(|line| is_handing_over(line, ledger));
    all.handing_over.add(folder, (!begun).then_some("there is no such entry"));
}

fn receipt(bytes: Option<Vec<u8>>, ledger: &Ledger, recording: &PackagedRecording) -> Result<Receipt, &'static str> {
    let bytes = bytes.ok_or("it is missing")?;
    let report = verify(&bytes, Some(&TrustedKey::from(ledger.key)));
    if !report.ok() {
        return Err("it does not verify");
    }
    let document = document::open(&bytes).map_err(|_| "it cannot be read")?;
    if document.kind() != DocumentKind::Receipt {
        return Err("it is another document");
    }
    let receipt: Receipt = document.read().map_err(|_| "it cannot be read")?;
    if receipt.id != recording.id || receipt.ledger.origin != ledger.origin {
        return Err("it is of another recording or ledger");
    }
    Ok(receipt)
}

/// What is told of a recording that its receipt says otherwise. Its status and its deadline may have been decided anew
/// since.
fn difference(facts: &RecordingFacts, receipt: &Receipt) -> Option<&'static str> {
    let said = [
        (facts.id == receipt.id, "it is of another recording"),
        (facts.sha256 == receipt.sha256 && facts.byte_len == receipt.byte_len, "the audio is another one"),
        (facts.metadata.call_id == receipt.call_id && facts.metadata.part == receipt.part, "the call is another one"),
        (facts.recorded_at == receipt.recorded_at, "it is of another time"),
        (facts.metadata.recorded_at == receipt.recorded_at, "it is of another time"),
        (facts.received_at == receipt.received_at, "it was received at another time"),
        (receipt.duration_ms.is_none_or(|ms| ms == facts.duration_ms), "it is of another length"),
    ];
    said.into_iter().find(|(same, _)| !same).map(|(_, wrong)| wrong)
}

/// Each line, which must be the one text of what it says.
fn custody(bytes: &[u8]) -> Option<Vec<CustodyLine>> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    text.split('\n').map(|line| serde_json::from_str(line).ok()).collect()
}

/// Whether what is told of an entry is what it commits to. An entry about another case is not opened.
fn opens(line: &CustodyLine) -> bool {
    let Some(text) = &line.opening else { return true };
    text.opening().is_ok_and(|opening| opening.commit() == line.commitment)
}

fn not_proved(line: &CustodyLine, bytes: Option<Vec<u8>>, ledger: &Ledger) -> Option<&'static str> {
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(proof) = text.and_then(|text| Proof::parse(&text).ok()) else { return Some("it cannot be read") };
    if proof.index != line.seq || proof.extra.is_some() {
        return Some("it is of another entry");
    }
    // The one checkpoint was checked: this is the same, word for word.
    if proof.checkpoint != ledger.checkpoint {
        return Some("it leads to another checkpoint");
    }
    let Ok(leaf) = leaf_bytes(line.seq, &line.as_entry()) else { return Some("it is of no entry") };
    let holds = tree::check_inclusion(&proof.hashes, line.seq, leaf_hash(&leaf), &ledger.head);
    holds.is_err().then_some("it does not hold")
}

/// Whether this is the entry that was committed before the package's first byte was sent.
fn is_handing_over(line: &CustodyLine, ledger: &Ledger) -> bool {
    let Some(opening) = &line.opening else { return false };
    let member = |name: &str| opening.payload.get(name).and_then(serde_json::Value::as_str);
    let package = &ledger.package;
    let recipient = serde_json::to_value(&package.recipient).ok();
    line.kind == Kind::EVIDENCE_BEGUN
        && member("purpose") == Some(package.purpose.as_str())
        && opening.payload.get("recipient") == recipient.as_ref()
        && member("package_id") == Some(package.package_id.to_string().as_str())
        && member("seal") == Some(package.seal.as_str())
}
