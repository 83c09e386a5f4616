//! Counts for reports and metrics.

use sqlx::Row;

use super::sql::statements;
use super::{Catalog, Result, unsigned};
use crate::clock::Timestamp;

statements! {
    TOTALS = "SELECT \
        (SELECT count(*) FROM recordings WHERE stage = 'live' AND expires_at > $1) AS live, \
        (SELECT count(*) FROM recordings WHERE stage = 'live' AND status = 'quarantined' AND expires_at > $1) AS quarantined, \
        (SELECT count(DISTINCT recording_id) FROM holds WHERE released_at IS NULL) AS held, \
        (SELECT count(*) FROM holds h JOIN cases c ON c.id = h.case_id \
          WHERE h.released_at IS NULL AND COALESCE(c.review_at, 0) <= $1) AS holds_overdue, \
        (SELECT count(*) FROM cases WHERE closed_at IS NULL) AS cases_open, \
        (SELECT count(*) FROM cases WHERE closed_at IS NULL AND COALESCE(review_at, 0) <= $1) AS cases_overdue, \
        (SELECT count(*) FROM releases WHERE state = 'asked') AS releases_waiting, \
        (SELECT count(*) FROM purges WHERE stage <> 'certified') AS purging, \
        (SELECT count(*) FROM purges WHERE stage = 'certified') AS purged, \
        (SELECT count(*) FROM certificates) AS certificates, \
        (SELECT count(*) FROM recordings WHERE sidecar_revision < revision AND stage = 'live') AS stale_sidecars, \
        (SELECT count(*) FROM ledger_entries WHERE seq IS NULL) AS unsequenced";
    BY_MONTH = "SELECT month, count(*) AS recordings, CAST(sum(byte_len) AS BIGINT) AS bytes, CAST(min(expires_at) AS BIGINT) AS first \
        FROM recordings WHERE stage = 'live' AND expires_at > $1 GROUP BY month ORDER BY month";
}

/// Counts over the whole catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Recordings before their deadline.
    pub live: u64,
    /// Of these, in quarantine.
    pub quarantined: u64,
    /// Recordings on legal hold.
    pub held: u64,
    /// Holds in force whose case's review date is over.
    pub holds_overdue: u64,
    /// Cases that are not closed.
    pub cases_open: u64,
    /// Of these, past their review date.
    pub cases_overdue: u64,
    /// Releases that wait for another person's decision.
    pub releases_waiting: u64,
    /// Purges under way.
    pub purging: u64,
    /// Purges done, ever.
    pub purged: u64,
    /// Their certificates.
    pub certificates: u64,
    /// Recordings whose sidecar is older than their row.
    pub stale_sidecars: u64,
    /// Ledger entries that have no place in the tree yet.
    pub unsequenced: u64,
}

/// What ends in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthTotals {
    /// `2031-11`.
    pub month: String,
    /// How many recordings.
    pub recordings: u64,
    /// Their audio, in bytes.
    pub bytes: u64,
    /// The earliest of their deadlines.
    pub first: Timestamp,
}

impl Catalog {
    /// Counts over the whole catalog.
    pub async fn totals(&self, now: Timestamp) -> Result<Totals> {
        let row = sqlx::query(TOTALS).bind(now.micros()).fetch_one(&self.pool).await?;
        let count = |name| -> Result<u64> { unsigned(row.try_get(name)?) };
        Ok(Totals {
            live: count("live")?,
            quarantined: count("quarantined")?,
            held: count("held")?,
            holds_overdue: count("holds_overdue")?,
            cases_open: count("cases_open")?,
            cases_overdue: count("cases_overdue")?,
            releases_waiting: count("releases_waiting")?,
            purging: count("purging")?,
            purged: count("purged")?,
            certificates: count("certificates")?,
            stale_sidecars: count("stale_sidecars")?,
            unsequenced: count("unsequenced")?,
        })
    }

    /// What ends in which month, soonest first.
    pub async fn upcoming(&self, now: Timestamp) -> Result<Vec<MonthTotals>> {
        let rows = sqlx::query(BY_MONTH).bind(now.micros()).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(MonthTotals {
                    month: row.try_get("month")?,
                    recordings: unsigned(row.try_get("recordings")?)?,
                    bytes: unsigned(row.try_get("bytes")?)?,
                    first: Timestamp::from_micros(row.try_get("first")?),
                })
            })
            .collect()
    }
}
