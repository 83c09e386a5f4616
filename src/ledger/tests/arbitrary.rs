//! Bytes that somebody made up: refused, never a panic.

use proptest::prelude::*;

use super::{ORIGIN, certificate, receipt};
use crate::ledger::entry::parse_leaf;
use crate::ledger::proof::Proof;
use crate::ledger::signing::SigningKey;
use crate::ledger::tiles::{self, Tile};
use crate::ledger::tree::TreeHead;
use crate::ledger::verify::{TrustedKey, verify, verify_with_proof};
use crate::ledger::{checkpoint, document};

fn refuse_all(bytes: &[u8]) {
    let key = SigningKey::from_pem(KEY.as_bytes()).unwrap();
    assert!(!verify(bytes, None).ok());
    assert!(!verify(bytes, Some(&key.public().into())).ok());
    assert!(document::open(bytes).is_err());
    assert!(checkpoint::verify(bytes, &key.public()).is_err());
    assert!(parse_leaf(bytes).is_err());
    let _ = tiles::parse_bundle(bytes, 3);
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(!Proof::parse(text).is_ok_and(|proof| proof.verify(b"leaf", &key.public()).is_ok()));
        assert!(!verify_with_proof(&receipt().sign(&key).unwrap(), text, None).ok());
        let _ = (text.parse::<Tile>(), text.parse::<TrustedKey>());
    }
}

/// The test key of RFC 8410 section 10.3.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        refuse_all(&bytes);
    }

    #[test]
    fn random_json(text in r#"\{("(type|signature|ledger|alg)":("earwitness-(receipt|certificate)-v1"|[0-9.e-]{1,5}|\{\}),?){0,4}\}"#) {
        refuse_all(text.as_bytes());
    }

    #[test]
    fn random_notes(text in "(c2sp.org/tlog-proof@v1\nindex [0-9]{1,21}\n[A-Za-z0-9+/=\n]{0,60}\n)?[a-z]{0,3}\n[0-9]{1,21}\n[A-Za-z0-9+/=]{43,44}\n\n— [a-z]{0,3} [A-Za-z0-9+/=]{0,96}\n") {
        refuse_all(text.as_bytes());
    }

    #[test]
    fn good_ones_with_a_piece_replaced(which in 0..3, place in any::<prop::sample::Index>(), piece in prop::collection::vec(any::<u8>(), 1..9)) {
        let key = SigningKey::from_pem(KEY.as_bytes()).unwrap();
        let good = match which {
            0 => receipt().sign(&key).unwrap(),
            1 => certificate(&key).sign(&key).unwrap(),
            _ => checkpoint::sign(ORIGIN, &TreeHead::EMPTY, &key).unwrap(),
        };
        let mut bytes = good.clone();
        let from = place.index(bytes.len());
        let to = (from + piece.len()).min(bytes.len());
        bytes.splice(from..to, piece);
        prop_assume!(bytes.strip_suffix(b"\n").unwrap_or(&bytes) != good.strip_suffix(b"\n").unwrap_or(&good));
        refuse_all(&bytes);
    }
}
