//! The point of it all: what the ledger commits to can be erased, what it proves cannot.

use serde_json::json;

use super::{Log, ORIGIN};
use crate::ledger::checkpoint;
use crate::ledger::entry::{Entry, Opening, leaf_bytes, parse_leaf};
use crate::ledger::kind::Kind;
use crate::ledger::proof::Proof;
use crate::ledger::signing::SigningKey;
use crate::ledger::tree;

#[test]
fn erasing_every_opening_leaves_every_checkpoint_and_proof_valid() {
    let key = SigningKey::generate().unwrap();
    let mut log = Log::default();
    let mut openings = Vec::new();
    let mut checkpoints = Vec::new();
    for seq in 0..40 {
        let opening = Opening::new(&json!({"number": "+32470123456", "seq": seq})).unwrap();
        let at = super::at("2026-11-22T20:33:15Z");
        let entry = Entry { at, kind: Kind::RECORDING_READ, commitment: opening.commit() };
        let head = log.append(vec![leaf_bytes(seq, &entry).unwrap()]);
        checkpoints.push(checkpoint::sign(ORIGIN, &head, &key).unwrap());
        openings.push(opening);
    }
    assert!(openings.iter().zip(&log.leaves).all(|(o, leaf)| parse_leaf(leaf).unwrap().1.commitment == o.commit()));
    drop(openings);

    assert!(!log.leaves.concat().windows(5).any(|window| window == b"32470"), "no leaf holds what was erased");
    let newest = checkpoint::verify(checkpoints.last().unwrap(), &key.public()).unwrap();
    for (size, signed) in (1..).zip(&checkpoints) {
        let older = checkpoint::verify(signed, &key.public()).unwrap();
        let proof = tree::prove_consistency(size, newest.head.size, &log.stored).unwrap();
        tree::check_consistency(&proof, &older.head, &newest.head).unwrap();
        let seq = size - 1;
        let hashes = tree::prove_inclusion(seq, newest.head.size, &log.stored).unwrap();
        let proof = Proof::new(seq, hashes, checkpoints.last().unwrap().clone());
        proof.verify(&log.leaves[usize::try_from(seq).unwrap()], &key.public()).unwrap();
    }
}
