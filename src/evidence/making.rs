//! Sending one recording: its audio, what is known of it, all that happened to it.

use std::io;

use aws_lc_rs::digest::{Context, SHA512};
use bytes::Bytes;
use futures::{StreamExt as _, stream};

use super::bag::{BagWriter, Measure, Measured};
use super::begin::Promised;
use super::out::{Out, PIECE_BYTES};
use super::parts::{self, RecordingFiles};
use super::report::{Custody, ReportedRecording};
use super::send::Making;
use super::shapes::PackagedRecording;
use super::{EvidenceError, gather, names, page};
use crate::archive::{Archive, ArchiveError};
use crate::audio;
use crate::find::audio::{original, waveform};
use crate::find::vcon::{Beside, document};
use crate::find::{ByteStream, FindError, Opened, Sight, ending, look_up};
use crate::ledger::signing::sha256;

/// Longest file that is kept in memory between its measuring and its sending, in bytes. A longer one is read twice.
const KEPT_BYTES: usize = 8 << 20;
/// The waveform's natural size as a picture, in pixels.
const PICTURE: (u32, u32) = (1_200, 160);

/// A file of a recording that may be too long for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The original.
    Audio,
    /// The IETF's form of the recording, with the audio in it.
    Vcon,
}

impl Making<'_> {
    /// What is put into the package now must not be past its deadline.
    fn still(&self, opened: &Opened) -> Result<(), EvidenceError> {
        let is_over = opened.row.held_since.is_none() && self.archive.clock.now() >= opened.row.expires_at;
        if is_over { Err(FindError::Gone.into()) } else { Ok(()) }
    }

    /// All that the package has of a recording. Gives what the report shows of it.
    pub(super) async fn recording(
        &mut self,
        bag: &mut BagWriter,
        out: &mut Out,
        place: &PackagedRecording,
        promised: &Promised,
    ) -> Result<ReportedRecording, EvidenceError> {
        let PackagedRecording { folder, id, audio } = place;
        let opened = look_up(self.archive, *id, Sight::View(&self.begun.reader.view)).await?;
        let sha512 = self.streamed(bag, out, &format!("{folder}/{audio}"), &opened, Part::Audio).await?;
        self.streamed(bag, out, &format!("{folder}/{}", names::VCON), &opened, Part::Vcon).await?;
        let (list, custody) = self.custody(bag, out, folder, &opened, promised).await?;
        let picture = waveform(self.archive, &opened).await?;
        let json = serde_json::to_vec(&picture).map_err(|_| ArchiveError::Document("waveform"))?;
        let files = RecordingFiles {
            folder: folder.clone(),
            facts: gather::facts(&opened),
            receipt: gather::receipt(self.archive, &opened)?,
            waveform: (json, audio::svg(&picture, PICTURE.0, PICTURE.1)),
        };
        if hex::encode(sha256(&parts::json(&files.facts)?)) != promised.promise.recording_sha256 {
            return Err(EvidenceError::Changed);
        }
        for piece in parts::recording(bag, &files, &list)? {
            out.put(piece).await?;
        }
        Ok(page::recording(files.facts, format!("{folder}/{audio}"), picture, custody, sha512))
    }

    /// A file that may be too long for memory: measured first, then sent, read once more where it was not kept. Gives its
    /// SHA-512.
    async fn streamed(
        &mut self,
        bag: &mut BagWriter,
        out: &mut Out,
        path: &str,
        opened: &Opened,
        part: Part,
    ) -> Result<String, EvidenceError> {
        let (mut measure, mut sha512, mut kept) = (Measure::default(), Context::new(&SHA512), Some(Vec::new()));
        let mut bytes = self.open(opened, part).await?;
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk.map_err(|error| read_failed(error, self.archive, opened))?;
            measure.update(&chunk);
            sha512.update(&chunk);
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
            Some(kept) => self.kept(out, opened, kept.into()).await?,
            None => self.again(out, opened, part, &measured).await?,
        }
        Ok(hex::encode(sha512.finish().as_ref()))
    }

    /// Sends what was measured and kept. A client that is slow gets no byte of it after the deadline either.
    async fn kept(&self, out: &mut Out, opened: &Opened, mut kept: Bytes) -> Result<(), EvidenceError> {
        let pieces = std::iter::from_fn(move || {
            let piece = kept.split_to(kept.len().min(PIECE_BYTES));
            (!piece.is_empty()).then_some(Ok(piece))
        });
        let mut bytes = ending(stream::iter(pieces).boxed(), self.archive, opened, &self.begun.reader);
        while let Some(piece) = bytes.next().await {
            out.put(piece.map_err(|error| read_failed(error, self.archive, opened))?).await?;
        }
        Ok(())
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

    /// Every entry with its proof: what happened before, as the ledger was told, and that the package was begun. Gives the
    /// list of them, and what the report shows of them.
    async fn custody(
        &self,
        bag: &mut BagWriter,
        out: &mut Out,
        folder: &str,
        opened: &Opened,
        promised: &Promised,
    ) -> Result<(Vec<u8>, Custody), EvidenceError> {
        let (archive, begun, audience) = (self.archive, self.begun, self.begun.audience());
        let (mut list, mut shown, mut from) = (Vec::new(), Custody::default(), 0);
        loop {
            let (mut told, more) = gather::custody(archive, opened, begun.before, &audience, from).await?;
            from += told.len() as u64;
            if !more {
                told.push(gather::entry(archive, opened, promised.entry, &audience).await?);
            }
            for (line, proof) in gather::prove(archive, &begun.state, told).await? {
                if line.entry == promised.entry && hex::encode(sha256(&list)) != promised.promise.custody_sha256 {
                    return Err(EvidenceError::Changed);
                }
                out.put(parts::custody_entry(bag, folder, &line, &proof, &mut list)?).await?;
                shown.push(page::entry(&line));
            }
            if !more {
                return Ok((list, shown));
            }
        }
    }
}

/// A stream that breaks off at the deadline says so in its own words; here it is a recording whose time is over.
fn read_failed(error: io::Error, archive: &Archive, opened: &Opened) -> EvidenceError {
    if archive.clock.now() >= opened.row.expires_at && opened.row.held_since.is_none() {
        return FindError::Gone.into();
    }
    ArchiveError::Io { what: "reading a recording for a package", source: error }.into()
}
