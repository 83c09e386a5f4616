//! Sending a package: each recording in its turn, the lists, the signature, the end; and how it ended.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::bag::{BagWriter, Measure, Measured, folder_of};
use super::begin::{ALIVE, Begun};
use super::close::close;
use super::gather::{self, Audience};
use super::parts::{self, CommonFiles, RecordingFiles};
use super::report::{CustodyEntry, ReportedRecording};
use super::shapes::{PACKAGE_TYPE, PackageFacts, PackagedRecording};
use super::{EvidenceError, names, page, register};
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::audio;
use crate::catalog::NewEntry;
use crate::clock::Timestamp;
use crate::config::masked;
use crate::find::audio::{original, waveform};
use crate::find::vcon::{Beside, document};
use crate::find::{ByteStream, FindError, Opened, Sight, look_up};
use crate::ledger::kind::Kind;
use crate::ledger::shapes::LedgerKey;
use crate::recording::RecordingId;

/// Pieces that wait for the client.
const AHEAD: usize = 4;
/// Longest piece that is handed over at once, in bytes.
const PIECE_BYTES: usize = 256 * 1024;
/// How long a client may take no byte at all.
const STALLED: Duration = Duration::from_secs(5 * 60);
/// How often the register hears that a package is still being sent.
const RENEW: Duration = Duration::from_secs(60);
/// Longest file that is kept in memory between its measuring and its sending, in bytes. A longer one is read twice.
const KEPT_BYTES: usize = 8 << 20;
/// The waveform's natural size as a picture, in pixels.
const PICTURE: (u32, u32) = (1_200, 160);

/// Sends a package that was begun. The stream ends with an error where the package is not complete: then there is no end to
/// the ZIP, and nobody takes it for whole.
pub fn send(archive: Arc<Archive>, begun: Begun) -> ByteStream {
    let (sender, receiver) = mpsc::channel(AHEAD);
    // On its own, so that how it ended is noted whether or not anybody still listens.
    tokio::spawn(async move {
        let mut out = Out { sender, sha256: Context::new(&SHA256), byte_len: 0 };
        let mut making =
            Making { archive: &archive, begun: &begun, renewed: begun.at, packaged: Vec::new(), shown: Vec::new() };
        let Err(error) = making.all(&mut out).await else { return };
        tracing::warn!(package = %begun.id, %error, "a package was not sent to its end");
        metrics::counter!("earwitness_packages_broken_total").increment(1);
        if let Err(error) = broken(&archive, &begun, error.code()).await {
            // The register's row says it in any case, once it was not renewed for long enough.
            tracing::error!(package = %begun.id, %error, "it could not be noted that a package broke off");
        }
        let _ = out.sender.send(Err(io::Error::other(error))).await;
    });
    stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|item| (item, receiver)) }).boxed()
}

/// Where the bytes go.
struct Out {
    sender: mpsc::Sender<io::Result<Bytes>>,
    sha256: Context,
    byte_len: u64,
}

impl Out {
    async fn put(&mut self, bytes: impl Into<Bytes>) -> Result<(), EvidenceError> {
        let mut bytes: Bytes = bytes.into();
        self.count(&bytes);
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
            let sent = timeout(STALLED, self.sender.send(Ok(piece))).await;
            sent.map_err(|_| EvidenceError::ClientGone)?.map_err(|_| EvidenceError::ClientGone)?;
        }
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.byte_len += bytes.len() as u64;
    }

    /// SHA-256 of everything until now.
    fn digest(&self) -> String {
        hex::encode(self.sha256.clone().finish().as_ref())
    }
}

/// A file of a recording that may be too long for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The original.
    Audio,
    /// The IETF's form of the recording, with the audio in it.
    Vcon,
}

/// A package on its way.
struct Making<'a> {
    archive: &'a Arc<Archive>,
    begun: &'a Begun,
    renewed: Timestamp,
    packaged: Vec<PackagedRecording>,
    shown: Vec<ReportedRecording>,
}

impl Making<'_> {
    async fn all(&mut self, out: &mut Out) -> Result<(), EvidenceError> {
        let mut bag = BagWriter::new(self.begun.id);
        out.put(bag.declaration()?).await?;
        for (index, id) in self.begun.recordings.iter().enumerate() {
            self.renew().await?;
            let folder = names::folder(index + 1, *id);
            self.recording(&mut bag, out, &folder, *id).await?;
            crate::failpoint::hit("evidence.recording_sent");
        }
        self.still_all().await?;
        let package = self.facts();
        let common = self.common(package)?;
        for piece in parts::common(&mut bag, &folder_of(self.begun.id), &common)? {
            out.put(piece).await?;
        }
        let info = parts::bag_info(&common.package);
        let info: Vec<(&str, &str)> = info.iter().map(|(label, value)| (*label, value.as_str())).collect();
        let (tags, tag_manifest) = bag.tags(&info)?;
        out.put(tags).await?;
        self.renew().await?;
        let now = self.archive.clock.now();
        for (name, bytes) in
            close(&tag_manifest, now, self.begun.sealer.as_ref(), self.archive.timestamps.as_ref()).await?
        {
            out.put(bag.signature(name, &bytes)?).await?;
        }
        self.end(bag, out).await
    }

    /// The end leaves only once the ledger has the digest of the whole.
    async fn end(&self, bag: BagWriter, out: &mut Out) -> Result<(), EvidenceError> {
        let last = bag.finish();
        let mut whole = Out { sender: out.sender.clone(), sha256: out.sha256.clone(), byte_len: out.byte_len };
        whole.count(&last);
        made(self.archive, self.begun, &whole.digest(), whole.byte_len).await?;
        crate::failpoint::hit("evidence.made");
        out.put(last).await?;
        register::keep(self.archive, self.begun.id).await;
        Ok(())
    }

    /// What is put into the package now must not be past its deadline.
    fn still(&self, opened: &Opened) -> Result<(), EvidenceError> {
        let is_over = opened.row.held_since.is_none() && self.archive.clock.now() >= opened.row.expires_at;
        if is_over { Err(FindError::Gone.into()) } else { Ok(()) }
    }

    /// Before what tells of all recordings: their time, and their holds, may have ended since each was sent.
    async fn still_all(&self) -> Result<(), EvidenceError> {
        for id in &self.begun.recordings {
            look_up(self.archive, *id, Sight::View(&self.begun.reader.view)).await?;
        }
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), EvidenceError> {
        let now = self.archive.clock.now();
        if now.since(self.renewed) >= RENEW {
            if !self.archive.catalog.renew_disclosure(self.begun.id, now.plus(ALIVE)).await? {
                return Err(EvidenceError::GivenUp);
            }
            self.renewed = now;
        }
        Ok(())
    }

    async fn recording(
        &mut self,
        bag: &mut BagWriter,
        out: &mut Out,
        folder: &str,
        id: RecordingId,
    ) -> Result<(), EvidenceError> {
        let opened = look_up(self.archive, id, Sight::View(&self.begun.reader.view)).await?;
        let audio = format!("audio.{}", opened.sealed.facts.container.extension());
        self.streamed(bag, out, &format!("{folder}/{audio}"), &opened, Part::Audio).await?;
        self.streamed(bag, out, &format!("{folder}/{}", names::VCON), &opened, Part::Vcon).await?;
        let (list, lines) = self.custody(bag, out, folder, &opened).await?;
        let picture = waveform(self.archive, &opened).await?;
        let json = serde_json::to_vec(&picture).map_err(|_| ArchiveError::Document("waveform"))?;
        let files = RecordingFiles {
            folder: folder.to_owned(),
            facts: gather::facts(&opened),
            receipt: gather::receipt(self.archive, &opened)?,
            waveform: (json, audio::svg(&picture, PICTURE.0, PICTURE.1)),
        };
        for piece in parts::recording(bag, &files, &list)? {
            out.put(piece).await?;
        }
        self.shown.push(page::recording(files.facts, format!("{folder}/{audio}"), picture, lines));
        self.packaged.push(PackagedRecording { folder: folder.to_owned(), id, audio });
        Ok(())
    }

    /// A file that may be too long for memory: measured first, then sent, read once more where it was not kept.
    async fn streamed(
        &mut self,
        bag: &mut BagWriter,
        out: &mut Out,
        path: &str,
        opened: &Opened,
        part: Part,
    ) -> Result<(), EvidenceError> {
        let (mut measure, mut kept) = (Measure::default(), Some(Vec::new()));
        let mut bytes = self.open(opened, part).await?;
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk.map_err(|error| read_failed(error, self.archive, opened))?;
            measure.update(&chunk);
            self.renew().await?;
            kept = kept.filter(|kept: &Vec<u8>| kept.len() + chunk.len() <= KEPT_BYTES);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&chunk);
            }
        }
        self.still(opened)?;
        let measured = measure.finish();
        // Nothing is handed over that is not what was received.
        let is_other = hex::encode(measured.sha256) != opened.sealed.sha256 || measured.byte_len != opened.row.byte_len;
        if part == Part::Audio && is_other {
            return Err(EvidenceError::OtherAudio);
        }
        out.put(bag.payload_header(path, &measured)?).await?;
        match kept {
            Some(kept) => out.put(kept).await,
            None => self.again(out, opened, part, &measured).await,
        }
    }

    /// Sends what was measured, and measures it again.
    async fn again(
        &mut self,
        out: &mut Out,
        opened: &Opened,
        part: Part,
        before: &Measured,
    ) -> Result<(), EvidenceError> {
        let mut measure = Measure::default();
        let mut bytes = self.open(opened, part).await?;
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk.map_err(|error| read_failed(error, self.archive, opened))?;
            measure.update(&chunk);
            self.renew().await?;
            out.put(chunk).await?;
        }
        if measure.finish() == *before { Ok(()) } else { Err(EvidenceError::OtherAudio) }
    }

    async fn open(&self, opened: &Opened, part: Part) -> Result<ByteStream, EvidenceError> {
        let (archive, reader) = (self.archive, &self.begun.reader);
        Ok(match part {
            Part::Audio => original(archive, opened, reader, 0..opened.row.byte_len).await?,
            Part::Vcon => {
                let receipt = gather::receipt(archive, opened)?;
                document(archive, opened, reader, Beside { receipt: Some(receipt), ..Beside::default() }).await?
            }
        })
    }

    /// Every entry with its proof. Gives the list of them, and what the report shows of them.
    async fn custody(
        &self,
        bag: &mut BagWriter,
        out: &mut Out,
        folder: &str,
        opened: &Opened,
    ) -> Result<(Vec<u8>, Vec<CustodyEntry>), EvidenceError> {
        let audience = Audience { case_id: self.begun.case.id, recipient: &self.begun.asked.recipient };
        let (mut list, mut shown, mut from) = (Vec::new(), Vec::new(), 0);
        loop {
            let (lines, more) = gather::custody(self.archive, opened, &self.begun.state, &audience, from).await?;
            from += lines.len() as u64;
            for (line, proof) in lines {
                out.put(parts::custody_entry(bag, folder, &line, &proof, &mut list)?).await?;
                shown.push(page::entry(&line));
            }
            if !more {
                return Ok((list, shown));
            }
        }
    }

    fn facts(&mut self) -> PackageFacts {
        let (begun, config) = (self.begun, &self.archive.config);
        PackageFacts {
            document_type: PACKAGE_TYPE.to_owned(),
            package_id: begun.id,
            made_at: begun.at,
            made_by: begun.reader.actor.name.clone(),
            controller: self.archive.controller(),
            case_id: begun.case.id,
            case_reference: Some(begun.case.reference.clone()),
            purpose: begun.asked.purpose.clone(),
            recipient: begun.asked.recipient.clone(),
            language: begun.asked.language.unwrap_or(begun.case.language),
            zone: self.archive.policy.zone.name().to_owned(),
            seal: begun.fingerprint.clone(),
            timestamp_authority: config.timestamps.authority.as_deref().map(masked),
            recordings: std::mem::take(&mut self.packaged),
        }
    }

    fn common(&mut self, package: PackageFacts) -> Result<CommonFiles, EvidenceError> {
        let report = page::render(self.archive, self.begun, &package, std::mem::take(&mut self.shown))?;
        Ok(CommonFiles {
            ledger_key: LedgerKey::of(&self.archive.origin, &self.archive.signing.public()),
            checkpoint: self.begun.state.checkpoint.clone(),
            seal: (self.begun.certificate.to_pem(), self.begun.certificate.is_self_made()),
            report,
            package,
        })
    }
}

/// A stream that breaks off at the deadline says so in its own words; here it is a recording whose time is over.
fn read_failed(error: io::Error, archive: &Archive, opened: &Opened) -> EvidenceError {
    if archive.clock.now() >= opened.row.expires_at && opened.row.held_since.is_none() {
        return FindError::Gone.into();
    }
    ArchiveError::Io { what: "reading a recording for a package", source: error }.into()
}

/// Notes that a package is complete: nothing in it may have ended meanwhile.
async fn made(archive: &Archive, begun: &Begun, sha256: &str, byte_len: u64) -> Result<(), EvidenceError> {
    let mut payload = begun.payload();
    (payload.sha256, payload.byte_len) = (Some(sha256), Some(byte_len));
    let now = archive.clock.now();
    let mut entries: Vec<(RecordingId, NewEntry)> = Vec::with_capacity(begun.recordings.len());
    for id in &begun.recordings {
        let opened = look_up(archive, *id, Sight::View(&begun.reader.view)).await?;
        let about = About::Recording(*id, &opened.key);
        entries.push((*id, archive.entry(Kind::EVIDENCE_MADE, about, &payload, now).await?.0));
    }
    entries.sort_by_key(|(id, _)| *id);
    let (of_case, _) = archive.entry(Kind::EVIDENCE_MADE, About::Case(begun.case.id), &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    for (id, entry) in &entries {
        if !tx.keep_live(*id).await? {
            tx.rollback().await?;
            return Err(FindError::Gone.into());
        }
        tx.append_entry(entry).await?;
    }
    tx.disclosure_made(begun.id, now, byte_len, sha256).await?;
    tx.append_entry(&of_case).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    metrics::counter!("earwitness_packages_made_total").increment(1);
    Ok(())
}

/// Notes that a package was not sent to its end. A recording that is gone by now has no entry any more, and gets none.
async fn broken(archive: &Archive, begun: &Begun, failure: &'static str) -> Result<(), EvidenceError> {
    let payload = super::begin::PackagePayload { failure: Some(failure), ..begun.payload() };
    let now = archive.clock.now();
    let mut entries: Vec<(RecordingId, NewEntry)> = Vec::new();
    for id in &begun.recordings {
        let Ok(opened) = look_up(archive, *id, Sight::View(&begun.reader.view)).await else { continue };
        let about = About::Recording(*id, &opened.key);
        entries.push((*id, archive.entry(Kind::EVIDENCE_BROKEN, about, &payload, now).await?.0));
    }
    entries.sort_by_key(|(id, _)| *id);
    let (of_case, _) = archive.entry(Kind::EVIDENCE_BROKEN, About::Case(begun.case.id), &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    for (id, entry) in &entries {
        if tx.keep_live(*id).await? {
            tx.append_entry(entry).await?;
        }
    }
    if !tx.disclosure_broken(begun.id, now).await? {
        tx.rollback().await?;
        return Ok(());
    }
    tx.append_entry(&of_case).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    register::keep(archive, begun.id).await;
    Ok(())
}
