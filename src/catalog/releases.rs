//! Releases: asked for by one person, decided by another, carried out hold by hold.

use uuid::Uuid;

use super::recordings::parse_ids;
use super::release_row::{HoldToRelease, ReleaseRow, ReleaseScope, ReleaseState, hold_to_release, release_row};
use super::sql::statements;
use super::{Catalog, Result, Tx, signed, unsigned};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

/// The columns of a release.
macro_rules! release_columns {
    () => {
        "SELECT id, case_id, asked_at, scope, rule_id, up_to, state, decided_at, done_at, sealed FROM releases "
    };
}

/// A new row.
macro_rules! put_release {
    () => {
        "INSERT INTO releases (id, case_id, asked_at, scope, rule_id, up_to, state, decided_at, done_at, sealed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    };
}

/// That a release `e` covers a hold `h` in force: of the named recordings, or of all, the holds that were there when it was
/// asked for; of a rule all that it ever placed.
macro_rules! release_covers {
    () => {
        "e.case_id = h.case_id AND h.released_at IS NULL AND ( \
         (e.scope = 'recordings' AND h.place_no <= e.up_to AND EXISTS \
           (SELECT 1 FROM release_recordings x WHERE x.release_id = e.id AND x.recording_id = h.recording_id)) \
         OR (e.scope = 'rule' AND h.rule_id = e.rule_id) \
         OR (e.scope = 'all' AND (h.place_no <= e.up_to OR h.rule_id IN \
           (SELECT u.id FROM hold_rules u WHERE u.case_id = e.case_id AND u.place_no <= e.up_to))))"
    };
}

statements! {
    ASK = put_release!();
    ASK_RECORDING = "INSERT INTO release_recordings (release_id, recording_id) VALUES ($1, $2) ON CONFLICT (release_id, recording_id) DO NOTHING";
    ONE = concat!(release_columns!(), "WHERE id = $1");
    OPEN_OF_CASE = concat!(release_columns!(), "WHERE case_id = $1 AND done_at IS NULL ORDER BY asked_at, id");
    DONE_OF_CASE = concat!(release_columns!(), "WHERE case_id = $1 AND done_at IS NOT NULL ORDER BY done_at DESC, id DESC LIMIT $2");
    STALE_RECORDINGS = "SELECT x.recording_id FROM release_recordings x JOIN recordings r ON r.id = x.recording_id \
        WHERE x.release_id = $1 AND r.sidecar_revision < r.revision ORDER BY x.recording_id";
    RECORDINGS = "SELECT recording_id FROM release_recordings WHERE release_id = $1 ORDER BY recording_id";
    // Once: of two who decide at the same time one finds that it is decided.
    DECIDE = "UPDATE releases SET state = $2, decided_at = $3, sealed = $4, \
        done_at = CASE WHEN $2 = 'refused' THEN $3 ELSE done_at END WHERE id = $1 AND state = 'asked'";
    DONE = "UPDATE releases SET done_at = $2 WHERE id = $1 AND state = 'approved' AND done_at IS NULL";
    APPROVED = concat!(release_columns!(), "WHERE state = 'approved' AND done_at IS NULL AND (asked_at > $1 OR (asked_at = $1 AND id > $2)) \
        ORDER BY asked_at, id LIMIT $3");
    HOLDS = concat!("SELECT e.id AS release_id, h.id AS hold_id, h.recording_id FROM holds h JOIN releases e ON ", release_covers!(),
        " WHERE e.state = 'approved' AND e.done_at IS NULL AND (e.id > $1 OR (e.id = $1 AND h.id > $2)) ORDER BY e.id, h.id LIMIT $3");
    HOLDS_OF_ONE = concat!("SELECT e.id AS release_id, h.id AS hold_id, h.recording_id FROM holds h JOIN releases e ON ", release_covers!(),
        " WHERE e.id = $1 AND h.id > $2 ORDER BY h.id LIMIT $3");
    COUNT_HOLDS = concat!("SELECT count(*) FROM holds h JOIN releases e ON ", release_covers!(), " WHERE e.id = $1");
    COUNT_RULES = "SELECT count(*) FROM hold_rules u JOIN releases e ON e.case_id = u.case_id WHERE e.id = $1 AND u.ended_at IS NULL \
        AND ((e.scope = 'rule' AND u.id = e.rule_id) OR (e.scope = 'all' AND u.place_no <= e.up_to))";
    RESTORE = concat!(put_release!(), " ON CONFLICT (id) DO UPDATE SET state = excluded.state, \
          decided_at = excluded.decided_at, done_at = excluded.done_at, sealed = excluded.sealed WHERE releases.done_at IS NULL");
}

impl Catalog {
    /// One release, with the recordings that it names.
    pub async fn release(&self, id: Uuid) -> Result<Option<ReleaseRow>> {
        let row = sqlx::query(ONE).bind(id.to_string()).fetch_optional(&self.pool).await?;
        match row.as_ref().map(release_row).transpose()? {
            Some(release) => Ok(Some(self.with_recordings(release).await?)),
            None => Ok(None),
        }
    }

    /// A case's releases that wait or are being carried out, oldest first, with the recordings that they name.
    pub async fn open_releases_of(&self, case: Uuid) -> Result<Vec<ReleaseRow>> {
        let rows = sqlx::query(OPEN_OF_CASE).bind(case.to_string()).fetch_all(&self.pool).await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in &rows {
            all.push(self.with_recordings(release_row(row)?).await?);
        }
        Ok(all)
    }

    /// The newest of a case's releases with which nothing is left to do, newest first; without the recordings that they
    /// name.
    pub async fn done_releases_of(&self, case: Uuid, limit: u32) -> Result<Vec<ReleaseRow>> {
        let query = sqlx::query(DONE_OF_CASE).bind(case.to_string()).bind(i64::from(limit));
        query.fetch_all(&self.pool).await?.iter().map(release_row).collect()
    }

    /// Recordings that a release names and whose sidecar in the store is older than their row.
    pub async fn stale_recordings_of(&self, release: Uuid) -> Result<Vec<RecordingId>> {
        let ids = sqlx::query_scalar(STALE_RECORDINGS).bind(release.to_string()).fetch_all(&self.pool).await?;
        parse_ids(&ids)
    }

    async fn with_recordings(&self, mut release: ReleaseRow) -> Result<ReleaseRow> {
        if let ReleaseScope::Recordings(ids) = &mut release.scope {
            let named = sqlx::query_scalar(RECORDINGS).bind(release.id.to_string()).fetch_all(&self.pool).await?;
            *ids = parse_ids(&named)?;
        }
        Ok(release)
    }

    /// Approved releases that are not carried out yet, oldest first, after that one. Without the recordings that they
    /// name.
    pub async fn releases_to_do(&self, after: Option<(Timestamp, Uuid)>, limit: u32) -> Result<Vec<ReleaseRow>> {
        let (at, id) = after.map_or((i64::MIN, String::new()), |(at, id)| (at.micros(), id.to_string()));
        let rows = sqlx::query(APPROVED).bind(at).bind(id).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(release_row).collect()
    }

    /// Holds in force that one release covers, or every approved one that is not carried out yet; in the order of releases
    /// and holds, after a place in that order.
    pub async fn holds_to_release(
        &self,
        release: Option<Uuid>,
        after: Option<(Uuid, Uuid)>,
        limit: u32,
    ) -> Result<Vec<HoldToRelease>> {
        let (behind, hold) = after.map(|(release, hold)| (release.to_string(), hold.to_string())).unwrap_or_default();
        let query = match release {
            Some(one) => sqlx::query(HOLDS_OF_ONE).bind(one.to_string()),
            None => sqlx::query(HOLDS).bind(behind),
        };
        let rows = query.bind(hold).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(hold_to_release).collect()
    }

    /// How many those are.
    pub async fn count_holds_to_release(&self, release: Uuid) -> Result<u64> {
        unsigned(sqlx::query_scalar(COUNT_HOLDS).bind(release.to_string()).fetch_one(&self.pool).await?)
    }

    /// Notes that nothing is left to do about an approved release; false when that was noted before.
    pub async fn release_done(&self, case: Uuid, release: Uuid, now: Timestamp) -> Result<bool> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(DONE).bind(release.to_string()).bind(now.micros());
        let done = query.execute(&mut *tx.inner).await?.rows_affected() == 1;
        tx.touch_case(case).await?;
        tx.commit().await?;
        Ok(done)
    }
}

impl Tx {
    /// Keeps that a release is asked for. The case's row must be locked by this transaction, whose number of holds is in
    /// `release`.
    pub async fn ask_release(&mut self, release: &ReleaseRow) -> Result<()> {
        self.put_release(ASK, release).await
    }

    async fn put_release(&mut self, statement: &'static str, release: &ReleaseRow) -> Result<()> {
        let (scope, rule) = release.scope.columns();
        sqlx::query(statement)
            .bind(release.id.to_string())
            .bind(release.case_id.to_string())
            .bind(release.asked_at.micros())
            .bind(scope)
            .bind(rule)
            .bind(signed(release.up_to)?)
            .bind(release.state.as_str())
            .bind(release.decided_at.map(Timestamp::micros))
            .bind(release.done_at.map(Timestamp::micros))
            .bind(release.sealed.clone())
            .execute(&mut *self.inner)
            .await?;
        self.name_recordings(release).await
    }

    async fn name_recordings(&mut self, release: &ReleaseRow) -> Result<()> {
        let ReleaseScope::Recordings(ids) = &release.scope else { return Ok(()) };
        for id in ids {
            let query = sqlx::query(ASK_RECORDING).bind(release.id.to_string()).bind(id.to_string());
            query.execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// Whether a release that this transaction has just kept would end any hold or rule.
    pub async fn lets_go_of_anything(&mut self, release: Uuid) -> Result<bool> {
        for statement in [COUNT_HOLDS, COUNT_RULES] {
            let query = sqlx::query_scalar(statement).bind(release.to_string());
            let count: i64 = query.fetch_one(&mut *self.inner).await?;
            if count > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Decides a release; false when it was decided before.
    pub async fn decide_release(
        &mut self,
        id: Uuid,
        state: ReleaseState,
        now: Timestamp,
        sealed: &[u8],
    ) -> Result<bool> {
        let query = sqlx::query(DECIDE).bind(id.to_string()).bind(state.as_str()).bind(now.micros());
        Ok(query.bind(sealed.to_vec()).execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// Puts back a release from the store's copy of its case. One that is done stays so.
    pub async fn restore_release(&mut self, release: &ReleaseRow) -> Result<()> {
        self.put_release(RESTORE, release).await
    }
}
