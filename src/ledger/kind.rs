//! What an entry is about: a word in the clear, without personal data.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::LedgerError;

/// The kind of an entry: lower-case words joined by dots, such as `recording.received`.
///
/// The list is open: a later version may write kinds that this one does not know, and must still be able to
/// rebuild and prove them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Cow<'static, str>);

/// Longest kind, in bytes.
const LONGEST: usize = 64;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Kind {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($text));)*
            /// All kinds that this version writes.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

kinds! {
    /// A recording was acknowledged and accepted.
    RECORDING_RECEIVED = "recording.received";
    /// A recording was acknowledged and set aside for a decision.
    RECORDING_QUARANTINED = "recording.quarantined";
    /// Legal accepted or rejected a quarantined recording.
    RECORDING_DECIDED = "recording.decided";
    /// Somebody listened to, downloaded or looked at a recording.
    RECORDING_READ = "recording.read";
    /// Somebody searched.
    SEARCH_MADE = "search.made";
    /// Somebody was refused.
    ACCESS_REFUSED = "access.refused";
    /// A recording was fenced: from here on it is being purged.
    PURGE_FENCED = "purge.fenced";
    /// A recording is gone, and was looked for again.
    PURGE_COMPLETED = "purge.completed";
    /// What a lock kept of an erased recording is deleted as well.
    PURGE_BYTES_DELETED = "purge.bytes_deleted";
    /// The key of a month was destroyed.
    MONTH_DESTROYED = "month.destroyed";
    /// The destroyed key of a month was there again, and was destroyed again.
    MONTH_KEY_RETURNED = "month.key_returned";
    /// A legal hold was placed.
    HOLD_PLACED = "hold.placed";
    /// A legal hold was released.
    HOLD_RELEASED = "hold.released";
    /// From here on an account's recordings of a period are held, those that arrive later as well.
    HOLD_RULE_PLACED = "hold.rule_placed";
    /// Such a rule ended.
    HOLD_RULE_ENDED = "hold.rule_ended";
    /// Somebody asked for the release of holds.
    RELEASE_ASKED = "release.asked";
    /// Another person decided on a release.
    RELEASE_DECIDED = "release.decided";
    /// A case was opened.
    CASE_OPENED = "case.opened";
    /// A case was changed, or got a note.
    CASE_CHANGED = "case.changed";
    /// Somebody read a case, or a list of cases.
    CASE_READ = "case.read";
    /// A case was closed.
    CASE_CLOSED = "case.closed";
    /// A case's retention period was over: it is gone, and its key is destroyed.
    CASE_PURGED = "case.purged";
    /// The destroyed key of a case was there again, and was destroyed again.
    CASE_KEY_RETURNED = "case.key_returned";
    /// What is known of an account was changed.
    ACCOUNT_CHANGED = "account.changed";
    /// Somebody read an account, or a list of accounts.
    ACCOUNT_READ = "account.read";
    /// An account was closed: the portal does not reach it any more.
    ACCOUNT_CLOSED = "account.closed";
    /// An account was opened again.
    ACCOUNT_REOPENED = "account.reopened";
    /// The relation with an account ended: its retention period counts from there.
    ACCOUNT_RELATION_ENDED = "account.relation_ended";
    /// A contact person left an account: who it was is known no more.
    ACCOUNT_PERSON_LEFT = "account.person_left";
    /// An account was merged into another.
    ACCOUNT_MERGED = "account.merged";
    /// The data of an account are gone, and were looked for again.
    ACCOUNT_PURGED = "account.purged";
    /// The destroyed key of an account was there again, and was destroyed again.
    ACCOUNT_KEY_RETURNED = "account.key_returned";
    /// The purge stopped itself.
    BRAKE_RAISED = "brake.raised";
    /// An operator let the purge go on.
    BRAKE_CONFIRMED = "brake.confirmed";
    /// A changed retention policy was applied to what is stored.
    RETENTION_APPLIED = "retention.applied";
    /// An access token was made.
    TOKEN_CREATED = "token.created";
    /// An access token was withdrawn.
    TOKEN_REVOKED = "token.revoked";
    /// Every object was copied to another store, which is the archive's from then on.
    STORE_MIGRATED = "store.migrated";
    /// Every row was copied to another catalog, which is the archive's from then on.
    CATALOG_MIGRATED = "catalog.migrated";
    /// Every secret was wrapped by another key provider, which is the archive's from then on.
    KEYS_MIGRATED = "keys.migrated";
    /// The keys of the provider before that one were destroyed.
    KEYS_DESTROYED = "keys.destroyed";
    /// Related data (a transcript, a note) was stored with a recording.
    RELATED_STORED = "related.stored";
    /// An evidence package was begun: its first byte is sent after this.
    EVIDENCE_BEGUN = "evidence.begun";
    /// A month's statistics were published: what its purged calls leave.
    STATISTICS_PUBLISHED = "statistics.published";
    /// An evidence package is complete.
    EVIDENCE_MADE = "evidence.made";
    /// An evidence package was not sent to its end.
    EVIDENCE_BROKEN = "evidence.broken";
    /// Somebody looked into the register of disclosures.
    DISCLOSURES_READ = "disclosures.read";
}

impl Kind {
    /// As it stands in the leaf.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_valid(text: &str) -> bool {
        let word = |w: &str| {
            w.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
                && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        text.len() <= LONGEST && text.contains('.') && text.split('.').all(word)
    }
}

impl FromStr for Kind {
    type Err = LedgerError;
    fn from_str(text: &str) -> Result<Self, LedgerError> {
        if Self::is_valid(text) { Ok(Self(Cow::Owned(text.to_owned()))) } else { Err(LedgerError::Kind) }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_kind_reads_back_as_itself() {
        for kind in Kind::ALL {
            assert_eq!(&kind.as_str().parse::<Kind>().unwrap(), kind);
        }
        assert_eq!("case.opened".parse::<Kind>().unwrap().as_str(), "case.opened");
    }

    #[test]
    fn what_could_carry_personal_data_is_no_kind() {
        let long = format!("a.{}", "b".repeat(LONGEST));
        for bad in ["", "recording", "Recording.read", "recording.", ".read", "a..b", "a.b c", "a.+32470", "a.é", &long]
        {
            assert!(matches!(bad.parse::<Kind>(), Err(LedgerError::Kind)), "{bad}");
        }
    }
}
