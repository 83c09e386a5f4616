//! How much of each kind of data there is, and when it ends: for the record of processing activities.

use sqlx::Row;

use super::sql::statements;
use super::{Catalog, Result, unsigned};
use crate::clock::Timestamp;

statements! {
    RECORDINGS = "SELECT count(*) AS held, CAST(min(expires_at) AS BIGINT) AS first, CAST(max(expires_at) AS BIGINT) AS last FROM recordings";
    RELATED = "SELECT count(*) AS held, CAST(min(r.expires_at) AS BIGINT) AS first, CAST(max(r.expires_at) AS BIGINT) AS last \
        FROM related d JOIN recordings r ON r.id = d.recording_id";
    ACCESSES = "SELECT count(*) AS held, CAST(min(r.expires_at) AS BIGINT) AS first, CAST(max(r.expires_at) AS BIGINT) AS last \
        FROM ledger_openings o JOIN recordings r ON r.id = o.recording_id";
    ACTIVITY = "SELECT count(*) AS held, CAST(min(erase_at) AS BIGINT) AS first, CAST(max(erase_at) AS BIGINT) AS last \
        FROM ledger_openings WHERE erase_at IS NOT NULL";
    // Those of which something is said. Of others only that a recording came of them.
    ACCOUNTS = "SELECT count(*) AS held, CAST(min(expires_at) AS BIGINT) AS first, CAST(max(expires_at) AS BIGINT) AS last FROM accounts \
        WHERE sealed IS NOT NULL";
    CASES = "SELECT count(*) AS held, CAST(min(closed_at) AS BIGINT) AS first, CAST(max(closed_at) AS BIGINT) AS last FROM cases";
    DISCLOSURES = "SELECT count(*) AS held, CAST(min(c.closed_at) AS BIGINT) AS first, CAST(max(c.closed_at) AS BIGINT) AS last \
        FROM disclosures d JOIN cases c ON c.id = d.case_id";
    TOKENS = "SELECT count(*) AS held, CAST(min(expires_at) AS BIGINT) AS first, CAST(max(expires_at) AS BIGINT) AS last FROM tokens \
        WHERE revoked_at IS NULL";
    STATISTICS = "SELECT count(*) AS held, CAST(NULL AS BIGINT) AS first, CAST(NULL AS BIGINT) AS last FROM statistics_published";
    PROOFS = "SELECT count(*) AS held, CAST(NULL AS BIGINT) AS first, CAST(NULL AS BIGINT) AS last FROM ledger_entries";
}

/// What can be counted. Where the end is a period after an event, the times are those of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the tables by their names")]
pub enum Countable {
    Recordings,
    Related,
    Accesses,
    Activity,
    Accounts,
    Cases,
    Disclosures,
    Tokens,
    Statistics,
    Proofs,
}

/// How much there is of something, and its first and last time; none where no row has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as it says")]
pub struct Extent {
    pub count: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

impl Catalog {
    /// Counts one kind of rows.
    pub async fn extent(&self, of: Countable) -> Result<Extent> {
        let statement = match of {
            Countable::Recordings => RECORDINGS,
            Countable::Related => RELATED,
            Countable::Accesses => ACCESSES,
            Countable::Activity => ACTIVITY,
            Countable::Accounts => ACCOUNTS,
            Countable::Cases => CASES,
            Countable::Disclosures => DISCLOSURES,
            Countable::Tokens => TOKENS,
            Countable::Statistics => STATISTICS,
            Countable::Proofs => PROOFS,
        };
        let row = sqlx::query(statement).fetch_one(&self.pool).await?;
        let time = |name| -> Result<_> { Ok(row.try_get::<Option<i64>, _>(name)?.map(Timestamp::from_micros)) };
        Ok(Extent { count: unsigned(row.try_get("held")?)?, first: time("first")?, last: time("last")? })
    }
}
