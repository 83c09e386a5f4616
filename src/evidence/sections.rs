//! `report.html` while it is made: each recording's part goes into an unlinked temporary file as it comes, so that a report on
//! thousands takes the memory of one.

use std::io::{self, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::task::spawn_blocking;

use super::EvidenceError;
use super::bag::{BagWriter, Measure};
use super::begin::Begun;
use super::out::Out;
use super::report::{self, Frame, ReportData, ReportedRecording};
use super::{names, page};
use crate::archive::Archive;
use crate::receive::spool::{Spool, SpoolError};
use crate::recording::Language;

/// Longest page, in bytes: a hundred times what one of the most recordings has.
const MAX_BYTES: u64 = 4 << 30;
/// Bytes that are read back at once.
const PIECE_BYTES: u64 = 256 * 1024;

/// The parts that were made until now.
pub(super) struct Sections {
    data: Arc<ReportData>,
    language: Language,
    spool: Spool,
    count: usize,
}

impl Sections {
    /// A page without any.
    pub(super) async fn of(archive: &Archive, begun: &Begun) -> Result<Self, EvidenceError> {
        let data = Arc::new(page::data(archive, begun).await?);
        let spool = Spool::create(&archive.config.spool, MAX_BYTES).await?;
        Ok(Self { data, language: begun.package.language, spool, count: 0 })
    }

    /// The next recording's.
    pub(super) async fn add(&mut self, shown: ReportedRecording) -> Result<(), EvidenceError> {
        let (data, language, place) = (self.data.clone(), self.language, self.count);
        let section = spawn_blocking(move || report::section(&data, &shown, place, language)).await;
        self.spool.write(section.map_err(failed)?.as_bytes()).await?;
        self.count += 1;
        Ok(())
    }

    /// The whole page into the package.
    pub(super) async fn put(self, bag: &mut BagWriter, out: &mut Out) -> Result<(), EvidenceError> {
        let Frame { before, after } = report::frame(&self.data, self.language);
        let mut file = File::from_std(self.spool.finish().await?.file);
        let mut measure = Measure::default();
        measure.update(before.as_bytes());
        while let Some(piece) = next(&mut file).await? {
            measure.update(&piece);
        }
        measure.update(after.as_bytes());
        out.put(bag.payload_header(names::REPORT, &measure.finish())?).await?;
        out.put(before).await?;
        file.seek(SeekFrom::Start(0)).await.map_err(SpoolError::Io)?;
        while let Some(piece) = next(&mut file).await? {
            out.put(piece).await?;
        }
        out.put(after).await
    }
}

async fn next(file: &mut File) -> Result<Option<Bytes>, SpoolError> {
    let mut piece = Vec::new();
    file.take(PIECE_BYTES).read_to_end(&mut piece).await.map_err(SpoolError::Io)?;
    Ok(if piece.is_empty() { None } else { Some(piece.into()) })
}

fn failed(error: tokio::task::JoinError) -> SpoolError {
    SpoolError::Io(io::Error::other(error))
}
