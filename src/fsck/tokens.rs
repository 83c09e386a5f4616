//! Tokens after a restore: one that was withdrawn since the backup must not come back to life.
//!
//! The store keeps which tokens were withdrawn; the ledger, which came back before, says how many were, and when. Where
//! the two do not agree, somebody's withdrawn token is in the backup alive and nobody knows which: then all of that time
//! are withdrawn. Making new ones is work; a leaked one that works again is a breach.

use std::collections::HashMap;

use super::report::Report;
use crate::archive::{Archive, ArchiveError, tokens};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::vault::objects::ObjectKey;

/// Withdraws again what was withdrawn since the backup. Can be repeated.
pub(super) async fn check(archive: &Archive, report: &mut Report) -> Result<(), ArchiveError> {
    let in_ledger = archive.catalog.times_of_kind(Kind::TOKEN_REVOKED.as_str()).await?;
    let made = archive.catalog.times_of_kind(Kind::TOKEN_CREATED.as_str()).await?.len();
    let rows = archive.catalog.tokens().await?;
    report.tokens_lost = made.saturating_sub(rows.len()) as u64;

    let mut known: HashMap<_, Timestamp> = rows.iter().filter_map(|row| Some((row.id, row.revoked_at?))).collect();
    for token in archive.kept_revocations().await? {
        let kept = archive.kept_revocation(token).await;
        let Some(at) = report.unless_unreadable(kept, ObjectKey::TokenRevoked(token))? else { continue };
        known.entry(token).or_insert(at);
        // One whose entry was lost with the catalog, unpublished, gets it anew.
        let enter = !in_ledger.contains(&at);
        report.tokens_revoked += u64::from(tokens::revoke_at(archive, token, at, enter).await?);
    }
    let Some(last) = last_unexplained(in_ledger, known.into_values()) else { return Ok(()) };
    for row in archive.catalog.tokens().await?.iter().filter(|row| row.revoked_at.is_none() && row.created_at <= last) {
        report.tokens_withdrawn += u64::from(tokens::revoke(archive, row.id).await?);
    }
    Ok(())
}

/// The last time at which the ledger has a token withdrawn of which nobody knows which it was. Pure.
fn last_unexplained(in_ledger: Vec<Timestamp>, known: impl Iterator<Item = Timestamp>) -> Option<Timestamp> {
    let mut known_at: HashMap<Timestamp, usize> = HashMap::new();
    known.for_each(|at| *known_at.entry(at).or_default() += 1);
    let unexplained = in_ledger.into_iter().filter(|at| match known_at.get_mut(at) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    });
    unexplained.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_explains_one_entry() {
        let last = |in_ledger: &[i64], known: &[i64]| {
            let at = |times: &[i64]| times.iter().copied().map(Timestamp::from_micros).collect::<Vec<_>>();
            last_unexplained(at(in_ledger), at(known).into_iter()).map(Timestamp::micros)
        };
        assert_eq!(last(&[], &[]), None);
        assert_eq!(last(&[3, 5], &[5, 3]), None);
        assert_eq!(last(&[3, 5], &[5]), Some(3));
        assert_eq!(last(&[5, 5, 3], &[5, 3]), Some(5), "two at once, one of them known");
        assert_eq!(last(&[3], &[3, 9]), None, "withdrawn, and the entry lost with the catalog");
    }
}
