//! The keys and certificates that whoever checks has decided to trust.

use std::str::FromStr;

use super::checks;
use super::contents::Ledger;
use crate::ledger::LedgerError;
use crate::ledger::signing::PublicKey;
use crate::ledger::verify::{KeyTrust, Report, TrustedKey, UsedKey};
use crate::signature::certificate;

/// A ledger's key or a seal's certificate, or the fingerprint of one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// A ledger's key, or a fingerprint that may be of either.
    Key(TrustedKey),
    /// The fingerprint of a certificate.
    Certificate(String),
}

impl Pin {
    /// Whether it is this certificate's.
    pub(super) fn is_seal(&self, fingerprint: &str) -> bool {
        match self {
            Self::Key(key) => key.key().is_none() && key.fingerprint() == fingerprint,
            Self::Certificate(own) => own == fingerprint,
        }
    }

    /// Whether it is this ledger's.
    pub(super) fn is_ledger(&self, origin: &str, key: &PublicKey) -> bool {
        match self {
            Self::Key(trusted) => trusted.is(key) && trusted.origin().is_none_or(|own| own == origin),
            Self::Certificate(_) => false,
        }
    }

    /// The key, where it can be one.
    pub fn key(&self) -> Option<&TrustedKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Certificate(_) => None,
        }
    }
}

/// What [`TrustedKey`] reads, or the PEM of a certificate; its fingerprint may have colons, as openssl prints it.
impl FromStr for Pin {
    type Err = LedgerError;
    fn from_str(text: &str) -> Result<Self, LedgerError> {
        if text.contains("-----BEGIN CERTIFICATE-----") {
            let certificates = certificate::read_pem(text).map_err(|_| LedgerError::Key("not a certificate"))?;
            let own = certificates.first().and_then(|known| known.fingerprint().ok());
            return own.map(Self::Certificate).ok_or(LedgerError::Key("not a certificate"));
        }
        let plain = text.trim().replace(':', "");
        if plain.len() == 64 && plain.bytes().all(|b| b.is_ascii_hexdigit()) {
            return plain.parse().map(Self::Key);
        }
        text.parse().map(Self::Key)
    }
}

/// What the ledger says nothing of.
const BY_SEAL_ALONE: &str = "recording.vcon.json, waveform.json, waveform.svg, report.html, VERIFY.txt, bag-info.txt";

/// Says what nobody that is trusted vouches for, where only the ledger's key is.
pub(super) fn check_covered(report: &mut Report) {
    let is_pinned = |key: &Option<UsedKey>| key.as_ref().is_some_and(|key| key.trust == KeyTrust::Pinned);
    if is_pinned(&report.key) && !is_pinned(&report.seal) {
        report.note(checks::COVERED, &format!("by the seal alone: {BY_SEAL_ALONE}"));
    }
}

/// Every pin must be of one of the two: somebody who pins both means both.
pub(super) fn check(report: &mut Report, pins: &[Pin], seal: Option<&str>, ledger: &Ledger) {
    if pins.is_empty() {
        return;
    }
    let matches = |pin: &Pin| {
        pin.is_ledger(&ledger.origin, &ledger.key) || seal.is_some_and(|fingerprint| pin.is_seal(fingerprint))
    };
    let strangers = pins.iter().filter(|pin| !matches(pin)).count();
    report.add(checks::TRUSTED, strangers == 0, &format!("{} of {}", pins.len() - strangers, pins.len()));
}
