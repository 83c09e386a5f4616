//! What was published, added up: cells that tell the same apart are one line.

use std::collections::BTreeMap;

use crate::archive::{Archive, ArchiveError};
use crate::ledger::document;
use crate::ledger::statistics::{Cell, Folded, StatisticsRecord};
use crate::recording::ExpiryMonth;

/// Which lines to show.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Recorded in this month or later. What is folded over months counts by its year, what is folded over years is left out.
    pub from: Option<ExpiryMonth>,
    /// Recorded in this month or earlier.
    pub to: Option<ExpiryMonth>,
    /// Of this product.
    pub product: Option<String>,
    /// In this language.
    pub language: Option<String>,
    /// Of accounts of this kind of professional.
    pub kind: Option<String>,
}

/// The published statistics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// The last month whose purged calls are in it; none while nothing was published.
    pub closed_through: Option<ExpiryMonth>,
    /// The lines, in the order in which they are shown.
    pub cells: Vec<Cell>,
}

/// Reads what was published and answers a question about it.
pub async fn report(archive: &Archive, question: &Question) -> Result<Statistics, ArchiveError> {
    let mut published = Vec::new();
    for text in archive.catalog.statistics_documents().await? {
        published.push(document::open(&text)?.read::<StatisticsRecord>()?.facts);
    }
    let closed_through = published.last().map(|facts| facts.month);
    let cells = published.into_iter().flat_map(|facts| facts.cells);
    Ok(Statistics { closed_through, cells: added_up(cells.filter(|cell| question.admits(cell))) })
}

impl Question {
    fn admits(&self, cell: &Cell) -> bool {
        let is = |wanted: &Option<String>, shown: &Option<String>| wanted.is_none() || wanted == shown;
        is(&self.product, &cell.product)
            && is(&self.language, &cell.language)
            && is(&self.kind, &cell.kind)
            && self.is_within(cell)
    }

    /// Months and years compare as texts: `2026-02` is within `2026`.
    fn is_within(&self, cell: &Cell) -> bool {
        let Some(period) = &cell.period else { return self.from.is_none() && self.to.is_none() };
        let length = if cell.folded.contains(&Folded::Month) { 4 } else { 7 };
        let cut = |month: ExpiryMonth| month.to_string()[..length].to_owned();
        self.from.is_none_or(|from| cut(from) <= *period) && self.to.is_none_or(|to| *period <= cut(to))
    }
}

/// Cells of the same traits as one, whenever they were published. Pure.
fn added_up(cells: impl Iterator<Item = Cell>) -> Vec<Cell> {
    let mut sums: BTreeMap<Cell, (u64, u64)> = BTreeMap::new();
    for cell in cells {
        let (calls, seconds) = (cell.calls, cell.seconds);
        let sum = sums.entry(Cell { calls: 0, seconds: 0, ..cell }).or_default();
        *sum = (sum.0 + calls, sum.1 + seconds);
    }
    sums.into_iter().map(|(cell, (calls, seconds))| Cell { calls, seconds, ..cell }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(period: Option<&str>, product: Option<&str>, folded: &[Folded], calls: u64) -> Cell {
        Cell {
            period: period.map(str::to_owned),
            product: product.map(str::to_owned),
            language: None,
            kind: None,
            folded: folded.to_vec(),
            calls,
            seconds: calls * 60,
        }
    }

    #[test]
    fn what_was_published_at_different_times_is_one_line() {
        let cells = vec![
            cell(Some("2026-02"), Some("lead"), &[], 10),
            cell(Some("2026-01"), Some("lead"), &[], 11),
            cell(Some("2026-02"), Some("lead"), &[], 12),
            cell(Some("2026-02"), None, &[Folded::Product], 13),
            cell(Some("2026-02"), None, &[], 14),
        ];
        let calls: Vec<u64> = added_up(cells.into_iter()).iter().map(|cell| cell.calls).collect();
        assert_eq!(calls, [11, 14, 13, 22]);
    }

    #[test]
    fn a_question_cuts_by_month_year_and_traits() {
        let month = cell(Some("2026-02"), Some("lead"), &[], 10);
        let year = cell(Some("2026"), None, &[Folded::Kind, Folded::Language, Folded::Product, Folded::Month], 10);
        let ever = cell(None, None, &[Folded::Year], 10);
        let seen = |question: &Question| [&month, &year, &ever].map(|cell| question.admits(cell));
        let (from, to) = (|text: &str| text.parse().ok(), |text: &str| text.parse().ok());
        assert_eq!(seen(&Question::default()), [true, true, true]);
        assert_eq!(seen(&Question { from: from("2026-03"), ..Question::default() }), [false, true, false]);
        assert_eq!(seen(&Question { to: to("2026-02"), ..Question::default() }), [true, true, false]);
        assert_eq!(seen(&Question { to: to("2025-12"), ..Question::default() }), [false, false, false]);
        assert_eq!(seen(&Question { product: Some("lead".into()), ..Question::default() }), [true, false, false]);
    }
}
