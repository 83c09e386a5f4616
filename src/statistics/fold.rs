//! From what was counted to what is published: a cell that could lead back to somebody is folded into a coarser one. Pure.
//!
//! Every call stands in exactly one published cell, and no sum beside them is published, so nothing can be had by
//! subtracting one cell from another.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ledger::statistics::{Cell, Folded};
use crate::recording::ExpiryMonth;

/// No cell of fewer calls is published.
pub const FEWEST_CALLS: u64 = 10;
/// No cell of calls with fewer accounts is published.
pub const FEWEST_ACCOUNTS: u64 = 3;

/// What tells one call from another in statistics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Traits {
    /// The month in which it was recorded, on the calendar of the policy's zone.
    pub month: ExpiryMonth,
    /// The product; none where the product did not say.
    pub product: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// The kind of professional whose account it is.
    pub kind: Option<String>,
}

/// An account, known by a keyed hash alone.
pub type AccountMac = Vec<u8>;

/// How many calls, how long, of how many accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls.
    pub calls: u64,
    /// Their lengths, each rounded to the second, together.
    pub seconds: u64,
    /// Their accounts.
    pub accounts: BTreeSet<AccountMac>,
    /// Accounts of which only the number is known: those of what was carried over from a month before. They may be the
    /// same as the others.
    pub accounts_before: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.seconds += other.seconds;
        self.accounts.extend(other.accounts.iter().cloned());
        // Both may be of the same accounts: only the greater number is certain.
        self.accounts_before = self.accounts_before.max(other.accounts_before);
    }

    /// Accounts of which it is certain that they are different ones.
    pub fn certain_accounts(&self) -> u64 {
        self.accounts_before.max(self.accounts.len() as u64)
    }

    /// Whether it may be published.
    pub fn is_coarse_enough(&self) -> bool {
        self.calls >= FEWEST_CALLS && self.certain_accounts() >= FEWEST_ACCOUNTS
    }
}

/// What is folded first comes first.
const ORDER: [Folded; 5] = [Folded::Kind, Folded::Language, Folded::Product, Folded::Month, Folded::Year];

/// What a month's end publishes, and what is too little even together: it waits for the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The cells, in the order in which they are shown.
    pub cells: Vec<Cell>,
    /// What is carried over.
    pub carried: Option<Tally>,
}

/// What is to be folded: traits, and how many calls have them.
type Piece = (Traits, Tally);

/// Folds what was counted. `carried` comes from the month before.
pub fn fold(counted: Vec<Piece>, carried: Option<Tally>) -> Batch {
    let counted: Vec<&Piece> = counted.iter().collect();
    let Part { published, rest } = fold_part(&counted, ORDER.len(), carried.unwrap_or_default());
    let mut cells: Vec<Cell> = published.into_iter().map(|(cell, _)| cell).collect();
    cells.sort();
    Batch { cells, carried: (rest.calls > 0).then_some(rest) }
}

/// What came of some pieces: cells that may be published, each with its tally, and what may not.
#[derive(Default)]
struct Part {
    published: Vec<(Cell, Tally)>,
    rest: Tally,
}

/// Folds pieces that agree in everything that is not folded at `level`; `beside` is folded with them.
fn fold_part(pieces: &[&Piece], level: usize, beside: Tally) -> Part {
    let mut part = Part { published: Vec::new(), rest: beside };
    match level.checked_sub(1) {
        None => pieces.iter().for_each(|(_, tally)| part.rest.add(tally)),
        Some(finer) => {
            let mut groups: BTreeMap<_, Vec<&Piece>> = BTreeMap::new();
            for piece in pieces {
                groups.entry(key(&piece.0, finer)).or_default().push(piece);
            }
            for group in groups.values() {
                let Part { published, rest } = fold_part(group, finer, Tally::default());
                part.published.extend(published);
                part.rest.add(&rest);
            }
        }
    }
    part.settled(pieces.first().map(|(traits, _)| traits), level)
}

impl Part {
    /// What is left over becomes a cell of this level if it is coarse enough; where it is not, the smallest finer cell is
    /// folded with it; where there is none, it stays for the next level.
    fn settled(mut self, traits: Option<&Traits>, level: usize) -> Self {
        if self.rest.calls == 0 {
            return self;
        }
        if !self.rest.is_coarse_enough() {
            let smallest = (0..self.published.len()).min_by_key(|at| (self.published[*at].1.calls, *at));
            let Some(smallest) = smallest else { return self };
            let (_, tally) = self.published.remove(smallest);
            self.rest.add(&tally);
        }
        let tally = std::mem::take(&mut self.rest);
        let cell = Cell { calls: tally.calls, seconds: tally.seconds, ..shown(traits, level) };
        self.published.push((cell, tally));
        self
    }
}

/// What still tells one cell from another when so many of [`ORDER`] are folded.
fn key(traits: &Traits, level: usize) -> [Option<String>; 4] {
    let Cell { period, product, language, kind, .. } = shown(Some(traits), level);
    [period, product, language, kind]
}

/// A cell of these traits without its counts. At the top nothing is told apart, and there may be none.
fn shown(traits: Option<&Traits>, level: usize) -> Cell {
    let folded = ORDER[..level].to_vec();
    let unless = |what: Folded, value: Option<&String>| value.filter(|_| !folded.contains(&what)).cloned();
    let month = traits.map(|traits| traits.month);
    let period = match month {
        Some(_) if folded.contains(&Folded::Year) => None,
        Some(month) if folded.contains(&Folded::Month) => Some(format!("{:04}", month.year())),
        month => month.map(|month| month.to_string()),
    };
    Cell {
        period,
        product: unless(Folded::Product, traits.and_then(|traits| traits.product.as_ref())),
        language: unless(Folded::Language, traits.and_then(|traits| traits.language.as_ref())),
        kind: unless(Folded::Kind, traits.and_then(|traits| traits.kind.as_ref())),
        folded,
        calls: 0,
        seconds: 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn traits(month: &str, product: &str, language: &str, kind: &str) -> Traits {
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Traits { month: month.parse().unwrap(), product: named(product), language: named(language), kind: named(kind) }
    }

    fn tally(calls: u64, seconds: u64, accounts: std::ops::Range<u8>) -> Tally {
        Tally { calls, seconds, accounts: accounts.map(|n| vec![n]).collect(), accounts_before: 0 }
    }

    fn lines(batch: &Batch) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let line = |c: &Cell| {
            let [period, product, language, kind] = [&c.period, &c.product, &c.language, &c.kind].map(text);
            format!("{period} {product} {language} {kind} folded {} calls {} s {}", c.folded.len(), c.calls, c.seconds)
        };
        batch.cells.iter().map(line).collect()
    }

    #[test]
    fn a_cell_that_is_coarse_enough_stays_as_it_is() {
        let batch = fold(vec![(traits("2026-01", "lead", "nl", "notary"), tally(10, 600, 0..3))], None);
        assert_eq!(lines(&batch), ["2026-01 lead nl notary folded 0 calls 10 s 600"]);
        assert_eq!(batch.carried, None);
    }

    #[test]
    fn too_few_calls_or_accounts_are_folded_until_they_are_enough() {
        let of = |language, kind, tally| (traits("2026-01", "lead", language, kind), tally);
        let batch = fold(
            vec![
                of("nl", "notary", tally(9, 90, 0..9)),
                of("nl", "surveyor", tally(40, 400, 0..2)),
                of("fr", "notary", tally(50, 500, 0..9)),
            ],
            None,
        );
        assert_eq!(
            lines(&batch),
            ["2026-01 lead fr notary folded 0 calls 50 s 500", "2026-01 lead nl - folded 1 calls 49 s 490"]
        );
    }

    #[test]
    fn a_rest_takes_the_smallest_of_its_neighbours_with_it_so_that_it_cannot_be_subtracted() {
        let of = |kind, tally| (traits("2026-01", "lead", "nl", kind), tally);
        let counted = vec![
            of("notary", tally(2, 20, 0..2)),
            of("surveyor", tally(30, 300, 0..9)),
            of("architect", tally(20, 200, 0..9)),
        ];
        assert_eq!(
            lines(&fold(counted, None)),
            ["2026-01 lead nl - folded 1 calls 22 s 220", "2026-01 lead nl surveyor folded 0 calls 30 s 300"]
        );
    }

    #[test]
    fn months_and_years_are_folded_last_and_what_is_too_little_waits() {
        let month = |month, calls| (traits(month, "lead", "nl", "notary"), tally(calls, calls, 0..4));
        assert_eq!(
            lines(&fold(vec![month("2026-01", 6), month("2026-02", 6)], None)),
            ["2026 - - - folded 4 calls 12 s 12"]
        );
        assert_eq!(
            lines(&fold(vec![month("2026-12", 6), month("2027-01", 6)], None)),
            ["- - - - folded 5 calls 12 s 12"]
        );
        let first = fold(vec![month("2026-01", 6)], None);
        assert_eq!((first.cells.len(), first.carried.clone()), (0, Some(tally(6, 6, 0..4))));
        assert_eq!(lines(&fold(vec![month("2026-02", 6)], first.carried)), ["- - - - folded 5 calls 12 s 12"]);
        assert_eq!(fold(Vec::new(), None), Batch::default());
    }

    #[test]
    fn accounts_of_which_only_the_number_is_known_are_not_added_up() {
        let before = Tally { calls: 9, seconds: 9, accounts: BTreeSet::new(), accounts_before: 2 };
        let now = (traits("2026-01", "", "", ""), tally(9, 9, 0..2));
        let batch = fold(vec![now.clone()], Some(before.clone()));
        assert_eq!((batch.cells, batch.carried.map(|rest| rest.calls)), (Vec::new(), Some(18)));
        let enough = Tally { accounts_before: 3, ..before };
        assert_eq!(fold(vec![now], Some(enough)).carried, None);
    }

    fn any_piece() -> impl Strategy<Value = Piece> {
        let traits =
            (1u16..4, 1u8..4, 0usize..3, 0usize..3, 0usize..3).prop_map(|(year, month, product, language, kind)| {
                let name = |names: [&str; 3], at: usize| Some(names[at].to_owned()).filter(|name| !name.is_empty());
                Traits {
                    month: ExpiryMonth::new(2025 + year, month).unwrap(),
                    product: name(["", "lead", "valuation"], product),
                    language: name(["", "nl", "fr"], language),
                    kind: name(["", "notary", "architect"], kind),
                }
            });
        let tally = (1u64..15, 0u64..5_000, proptest::collection::btree_set(0u8..12, 1..8)).prop_map(
            |(calls, seconds, macs)| {
                let accounts = macs.into_iter().take(usize::try_from(calls).unwrap()).map(|n| vec![n]).collect();
                Tally { calls, seconds, accounts, accounts_before: 0 }
            },
        );
        (traits, tally)
    }

    proptest! {
        /// Nothing is lost or counted twice, and nobody is left alone in a cell: looked for again from the pieces.
        #[test]
        fn every_call_is_in_one_cell_and_every_cell_is_coarse(pieces in proptest::collection::vec(any_piece(), 0..40)) {
            let total = |tallies: Vec<&Tally>| tallies.iter().fold((0, 0), |(c, s), t| (c + t.calls, s + t.seconds));
            let batch = fold(pieces.clone(), None);
            let carried = batch.carried.clone().unwrap_or_default();
            let published = batch.cells.iter().fold((0, 0), |(c, s), cell| (c + cell.calls, s + cell.seconds));
            let all = total(pieces.iter().map(|(_, tally)| tally).collect());
            prop_assert_eq!((published.0 + carried.calls, published.1 + carried.seconds), all);
            for cell in &batch.cells {
                prop_assert!(cell.calls >= FEWEST_CALLS, "{:?}", cell);
                // No piece outside of what the cell says can be in it: enough accounts must be among those inside.
                let level = cell.folded.len();
                let inside = pieces.iter().filter(|(t, _)| key(t, level) == [&cell.period, &cell.product, &cell.language, &cell.kind].map(Clone::clone));
                let accounts: BTreeSet<_> = inside.flat_map(|(_, tally)| tally.accounts.iter()).collect();
                prop_assert!(accounts.len() as u64 >= FEWEST_ACCOUNTS, "{:?}", cell);
            }
            // Something is carried over only when nothing at all could be published.
            prop_assert!(batch.carried.is_none() || batch.cells.is_empty());
            let names: BTreeSet<_> = batch.cells.iter().map(|c| (&c.period, &c.product, &c.language, &c.kind, &c.folded)).collect();
            prop_assert_eq!(names.len(), batch.cells.len());
        }
    }
}
