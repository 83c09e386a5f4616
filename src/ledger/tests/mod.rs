//! What holds across the files of the ledger, and what the tests share.

mod arbitrary;
mod checkpoints;
mod documents;
mod erasure;
mod publishing;
mod trees;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::json;
use uuid::Uuid;

use super::certificate::{Backups, BackupsEndBy, Certificate, Counts, PurgeFacts, PurgeGround};
use super::destruction::{DestructionFacts, DestructionRecord};
use super::entry::{Entry, Opening, leaf_bytes};
use super::kind::Kind;
use super::proof::Proof;
use super::receipt::{PROMISE, Receipt, ReceiptEntry};
use super::shapes::{Controller, OpeningText, ProvenEntry};
use super::signing::SigningKey;
use super::statistics::{Cell, Folded, StatisticsFacts, StatisticsRecord};
use super::tree::{self, StoredHashes, TreeHead};
use super::{Hash, checkpoint};
use crate::clock::Timestamp;
use crate::recording::{RecordingId, Status};

const ORIGIN: &str = "recordings.example.com/ledger";

/// RFC 6962 section 2.1 as it stands there, for comparison: recursive, over all leaves, nothing stored.
fn naive_root(leaves: &[Vec<u8>]) -> [u8; 32] {
    let sha256 = |parts: &[&[u8]]| {
        let mut context = Context::new(&SHA256);
        parts.iter().for_each(|part| context.update(part));
        <[u8; 32]>::try_from(context.finish().as_ref()).unwrap()
    };
    match leaves {
        [] => sha256(&[]),
        [leaf] => sha256(&[&[0], leaf]),
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            sha256(&[&[1], &naive_root(&leaves[..k]), &naive_root(&leaves[k..])])
        }
    }
}

/// A ledger in memory.
#[derive(Default)]
struct Log {
    leaves: Vec<Vec<u8>>,
    stored: StoredHashes,
}

impl Log {
    fn of(size: usize) -> Self {
        let mut log = Self::default();
        log.append((0..size).map(|n| format!("leaf {n}").into_bytes()).collect());
        log
    }

    fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn append(&mut self, leaves: Vec<Vec<u8>>) -> TreeHead {
        let growth = tree::append(self.size(), &leaves, &self.stored).unwrap();
        self.stored.extend(growth.rows);
        self.leaves.extend(leaves);
        growth.head
    }

    fn head(&self, size: u64) -> TreeHead {
        tree::head(size, &self.stored).unwrap()
    }

    /// A log of `before` other entries, then this one, then three more, proven under `key`.
    fn around(before: u64, entry: &Entry, key: &SigningKey) -> Proof {
        let mut log = Self::of(usize::try_from(before).unwrap());
        log.append(vec![leaf_bytes(before, entry).unwrap()]);
        log.append(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()]);
        let hashes = tree::prove_inclusion(before, log.size(), &log.stored).unwrap();
        Proof::new(before, hashes, checkpoint::sign(ORIGIN, &log.head(log.size()), key).unwrap())
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn recording_id() -> RecordingId {
    RecordingId(Uuid::from_u128(0x0193_d8a0_5b7e_7c11_a2f4_3f5d_1f0c_9b21))
}

fn controller() -> Controller {
    Controller {
        name: "Example NV".to_owned(),
        address: "Straat 1, 1000 Brussel".to_owned(),
        privacy_contact: "privacy@example.com".to_owned(),
    }
}

fn receipt() -> Receipt {
    let sha256 = hex::encode([0x5a; 32]);
    let payload = json!({"id": recording_id(), "call_id": "call-1", "sha256": sha256, "actor": "crm", "part": 0});
    let opening = Opening::new(&payload).unwrap();
    Receipt {
        document_type: String::new(),
        id: recording_id(),
        call_id: "call-1".to_owned(),
        part: 0,
        sha256,
        byte_len: 480_044,
        duration_ms: Some(30_000),
        codec: Some("pcm_alaw".to_owned()),
        status: Status::Accepted,
        findings: vec!["silent".to_owned()],
        supersedes: None,
        recorded_at: at("2026-11-22T10:15:00+01:00"),
        received_at: at("2026-11-22T09:16:01.5Z"),
        expires_at: at("2031-11-22T10:15:00+01:00"),
        rule: "P5Y Europe/Brussels instant v1".to_owned(),
        ledger: ReceiptEntry {
            origin: ORIGIN.to_owned(),
            entry: Uuid::from_u128(7),
            at: at("2026-11-22T09:16:02Z"),
            kind: Kind::RECORDING_RECEIVED,
            commitment: opening.commit(),
            opening: Some(OpeningText::of(&opening).unwrap()),
            promise: PROMISE.to_owned(),
        },
        controller: Some(controller()),
        signature: None,
    }
}

fn purge_facts() -> PurgeFacts {
    PurgeFacts {
        recording_id: recording_id(),
        ground: PurgeGround::Deadline,
        rule: "P5Y Europe/Brussels instant v1".to_owned(),
        month: "2031-11".parse().unwrap(),
        expires_at: at("2031-11-22T09:15:00Z"),
        fenced_at: at("2031-11-22T09:15:01Z"),
        keys_destroyed_at: at("2031-11-22T09:15:02Z"),
        objects_deleted_at: at("2031-11-22T09:15:03Z"),
        rows_deleted_at: at("2031-11-22T09:15:03Z"),
        looked_again_at: at("2031-11-22T09:15:04Z"),
        deleted: Counts { objects: 3, rows: [("recordings".to_owned(), 1)].into(), ..Counts::default() },
        found_again: Counts { rows: [("recordings".to_owned(), 0)].into(), ..Counts::default() },
        locked: None,
        backups: Backups { unreadable_from: Some(at("2031-12-01T00:00:00Z")), by: BackupsEndBy::MonthKeyDestroyed },
    }
}

fn proven<T: serde::Serialize>(kind: Kind, facts: &T, key: &SigningKey) -> ProvenEntry {
    let opening = Opening::new(facts).unwrap();
    let entry = Entry { at: at("2031-11-22T09:15:04Z"), kind, commitment: opening.commit() };
    ProvenEntry::new(300, &entry, &opening, &Log::around(300, &entry, key)).unwrap()
}

fn certificate(key: &SigningKey) -> Certificate {
    let facts = purge_facts();
    let ledger = proven(Kind::PURGE_COMPLETED, &facts, key);
    Certificate { document_type: String::new(), facts, controller: controller(), ledger, signature: None }
}

fn destruction_record(key: &SigningKey) -> DestructionRecord {
    let facts = DestructionFacts {
        month: "2031-11".parse().unwrap(),
        closed_at: at("2031-12-01T00:00:00Z"),
        destroyed_at: at("2031-12-01T00:00:01Z"),
        effective_at: at("2031-12-01T00:00:01Z"),
        provider: "file".to_owned(),
        key_copies_destroyed: 2,
        recordings_purged: 41,
        recordings_held: 1,
        former_keys_left: false,
    };
    let ledger = proven(Kind::MONTH_DESTROYED, &facts, key);
    DestructionRecord { document_type: String::new(), facts, controller: controller(), ledger, signature: None }
}

fn statistics_record(key: &SigningKey, calls: u64) -> StatisticsRecord {
    let cell = Cell {
        period: Some("2026-11".to_owned()),
        product: Some("lead-contact".to_owned()),
        language: None,
        kind: None,
        folded: vec![Folded::Kind],
        calls,
        seconds: 600,
    };
    let facts = StatisticsFacts {
        month: "2031-11".parse().unwrap(),
        published_at: at("2031-12-01T01:00:00Z"),
        fewest_calls: 10,
        fewest_accounts: 3,
        cells: vec![cell],
    };
    let ledger = proven(Kind::STATISTICS_PUBLISHED, &facts, key);
    StatisticsRecord { document_type: String::new(), facts, controller: controller(), ledger, signature: None }
}

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut hash = *hash;
    hash.0[bit / 8] ^= 1 << (bit % 8);
    hash
}
