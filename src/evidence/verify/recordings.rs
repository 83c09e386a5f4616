//! Each recording: its receipt, its audio, what happened to it, and the proofs of that.

use std::io::{Read, Seek};

use serde_json::Value;

use super::checks;
use super::contents::Ledger;
use super::files::Files;
use crate::evidence::names;
use crate::evidence::shapes::{CustodyLine, PackageFacts, PackagedRecording, Promise, RecordingFacts};
use crate::ledger::document::{self, DocumentKind};
use crate::ledger::entry::{leaf_bytes, leaf_hash};
use crate::ledger::kind::Kind;
use crate::ledger::proof::{self, Proof};
use crate::ledger::receipt::Receipt;
use crate::ledger::signing::sha256;
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
    let list = files.data(&at(names::CUSTODY), MAX_CUSTODY_BYTES).unwrap_or_default();
    let Some(lines) = custody(&list).filter(|lines| !lines.is_empty()) else {
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
        all.custody.add(&place, misfit(line, recording, facts.as_ref()));
        let proof = files.data(&place, proof::MAX_BYTES as u64);
        all.proofs.add(&place, not_proved(line, proof, ledger));
    }
    let facts = files.digest(&format!("data/{}", at(names::RECORDING)));
    let package = files.digest(&format!("data/{}", names::PACKAGE));
    let said = Said { recording, facts, package, list: &list, lines: &lines };
    all.handing_over.add(folder, said.not_handed_over(&ledger.package));
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

/// Why what is told of an entry is not what it commits to, or is of something else.
fn misfit(line: &CustodyLine, recording: &PackagedRecording, facts: Option<&RecordingFacts>) -> Option<&'static str> {
    let opening = line.opening.as_ref()?;
    if !opening.opening().is_ok_and(|opening| opening.commit() == line.commitment) {
        return Some("the entry commits to something else");
    }
    let member = |name: &str| opening.payload.get(name).and_then(Value::as_str);
    let id = recording.id.to_string();
    let is_receipt = [Kind::RECORDING_RECEIVED, Kind::RECORDING_QUARANTINED].contains(&line.kind);
    let named = if is_receipt { member("id") } else { member("recording_id") };
    if named.is_some_and(|named| named != id) {
        return Some("the entry is about another recording");
    }
    let account =
        member("account_id").filter(|_| is_receipt).zip(facts.map(|facts| facts.metadata.account_id.as_str()));
    account.filter(|(one, other)| one != other).map(|_| "it was received for another account")
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

/// What the package says of a recording, and the ledger has to say as well.
struct Said<'a> {
    recording: &'a PackagedRecording,
    facts: Option<[u8; 32]>,
    package: Option<[u8; 32]>,
    list: &'a [u8],
    lines: &'a [CustodyLine],
}

impl Said<'_> {
    /// Why its last entry is not the one that was committed before the package's first byte was sent.
    fn not_handed_over(&self, package: &PackageFacts) -> Option<&'static str> {
        let last = self.lines.last().filter(|line| line.kind == Kind::EVIDENCE_BEGUN);
        let Some((line, opening)) = last.and_then(|line| Some((line, line.opening.as_ref()?))) else {
            return Some("there is no such entry at the end of its custody");
        };
        let member = |name: &str| opening.payload.get(name).and_then(Value::as_str);
        let Ok(promise) = serde_json::from_value::<Promise>(opening.payload.clone()) else {
            return Some("the entry does not say what was handed over");
        };
        let is = |digest: Option<[u8; 32]>, said: &str| digest.is_some_and(|digest| hex::encode(digest) == said);
        let before = before_the_last(self.list);
        let said = [
            (member("package_id") == Some(&package.package_id.to_string()), "the entry is of another package"),
            (member("case_id") == Some(&package.case_id.to_string()), "the entry is of another case"),
            (line.at == package.made_at, "the package was begun at another time"),
            (member("seal") == Some(&package.seal), "it was begun with another seal"),
            (member("purpose") == Some(&package.purpose), "it was begun for another purpose"),
            (
                opening.payload.get("recipient") == serde_json::to_value(&package.recipient).ok().as_ref(),
                "it was begun for another recipient",
            ),
            (
                is(self.package, member("package_sha256").unwrap_or_default()),
                "package.json is another one, or has other recordings",
            ),
            (promise.recording_id == self.recording.id, "the entry is about another recording"),
            (is(self.facts, &promise.recording_sha256), "recording.json is another one"),
            (promise.custody_entries == self.lines.len() as u64 - 1, "there are more or fewer entries than there were"),
            (is(Some(sha256(before)), &promise.custody_sha256), "there are other entries than there were"),
        ];
        said.into_iter().find(|(same, _)| !same).map(|(_, wrong)| wrong)
    }
}

/// The lines of a list but for its last.
fn before_the_last(list: &[u8]) -> &[u8] {
    let lines = list.strip_suffix(b"\n").unwrap_or(list);
    let end = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    list.get(..end).unwrap_or_default()
}
