//! The tree against the vectors of RFC 6962's implementations and against the RFC's own recursion.

use proptest::prelude::*;

use super::{Log, flipped, naive_root};
use crate::ledger::entry::leaf_hash;
use crate::ledger::tree::{self, MAX_ENTRIES, StoredHashes, TreeHead};
use crate::ledger::{Hash, LedgerError};

/// The eight leaves and nine roots that Certificate Transparency implementations test each other with.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn only(stored: &StoredHashes, indexes: &[u64]) -> StoredHashes {
    use crate::ledger::HashReader as _;
    indexes.iter().copied().zip(stored.read_hashes(indexes).unwrap()).collect()
}

#[test]
fn the_known_vectors_hold() {
    let leaves: Vec<Vec<u8>> = LEAVES.iter().map(|leaf| hex::decode(leaf).unwrap()).collect();
    for (size, root) in ROOTS.iter().enumerate() {
        let grown = tree::append(0, &leaves[..size], &StoredHashes::default()).unwrap();
        assert_eq!(hex::encode(grown.head.root.0), *root, "{size} leaves");
        assert_eq!(hex::encode(naive_root(&leaves[..size])), *root, "{size} leaves, by the RFC's recursion");
    }
}

#[test]
fn the_roots_are_those_of_the_rfc_at_every_size() {
    let log = Log::of(600);
    for size in 0..=600 {
        assert_eq!(log.head(size as u64).root.0, naive_root(&log.leaves[..size]), "{size}");
    }
}

#[test]
fn every_proof_holds_with_no_more_than_the_hashes_that_were_asked_for() {
    let log = Log::of(70);
    for size in 1..=70 {
        let head = log.head(size);
        for seq in 0..size {
            let fetched = only(&log.stored, &tree::indexes_for_inclusion(seq, size).unwrap());
            let proof = tree::prove_inclusion(seq, size, &fetched).unwrap();
            let leaf = leaf_hash(&log.leaves[usize::try_from(seq).unwrap()]);
            tree::check_inclusion(&proof, seq, leaf, &head).unwrap();
        }
        for old in 0..=size {
            let fetched = only(&log.stored, &tree::indexes_for_consistency(old, size).unwrap());
            let proof = tree::prove_consistency(old, size, &fetched).unwrap();
            tree::check_consistency(&proof, &log.head(old), &head).unwrap();
        }
    }
}

#[test]
fn a_missing_hash_is_named() {
    let missing = |result| matches!(result, Err(LedgerError::MissingHash { index: 0 }));
    let empty = StoredHashes::default();
    assert!(missing(tree::append(1, &[b"x"], &empty).map(drop)));
    assert!(missing(tree::prove_inclusion(1, 2, &empty).map(drop)));
    assert!(matches!(tree::prove_consistency(1, 2, &empty), Err(LedgerError::MissingHash { index: 1 })));
}

#[test]
fn what_lies_beyond_the_tree_is_an_error_not_a_panic() {
    let stored = Log::of(3).stored;
    assert!(matches!(tree::prove_inclusion(3, 3, &stored), Err(LedgerError::BeyondTree)));
    assert!(matches!(tree::prove_inclusion(0, 0, &stored), Err(LedgerError::BeyondTree)));
    assert!(matches!(tree::prove_consistency(4, 3, &stored), Err(LedgerError::BeyondTree)));
    for size in [MAX_ENTRIES + 1, u64::MAX] {
        assert!(matches!(tree::append(size, &[b"x"], &stored), Err(LedgerError::TooLarge)));
        assert!(matches!(tree::head(size, &stored), Err(LedgerError::TooLarge)));
        assert!(matches!(tree::prove_inclusion(0, size, &stored), Err(LedgerError::TooLarge)));
        let head = TreeHead { size, root: Hash::default() };
        assert!(tree::check_inclusion(&[Hash::default()], 0, Hash::default(), &head).is_err());
        assert!(tree::check_consistency(&[Hash::default()], &TreeHead::EMPTY, &head).is_err());
    }
}

#[test]
fn an_empty_tree_is_the_beginning_of_every_tree_but_only_with_its_own_root() {
    let head = Log::of(3).head(3);
    assert!(tree::check_consistency(&[], &TreeHead::EMPTY, &head).is_ok());
    assert!(tree::check_consistency(&[], &TreeHead::EMPTY, &TreeHead::EMPTY).is_ok());
    assert!(tree::check_consistency(&[], &TreeHead { size: 0, root: head.root }, &head).is_err());
    assert!(tree::check_consistency(&[], &TreeHead::EMPTY, &TreeHead { size: 0, root: head.root }).is_err());
    assert!(tree::check_consistency(&[head.root], &TreeHead::EMPTY, &head).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn batches_give_what_single_appends_give(batches in prop::collection::vec(0usize..40, 0..12)) {
        let (mut log, mut single) = (Log::default(), Log::default());
        let mut rows = Vec::new();
        for (batch, count) in batches.iter().enumerate() {
            let leaves: Vec<Vec<u8>> = (0..*count).map(|n| format!("{batch}/{n}").into_bytes()).collect();
            // From the edge alone, as after a restart.
            let mut edge = log.stored.clone();
            edge.keep_edge(log.size());
            let growth = tree::append(log.size(), &leaves, &edge).unwrap();
            rows.extend(growth.rows.clone());
            log.append(leaves.clone());
            prop_assert_eq!(growth.head, log.head(log.size()));
            leaves.into_iter().for_each(|leaf| { single.append(vec![leaf]); });
        }
        prop_assert_eq!(log.head(log.size()), single.head(single.size()));
        prop_assert!(rows.iter().map(|(index, _)| *index).eq(0..rows.len() as u64), "no gap, no repeat");
        prop_assert_eq!(log.stored.len(), rows.len());
    }

    #[test]
    fn a_changed_proof_proves_nothing(size in 2u64..300, pick in any::<prop::sample::Index>(), bit in 0usize..256) {
        let log = Log::of(300);
        let seq = pick.index(usize::try_from(size).unwrap()) as u64;
        let (head, old) = (log.head(size), log.head(seq.max(1)));
        let leaf = leaf_hash(&log.leaves[usize::try_from(seq).unwrap()]);
        let proof = tree::prove_inclusion(seq, size, &log.stored).unwrap();
        for changed in changes(&proof, bit) {
            prop_assert!(tree::check_inclusion(&changed, seq, leaf, &head).is_err());
        }
        prop_assert!(tree::check_inclusion(&proof, seq, flipped(&leaf, bit), &head).is_err());
        prop_assert!(tree::check_inclusion(&proof, (seq + 1) % size, leaf, &head).is_err());
        let proof = tree::prove_consistency(old.size, size, &log.stored).unwrap();
        for changed in changes(&proof, bit) {
            prop_assert!(tree::check_consistency(&changed, &old, &head).is_err());
        }
        let forged = TreeHead { size: old.size, root: flipped(&old.root, bit) };
        prop_assert!(tree::check_consistency(&proof, &forged, &head).is_err());
    }
}

/// Each hash with one bit flipped, one hash too few, one too many.
fn changes(proof: &[Hash], bit: usize) -> Vec<Vec<Hash>> {
    let mut all: Vec<Vec<Hash>> = Vec::new();
    for place in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[place] = flipped(&proof[place], bit);
        all.push(changed);
        let mut shorter = proof.to_vec();
        shorter.remove(place);
        all.push(shorter);
    }
    all.push([proof, &[Hash::default()]].concat());
    all
}
