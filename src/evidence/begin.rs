//! Beginning a package: who may have what, and the entries that are committed before its first byte leaves. They commit to
//! what the package says, so that not even whoever has its seal can make it say something else.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::asked::{Asked, MAX_RECORDINGS};
use super::gather::{self, Audience};
use super::payload::PackagePayload;
use super::register::{self, Told};
use super::seal::{self, FileSealer, Sealer as _};
use super::shapes::{PACKAGE_TYPE, PackageFacts, PackagedRecording, Promise};
use super::{EvidenceError, names, parts};
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{DisclosureRow, DisclosureState, LedgerState, NewEntry};
use crate::clock::Timestamp;
use crate::config::masked;
use crate::find::{FindError, Opened, Reader, Sight, look_up};
use crate::hold::HoldError;
use crate::hold::case::{self, Case};
use crate::ledger::kind::Kind;
use crate::ledger::signing::sha256;
use crate::recording::RecordingId;
use crate::signature::certificate::Known;

/// Recordings that are asked for at once.
const PAGE: u32 = 500;
/// Entries without a place that are looked at: far more than wait at any time.
const WAITING: u32 = 10_000;
/// How long a package counts as being sent after it was last heard of.
pub(super) const ALIVE: Duration = Duration::from_secs(15 * 60);
/// How long the ledger has for publishing what was entered.
const PUBLISHING: Duration = Duration::from_secs(30);
/// How long to wait for the node that publishes.
const PAUSE: Duration = Duration::from_millis(100);

/// A package that was begun.
pub struct Begun {
    /// What the package says of itself.
    pub package: PackageFacts,
    /// What was asked for.
    pub asked: Asked,
    /// Who asked.
    pub reader: Reader,
    /// The case.
    pub case: Case,
    /// What signs it.
    pub sealer: Arc<FileSealer>,
    /// Its certificate.
    pub certificate: Known,
    /// The ledger's state that every proof leads to.
    pub state: LedgerState,
    /// SHA-256 of what the package says of itself.
    package_sha256: String,
    /// The tree's size before the package: what happened until then is told.
    pub(super) before: u64,
    /// What the ledger says of each recording, in their order.
    pub(super) promised: Vec<Promised>,
    /// Its place among those that are made at once.
    _place: OwnedSemaphorePermit,
}

/// What the ledger says of a recording of a package, and by which entry.
pub(super) struct Promised {
    pub(super) promise: Promise,
    pub(super) entry: Uuid,
}

impl Begun {
    /// The package's id.
    pub fn id(&self) -> Uuid {
        self.package.package_id
    }

    /// The recordings, in their order.
    pub(super) fn recordings(&self) -> impl Iterator<Item = RecordingId> {
        self.package.recordings.iter().map(|recording| recording.id)
    }

    /// Whose eyes it is for.
    pub(super) fn audience(&self) -> Audience<'_> {
        Audience { case_id: self.case.id, recipient: &self.asked.recipient }
    }

    pub(super) fn payload(&self) -> PackagePayload<'_> {
        PackagePayload {
            package_id: self.id(),
            case_id: self.case.id,
            actor: &self.reader.actor,
            purpose: &self.asked.purpose,
            recipient: &self.asked.recipient,
            seal: &self.package.seal,
            package_sha256: None,
            promise: None,
            sha256: None,
            byte_len: None,
            failure: None,
        }
    }
}

/// Begins a package. When this returns, the ledger says so, provably.
///
/// # Errors
/// [`EvidenceError::Busy`], [`EvidenceError::Case`], [`EvidenceError::Recording`] where one is not there or its time is over, [`EvidenceError::Nothing`],
/// [`EvidenceError::Seal`].
pub async fn begin(archive: &Archive, asked: Asked, reader: Reader) -> Result<Begun, EvidenceError> {
    let place = archive.packages.clone().try_acquire_owned().map_err(|_| EvidenceError::Busy)?;
    let case = case::look_up(archive, asked.case_id).await?;
    if case.closed_at.is_some() {
        return Err(HoldError::CaseClosed.into());
    }
    let recordings = packaged(archive, &recordings(archive, &asked).await?, &reader).await?;
    let before = settled(archive).await?;
    let at = archive.clock.now();
    let organization = archive.controller().name;
    let since_1970 = at.since(Timestamp::from_micros(0));
    let sealer = Arc::new(seal::open(&archive.config.seal, &organization, since_1970)?);
    let own = sealer.chain().first().ok_or(seal::SealError::Unfit("there is no certificate"))?;
    let certificate = Known::from_der(own)?;
    let package = PackageFacts {
        document_type: PACKAGE_TYPE.to_owned(),
        package_id: Uuid::new_v4(),
        made_at: at,
        made_by: reader.actor.name.clone(),
        controller: archive.controller(),
        case_id: case.id,
        case_reference: Some(case.reference.clone()),
        purpose: asked.purpose.clone(),
        recipient: asked.recipient.clone(),
        language: asked.language.unwrap_or(case.language),
        zone: archive.policy.zone.name().to_owned(),
        seal: certificate.fingerprint()?,
        timestamp_authority: archive.config.timestamps.authority.as_deref().map(masked),
        recordings,
    };
    let package_sha256 = hex::encode(sha256(&parts::json(&package)?));
    let (state, before, promised) = (before.clone(), before.published_size, Vec::new());
    let mut begun = Begun {
        package,
        asked,
        reader,
        case,
        sealer,
        certificate,
        state,
        package_sha256,
        before,
        promised,
        _place: place,
    };
    let entries = enter(archive, &mut begun).await?;
    crate::failpoint::hit("evidence.begun");
    register::keep(archive, begun.id()).await;
    begun.state = published(archive, &entries).await?;
    Ok(begun)
}

async fn recordings(archive: &Archive, asked: &Asked) -> Result<Vec<RecordingId>, EvidenceError> {
    let mut ids = Vec::new();
    if let Some(named) = &asked.recordings {
        for id in named {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        return Ok(ids);
    }
    loop {
        let page = archive.catalog.recordings_of_case(asked.case_id, ids.last().copied(), PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        ids.extend(page);
        if ids.len() > MAX_RECORDINGS {
            return Err(EvidenceError::TooMany(MAX_RECORDINGS as u64));
        }
        if is_last {
            return if ids.is_empty() { Err(EvidenceError::Nothing) } else { Ok(ids) };
        }
    }
}

/// Where each recording is going to be.
async fn packaged(
    archive: &Archive,
    ids: &[RecordingId],
    reader: &Reader,
) -> Result<Vec<PackagedRecording>, EvidenceError> {
    let mut all = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let opened = look_up(archive, *id, Sight::View(&reader.view)).await?;
        let audio = format!("audio.{}", opened.sealed.facts.container.extension());
        all.push(PackagedRecording { folder: names::folder(index + 1, *id), id: *id, audio });
    }
    Ok(all)
}

/// What the package is going to say of a recording: what is known of it, and all that happened to it before.
async fn promise(archive: &Archive, begun: &Begun, opened: &Opened) -> Result<Promise, EvidenceError> {
    let (mut context, mut custody_entries) = (Context::new(&SHA256), 0);
    loop {
        let (told, more) = gather::custody(archive, opened, begun.before, &begun.audience(), custody_entries).await?;
        for (line, _) in &told {
            context.update(&parts::custody_line(line)?);
        }
        custody_entries += told.len() as u64;
        if !more {
            break;
        }
    }
    Ok(Promise {
        recording_id: opened.row.id,
        recording_sha256: hex::encode(sha256(&parts::json(&gather::facts(opened))?)),
        custody_entries,
        custody_sha256: hex::encode(context.finish().as_ref()),
    })
}

/// One entry about the case and one about each recording, with the register's row, in one transaction. Gives their ids.
async fn enter(archive: &Archive, begun: &mut Begun) -> Result<Vec<Uuid>, EvidenceError> {
    let mut entries: Vec<(Option<RecordingId>, NewEntry)> = Vec::with_capacity(begun.package.recordings.len() + 1);
    let mut promised = Vec::with_capacity(begun.package.recordings.len());
    let (at, package_sha256) = (begun.package.made_at, Some(begun.package_sha256.as_str()));
    let payload = PackagePayload { package_sha256, ..begun.payload() };
    for id in begun.recordings() {
        let opened = look_up(archive, id, Sight::View(&begun.reader.view)).await?;
        let promise = promise(archive, begun, &opened).await?;
        let payload = PackagePayload { promise: Some(&promise), ..payload };
        let about = About::Recording(id, &opened.key);
        let (entry, _) = archive.entry(Kind::EVIDENCE_BEGUN, about, &payload, at).await?;
        promised.push(Promised { promise, entry: entry.id });
        entries.push((Some(id), entry));
    }
    let about = About::Case(begun.case.id);
    entries.push((None, archive.entry(Kind::EVIDENCE_BEGUN, about, &payload, at).await?.0));
    // Rows are taken in this order by everybody: recordings, by their ids, and then the case.
    entries.sort_by_key(|(recording, _)| recording.map_or((1, None), |id| (0, Some(id))));
    commit(archive, begun, &entries).await?;
    begun.promised = promised;
    Ok(entries.into_iter().map(|(_, entry)| entry.id).collect())
}

async fn commit(
    archive: &Archive,
    begun: &Begun,
    entries: &[(Option<RecordingId>, NewEntry)],
) -> Result<(), EvidenceError> {
    let row = row(archive, begun).await?;
    let mut tx = archive.catalog.begin().await?;
    for (recording, entry) in entries {
        let open = match recording {
            Some(id) => tx.keep_live(*id).await?,
            None => tx.touch_case(begun.case.id).await?,
        };
        if !open {
            tx.rollback().await?;
            return Err(recording.map_or(HoldError::CaseClosed.into(), |_| FindError::Gone.into()));
        }
        tx.append_entry(entry).await?;
    }
    if !tx.add_disclosure(&row, &begun.recordings().collect::<Vec<_>>()).await? {
        return Err(ArchiveError::Document("a package's id that is taken").into());
    }
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    Ok(())
}

/// The register's row.
async fn row(archive: &Archive, begun: &Begun) -> Result<DisclosureRow, EvidenceError> {
    let (package, at) = (&begun.package, begun.package.made_at);
    let told = Told {
        actor: begun.reader.actor.clone(),
        recipient: begun.asked.recipient.clone(),
        purpose: begun.asked.purpose.clone(),
        language: package.language,
        seal: package.seal.clone(),
    };
    Ok(DisclosureRow {
        id: begun.id(),
        case_id: begun.case.id,
        recipient_kind: begun.asked.recipient.kind.as_str().to_owned(),
        state: DisclosureState::Begun,
        begun_at: at,
        alive_until: at.plus(ALIVE),
        ended_at: None,
        recordings: package.recordings.len() as u64,
        byte_len: None,
        sha256: None,
        sealed: register::seal(archive, begun.case.id, begun.id(), &told).await?,
    })
}

/// Waits until everything that was entered until now is published: all that happened before a package is told in it.
async fn settled(archive: &Archive) -> Result<LedgerState, EvidenceError> {
    let waiting = archive.catalog.unsequenced(WAITING).await?;
    // They get their places in this order.
    let last: Vec<Uuid> = waiting.last().map(|entry| entry.id).into_iter().collect();
    published(archive, &last).await
}

/// Waits until a published checkpoint covers these entries. On another node than this one that takes a second or so.
async fn published(archive: &Archive, entries: &[Uuid]) -> Result<LedgerState, EvidenceError> {
    let waited = tokio::time::timeout(PUBLISHING, async {
        loop {
            archive.publish_ledger().await?;
            let state = archive.catalog.ledger_state().await?;
            if covers(archive, &state, entries).await? {
                return Ok(state);
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    waited.await.unwrap_or(Err(EvidenceError::NotPublished))
}

async fn covers(archive: &Archive, state: &LedgerState, entries: &[Uuid]) -> Result<bool, EvidenceError> {
    for id in entries {
        let seq = archive.catalog.ledger_entry(*id).await?.and_then(|entry| entry.seq);
        if seq.is_none_or(|seq| seq >= state.published_size) {
            return Ok(false);
        }
    }
    Ok(true)
}
