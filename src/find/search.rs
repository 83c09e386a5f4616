//! A page of recordings, newest first, opened.

use super::access::record_search;
use super::error::is_key_gone;
use super::filter::filter;
use super::look_up::is_readable;
use super::scope::widened;
use super::{FindError, Opened, Question, Reader};
use crate::access::{Scope, View};
use crate::archive::Archive;
use crate::catalog::{Page, RecordingRow};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

/// Recordings on a page, unless asked otherwise.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most recordings on a page.
pub const MAX_LIMIT: u32 = 200;

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageAsked {
    /// After this recording; the first page without.
    pub after: Option<(Timestamp, RecordingId)>,
    /// At most so many, 1 to [`MAX_LIMIT`].
    pub limit: u32,
}

/// A page.
#[derive(Debug)]
pub struct FoundPage {
    /// Its recordings, newest first.
    pub recordings: Vec<Opened>,
    /// Where the next page begins; none after the last.
    pub next: Option<(Timestamp, RecordingId)>,
}

/// Searches, and notes in the ledger that it was searched before anything is shown.
pub async fn search(
    archive: &Archive,
    reader: &Reader,
    question: &Question,
    page: PageAsked,
) -> Result<FoundPage, FindError> {
    let view = widened(archive, &reader.view).await?;
    let found = match filter(archive, &view, question).await? {
        Some((scope, filter)) => {
            let limit = page.limit.clamp(1, MAX_LIMIT);
            // One more than shown tells whether there is a next page.
            let asked = Page { after: page.after, limit: limit.saturating_add(1) };
            let mut rows = archive.catalog.search(&scope, &filter, asked, archive.clock.now()).await?;
            let there_is_more = rows.len() > limit as usize;
            rows.truncate(limit as usize);
            let next = rows.last().filter(|_| there_is_more).map(|row| (row.recorded_at, row.id));
            FoundPage { recordings: open_all(archive, &view, rows).await?, next }
        }
        None => FoundPage { recordings: Vec::new(), next: None },
    };
    record_search(archive, reader, question, found.recordings.len()).await?;
    // Noting it took its time, and the deadline does not wait.
    let (now, past_deadline) = (archive.clock.now(), reader.view.held_past_deadline);
    let recordings =
        found.recordings.into_iter().filter(|opened| is_readable(&opened.row, now, past_deadline)).collect();
    Ok(FoundPage { recordings, next: found.next })
}

/// The ids of everything that a question finds, newest first, and the search noted in the ledger; none when there is more
/// than `most`. For those who see every recording: no row is opened.
pub async fn find_all(
    archive: &Archive,
    reader: &Reader,
    question: &Question,
    most: usize,
) -> Result<Option<Vec<RecordingId>>, FindError> {
    let (mut ids, mut after) = (Vec::new(), None);
    if let (Scope::All, Some((scope, filter))) = (&reader.view.scope, filter(archive, &reader.view, question).await?) {
        while ids.len() <= most {
            let page = Page { after, limit: MAX_LIMIT };
            let rows = archive.catalog.search(&scope, &filter, page, archive.clock.now()).await?;
            let Some(last) = rows.last() else { break };
            after = Some((last.recorded_at, last.id));
            ids.extend(rows.iter().map(|row| row.id));
        }
    }
    record_search(archive, reader, question, ids.len()).await?;
    Ok((ids.len() <= most).then_some(ids))
}

/// Opens rows. One that does not open is passed over, loudly: it must not hide all others.
async fn open_all(archive: &Archive, view: &View, rows: Vec<RecordingRow>) -> Result<Vec<Opened>, FindError> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        match archive.open_recording(&row).await {
            Ok((key, sealed)) => {
                // The catalog has filtered by keyed hashes; what counts is what was sealed.
                if view.admits(row.status, &row.account_id, sealed.metadata.agent.as_deref()) {
                    all.push(Opened { row, key, sealed });
                }
            }
            Err(error) if error.is_unavailable() => return Err(error.into()),
            Err(error) => {
                metrics::counter!("earwitness_search_unreadable_total").increment(1);
                let key_gone = is_key_gone(&error);
                tracing::error!(id = %row.id, key_gone, %error, "a recording that was found does not open");
            }
        }
    }
    Ok(all)
}
