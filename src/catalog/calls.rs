//! One row per call and part: which recording stands for it, and who is uploading it now.
//!
//! The row is claimed with a lease before any object is written. Whoever comes second waits; whoever finds a lease
//! that ran out takes it over and first settles what the dead upload left behind.

use sqlx::Row;
use uuid::Uuid;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

statements! {
    CLAIM = "INSERT INTO calls (mac, lease_token, lease_until, pending_id, pending_month) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (mac) DO UPDATE SET lease_token = excluded.lease_token, lease_until = excluded.lease_until, \
          pending_id = excluded.pending_id, pending_month = excluded.pending_month \
        WHERE calls.lease_token IS NULL RETURNING recording_id";
    LOOK = "SELECT recording_id, lease_token, lease_until, pending_id, pending_month FROM calls WHERE mac = $1";
    TAKE_OVER = "UPDATE calls SET lease_token = $2, lease_until = $3 WHERE mac = $1 AND lease_token = $4 AND lease_until <= $5";
    RENEW = "UPDATE calls SET lease_until = $3 WHERE mac = $1 AND lease_token = $2";
    // Who stood for the call when it was claimed may have been purged since, but nobody else may have come in between.
    SETTLE = "UPDATE calls SET recording_id = $3, lease_token = NULL, lease_until = NULL, pending_id = NULL, \
        pending_month = NULL WHERE mac = $1 AND lease_token = $2 AND (recording_id IS NULL OR recording_id = $4)";
    // Whoever adopts the upload under this claim changes the token in the transaction that inserts the row.
    GIVE_UP = "UPDATE calls SET lease_token = $3, lease_until = $4 WHERE mac = $1 AND lease_token = $2 \
        AND NOT EXISTS (SELECT 1 FROM recordings r WHERE r.id = calls.pending_id)";
    DROP_EMPTY = "DELETE FROM calls WHERE mac = $1 AND lease_token = $2 AND recording_id IS NULL";
    RELEASE = "UPDATE calls SET lease_token = NULL, lease_until = NULL, pending_id = NULL, pending_month = NULL \
        WHERE mac = $1 AND lease_token = $2";
    ABANDONED = "SELECT mac, lease_token, pending_id, pending_month FROM calls \
        WHERE lease_token IS NOT NULL AND lease_until <= $1 LIMIT $2";
    IS_PENDING = "SELECT count(*) FROM calls WHERE pending_id = $1";
    // The lease stays with whoever is uploading the call: their commit sees that somebody stands for it now.
    ADOPT = "INSERT INTO calls (mac, recording_id) VALUES ($1, $2) \
        ON CONFLICT (mac) DO UPDATE SET recording_id = excluded.recording_id \
        WHERE calls.recording_id IS NULL OR calls.recording_id = $3";
    FORGET_ROW = "DELETE FROM calls WHERE recording_id = $1 AND lease_token IS NULL";
    FORGET_NAME = "UPDATE calls SET recording_id = NULL WHERE recording_id = $1";
}

/// How the token of a claim begins whose upload is being deleted: from then on nobody may adopt it.
const GIVEN_UP: &str = "given-up-";

/// A claim on a call, held by one upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallClaim {
    /// The keyed hash of call and part.
    pub mac: Vec<u8>,
    /// The token that proves the lease.
    pub lease_token: String,
    /// The recording that the upload will become.
    pub pending_id: RecordingId,
    /// Its expiry month, under which its objects are.
    pub pending_month: String,
}

impl CallClaim {
    /// Whether its upload is being deleted. Whoever takes the claim over can only go on with that.
    pub fn is_given_up(&self) -> bool {
        self.lease_token.starts_with(GIVEN_UP)
    }

    /// The same claim under a new token, given up if it was given up before.
    pub fn renamed(&self) -> Self {
        let prefix = if self.is_given_up() { GIVEN_UP } else { "" };
        Self { lease_token: format!("{prefix}{}", Uuid::new_v4()), ..self.clone() }
    }
}

/// What stands at a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallState {
    /// Claimed by the caller; the recording that stood for the call before, if any.
    Claimed(Option<RecordingId>),
    /// Somebody else is uploading it until the lease runs out.
    Busy,
    /// Somebody else began to upload it and died.
    Abandoned(CallClaim),
}

fn id_of(text: Option<String>) -> Result<Option<RecordingId>> {
    text.map(|t| t.parse().map_err(|_| CatalogError::Corrupt("a recording id"))).transpose()
}

/// An id as it is compared; the empty text is nobody's.
fn text_of(id: Option<RecordingId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

impl Catalog {
    /// Claims a call until `lease_until`, or says who has it. `now` tells a live lease from a dead one.
    pub async fn claim_call(&self, claim: &CallClaim, lease_until: Timestamp, now: Timestamp) -> Result<CallState> {
        let mut tx = self.begin().await?;
        let claimed = sqlx::query(CLAIM)
            .bind(claim.mac.clone())
            .bind(claim.lease_token.as_str())
            .bind(lease_until.micros())
            .bind(claim.pending_id.to_string())
            .bind(claim.pending_month.as_str())
            .fetch_optional(&mut *tx.inner)
            .await?;
        tx.commit().await?;
        if let Some(row) = claimed {
            return Ok(CallState::Claimed(id_of(row.try_get("recording_id")?)?));
        }
        let Some(row) = sqlx::query(LOOK).bind(claim.mac.clone()).fetch_optional(&self.pool).await? else {
            return Ok(CallState::Busy);
        };
        let (token, until): (Option<String>, Option<i64>) = (row.try_get("lease_token")?, row.try_get("lease_until")?);
        let pending = (token, id_of(row.try_get("pending_id")?)?, row.try_get::<Option<String>, _>("pending_month")?);
        Ok(match pending {
            (Some(lease_token), Some(pending_id), Some(pending_month)) if until.unwrap_or(0) <= now.micros() => {
                CallState::Abandoned(CallClaim { mac: claim.mac.clone(), lease_token, pending_id, pending_month })
            }
            _ => CallState::Busy,
        })
    }

    /// The recording that stands for a call now, claimed or not.
    pub async fn call_holder(&self, mac: &[u8]) -> Result<Option<RecordingId>> {
        match sqlx::query(LOOK).bind(mac.to_vec()).fetch_optional(&self.pool).await? {
            Some(row) => id_of(row.try_get("recording_id")?),
            None => Ok(None),
        }
    }

    /// Takes a dead upload's lease over under `new_token`; false when somebody was quicker.
    pub async fn take_over_call(
        &self,
        dead: &CallClaim,
        new_token: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(TAKE_OVER)
            .bind(dead.mac.clone())
            .bind(new_token)
            .bind(until.micros())
            .bind(dead.lease_token.as_str())
            .bind(now.micros())
            .execute(&mut *tx.inner)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }

    /// Keeps a lease alive; false when it was lost.
    pub async fn renew_call(&self, claim: &CallClaim, until: Timestamp) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(RENEW)
            .bind(claim.mac.clone())
            .bind(claim.lease_token.as_str())
            .bind(until.micros())
            .execute(&mut *tx.inner)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }

    /// Lets go of a claim without a recording.
    pub async fn release_call(&self, claim: &CallClaim) -> Result<()> {
        let mut tx = self.begin().await?;
        for statement in [DROP_EMPTY, RELEASE] {
            sqlx::query(statement)
                .bind(claim.mac.clone())
                .bind(claim.lease_token.as_str())
                .execute(&mut *tx.inner)
                .await?;
        }
        tx.commit().await
    }

    /// Marks an upload as given up, so that its objects may be deleted: only where the claim is still the caller's and
    /// no row of its recording exists, and from then on nobody adopts it. None, and nothing done, otherwise.
    pub async fn give_up_call(&self, claim: &CallClaim, until: Timestamp) -> Result<Option<CallClaim>> {
        let given_up = CallClaim { lease_token: format!("{GIVEN_UP}{}", Uuid::new_v4()), ..claim.clone() };
        let mut tx = self.begin().await?;
        let done = sqlx::query(GIVE_UP)
            .bind(claim.mac.clone())
            .bind(claim.lease_token.as_str())
            .bind(given_up.lease_token.as_str())
            .bind(until.micros())
            .execute(&mut *tx.inner)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok((done == 1).then_some(given_up))
    }

    /// Whether a recording is being uploaded, or an upload of it waits to be settled. Once it is not, it never is again.
    pub async fn is_pending(&self, id: RecordingId) -> Result<bool> {
        let count: i64 = sqlx::query_scalar(IS_PENDING).bind(id.to_string()).fetch_one(&self.pool).await?;
        Ok(count > 0)
    }

    /// Uploads whose lease ran out, at most `limit`.
    pub async fn abandoned_calls(&self, now: Timestamp, limit: u32) -> Result<Vec<CallClaim>> {
        let rows = sqlx::query(ABANDONED).bind(now.micros()).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        let mut claims = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(pending_id) = id_of(row.try_get("pending_id")?)? else { continue };
            claims.push(CallClaim {
                mac: row.try_get("mac")?,
                lease_token: row.try_get("lease_token")?,
                pending_id,
                pending_month: row.try_get("pending_month")?,
            });
        }
        Ok(claims)
    }
}

impl Tx {
    /// The upload is done: `recording` stands for the call, in place of `previous`. An error when the lease was lost
    /// meanwhile, or another recording was brought back for the call.
    pub async fn settle_call(
        &mut self,
        claim: &CallClaim,
        recording: RecordingId,
        previous: Option<RecordingId>,
    ) -> Result<()> {
        let done = sqlx::query(SETTLE)
            .bind(claim.mac.clone())
            .bind(claim.lease_token.as_str())
            .bind(recording.to_string())
            .bind(text_of(previous))
            .execute(&mut *self.inner)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(CatalogError::ClaimLost) }
    }

    /// Whether a recording is being uploaded; see [`Catalog::is_pending`].
    pub async fn is_pending(&mut self, id: RecordingId) -> Result<bool> {
        let count: i64 = sqlx::query_scalar(IS_PENDING).bind(id.to_string()).fetch_one(&mut *self.inner).await?;
        Ok(count > 0)
    }

    /// A recording that was brought back stands for its call again, in place of `previous`; false when another does.
    /// Whoever is uploading the call keeps the lease.
    pub async fn adopt_call(
        &mut self,
        mac: &[u8],
        recording: RecordingId,
        previous: Option<RecordingId>,
    ) -> Result<bool> {
        let done = sqlx::query(ADOPT)
            .bind(mac.to_vec())
            .bind(recording.to_string())
            .bind(text_of(previous))
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The purge's part: the call's keyed hash goes with the recording.
    pub(super) async fn forget_call(&mut self, recording: &str) -> Result<u64> {
        let mut gone = 0;
        for statement in [FORGET_ROW, FORGET_NAME] {
            gone += sqlx::query(statement).bind(recording).execute(&mut *self.inner).await?.rows_affected();
        }
        Ok(gone)
    }
}
