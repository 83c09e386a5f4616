//! The life of an account: the portal's reach ends and comes back, the relation ends. The rules stand apart.

use serde::Serialize;
use uuid::Uuid;

use super::{Account, AccountError, end_of_data, open_row, record, row_to_change};
use crate::access::Actor;
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::catalog::AccountTimes;
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::retention::FUTURE_TOLERANCE;

/// What happens to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The portal does not reach it any more.
    Close,
    /// It does again: nothing has ended, not the relation either.
    Reopen,
    /// The relation ended then; the data end at the deadline that this rule gave.
    End {
        /// When the relation ended.
        ended_at: Timestamp,
        /// When the data end.
        expires_at: Timestamp,
        /// By which rule.
        rule: String,
    },
}

/// An account's times after an event; none when it changes nothing. Pure.
pub fn after(times: &AccountTimes, event: &Event, now: Timestamp) -> Option<AccountTimes> {
    let after = match event {
        Event::Close => AccountTimes { closed_at: times.closed_at.or(Some(now)), ..times.clone() },
        Event::Reopen => AccountTimes::default(),
        Event::End { ended_at, expires_at, rule } => AccountTimes {
            closed_at: times.closed_at,
            relation_ended_at: Some(*ended_at),
            expires_at: Some(*expires_at),
            rule: Some(rule.clone()),
        },
    };
    (after != *times).then_some(after)
}

#[derive(Serialize)]
struct LifePayload<'a> {
    actor: &'a Actor,
    account: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    relation_ended_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
}

/// Closes an account: the portal does not reach it from here on. Staff and retention go on. One that is closed stays as it is.
pub async fn close(archive: &Archive, id: &str, actor: &Actor) -> Result<Account, AccountError> {
    change(archive, id, Event::Close, actor).await
}

/// Opens an account again, also after the relation ended, as long as its data are there.
pub async fn reopen(archive: &Archive, id: &str, actor: &Actor) -> Result<Account, AccountError> {
    change(archive, id, Event::Reopen, actor).await
}

/// The relation ended: from then on the retention period of the account's data counts, and the portal does not reach it.
/// Another time takes the place of the one before.
///
/// # Errors
/// [`AccountError::EndedAt`] when it lies in the future.
pub async fn end_relation(
    archive: &Archive,
    id: &str,
    ended_at: Timestamp,
    actor: &Actor,
) -> Result<Account, AccountError> {
    if ended_at > archive.clock.now().plus(FUTURE_TOLERANCE) {
        return Err(AccountError::EndedAt);
    }
    let (expires_at, rule) = end_of_data(archive, ended_at).await?.map_err(|_| AccountError::EndedAt)?;
    change(archive, id, Event::End { ended_at, expires_at, rule }, actor).await
}

async fn change(archive: &Archive, id: &str, event: Event, actor: &Actor) -> Result<Account, AccountError> {
    loop {
        if let Some(account) = try_change(archive, id, &event, actor).await? {
            return Ok(account);
        }
    }
}

/// None when the account changed meanwhile.
async fn try_change(
    archive: &Archive,
    id: &str,
    event: &Event,
    actor: &Actor,
) -> Result<Option<Account>, AccountError> {
    let row = row_to_change(archive, id).await?;
    let now = archive.clock.now();
    let Some(times) = after(&row.times(), event, now) else { return Ok(Some(open_row(archive, row).await?)) };
    let (kind, ended) = match event {
        Event::Close => (Kind::ACCOUNT_CLOSED, None),
        Event::Reopen => (Kind::ACCOUNT_REOPENED, None),
        Event::End { .. } => (Kind::ACCOUNT_RELATION_ENDED, Some(&times)),
    };
    let payload = LifePayload {
        actor,
        account: row.uuid,
        relation_ended_at: ended.and_then(|times| times.relation_ended_at),
        expires_at: ended.and_then(|times| times.expires_at),
        rule: ended.and_then(|times| times.rule.as_deref()),
    };
    let (entry, _) = archive.entry(kind, About::Account(row.uuid), &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.set_account_times(id, row.revision, &times).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    record::keep(archive, row.uuid).await;
    let row = archive.catalog.account(id).await?.ok_or(AccountError::NotFound)?;
    Ok(Some(open_row(archive, row).await?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn end(ended_at: i64) -> Event {
        Event::End { ended_at: at(ended_at), expires_at: at(ended_at + 10), rule: "account/1".into() }
    }

    fn is_open(times: &AccountTimes) -> bool {
        times.closed_at.is_none() && times.relation_ended_at.is_none()
    }

    #[test]
    fn what_happened_again_changes_nothing() {
        let open = AccountTimes::default();
        assert_eq!(after(&open, &Event::Reopen, at(1)), None);
        let closed = after(&open, &Event::Close, at(1)).unwrap();
        assert_eq!((closed.closed_at, after(&closed, &Event::Close, at(2))), (Some(at(1)), None));
        let ended = after(&closed, &end(2), at(3)).unwrap();
        assert_eq!(
            (ended.closed_at, ended.relation_ended_at, ended.expires_at),
            (Some(at(1)), Some(at(2)), Some(at(12)))
        );
        assert_eq!(after(&ended, &end(2), at(4)), None);
        assert_eq!(after(&ended, &end(1), at(4)).unwrap().expires_at, Some(at(11)), "a correction");
        assert_eq!(after(&ended, &Event::Reopen, at(5)), Some(open));
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![Just(Event::Close), Just(Event::Reopen), (0..100_i64).prop_map(end)]
    }

    proptest! {
        #[test]
        fn only_reopening_opens_and_only_the_end_of_the_relation_ends(events in proptest::collection::vec(event(), 0..12)) {
            let mut times = AccountTimes::default();
            for (n, event) in events.iter().enumerate() {
                let before = times.clone();
                times = after(&times, event, at(1_000 + n as i64)).unwrap_or(times);
                prop_assert_eq!(times.expires_at.is_some(), times.relation_ended_at.is_some());
                match event {
                    Event::Close => prop_assert!(!is_open(&times) && times.expires_at == before.expires_at),
                    Event::Reopen => prop_assert!(is_open(&times)),
                    Event::End { .. } => prop_assert!(!is_open(&times) && times.closed_at == before.closed_at),
                }
                prop_assert_eq!(after(&times, event, at(5_000)), None);
            }
        }
    }
}
