//! Checkpoints, proofs and keys, against the signed-note crate's own reading of them.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use signed_note::{Note, StandardVerifier, VerifierList};

use super::{Log, ORIGIN};
use crate::ledger::proof::Proof;
use crate::ledger::signing::{PublicKey, SigningKey};
use crate::ledger::tree::{self, TreeHead};
use crate::ledger::verify::{KeyTrust, Outcome, Subject, TrustedKey, verify};
use crate::ledger::{Hash, LedgerError, checkpoint};

#[test]
fn the_published_example_verifies() {
    // The example in the documentation of Go's sumdb/note, which C2SP signed-note describes.
    let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    let (name, key) = PublicKey::from_vkey(vkey).unwrap();
    assert_eq!((name.as_str(), key.key_id(&name), key.vkey(&name).as_str()), ("PeterNeumann", 0xc74f_20a3, vkey));
    let signature = BASE64_STANDARD.decode(line).unwrap();
    assert!(key.verify(text.as_bytes(), &signature[4..]));
    assert!(PublicKey::from_vkey(&vkey.replace("c74f20a3", "c74f20a4")).is_err());
}

#[test]
fn another_implementation_verifies_our_checkpoint() {
    let key = SigningKey::generate().unwrap();
    let head = Log::of(11).head(11);
    let bytes = checkpoint::sign(ORIGIN, &head, &key).unwrap();
    let verifier = StandardVerifier::new(&key.public().vkey(ORIGIN)).unwrap();
    let note = Note::from_bytes(&bytes).unwrap();
    let (ours, others) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((ours.len(), others.len()), (1, 0));
    assert_eq!(note.text(), format!("{ORIGIN}\n11\n{}\n", head.root).as_bytes());
    let read = checkpoint::verify(&bytes, &key.public()).unwrap();
    assert_eq!((read.origin.as_str(), read.head), (ORIGIN, head));
}

#[test]
fn another_key_or_name_is_refused_and_a_witness_does_not_disturb() {
    let (key, witness) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let bytes = checkpoint::sign(ORIGIN, &TreeHead::EMPTY, &key).unwrap();
    assert!(checkpoint::verify(&bytes, &witness.public()).is_err());
    for name in ["", "a b", "a+b", "a\nb", "a\u{7f}"] {
        assert!(matches!(checkpoint::sign(name, &TreeHead::EMPTY, &key), Err(LedgerError::Origin)), "{name}");
    }
    let text = std::str::from_utf8(&bytes).unwrap();
    let cosigned = checkpoint::sign("witness.example", &TreeHead::EMPTY, &witness).unwrap();
    let line = std::str::from_utf8(&cosigned).unwrap().lines().last().unwrap().to_owned();
    assert!(checkpoint::verify(format!("{text}{line}\n").as_bytes(), &key.public()).is_ok());
    assert!(checkpoint::verify(text.replace("\n\n", "\nmore\n\n").as_bytes(), &key.public()).is_err());
}

#[test]
fn one_flipped_bit_anywhere_in_a_checkpoint_is_noticed() {
    let key = SigningKey::generate().unwrap();
    let good = checkpoint::sign(ORIGIN, &Log::of(11).head(11), &key).unwrap();
    let trusted: TrustedKey = key.public().vkey(ORIGIN).parse().unwrap();
    let report = verify(&good, Some(&trusted));
    assert!(report.ok() && report.subject == Subject::Checkpoint, "{report}");
    assert_eq!(report.key.unwrap().trust, KeyTrust::Pinned);
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(!verify(&bad, Some(&trusted)).ok(), "bit {bit}");
    }
    let elsewhere = checkpoint::sign("elsewhere.example", &TreeHead::EMPTY, &key).unwrap();
    assert!(!verify(&elsewhere, Some(&trusted)).ok(), "the same key under another name");
    let fingerprint: TrustedKey = key.public().fingerprint().parse().unwrap();
    for trust in [None, Some(&fingerprint)] {
        let open = verify(&good, trust);
        assert!(!open.ok(), "nothing is shown without the whole key");
        assert_eq!(open.checks.iter().map(|check| check.outcome).collect::<Vec<_>>(), [Outcome::NotMade]);
        assert!(open.to_string().contains("--trust") && !open.to_string().contains("FAILED"), "{open}");
        assert_eq!(open.conclusion(), "NOT verified: not everything could be checked");
    }
}

#[test]
fn a_proof_is_the_documented_text_and_every_bit_of_it_counts() {
    let key = SigningKey::generate().unwrap();
    let log = Log::of(7);
    let hashes = tree::prove_inclusion(5, 7, &log.stored).unwrap();
    let checkpoint = checkpoint::sign(ORIGIN, &log.head(7), &key).unwrap();
    let proof = Proof::new(5, hashes.clone(), checkpoint.clone());
    let text = proof.encode().unwrap();
    let lines: String = hashes.iter().map(|hash| format!("{hash}\n")).collect();
    let signed = String::from_utf8(checkpoint).unwrap();
    assert_eq!(text, format!("c2sp.org/tlog-proof@v1\nindex 5\n{lines}\n{signed}"));
    assert_eq!(Proof::parse(&text).unwrap(), proof);
    assert_eq!(proof.verify(b"leaf 5", &key.public()).unwrap().head.size, 7);
    assert!(matches!(proof.verify(b"leaf 4", &key.public()), Err(LedgerError::WrongProof)));
    let with_extra = Proof { extra: Some(b"why".to_vec()), ..proof };
    assert_eq!(Proof::parse(&with_extra.encode().unwrap()).unwrap(), with_extra);
    for bit in 0..text.len() * 8 {
        let mut bad = text.clone().into_bytes();
        bad[bit / 8] ^= 1 << (bit % 8);
        let Ok(bad) = String::from_utf8(bad) else { continue };
        let holds = Proof::parse(&bad).is_ok_and(|proof| proof.verify(b"leaf 5", &key.public()).is_ok());
        assert!(!holds, "bit {bit}");
    }
}

#[test]
fn other_forms_of_a_proof_are_refused() {
    let text = format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{ORIGIN}\n1\n{}\n", Hash::default());
    assert!(Proof::parse(&text).is_ok());
    for bad in [
        text.replace("@v1", "@v2"),
        text.replace("index 0", "index 00"),
        text.replace("index 0", "index -1"),
        text.replace("index 0", "index +0"),
        text.replace("index 0", "index 18446744073709551615"),
        text.replace("index 0\n", "index 0\nAAAA\n"),
        text.replace("index 0\n", ""),
        text.replace("index 0\n", "index 0\nextra AAAA\n"),
        text.replace("index 0\n", "extra *\nindex 0\n"),
        text.replace("\n\n", "\n"),
        text.replace('\n', "\r\n"),
        text.replace("index 0\n", &format!("index 0\n{}", format!("{}\n", Hash::default()).repeat(65))),
    ] {
        assert!(Proof::parse(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_key_survives_every_form_in_which_it_is_written() {
    let key = SigningKey::generate().unwrap();
    let again = SigningKey::from_pem(key.to_pem().unwrap().as_bytes()).unwrap();
    assert_eq!(again.public(), key.public());
    assert!(key.public().verify(b"m", &again.sign(b"m").unwrap()));
    assert!(!key.public().verify(b"n", &again.sign(b"m").unwrap()));
    let public = key.public();
    for text in [public.to_base64(), public.to_pem(), public.vkey(ORIGIN)] {
        let trusted: TrustedKey = text.parse().unwrap();
        assert_eq!((trusted.key(), trusted.fingerprint()), (Some(&public), public.fingerprint()));
    }
    assert!("ew_token".parse::<TrustedKey>().is_err());
    let saved = serde_json::json!({"origin": ORIGIN, "vkey": public.vkey(ORIGIN), "alg": "Ed25519",
        "key": public.to_base64(), "pem": public.to_pem(), "fingerprint": public.fingerprint()});
    let trusted: TrustedKey = format!("{saved:#}\n").parse().unwrap();
    assert_eq!((trusted.key(), trusted.origin()), (Some(&public), Some(ORIGIN)));
    let other = SigningKey::generate().unwrap().public();
    for (name, value) in [
        ("origin", "elsewhere.example".to_owned()),
        ("vkey", other.vkey(ORIGIN)),
        ("key", other.to_base64()),
        ("pem", other.to_pem()),
        ("fingerprint", other.fingerprint()),
    ] {
        let mut mixed = saved.clone();
        mixed[name] = value.into();
        assert!(mixed.to_string().parse::<TrustedKey>().is_err(), "{name}");
    }
    assert!("{}".parse::<TrustedKey>().is_err());
    assert!(!format!("{key:?}").contains(&hex::encode(public.raw())));
}

#[test]
fn a_key_that_openssl_made_is_read() {
    // The test key of RFC 8410 section 10.3, and its public half of section 10.1.
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
        -----END PUBLIC KEY-----\n";
    let key = SigningKey::from_pem(private.as_bytes()).unwrap();
    assert_eq!(key.public(), PublicKey::from_pem(public.as_bytes()).unwrap());
    assert_eq!((key.to_pem().unwrap().as_str(), key.public().to_pem().as_str()), (private, public));
    assert!(SigningKey::from_pem(public.as_bytes()).is_err());
    assert!(SigningKey::from_pem(b"\xff").is_err());
}
