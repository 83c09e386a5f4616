//! `report.html` of a package: told out of what the package was made of.

use super::EvidenceError;
use super::begin::Begun;
use super::instructions::{Signing, commands};
use super::report::{Custody, CustodyEntry, ReportData, ReportedCheckpoint, ReportedRecording, Seal, Verified};
use super::shapes::{CustodyLine, RecordingFacts};
use crate::archive::Archive;
use crate::audio::Waveform;
use crate::clock::Timestamp;
use crate::ledger::signing::sha256;
use crate::ledger::verify::Outcome;
use crate::ledger::{checkpoint, cosignature};
use crate::timestamp;
use crate::vault::objects::ObjectKey;
use crate::witness::Witness;

/// What was checked by the time that a package gets its page: each of it breaks the package off where it does not hold.
const VERIFIED: [Verified; 5] = [
    Verified::AudioDigest,
    Verified::ReceiptSignature,
    Verified::Commitments,
    Verified::Inclusion,
    Verified::Checkpoint,
];

/// An entry of the ledger, as far as the package tells of it.
pub(super) fn entry(line: &CustodyLine) -> CustodyEntry {
    let payload = line.opening.as_ref().map(|opening| &opening.payload);
    CustodyEntry::of(Some(line.seq), line.at, &line.kind, payload)
}

/// One recording, whose sound is in `file`. What could not be decoded has no waveform to be looked at.
pub(super) fn recording(
    facts: RecordingFacts,
    file: String,
    waveform: Waveform,
    custody: Custody,
    sha512: String,
) -> ReportedRecording {
    ReportedRecording {
        id: facts.id,
        metadata: facts.metadata,
        received_at: facts.received_at,
        expires_at: facts.expires_at,
        status: facts.status,
        waveform: (facts.facts.frames > 0).then_some(waveform),
        facts: facts.facts,
        findings: facts.findings,
        file,
        sha256: facts.sha256,
        sha512,
        custody,
    }
}

/// What the page says beside the recordings.
pub(super) async fn data(archive: &Archive, begun: &Begun) -> Result<ReportData, EvidenceError> {
    let (note, key) = (&begun.state.checkpoint, archive.signing.public());
    let checkpoint = checkpoint::verify(note, &key)?;
    let cosigned = |witness: &&Witness| cosignature::find(note, witness.key()).is_ok_and(|said| said.is_some());
    let witnesses = archive.witnesses.iter().filter(cosigned).map(|witness| witness.key().name().to_owned()).collect();
    let stamped = stamped(archive, checkpoint.head.size, note).await?;
    let package = &begun.package;
    let self_made = begun.certificate.is_self_made();
    Ok(ReportData {
        package_id: package.package_id,
        made_at: package.made_at,
        made_by: begun.reader.actor.clone(),
        controller: package.controller.clone(),
        case_id: package.case_id,
        case_reference: begun.case.reference.clone(),
        purpose: package.purpose.clone(),
        recipient: package.recipient.clone(),
        zone: archive.policy.zone,
        recordings: package.recordings.len(),
        checkpoint: ReportedCheckpoint {
            origin: checkpoint.origin,
            size: checkpoint.head.size,
            root: checkpoint.head.root.to_string(),
            // The package stands by its own signature and timestamp; those of the ledger mostly come later, and apart.
            stamped,
            witnesses,
        },
        ledger_key: key.fingerprint(),
        seal: Seal {
            subject: begun.certificate.subject().to_string(),
            fingerprint: package.seal.clone(),
            self_made,
            timestamp: package.timestamp_authority.clone(),
        },
        verified: VERIFIED.map(|what| (what, Outcome::Passed)).to_vec(),
        commands: commands(package.package_id, &Signing::of(package, &key.fingerprint(), self_made)),
    })
}

/// When an authority stamped the checkpoint of this size, and which, where one did by now.
async fn stamped(archive: &Archive, size: u64, note: &[u8]) -> Result<Option<(Timestamp, String)>, EvidenceError> {
    let name = ObjectKey::Timestamp(size);
    if archive.store.head(&name).await?.is_none() {
        return Ok(None);
    }
    let token = archive.store.get(&name, timestamp::MAX_BYTES as u64).await?;
    let stamped = timestamp::check(&token, &sha256(&checkpoint::text(note)?), None);
    Ok(stamped.ok().map(|stamped| (stamped.at, stamped.authority)))
}
