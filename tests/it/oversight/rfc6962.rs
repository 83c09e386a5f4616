//! RFC 6962 section 2.1, computed from the text of the RFC and nothing of the program.

use aws_lc_rs::digest::{SHA256, digest};

pub type Hash = [u8; 32];

pub fn sha256(parts: &[&[u8]]) -> Hash {
    digest(&SHA256, &parts.concat()).as_ref().try_into().unwrap()
}

pub fn leaf(bytes: &[u8]) -> Hash {
    sha256(&[&[0], bytes])
}

pub fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The largest power of two below `n`, for `n` of at least 2.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// MTH(D[n]), section 2.1, from the hashes of the leaves.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// PROOF(m, D[n]), section 2.1.2.
pub fn consistency(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    fn subproof(m: usize, leaves: &[Hash], complete: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if complete { vec![] } else { vec![root(leaves)] };
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut proof, last) = if m <= k {
            (subproof(m, left, complete), root(right))
        } else {
            (subproof(m - k, right, false), root(left))
        };
        proof.push(last);
        proof
    }
    subproof(m, leaves, true)
}

/// Whether the proof shows that the tree of `second` goes on from that of `first`: RFC 9162 section 2.1.4.2.
pub fn is_consistent(first: (usize, Hash), second: (usize, Hash), proof: &[Hash]) -> bool {
    let mut path = proof.to_vec();
    if first.0.is_power_of_two() {
        path.insert(0, first.1);
    }
    let Some((start, rest)) = path.split_first() else { return false };
    let (mut f, mut s) = (first.0 - 1, second.0 - 1);
    while f & 1 == 1 {
        (f, s) = (f >> 1, s >> 1);
    }
    let (mut of_first, mut of_second) = (*start, *start);
    for c in rest {
        if s == 0 {
            return false;
        }
        if f & 1 == 1 || f == s {
            (of_first, of_second) = (node(c, &of_first), node(c, &of_second));
            while f & 1 == 0 && f != 0 {
                (f, s) = (f >> 1, s >> 1);
            }
        } else {
            of_second = node(&of_second, c);
        }
        (f, s) = (f >> 1, s >> 1);
    }
    of_first == first.1 && of_second == second.1 && s == 0
}

/// The root to which an inclusion proof leads: RFC 9162 section 2.1.3.2.
pub fn root_by_inclusion(leaf: Hash, index: usize, size: usize, proof: &[Hash]) -> Option<Hash> {
    let (mut f, mut s, mut r) = (index, size - 1, leaf);
    for p in proof {
        if s == 0 {
            return None;
        }
        if f & 1 == 1 || f == s {
            r = node(p, &r);
            while f & 1 == 0 && f != 0 {
                (f, s) = (f >> 1, s >> 1);
            }
        } else {
            r = node(&r, p);
        }
        (f, s) = (f >> 1, s >> 1);
    }
    (s == 0).then_some(r)
}
