//! Checking a package, offline: a file in, a report out. Knows no archive and no settings, and does not panic whatever the
//! bytes.
//!
//! | file | what it looks at |
//! |---|---|
//! | `files` | the ZIP and the bag in it: every file is listed, every listed file is there, each as it was |
//! | `sealed` | the signature over the lists, and its timestamp |
//! | `contents` | what the package says of itself, the ledger's key and checkpoint |
//! | `recordings` | each recording: receipt, audio, custody, proofs |
//! | `trust` | the keys and certificates that whoever checks has decided to trust |

mod checks;
mod contents;
mod files;
mod recordings;
mod sealed;
mod trust;

#[cfg(test)]
mod tests;

use std::io::{Read, Seek};

pub use trust::Pin;

use crate::ledger::verify::{KeyTrust, Report, Subject, UsedKey};
use crate::timestamp::Roots;
use files::Files;

/// Checks a package.
///
/// Without a pin, or with none that matches, the report says that nobody vouches for its keys. One pin is enough: the
/// seal signs the ledger's key along, and the ledger has an entry that names the seal.
///
/// A timestamp's certificate has to lead to `roots`; without them the report notes that it was not checked.
pub fn verify<R: Read + Seek>(source: R, pins: &[Pin], roots: Option<&Roots>) -> Report {
    let mut report = Report::new(Subject::Package);
    let Some(mut files) = Files::open(&mut report, source) else { return report };
    let whole = files.check_bag(&mut report);
    let seal = sealed::check(&mut report, &mut files, roots);
    report.seal =
        seal.as_ref().map(|seal| used(&seal.fingerprint, pins.iter().any(|pin| pin.is_seal(&seal.fingerprint))));
    // What is not as it was listed is not looked into.
    if !whole {
        return report;
    }
    let Some(ledger) = contents::check(&mut report, &mut files, seal.as_ref()) else { return report };
    let pinned = pins.iter().any(|pin| pin.is_ledger(&ledger.origin, &ledger.key));
    report.key = Some(used(&ledger.key.fingerprint(), pinned));
    recordings::check(&mut report, &mut files, &ledger);
    trust::check(&mut report, pins, seal.as_ref().map(|seal| seal.fingerprint.as_str()), &ledger);
    trust::check_covered(&mut report);
    report
}

fn used(fingerprint: &str, is_pinned: bool) -> UsedKey {
    let trust = if is_pinned { KeyTrust::Pinned } else { KeyTrust::SelfStated };
    UsedKey { fingerprint: fingerprint.to_owned(), trust }
}
