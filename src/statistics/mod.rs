//! What purged calls leave: counts and seconds by month, product, language and kind of professional, too coarse to find
//! anyone in, for good.
//!
//! | file | what it answers for |
//! |---|---|
//! | [`fold`](mod@fold) | which counts may be published, and how small ones become coarser: pure |
//! | [`count`](mod@count) | a purged call is counted, in the transaction that deletes its rows |
//! | [`open`](mod@open) | the counts of a month that is not published, sealed under its secret |
//! | [`report`] | what was published, added up |
//!
//! A month is published once, when it is over, by the purge's pass; what was counted is erased with it, and what the month's
//! key sealed dies with that. A call counts in the month of its purge, which is seldom that of its recording: what was held
//! or erased early never changes what is published.

pub mod count;
pub mod fold;
pub mod open;
pub mod report;

pub use count::{Contribution, contribution, count};

/// Something that was to be counted is not: an alarm looks at this.
pub fn lost() {
    metrics::counter!("earwitness_statistics_lost_total").increment(1);
}
