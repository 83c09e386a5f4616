//! A package made of nothing but this crate's own parts: for tests.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::bag::{BagWriter, Measured, folder_of};
use super::close::close;
use super::names;
use super::parts::{self, CommonFiles, RecordingFiles};
use super::recipient::{Recipient, RecipientKind};
use super::seal::{self, FileSealer, Sealer as _};
use super::shapes::{CustodyLine, PACKAGE_TYPE, PackageFacts, PackagedRecording, Promise, RecordingFacts};
use crate::audio::{Codec, Container, Facts};
use crate::clock::{SystemClock, Timestamp};
use crate::config::SealFiles;
use crate::ledger::checkpoint;
use crate::ledger::entry::{Entry, Opening, leaf_bytes};
use crate::ledger::kind::Kind;
use crate::ledger::proof::Proof;
use crate::ledger::receipt::{PROMISE, Receipt, ReceiptEntry};
use crate::ledger::shapes::{Controller, LedgerKey, OpeningText};
use crate::ledger::signing::{SigningKey, sha256};
use crate::ledger::tree::{self, StoredHashes};
use crate::recording::{Language, Metadata, RecordingId, Status};
use crate::signature::certificate::Known;
use crate::timestamp::Authority;

const ORIGIN: &str = "recordings.example.com/ledger";

/// A package of two recordings, and the keys that it was made with.
pub struct Sample {
    /// The ZIP.
    pub zip: Vec<u8>,
    /// The ledger's key.
    pub key: SigningKey,
    /// The seal.
    pub sealer: FileSealer,
    /// Its folder.
    pub folder: String,
}

struct Told {
    id: RecordingId,
    receipt: Vec<u8>,
    facts: RecordingFacts,
    audio: Vec<u8>,
    entries: Vec<(Entry, Uuid, Option<Opening>)>,
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn told(number: u128, key: &SigningKey) -> Told {
    let id = RecordingId(Uuid::from_u128(0x0193_d8a0_5b7e_7c11_a2f4_3f5d_1f0c_9b20 + number));
    let audio = vec![number as u8; 700];
    let sha256 = hex::encode(sha256(&audio));
    let opening = Opening::new(&json!({"id": id, "sha256": sha256})).unwrap();
    let entry = Entry { at: at("2026-11-22T09:16:02Z"), kind: Kind::RECORDING_RECEIVED, commitment: opening.commit() };
    let entry_id = Uuid::from_u128(100 + number);
    let text = |value: serde_json::Value| serde_json::from_value(value).unwrap();
    let metadata: Metadata = text(
        json!({"call_id": "call-1", "part": number, "account_id": "a", "recorded_at": "2026-11-22T10:15:00+01:00"}),
    );
    let receipt = Receipt {
        document_type: String::new(),
        id,
        call_id: metadata.call_id.clone(),
        part: metadata.part,
        sha256: sha256.clone(),
        byte_len: 700,
        duration_ms: Some(30_000),
        codec: None,
        status: Status::Accepted,
        findings: Vec::new(),
        supersedes: None,
        recorded_at: metadata.recorded_at,
        received_at: at("2026-11-22T09:16:01.5Z"),
        expires_at: at("2031-11-22T09:15:00Z"),
        rule: "call_recording/1 P5Y Europe/Brussels instant".to_owned(),
        ledger: ReceiptEntry {
            origin: ORIGIN.to_owned(),
            entry: entry_id,
            at: entry.at,
            kind: entry.kind.clone(),
            commitment: entry.commitment,
            opening: Some(OpeningText::of(&opening).unwrap()),
            promise: PROMISE.to_owned(),
        },
        controller: None,
        signature: None,
    };
    let facts = RecordingFacts {
        id,
        status: Status::Accepted,
        recorded_at: receipt.recorded_at,
        received_at: receipt.received_at,
        expires_at: receipt.expires_at,
        rule: receipt.rule.clone(),
        byte_len: 700,
        duration_ms: 30_000,
        sha256,
        metadata,
        facts: Facts::unknown(Container::Wav, Codec::Alaw, 700),
        findings: Vec::new(),
        supersedes: None,
        decision: None,
    };
    let other = Opening::new(&json!({"case_id": "another"})).unwrap();
    let held = Entry { at: at("2026-11-25T00:00:00Z"), kind: Kind::HOLD_PLACED, commitment: other.commit() };
    let entries = vec![(entry, entry_id, Some(opening)), (held, Uuid::from_u128(200 + number), None)];
    Told { id, receipt: receipt.sign(key).unwrap(), facts, audio, entries }
}

/// The entry that the package was begun, which says what it says of this recording, whose entries begin at `seq`.
fn handing_over(told: &mut Told, seq: u64, package: &PackageFacts) {
    let list = (seq..).zip(&told.entries).map(|(seq, entry)| parts::custody_line(&line(seq, entry)).unwrap());
    let list: Vec<u8> = list.flatten().collect();
    let promise = Promise {
        recording_id: told.id,
        recording_sha256: hex::encode(sha256(&parts::json(&told.facts).unwrap())),
        custody_entries: told.entries.len() as u64,
        custody_sha256: hex::encode(sha256(&list)),
    };
    let mut begun = serde_json::to_value(promise).unwrap();
    let of_package = json!({"package_id": package.package_id, "case_id": package.case_id, "seal": package.seal,
        "purpose": package.purpose, "recipient": package.recipient,
        "package_sha256": hex::encode(sha256(&parts::json(package).unwrap()))});
    begun.as_object_mut().unwrap().extend(of_package.as_object().unwrap().clone());
    let given = Opening::new(&begun).unwrap();
    let entry = Entry { at: package.made_at, kind: Kind::EVIDENCE_BEGUN, commitment: given.commit() };
    told.entries.push((entry, Uuid::from_u128(300 + u128::from(seq)), Some(given)));
}

fn line(seq: u64, (entry, id, opening): &(Entry, Uuid, Option<Opening>)) -> CustodyLine {
    let opening = opening.as_ref().map(|opening| OpeningText::of(opening).unwrap());
    let Entry { at, kind, commitment } = entry.clone();
    CustodyLine { seq, at, kind, entry: *id, commitment, opening }
}

/// Makes one. With `spoil` something is changed before it is signed: what only the checks beyond the signature notice.
pub async fn sample(authority: Option<&str>, spoil: impl Fn(&mut Spoilt)) -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let now = at("2026-11-26T00:00:01Z");
    let files = SealFiles::SelfMade(folder.path().to_owned());
    let sealer = seal::open(&files, "Example NV", now.since(Timestamp::from_micros(0))).unwrap();
    let (key, package_id) = (SigningKey::generate().unwrap(), Uuid::from_u128(42));
    let seal = Known::from_der(&sealer.chain()[0]).unwrap();
    let recipient = Recipient { name: "Example Advocaten BV".to_owned(), kind: RecipientKind::LegalServiceProvider };
    let mut told = [1, 2].map(|number| told(number, &key));
    let place = |(index, told): (usize, &Told)| PackagedRecording {
        folder: names::folder(index + 1, told.id),
        id: told.id,
        audio: "audio.wav".to_owned(),
    };
    let package = PackageFacts {
        document_type: PACKAGE_TYPE.to_owned(),
        package_id,
        made_at: now,
        made_by: "an".to_owned(),
        controller: Controller { name: "Example NV".into(), address: "Straat 1".into(), privacy_contact: "p@x".into() },
        case_id: Uuid::from_u128(7),
        case_reference: Some("2026/3".to_owned()),
        purpose: "dispute 12".to_owned(),
        recipient,
        language: Language::Nl,
        zone: "Europe/Brussels".to_owned(),
        seal: seal.fingerprint().unwrap(),
        timestamp_authority: authority.map(str::to_owned),
        recordings: told.iter().enumerate().map(place).collect(),
    };
    for (told, seq) in told.iter_mut().zip([0, 3]) {
        handing_over(told, seq, &package);
    }
    let mut spoilt = Spoilt { told: told.into(), signs: None };
    spoil(&mut spoilt);
    let (log, head) = log_of(&spoilt.told);
    let note = checkpoint::sign(ORIGIN, &head, spoilt.signs.as_ref().unwrap_or(&key)).unwrap();
    let (mut bag, mut zip, mut seq) = (BagWriter::new(package_id), Vec::new(), 0);
    zip.extend(bag.declaration().unwrap());
    for (index, told) in spoilt.told.iter().enumerate() {
        let name = names::folder(index + 1, told.id);
        zip.extend(parts::audio_header(&mut bag, &name, "audio.wav", &Measured::of(&told.audio)).unwrap());
        zip.extend_from_slice(&told.audio);
        let mut list = Vec::new();
        for entry in &told.entries {
            let line = line(seq, entry);
            let hashes = tree::prove_inclusion(seq, head.size, &log).unwrap();
            let proof = Proof::new(seq, hashes, note.clone()).encode().unwrap();
            zip.extend(parts::custody_entry(&mut bag, &name, &line, &proof, &mut list).unwrap());
            seq += 1;
        }
        let files = RecordingFiles {
            folder: name.clone(),
            facts: told.facts.clone(),
            receipt: told.receipt.clone(),
            waveform: (b"{}".to_vec(), "<svg/>".to_owned()),
        };
        zip.extend(parts::recording(&mut bag, &files, &list).unwrap().concat());
    }
    let common = CommonFiles {
        package: package.clone(),
        ledger_key: LedgerKey::of(ORIGIN, &key.public()),
        checkpoint: note,
        seal: (seal.to_pem(), true),
    };
    zip.extend(parts::common(&mut bag, &folder_of(package_id), &common).unwrap().concat());
    zip.extend(bag.payload(names::REPORT, b"<!doctype html><title>report</title>\n").unwrap());
    let info = parts::bag_info(&package);
    let info: Vec<_> = info.iter().map(|(label, value)| (*label, value.as_str())).collect();
    let (tags, tag_manifest) = bag.tags(&info).unwrap();
    zip.extend(tags);
    let authority = authority.map(|url| Authority::new(url, None, None, Arc::new(SystemClock::new())).unwrap());
    for (name, bytes) in close(&tag_manifest, now, &sealer, authority.as_ref()).await.unwrap() {
        zip.extend(bag.signature(name, &bytes).unwrap());
    }
    zip.extend(bag.finish());
    Sample { zip, key, sealer, folder: folder_of(package_id) }
}

/// What a test may change before the package is signed.
pub struct Spoilt {
    told: Vec<Told>,
    /// Another key that signs the checkpoint.
    pub signs: Option<SigningKey>,
}

impl Spoilt {
    /// Another audio than was received.
    pub fn audio(&mut self) {
        self.told[1].audio[0] ^= 1;
    }

    /// Another agent, who the receipt does not name; another time, which it does.
    pub fn recorded_at(&mut self) {
        self.told[0].facts.recorded_at = at("2026-11-22T10:15:01+01:00");
    }

    /// An opening that is not the entry's.
    pub fn opening(&mut self) {
        self.told[0].entries[0].2 = Some(Opening::new(&json!({"id": "x"})).unwrap());
    }

    /// No word of this package in the ledger.
    pub fn begun(&mut self) {
        self.told[1].entries.pop();
    }

    /// The receipt of another recording.
    pub fn receipt(&mut self) {
        self.told[0].receipt = self.told[1].receipt.clone();
    }
}

fn log_of(told: &[Told]) -> (StoredHashes, tree::TreeHead) {
    let mut stored = StoredHashes::default();
    let entries = told.iter().flat_map(|told| &told.entries);
    let leaves: Vec<Vec<u8>> = (0..).zip(entries).map(|(seq, (entry, ..))| leaf_bytes(seq, entry).unwrap()).collect();
    let growth = tree::append(0, &leaves, &stored).unwrap();
    stored.extend(growth.rows);
    (stored, growth.head)
}
