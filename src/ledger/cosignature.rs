//! Cosignatures of witnesses (C2SP tlog-cosignature, version 1 with Ed25519): somebody who is not us saw this tree, at a
//! time, as the continuation of every tree that we showed them before.

use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use signed_note::{Note, Signature, VerificationError, Verifier, Verifiers};

use super::LedgerError;
use super::checkpoint;
use super::signing::PublicKey;
use crate::clock::Timestamp;

/// Signature type of such a cosignature in C2SP signed-note.
const COSIGNATURE_V1: u8 = 4;
/// The time in front of a signature, in bytes.
const TIME_BYTES: usize = 8;

/// The key of a witness, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    key: PublicKey,
}

/// What a witness says of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's name.
    pub witness: String,
    /// When it saw the tree.
    pub at: Timestamp,
}

impl WitnessKey {
    /// A witness of this name and key.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, LedgerError> {
        if !checkpoint::is_origin(name) {
            return Err(LedgerError::Key("not the name of a witness"));
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The verifier key that C2SP tools take: `<name>+<key id in 8 hexadecimal digits>+<base64 of 0x04 ‖ raw key>`.
    pub fn vkey(&self) -> String {
        format!("{}+{:08x}+{}", self.name, self.key_id(), BASE64_STANDARD.encode(self.typed()))
    }

    fn typed(&self) -> Vec<u8> {
        [&[COSIGNATURE_V1], &self.key.raw()[..]].concat()
    }
}

/// Reads a C2SP verifier key of type 4. Errors with [`LedgerError::Key`].
impl FromStr for WitnessKey {
    type Err = LedgerError;
    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(LedgerError::Key("not a verifier key"));
        };
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| LedgerError::Key("not a verifier key"))?;
        let raw = bytes.strip_prefix(&[COSIGNATURE_V1]);
        let raw = raw.ok_or(LedgerError::Key("not a witness's key of type 4 (Ed25519 cosignature)"))?;
        let witness = Self::new(name, PublicKey::from_raw(raw)?)?;
        if witness.vkey() == text { Ok(witness) } else { Err(LedgerError::Key("its key id is wrong")) }
    }
}

impl Verifier for WitnessKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        signed_note::key_id(&self.name, &self.typed())
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let Some((time, signature)) = signature.split_first_chunk::<TIME_BYTES>() else { return false };
        self.key.verify(&message(u64::from_be_bytes(*time), text), signature)
    }
}

impl Verifiers for WitnessKey {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        if name == self.name && id == self.key_id() {
            Ok(self)
        } else {
            Err(VerificationError::UnknownKey { name: name.to_owned(), id })
        }
    }
}

/// What is signed: the time and the checkpoint's text.
fn message(seconds: u64, text: &[u8]) -> Vec<u8> {
    [format!("cosignature/v1\ntime {seconds}\n").as_bytes(), text].concat()
}

/// The witness's cosignature on a checkpoint; none where it did not cosign.
///
/// Errors: [`LedgerError::Checkpoint`]; [`LedgerError::Signature`] where one in its name does not hold.
pub fn find(note: &[u8], witness: &WitnessKey) -> Result<Option<Cosignature>, LedgerError> {
    checkpoint::parse_unverified(note)?;
    let note = Note::from_bytes(note).map_err(|_| LedgerError::Checkpoint("not a signed note"))?;
    let verified = match note.verify(witness) {
        Ok((verified, _)) => verified,
        Err(signed_note::NoteError::UnverifiedNote) => return Ok(None),
        Err(_) => return Err(LedgerError::Signature),
    };
    verified.first().map(|signature| said(witness, signature)).transpose()
}

fn said(witness: &WitnessKey, signature: &Signature) -> Result<Cosignature, LedgerError> {
    let time = signature.signature().first_chunk::<TIME_BYTES>().ok_or(LedgerError::Signature)?;
    let seconds = i64::try_from(u64::from_be_bytes(*time)).map_err(|_| LedgerError::Signature)?;
    Ok(Cosignature { witness: witness.name.clone(), at: Timestamp::from_micros(seconds.saturating_mul(1_000_000)) })
}

/// Adds a witness's answer (signature lines) to a checkpoint: the lines that are its own and hold, and no others. What
/// the same witness said before gives way.
///
/// Errors: [`LedgerError::Checkpoint`], [`LedgerError::Signature`] where none of the lines is a cosignature of this
/// witness's on this checkpoint.
pub fn add(note: &[u8], answer: &[u8], witness: &WitnessKey) -> Result<(Vec<u8>, Cosignature), LedgerError> {
    let text = checkpoint::text(note)?;
    let lines = answer.strip_suffix(b"\n").ok_or(LedgerError::Signature)?;
    let own = |line: &[u8]| Signature::from_bytes(line).ok().filter(|one| is_of(witness, one));
    let line = lines.split(|byte| *byte == b'\n').find_map(own).ok_or(LedgerError::Signature)?;
    if !witness.verify(&text, line.signature()) {
        return Err(LedgerError::Signature);
    }
    let cosignature = said(witness, &line)?;
    let (_, signatures) = split(note)?;
    let kept = signatures.split_inclusive(|byte| *byte == b'\n');
    let kept = kept.filter(|old| {
        let old = Signature::from_bytes(old.strip_suffix(b"\n").unwrap_or(old));
        !old.is_ok_and(|old| is_of(witness, &old))
    });
    let together = [&text[..], b"\n", &kept.collect::<Vec<_>>().concat(), &line.to_bytes()].concat();
    checkpoint::parse_unverified(&together)?;
    Ok((together, cosignature))
}

fn is_of(witness: &WitnessKey, signature: &Signature) -> bool {
    signature.name() == witness.name && signature.id() == witness.key_id()
}

/// Text and signature lines of a note.
fn split(note: &[u8]) -> Result<(&[u8], &[u8]), LedgerError> {
    let at = note.windows(2).rposition(|two| two == b"\n\n");
    let at = at.ok_or(LedgerError::Checkpoint("not a signed note"))?;
    Ok((&note[..=at], &note[at + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Hash;
    use crate::ledger::signing::SigningKey;
    use crate::ledger::tree::TreeHead;

    fn cosigned(key: &SigningKey, name: &str, note: &[u8], seconds: u64) -> Vec<u8> {
        let text = checkpoint::text(note).unwrap();
        let signature = key.sign(&message(seconds, &text)).unwrap();
        let id = WitnessKey::new(name, key.public()).unwrap().key_id();
        Signature::new(name.into(), id, [&seconds.to_be_bytes()[..], &signature].concat()).unwrap().to_bytes()
    }

    #[test]
    fn a_cosignature_is_added_found_and_replaced() {
        let (log, key, other) =
            (SigningKey::generate().unwrap(), SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let witness = WitnessKey::new("w.example/w1", key.public()).unwrap();
        assert_eq!(witness.vkey().parse::<WitnessKey>().unwrap(), witness);
        let note = checkpoint::sign("log.example/l", &TreeHead { size: 5, root: Hash([3; 32]) }, &log).unwrap();
        assert_eq!(find(&note, &witness).unwrap(), None);

        let (first, said) = add(&note, &cosigned(&key, "w.example/w1", &note, 1_679_315_147), &witness).unwrap();
        assert_eq!((said.witness.as_str(), said.at.to_string().as_str()), ("w.example/w1", "2023-03-20T12:25:47Z"));
        assert_eq!(find(&first, &witness).unwrap(), Some(said));
        assert_eq!(checkpoint::verify(&first, &log.public()).unwrap().head.size, 5);
        let answer =
            [cosigned(&other, "w.example/w2", &note, 9), cosigned(&key, "w.example/w1", &note, 1_679_315_148)].concat();
        let (second, _) = add(&first, &answer, &witness).unwrap();
        assert_eq!(find(&second, &witness).unwrap().unwrap().at.seconds(), 1_679_315_148);
        assert_eq!(second.len(), first.len(), "what it said before gave way, what another says was not taken");

        // Over another tree, by another key, cut off.
        let forged = checkpoint::sign("log.example/l", &TreeHead { size: 5, root: Hash([4; 32]) }, &log).unwrap();
        for answer in
            [cosigned(&key, "w.example/w1", &forged, 9), cosigned(&other, "w.example/w1", &note, 9), Vec::new()]
        {
            assert!(matches!(add(&note, &answer, &witness), Err(LedgerError::Signature)));
        }
        let line = cosigned(&key, "w.example/w1", &forged, 9);
        assert!(matches!(find(&[&note[..], &line].concat(), &witness), Err(LedgerError::Signature)));
    }

    #[test]
    fn only_a_witness_has_a_witnesss_key() {
        let key = SigningKey::generate().unwrap().public();
        assert!(key.vkey("w.example/w1").parse::<WitnessKey>().is_err());
        for bad in ["", "w", "w+00000000+", "w+0000000+BAAA"] {
            assert!(bad.parse::<WitnessKey>().is_err(), "{bad}");
        }
    }
}
