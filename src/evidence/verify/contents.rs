//! What the package says of itself; the ledger's key and checkpoint.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::checks;
use super::files::Files;
use super::sealed::Seal;
use crate::evidence::bag::folder_of;
use crate::evidence::names;
use crate::evidence::shapes::{PACKAGE_TYPE, PackageFacts};
use crate::ledger::checkpoint;
use crate::ledger::shapes::LedgerKey;
use crate::ledger::signing::{PublicKey, sha256};
use crate::ledger::tree::TreeHead;
use crate::ledger::verify::{Report, TrustedKey};

/// Longest of the files that are read here, in bytes.
const MAX_BYTES: u64 = 32 << 20;

/// What every recording is checked against.
pub(super) struct Ledger {
    /// Its name.
    pub(super) origin: String,
    /// Its key.
    pub(super) key: PublicKey,
    /// The state to which every proof leads.
    pub(super) head: TreeHead,
    /// The same, signed, word for word.
    pub(super) checkpoint: Vec<u8>,
    /// What the package says of itself.
    pub(super) package: PackageFacts,
}

/// Checks all of it. None where a recording could not be checked against it.
pub(super) fn check<R: Read + Seek>(report: &mut Report, files: &mut Files<R>, seal: Option<&Seal>) -> Option<Ledger> {
    let package = check_package(report, files, seal);
    let key = ledger_key(files);
    let detail = key.as_ref().map_or_else(|| "not readable".to_owned(), |(origin, _)| origin.clone());
    report.add(checks::LEDGER_KEY, key.is_some(), &detail);
    // However long: it was looked at with the lists.
    let report_page = files.digest(&format!("data/{}", names::REPORT)).is_some_and(|digest| digest != sha256(b""));
    report.add(checks::REPORT, report_page, "");
    let (origin, key) = key?;
    let checkpoint = files.data(names::CHECKPOINT, checkpoint::MAX_BYTES as u64).unwrap_or_default();
    let head = match checkpoint::verify(&checkpoint, &key) {
        Ok(found) if found.origin == origin => found.head,
        Ok(_) => {
            report.add(checks::CHECKPOINT, false, "it is of another ledger");
            return None;
        }
        Err(error) => {
            report.add(checks::CHECKPOINT, false, &error.to_string());
            return None;
        }
    };
    report.add(checks::CHECKPOINT, true, &format!("{} entries, root {}", head.size, head.root));
    Some(Ledger { origin, key, head, checkpoint, package: package? })
}

fn ledger_key<R: Read + Seek>(files: &mut Files<R>) -> Option<(String, PublicKey)> {
    let text = String::from_utf8(files.data(names::LEDGER_KEY, MAX_BYTES)?).ok()?;
    let trusted: TrustedKey = text.parse().ok()?;
    let saved: LedgerKey = serde_json::from_str(&text).ok()?;
    Some((saved.origin, *trusted.key()?))
}

fn check_package<R: Read + Seek>(
    report: &mut Report,
    files: &mut Files<R>,
    seal: Option<&Seal>,
) -> Option<PackageFacts> {
    let read = files.data(names::PACKAGE, MAX_BYTES).and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Some(package): Option<PackageFacts> = read else {
        report.add(checks::PACKAGE, false, "it does not say what it is");
        return None;
    };
    let wrong = contradiction(files, &package, seal);
    let told =
        format!("{} recordings for {} ({})", package.recordings.len(), package.recipient.name, package.recipient.kind);
    report.add(checks::PACKAGE, wrong.is_none(), wrong.unwrap_or(&told));
    Some(package)
}

/// What the package says of itself that is not so.
fn contradiction<R: Read + Seek>(
    files: &mut Files<R>,
    package: &PackageFacts,
    seal: Option<&Seal>,
) -> Option<&'static str> {
    if package.document_type != PACKAGE_TYPE {
        return Some("it is of another version");
    }
    let certificate = files.data(names::SEAL_CERTIFICATE, MAX_BYTES);
    let same = |seal: &Seal| seal.fingerprint == package.seal && certificate.as_deref() == Some(seal.pem.as_bytes());
    if !seal.is_some_and(same) {
        return Some("it is signed with another certificate than it says");
    }
    if files.folder() != folder_of(package.package_id) {
        return Some("its folder has the name of another package");
    }
    match (package.timestamp_authority.is_some(), seal.is_some_and(|seal| seal.is_stamped)) {
        (true, false) => return Some("the timestamp that it speaks of is missing"),
        (false, true) => return Some("it has a timestamp that it does not speak of"),
        _ => {}
    }
    let said: BTreeSet<&str> = package.recordings.iter().map(|recording| recording.folder.as_str()).collect();
    let there: BTreeSet<&str> =
        files.payload().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
    if said != there || said.len() != package.recordings.len() || said.is_empty() {
        return Some("it does not have exactly the recordings of which it speaks");
    }
    None
}
