//! Signed documents and what `verify` says about them.

use serde_json::{Value, json};

use super::{Log, ORIGIN, at, certificate, destruction_record, proven, purge_facts, receipt, statistics_record};
use crate::ledger::certificate::{Certificate, LockedObjects, PurgeGround};
use crate::ledger::destruction::{DestructionFacts, DestructionRecord};
use crate::ledger::document::{self, DocumentKind};
use crate::ledger::entry::{Entry, Opening, leaf_bytes};
use crate::ledger::kind::Kind;
use crate::ledger::proof::Proof;
use crate::ledger::receipt::Receipt;
use crate::ledger::shapes::{OpeningText, ProvenEntry};
use crate::ledger::signing::SigningKey;
use crate::ledger::verify::{KeyTrust, Report, Subject, TrustedKey, verify, verify_with_proof};
use crate::ledger::{LedgerError, checkpoint, tree};

fn failed(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect()
}

fn every_bit_counts(good: &[u8], trusted: &TrustedKey) {
    assert!(verify(good, Some(trusted)).ok(), "{}", verify(good, Some(trusted)));
    for bit in 0..good.len() * 8 {
        let mut bad = good.to_vec();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(!verify(&bad, None).ok(), "bit {bit} of {}", String::from_utf8_lossy(&bad));
    }
    for length in 0..good.len() {
        assert!(!verify(&good[..length], None).ok(), "cut after {length} bytes");
    }
}

#[test]
fn one_flipped_bit_anywhere_in_a_receipt_is_noticed() {
    let key = SigningKey::generate().unwrap();
    every_bit_counts(&receipt().sign(&key).unwrap(), &key.public().into());
}

#[test]
fn one_flipped_bit_anywhere_in_a_certificate_is_noticed() {
    let key = SigningKey::generate().unwrap();
    every_bit_counts(&certificate(&key).sign(&key).unwrap(), &key.public().into());
}

#[test]
fn a_destruction_record_verifies() {
    let key = SigningKey::generate().unwrap();
    let bytes = destruction_record(&key).sign(&key).unwrap();
    let report = verify(&bytes, Some(&key.public().vkey(ORIGIN).parse().unwrap()));
    assert!(report.ok() && report.subject == Subject::DestructionRecord, "{report}");
    let elsewhere = verify(&bytes, Some(&key.public().vkey("elsewhere.example").parse().unwrap()));
    assert_eq!(failed(&elsewhere), ["ledger"]);
}

#[test]
fn statistics_verify_and_keep_what_they_promise() {
    let key = SigningKey::generate().unwrap();
    let told = |calls| verify(&statistics_record(&key, calls).sign(&key).unwrap(), Some(&key.public().into()));
    assert!(told(10).ok() && told(10).subject == Subject::Statistics, "{}", told(10));
    assert_eq!(failed(&told(9)), ["coarse enough"]);
    every_bit_counts(&statistics_record(&key, 10).sign(&key).unwrap(), &key.public().into());
}

#[test]
fn the_signature_covers_what_the_contract_says() {
    let key = SigningKey::generate().unwrap();
    let bytes = document::sign(DocumentKind::Receipt, json!({"b": 1, "a": "é"}), &key).unwrap();
    let public = key.public().to_base64();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let signature = document::open(&bytes).unwrap().members()["signature"]["signature"].as_str().unwrap().to_owned();
    let with = |signature: &str| {
        format!(
            r#"{{"a":"é","b":1,"signature":{{"alg":"Ed25519","key":"{public}"{signature}}},"type":"earwitness-receipt-v1"}}"#
        )
    };
    assert_eq!(text, with(&format!(r#","signature":"{signature}""#)));
    let message = [b"earwitness-receipt-v1\0", with("").as_bytes()].concat();
    let raw = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, signature).unwrap();
    assert!(key.public().verify(&message, &raw));
}

#[test]
fn a_document_has_one_text_and_one_newline_is_allowed() {
    let key = SigningKey::generate().unwrap();
    let good = String::from_utf8(receipt().sign(&key).unwrap()).unwrap();
    assert!(document::open(format!("{good}\n").as_bytes()).is_ok());
    for bad in [
        format!("{good}\n\n"),
        format!(" {good}"),
        good.replace("\"part\":0", "\"part\":0,\"part\":0"),
        good.replace("\"part\":0", "\"part\":0.0"),
        good.replace("\"part\":0", "\"part\": 0"),
        good.replace("\"alg\":\"Ed25519\",", ""),
        good.replace("\"alg\":\"Ed25519\"", "\"alg\":\"Ed25519\",\"b\":1"),
        good.replace("earwitness-receipt-v1", "earwitness-certificate-v1"),
        good.replace("earwitness-receipt-v1", "earwitness-receipt-v2"),
    ] {
        assert_ne!(bad, good);
        assert!(document::open(bad.as_bytes()).is_err(), "{bad}");
        assert!(!verify(bad.as_bytes(), None).ok(), "{bad}");
    }
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let key = SigningKey::generate().unwrap();
    let refused = |value: Value| document::sign(DocumentKind::Receipt, value, &key).is_err();
    assert!(refused(json!([])));
    assert!(refused(json!({"signature": {}})));
    assert!(refused(json!({"type": "earwitness-certificate-v1"})));
    assert!(refused(json!({"rms": 0.5})));
    assert!(refused(json!({"n": 9_007_199_254_740_992_u64})));
    let left_over = Certificate {
        facts: crate::ledger::certificate::PurgeFacts { found_again: purge_facts().deleted, ..purge_facts() },
        ..certificate(&key)
    };
    assert!(matches!(left_over.sign(&key), Err(LedgerError::Document(_))), "something was found again");
}

#[test]
fn a_document_reads_back_as_its_shape() {
    let key = SigningKey::generate().unwrap();
    let made = receipt();
    let opened = document::open(&made.sign(&key).unwrap()).unwrap();
    let read: Receipt = opened.read().unwrap();
    assert_eq!(opened.kind(), DocumentKind::Receipt);
    assert_eq!(Receipt { document_type: String::new(), signature: None, ..read }, made);
    let made = certificate(&key);
    let read: Certificate = document::open(&made.sign(&key).unwrap()).unwrap().read().unwrap();
    assert_eq!(Certificate { document_type: String::new(), signature: None, ..read }, made);
}

#[test]
fn the_report_says_who_vouches_for_the_key() {
    let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let bytes = receipt().sign(&key).unwrap();
    let alone = verify(&bytes, None);
    assert!(alone.ok());
    assert_eq!(alone.key.as_ref().unwrap().trust, KeyTrust::SelfStated);
    assert!(alone.to_string().contains(&key.public().fingerprint()), "{alone}");
    assert!(alone.to_string().contains("stated by the document itself only"), "{alone}");
    assert_eq!(alone.conclusion(), "consistent; the key was not compared with one you trust");
    assert!(alone.checks.iter().all(|check| check.means.is_none()), "nothing failed");
    let pinned = verify(&bytes, Some(&key.public().fingerprint().parse().unwrap()));
    assert!(pinned.ok());
    assert_eq!(pinned.conclusion(), "verified");
    assert_eq!(pinned.key.unwrap().trust, KeyTrust::Pinned);
    let foreign = verify(&bytes, Some(&other.public().into()));
    assert_eq!(foreign.conclusion(), "NOT verified");
    assert_eq!((failed(&foreign), foreign.key.as_ref().unwrap().trust), (vec!["trusted key"], KeyTrust::Other));
}

#[test]
fn a_receipt_whose_entry_says_something_else_is_noticed() {
    let key = SigningKey::generate().unwrap();
    for payload in [
        json!({"id": receipt().id, "sha256": "00"}),
        json!({"id": receipt().id}),
        json!({"id": receipt().id, "sha256": receipt().sha256, "call_id": "call-2"}),
        json!([]),
    ] {
        let mut lying = receipt();
        let opening = Opening::new(&payload).unwrap();
        lying.ledger.commitment = opening.commit();
        lying.ledger.opening = Some(OpeningText::of(&opening).unwrap());
        assert_eq!(failed(&verify(&lying.sign(&key).unwrap(), None)), ["commitment"], "{payload}");
    }
    let mut lying = receipt();
    lying.ledger.commitment.0[0] ^= 1;
    assert_eq!(failed(&verify(&lying.sign(&key).unwrap(), None)), ["commitment"]);
    lying.ledger.opening = None;
    assert!(verify(&lying.sign(&key).unwrap(), None).ok(), "nothing to compare with, and it says so");
}

#[test]
fn the_promise_of_a_receipt_can_be_checked_later() {
    let key = SigningKey::generate().unwrap();
    let receipt = receipt();
    let bytes = receipt.sign(&key).unwrap();
    let proof = Log::around(41, &receipt.ledger.entry(), &key).encode().unwrap();
    let report = verify_with_proof(&bytes, &proof, None);
    assert!(report.ok() && report.to_string().contains("entry 41 of 45"), "{report}");
    let mut other = receipt.ledger.entry();
    other.commitment.0[0] ^= 1;
    let elsewhere = Log::around(41, &other, &key).encode().unwrap();
    assert_eq!(failed(&verify_with_proof(&bytes, &elsewhere, None)), ["inclusion"]);
    let forged = Log::around(41, &receipt.ledger.entry(), &SigningKey::generate().unwrap()).encode().unwrap();
    assert_eq!(failed(&verify_with_proof(&bytes, &forged, None)), ["inclusion"]);
}

#[test]
fn a_certificate_that_contradicts_itself_is_noticed() {
    let key = SigningKey::generate().unwrap();
    let sign = |value: Value| document::sign(DocumentKind::Certificate, value, &key).unwrap();
    let value = |certificate: &Certificate| {
        let mut value = serde_json::to_value(certificate).unwrap();
        value.as_object_mut().unwrap().remove("type");
        value
    };
    let good = value(&certificate(&key));
    assert!(verify(&sign(good.clone()), None).ok());
    let with = |name: &str, new: Value| {
        let mut changed = good.clone();
        changed[name] = new;
        failed(&verify(&sign(changed), None))
    };
    assert_eq!(with("keys_destroyed_at", json!("2031-11-22T09:15:00Z")), ["order of times", "commitment"]);
    assert_eq!(with("fenced_at", json!("2031-11-22T09:14:59Z")), ["order of times", "commitment"]);
    assert_eq!(with("found_again", good["deleted"].clone()), ["looked again", "commitment"]);
    assert_eq!(with("rule", json!("P1Y")), ["commitment"]);
    assert_eq!(with("remark", json!("not in the entry")), ["commitment"]);
    assert_eq!(with("expires_at", json!("soon")), ["members"]);
    let other_place = json!({"seq": 299, "at": good["ledger"]["at"], "kind": "purge.completed",
        "opening": good["ledger"]["opening"], "proof": good["ledger"]["proof"]});
    assert_eq!(with("ledger", other_place), ["inclusion"]);
}

#[test]
fn an_erasure_may_come_before_the_deadline() {
    let early = crate::ledger::certificate::PurgeFacts {
        ground: PurgeGround::Erasure,
        expires_at: super::at("2035-01-01T00:00:00Z"),
        ..purge_facts()
    };
    assert_eq!(early.disorder(), None);
    let deadline = crate::ledger::certificate::PurgeFacts { ground: PurgeGround::Deadline, ..early };
    assert_eq!(deadline.disorder(), Some("fenced_at"));
}

#[test]
fn what_a_lock_keeps_is_told_and_only_of_an_erasure() {
    let key = SigningKey::generate().unwrap();
    let signed = |ground: PurgeGround, deleted_at: Option<&str>, kind: Kind| {
        let locked = LockedObjects {
            objects: 2,
            object_versions: 2,
            until: at("2031-11-22T09:15:00Z"),
            deleted_at: deleted_at.map(at),
        };
        let facts = crate::ledger::certificate::PurgeFacts { ground, locked: Some(locked), ..purge_facts() };
        let ledger = proven(kind, &facts, &key);
        Certificate { facts, ledger, ..certificate(&key) }.sign(&key)
    };
    let failed = |document: &[u8]| failed(&verify(document, None));
    let (gone, early, late) = ("2031-11-22T09:15:04Z", "2031-11-22T09:15:02Z", "2031-11-22T09:15:05Z");
    let (completed, later) = (Kind::PURGE_COMPLETED, Kind::PURGE_BYTES_DELETED);
    let waiting = signed(PurgeGround::Erasure, None, completed.clone()).unwrap();
    assert_eq!(failed(&waiting), Vec::<&str>::new());
    assert!(verify(&waiting, None).to_string().contains("until 2031-11-22T09:15:00Z"));
    let over = signed(PurgeGround::Erasure, Some(gone), later.clone()).unwrap();
    assert_eq!(failed(&over), Vec::<&str>::new());
    for (ground, deleted_at, kind, wrong) in [
        (PurgeGround::Deadline, None, completed.clone(), "locked objects"),
        (PurgeGround::Erasure, None, later, "commitment"),
        (PurgeGround::Erasure, Some(gone), completed.clone(), "commitment"),
    ] {
        assert_eq!(failed(&signed(ground, deleted_at, kind).unwrap()), [wrong]);
    }
    for out_of_order in [early, late] {
        assert!(signed(PurgeGround::Erasure, Some(out_of_order), completed.clone()).is_err(), "{out_of_order}");
    }
}

#[test]
fn a_certificate_names_nobody_and_holds_no_digest_of_audio() {
    let key = SigningKey::generate().unwrap();
    let text = String::from_utf8(certificate(&key).sign(&key).unwrap()).unwrap();
    for word in ["call_id", "account", "number", "sha256", "agent", "person"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn a_signature_with_further_members_is_refused_even_when_it_holds() {
    let key = SigningKey::generate().unwrap();
    let sign = |extra: &str| {
        let text = |signature: &str| {
            let public = key.public().to_base64();
            format!(
                r#"{{"signature":{{"alg":"Ed25519","key":"{public}"{signature}{extra}}},"type":"earwitness-receipt-v1"}}"#
            )
        };
        let message = format!("earwitness-receipt-v1\0{}", text(""));
        let signature = key.sign(message.as_bytes()).unwrap();
        text(&format!(r#","signature":"{}""#, base64::Engine::encode(&base64::prelude::BASE64_STANDARD, signature)))
    };
    assert!(document::open(sign("").as_bytes()).is_ok());
    assert!(matches!(document::open(sign(r#","x":1"#).as_bytes()), Err(LedgerError::Document(_))));
}

#[test]
fn an_entry_that_stands_in_another_place_than_it_says_is_refused() {
    let key = SigningKey::generate().unwrap();
    let made = certificate(&key);
    let commitment = made.ledger.commitment().unwrap();
    let entry = Entry { at: made.ledger.at, kind: made.ledger.kind.clone(), commitment };
    let mut log = Log::of(5);
    let head = log.append(vec![leaf_bytes(4, &entry).unwrap()]);
    let hashes = tree::prove_inclusion(5, 6, &log.stored).unwrap();
    let proof = Proof::new(5, hashes, checkpoint::sign(ORIGIN, &head, &key).unwrap());
    let opening = made.ledger.opening.opening().unwrap();
    let misplaced = ProvenEntry::new(4, &entry, &opening, &proof).unwrap();
    assert!(matches!(misplaced.verify(&key.public()), Err(LedgerError::WrongProof)));
}

#[test]
fn a_destruction_that_takes_effect_later_says_so() {
    let key = SigningKey::generate().unwrap();
    let told = |effective_at: &str, former_keys_left: bool| {
        let record = destruction_record(&key);
        let facts = DestructionFacts { effective_at: at(effective_at), former_keys_left, ..record.facts.clone() };
        let ledger = proven(Kind::MONTH_DESTROYED, &facts, &key);
        verify(&DestructionRecord { facts, ledger, ..record }.sign(&key).unwrap(), None)
    };
    let at_once = told("2031-12-01T00:00:01Z", false);
    assert!(at_once.ok() && !at_once.to_string().contains("takes effect"), "{at_once}");
    let moved = told("2031-12-01T00:00:01Z", true);
    assert!(moved.ok() && moved.to_string().contains("moved away from"), "{moved}");
    assert!(!at_once.to_string().contains("moved away from"), "{at_once}");
    let later = told("2031-12-08T00:00:01Z", false);
    assert!(later.ok(), "{later}");
    assert!(later.to_string().contains("takes effect at 2031-12-08T00:00:01Z: can be called off"), "{later}");
    assert_eq!(failed(&told("2031-11-08T00:00:01Z", false)), ["order of times"], "in force before it was asked for");
}
