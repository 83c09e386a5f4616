//! What happened to a recording, in words.

use std::collections::VecDeque;

use chrono_tz::Tz;
use maud::{Markup, html};
use uuid::Uuid;

use super::data::CustodyEntry;
use super::format::{number, short, words};
use super::plain::Plain;
use super::texts::Texts;
use crate::clock::Timestamp;

/// Rows of one recording's table: what does not fit on two pages is in `custody.jsonl`, and the table says so.
const MOST_ROWS: usize = 18;

/// One row: an entry, and how often the same came right after it.
#[derive(Debug, Clone)]
struct Row {
    place: usize,
    entry: CustodyEntry,
    times: u64,
    last: Timestamp,
}

pub(super) fn table(custody: &Custody, case: Uuid, zone: Tz, texts: &Texts) -> Markup {
    let (rows, left_out) = custody.rows();
    let own = &texts.custody;
    html! {
        @if rows.is_empty() {
            p { (own.none) }
        } @else {
            table.custody {
                thead {
                    tr {
                        th.entry scope="col" { (own.entry) }
                        th.time scope="col" { (own.time) }
                        th scope="col" { (own.what) }
                        th scope="col" { (own.who) }
                    }
                }
                tbody { @for row in &rows { (table_row(row, case, zone, texts)) } }
            }
            @if left_out > 0 {
                p.note { (own.left_out.replace("{n}", &number(left_out))) }
            }
        }
    }
}

fn table_row(row: &Row, case: Uuid, zone: Tz, texts: &Texts) -> Markup {
    let (entry, own) = (&row.entry, &texts.custody);
    let shown = entry.is_told && !is_of_another_case(entry, case);
    html! {
        tr {
            td.entry { @match entry.seq { Some(seq) => (number(seq)), None => (own.pending) } }
            td.time { (short(entry.at, zone)) }
            td {
                (event(entry, texts))
                @if let Some(related) = entry.related.as_deref().filter(|_| shown) { ": " (Plain(related)) }
                @if row.times > 1 {
                    br;
                    span.more { (own.repeated.replace("{n}", &number(row.times)).replace("{t}", &words(row.last, zone, texts))) }
                }
                @if let Some(recipient) = entry.recipient.as_deref().filter(|_| shown) {
                    br;
                    span.more { (own.to) ": " (Plain(recipient)) }
                }
            }
            td {
                @if !shown {
                    span.more { (own.untold) }
                } @else {
                    @match &entry.actor {
                        Some((name, role)) => {
                            (Plain(name))
                            @if let Some(role) = role { " " span.more { "(" (texts.role(*role)) ")" } }
                        }
                        None => (own.nobody),
                    }
                    @if let Some(reason) = &entry.reason {
                        br;
                        span.more { (own.purpose) ": " (Plain(reason)) }
                    }
                }
            }
        }
    }
}

/// What is done for one case is no business of whoever reads about another. Where nobody can tell which case an entry
/// is of, it is of another one.
fn is_of_another_case(entry: &CustodyEntry, case: Uuid) -> bool {
    let area = entry.kind.as_str().split('.').next().unwrap_or_default();
    match entry.case_id {
        Some(of) => of != case,
        None => matches!(area, "case" | "hold" | "release" | "evidence"),
    }
}

/// What happened to a recording, as much of it as the page shows: built up entry by entry, in memory that does not grow with
/// the number of accesses.
///
/// The same access by the same person for the same purpose, again and again with nothing between, is one row; where there
/// are too many rows still, accesses from the middle are left out, and never anything that changed something.
#[derive(Debug, Clone, Default)]
pub struct Custody {
    open: Option<Row>,
    rows: usize,
    changes: Vec<Row>,
    first: Vec<Row>,
    last: VecDeque<Row>,
    left_out: u64,
}

impl Custody {
    /// What happened next.
    pub fn push(&mut self, entry: CustodyEntry) {
        if let Some(row) = self.open.as_mut().filter(|row| is_access(&entry) && is_same(&row.entry, &entry)) {
            row.times += 1;
            row.last = entry.at;
            return;
        }
        self.close();
        self.open = Some(Row { place: self.rows, times: 1, last: entry.at, entry });
        self.rows += 1;
    }

    /// The row to which nothing is added any more.
    fn close(&mut self) {
        let Some(row) = self.open.take() else { return };
        if !is_access(&row.entry) {
            self.changes.push(row);
        } else if self.first.len() < MOST_ROWS {
            self.first.push(row);
        } else {
            self.last.push_back(row);
            if self.last.len() > MOST_ROWS {
                self.left_out += self.last.pop_front().map_or(0, |row| row.times);
            }
        }
    }

    /// The rows in their order, and how many accesses are not among them.
    fn rows(&self) -> (Vec<Row>, u64) {
        let mut all = self.clone();
        all.close();
        let room = MOST_ROWS.saturating_sub(all.changes.len());
        let mut accesses: Vec<Row> = all.first.into_iter().chain(all.last).collect();
        if accesses.len() > room {
            let from_the_end = room / 2;
            let middle = room - from_the_end..accesses.len() - from_the_end;
            all.left_out += accesses.drain(middle).map(|row| row.times).sum::<u64>();
        }
        let mut rows = all.changes;
        rows.extend(accesses);
        rows.sort_by_key(|row| row.place);
        (rows, all.left_out)
    }
}

impl FromIterator<CustodyEntry> for Custody {
    fn from_iter<I: IntoIterator<Item = CustodyEntry>>(entries: I) -> Self {
        let mut custody = Self::default();
        entries.into_iter().for_each(|entry| custody.push(entry));
        custody
    }
}

fn is_access(entry: &CustodyEntry) -> bool {
    entry.kind.as_str() == "recording.read"
}

fn is_same(one: &CustodyEntry, other: &CustodyEntry) -> bool {
    CustodyEntry { seq: None, at: other.at, ..one.clone() } == CustodyEntry { seq: None, ..other.clone() }
}

/// What happened, in words. The list of kinds is open.
fn event(entry: &CustodyEntry, texts: &Texts) -> String {
    let own = &texts.events;
    let decision = entry.decision.as_deref();
    let words = match (entry.kind.as_str(), entry.action.as_deref()) {
        ("recording.received", _) => own.received,
        ("recording.quarantined", _) => own.quarantined,
        ("recording.decided", _) => match decision {
            Some("accept") => own.accepted,
            Some("reject") => own.rejected,
            _ => own.decided,
        },
        ("recording.read", Some("metadata")) => own.read_metadata,
        ("recording.read", Some("audio")) => own.read_audio,
        ("recording.read", Some("listen")) => own.read_listen,
        ("recording.read", Some("waveform")) => own.read_waveform,
        ("recording.read", Some("receipt")) => own.read_receipt,
        ("recording.read", Some("custody")) => own.read_custody,
        ("recording.read", Some("related")) => own.read_related,
        ("recording.read", Some("vcon")) => own.read_vcon,
        ("recording.read", _) => own.read,
        ("related.stored", _) => own.related_stored,
        ("hold.placed" | "hold.rule_placed", _) => own.hold_placed,
        ("hold.released" | "hold.rule_ended", _) => own.hold_released,
        ("release.asked", _) => own.release_asked,
        ("release.decided", _) => match decision {
            Some("approve") => own.release_approved,
            Some("refuse") => own.release_refused,
            _ => own.release_decided,
        },
        ("evidence.begun", _) => own.evidence_begun,
        ("evidence.made", _) => own.evidence_made,
        ("evidence.broken", _) => own.evidence_broken,
        ("purge.fenced", _) => own.purge_fenced,
        ("retention.applied", _) => own.retention_applied,
        (kind, _) => return own.other.replace("{k}", kind),
    };
    words.to_owned()
}
