//! The brakes. Destroyed keys do not come back, so a wrong clock or an abnormal amount stops the purge until an
//! operator says why it may go on.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{Brake, BrakeKind, KnownTimes};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;

/// A clock that moved further than this since the last known time has jumped.
const JUMP: Duration = Duration::from_secs(24 * 3600);
/// Two clocks that differ by more than this disagree; by more than a second, the node is not ready.
const DISAGREEMENT: Duration = Duration::from_secs(60);
/// Never stop for less than this many recordings.
pub const FLOOR: u64 = 1_000;
/// How many times the usual amount of a day is too much.
const TIMES_USUAL: u64 = 10;
/// The days over which the usual amount is counted.
const USUAL_DAYS: u64 = 30;
/// How long a confirmed amount may be purged.
const PERMIT: Duration = Duration::from_secs(24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What an operator's confirmation commits to.
#[derive(Serialize)]
struct Confirmation<'a> {
    brakes: Vec<&'static str>,
    reason: &'a str,
    by: Option<&'a str>,
    actor: Option<Actor>,
}

#[derive(Serialize)]
struct Raised<'a> {
    kind: &'static str,
    detail: &'a str,
}

/// What tells whether the clock is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSigns {
    /// This node's clock.
    pub now: Timestamp,
    /// When a pass last looked at it or, where no heartbeat is known, what the archive's own rows say: see
    /// [`last_known`]. None in an archive where nothing ever happened.
    pub last_known: Option<Timestamp>,
    /// The catalog's own clock, where it has one.
    pub catalog_now: Option<Timestamp>,
}

/// What the brakes look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// The clock.
    pub clock: ClockSigns,
    /// How many recordings and accounts are due.
    pub due: u64,
    /// How many were purged in the last days, and when the first of them was.
    pub purged: (u64, Option<Timestamp>),
    /// How many an operator has allowed.
    pub permit: Option<u64>,
}

/// The amount above which the purge stops: ten times what a day usually brings, and never below the floor.
pub fn most_at_once(signs: &Signs) -> u64 {
    let (count, first) = signs.purged;
    let days = first.map_or(1, |first| signs.clock.now.since(first).as_secs() / DAY.as_secs() + 1);
    (count / days.clamp(1, USUAL_DAYS)).saturating_mul(TIMES_USUAL).max(FLOOR)
}

/// The last known time of an archive without a heartbeat: a new one, or one whose catalog was lost and rebuilt. Pure.
///
/// The newest time would do, but for what a wrong clock wrote before anybody looked at it (tokens made after a rebuild,
/// uploads, accesses): that is newer than everything else by more than a day, so the time before that gap counts.
pub fn last_known(known: &KnownTimes) -> Option<Timestamp> {
    match (known.until, known.since) {
        (Some(until), Some(since)) if since.since(until) > JUMP => Some(until),
        _ => known.newest,
    }
}

/// Which brakes the clock puts on, with what was seen. Pure.
pub fn judge_clock(signs: &ClockSigns) -> Vec<(BrakeKind, String)> {
    let mut brakes = Vec::new();
    if let Some(last) = signs.last_known {
        let apart = signs.now.since(last).max(last.since(signs.now));
        if apart > JUMP {
            let detail = format!("the clock shows {}, the last known time is {last}", signs.now);
            brakes.push((BrakeKind::ClockJump, detail));
        }
    }
    if let Some(catalog) = signs.catalog_now {
        let apart = signs.now.since(catalog).max(catalog.since(signs.now));
        if apart > DISAGREEMENT {
            let detail = format!("this node's clock shows {}, the catalog's {catalog}", signs.now);
            brakes.push((BrakeKind::ClockDisagrees, detail));
        }
    }
    brakes
}

/// Which brakes the signs put on, with what was seen. Pure.
pub fn judge(signs: &Signs) -> Vec<(BrakeKind, String)> {
    let mut brakes = judge_clock(&signs.clock);
    let most = most_at_once(signs).max(signs.permit.unwrap_or(0));
    if signs.due > most {
        let detail = format!("{} recordings and accounts are due, more than {most}", signs.due);
        brakes.push((BrakeKind::TooMuchDue, detail));
    }
    brakes
}

async fn look_at_clock(archive: &Archive) -> Result<ClockSigns, ArchiveError> {
    let now = archive.clock.now();
    // Only where there is no heartbeat: beside one, the rows of a quiet archive say nothing.
    let last_known = match archive.catalog.last_heartbeat().await? {
        Some(at) => Some(at),
        None => last_known(&archive.catalog.known_times(now.minus(JUMP)).await?),
    };
    Ok(ClockSigns { now, last_known, catalog_now: archive.catalog_clock().await? })
}

/// Whether what cannot be undone may be decided by this node's clock: no brake about a clock is on, and none would be
/// put on now.
pub async fn clock_is_trusted(archive: &Archive) -> Result<bool, ArchiveError> {
    if archive.catalog.open_brakes().await?.iter().any(|brake| brake.kind.is_about_the_clock()) {
        return Ok(false);
    }
    Ok(judge_clock(&look_at_clock(archive).await?).is_empty())
}

async fn look(archive: &Archive) -> Result<Signs, ArchiveError> {
    let clock = look_at_clock(archive).await?;
    let now = clock.now;
    let since = now.minus(DAY * USUAL_DAYS as u32);
    let (recordings, first) = archive.catalog.fenced_since(since).await?;
    Ok(Signs {
        clock,
        due: archive.catalog.count_due(now).await? + archive.catalog.count_accounts_due(now).await?,
        purged: (recordings + archive.catalog.accounts_fenced_since(since).await?, first),
        permit: archive.catalog.purge_permit(now).await?,
    })
}

/// Looks at the signs and puts on what they ask for. Returns every brake that is on; none lets the purge go on. The
/// heart beats while the clock is trusted: that there is too much to do says nothing about the time.
pub async fn check(archive: &Archive) -> Result<Vec<Brake>, ArchiveError> {
    let signs = look(archive).await?;
    let now = signs.clock.now;
    for (kind, detail) in judge(&signs) {
        let (entry, _) = archive
            .entry(Kind::BRAKE_RAISED, About::NothingPersonal, &Raised { kind: kind.as_str(), detail: &detail }, now)
            .await?;
        let brake = Brake { id: Uuid::new_v4(), kind, raised_at: now, detail };
        let mut tx = archive.catalog.begin().await?;
        if tx.raise_brake(&brake).await? {
            tx.append_entry(&entry).await?;
            tx.commit().await?;
            tracing::error!(kind = kind.as_str(), detail = brake.detail, "the purge has stopped itself");
        }
    }
    let open = archive.catalog.open_brakes().await?;
    if !open.iter().any(|brake| brake.kind.is_about_the_clock()) {
        archive.catalog.beat(now).await?;
    }
    Ok(open)
}

/// Tells the metrics how many brakes are on and for how long the oldest overdue recording has been waiting.
pub fn tell(brakes: usize, oldest_overdue: Option<Duration>) {
    metrics::gauge!("earwitness_purge_brakes").set(brakes as f64);
    metrics::gauge!("earwitness_oldest_overdue_seconds").set(oldest_overdue.map_or(0.0, |for_| for_.as_secs_f64()));
}

/// Who lets the purge go on.
pub enum Confirmer<'a> {
    /// A caller over HTTP.
    Caller(Actor),
    /// Somebody with a shell on the machine; the name that they gave, if any.
    Shell(Option<&'a str>),
}

/// Lets all brakes go, for a stated reason. Returns those that were on.
pub async fn confirm(archive: &Archive, by: Confirmer<'_>, reason: &str) -> Result<Vec<Brake>, ArchiveError> {
    let open = archive.catalog.open_brakes().await?;
    if open.is_empty() {
        return Ok(open);
    }
    let signs = look(archive).await?;
    let now = signs.clock.now;
    let (by, actor) = match by {
        Confirmer::Caller(actor) => (None, Some(actor)),
        Confirmer::Shell(name) => (name, None),
    };
    let payload = Confirmation { brakes: open.iter().map(|b| b.kind.as_str()).collect(), reason, by, actor };
    let (entry, _) = archive.entry(Kind::BRAKE_CONFIRMED, About::Installation, &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    for brake in &open {
        // What falls due while the backlog is worked off is allowed as well.
        let permit = if brake.kind == BrakeKind::TooMuchDue { signs.due + FLOOR } else { 0 };
        tx.confirm_brake(brake.id, now, permit, now.plus(PERMIT)).await?;
    }
    tx.beat(now).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    tracing::warn!(brakes = open.len(), "an operator let the purge go on");
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn signs() -> Signs {
        let now = at("2026-11-22T12:00:00Z");
        let last_known = Some(at("2026-11-22T11:59:00Z"));
        let clock = ClockSigns { now, last_known, catalog_now: Some(now) };
        Signs { clock, due: 10, purged: (0, None), permit: None }
    }

    fn with(change: impl FnOnce(&mut ClockSigns)) -> Signs {
        let mut signs = signs();
        change(&mut signs.clock);
        signs
    }

    fn kinds(signs: &Signs) -> Vec<BrakeKind> {
        judge(signs).into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn a_usual_day_stops_nothing() {
        assert_eq!(kinds(&signs()), []);
        assert_eq!(kinds(&with(|clock| (clock.last_known, clock.catalog_now) = (None, None))), []);
    }

    #[test]
    fn a_clock_that_jumped_a_day_either_way_stops_the_purge() {
        for (last, jumped) in [
            ("2026-11-21T12:00:00Z", false),
            ("2026-11-21T11:59:59Z", true),
            ("2026-11-23T12:00:00Z", false),
            ("2026-11-23T12:00:01Z", true),
            ("2021-11-22T12:00:00Z", true),
        ] {
            let found = kinds(&with(|clock| clock.last_known = Some(at(last))));
            assert_eq!(found == [BrakeKind::ClockJump], jumped, "{last}");
        }
    }

    #[test]
    fn what_a_wrong_clock_wrote_is_not_the_last_known_time() {
        let (old, edge) = (at("2026-11-22T12:00:00Z"), at("2032-11-21T12:00:00Z"));
        let (wrong, newest) = (Some(edge.plus(DAY)), Some(edge.plus(DAY * 2)));
        for (until, since, expected) in [
            (None, None, None),
            (Some(old), None, Some(old)),
            (Some(old), wrong, Some(old)),
            (None, wrong, newest),
            // Times that follow one another without a gap: nothing jumped.
            (Some(edge), wrong, newest),
        ] {
            let newest = if since.is_some() { newest } else { until };
            assert_eq!(last_known(&KnownTimes { until, since, newest }), expected, "{until:?} {since:?}");
        }
    }

    #[test]
    fn two_clocks_a_minute_apart_stop_the_purge() {
        for (catalog, apart) in
            [("2026-11-22T12:01:00Z", false), ("2026-11-22T12:01:01Z", true), ("2026-11-22T11:58:59Z", true)]
        {
            let found = kinds(&with(|clock| clock.catalog_now = Some(at(catalog))));
            assert_eq!(found == [BrakeKind::ClockDisagrees], apart, "{catalog}");
        }
    }

    #[test]
    fn ten_times_the_usual_amount_is_too_much_but_never_below_the_floor() {
        let month_ago = Some(at("2026-10-23T12:00:00Z"));
        for (purged, due, stopped) in [
            ((0, None), 1_000, false),
            ((0, None), 1_001, true),
            ((300, month_ago), 1_001, true),
            ((30_000, month_ago), 10_000, false),
            ((30_000, month_ago), 10_001, true),
            // A young archive: the usual amount is counted over the days that there were.
            ((500, Some(at("2026-11-22T11:00:00Z"))), 5_000, false),
            ((500, Some(at("2026-11-22T11:00:00Z"))), 5_001, true),
        ] {
            let found = kinds(&Signs { purged, due, ..signs() });
            assert_eq!(found == [BrakeKind::TooMuchDue], stopped, "{purged:?} {due}");
        }
        assert_eq!(kinds(&Signs { due: 5_000, permit: Some(6_000), ..signs() }), []);
        assert_eq!(kinds(&Signs { due: 7_000, permit: Some(6_000), ..signs() }), [BrakeKind::TooMuchDue]);
    }
}
