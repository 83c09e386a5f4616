//! The end of an account's data as the catalog knows it: why, how far it has come, what was deleted.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::cases::{time, time_or_none, uuid};
use super::purge_row::{Deleted, PurgeStage};
use super::{CatalogError, Result};
use crate::clock::Timestamp;

/// Why an account's data came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountGround {
    /// Its retention period is over.
    Deadline,
    /// An erasure was decided.
    Erasure,
    /// They are another account's now.
    Merged,
    /// There were none.
    NeverFilled,
}

impl AccountGround {
    const ALL: [Self; 4] = [Self::Deadline, Self::Erasure, Self::Merged, Self::NeverFilled];

    /// As it stands in the catalog.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Erasure => "erasure",
            Self::Merged => "merged",
            Self::NeverFilled => "never-filled",
        }
    }

    /// Whether something came to its end, which is certified.
    pub fn is_certified(self) -> bool {
        matches!(self, Self::Deadline | Self::Erasure)
    }

    fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|ground| ground.as_str() == text);
        found.ok_or(CatalogError::Corrupt("account_purges.ground"))
    }
}

/// The end of an account's data, under way or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPurgeRow {
    /// Our name for the account.
    pub uuid: Uuid,
    /// The product's, while its rows are there.
    pub account_id: Option<String>,
    /// Why.
    pub ground: AccountGround,
    /// The request by which an erasure was decided.
    pub request_id: Option<Uuid>,
    /// The retention rule that gave the deadline.
    pub rule: Option<String>,
    /// The deadline.
    pub expires_at: Option<Timestamp>,
    /// How far it has come.
    pub stage: PurgeStage,
    /// When each step was done.
    pub fenced_at: Timestamp,
    /// The key destroyed at the provider.
    pub keys_destroyed_at: Option<Timestamp>,
    /// From when on nobody gets the key back.
    pub key_effective_at: Option<Timestamp>,
    /// Objects deleted.
    pub objects_deleted_at: Option<Timestamp>,
    /// Rows deleted and the ledger's openings erased.
    pub rows_deleted_at: Option<Timestamp>,
    /// Everything looked at again and found gone.
    pub looked_again_at: Option<Timestamp>,
    /// Counts of what was deleted.
    pub deleted: Deleted,
    /// The ledger's entry that says so.
    pub entry_id: Option<Uuid>,
}

pub(super) fn account_purge_row(row: &AnyRow) -> Result<AccountPurgeRow> {
    let text = |name| -> Result<Option<String>> { Ok(row.try_get(name)?) };
    let uuid_or_none = |name| -> Result<Option<Uuid>> {
        text(name)?.map(|id| Uuid::try_parse(&id).map_err(|_| CatalogError::Corrupt(name))).transpose()
    };
    let deleted: String = row.try_get("deleted")?;
    Ok(AccountPurgeRow {
        uuid: uuid(row, "uuid")?,
        account_id: text("account_id")?,
        ground: AccountGround::parse(row.try_get::<String, _>("ground")?.as_str())?,
        request_id: uuid_or_none("request_id")?,
        rule: text("rule")?,
        expires_at: time_or_none(row, "expires_at")?,
        stage: PurgeStage::parse(row.try_get::<String, _>("stage")?.as_str())?,
        fenced_at: time(row, "fenced_at")?,
        keys_destroyed_at: time_or_none(row, "keys_destroyed_at")?,
        key_effective_at: time_or_none(row, "key_effective_at")?,
        objects_deleted_at: time_or_none(row, "objects_deleted_at")?,
        rows_deleted_at: time_or_none(row, "rows_deleted_at")?,
        looked_again_at: time_or_none(row, "looked_again_at")?,
        deleted: serde_json::from_str(&deleted).map_err(|_| CatalogError::Corrupt("account_purges.deleted"))?,
        entry_id: uuid_or_none("entry_id")?,
    })
}

/// The end of an account's data as the store has it.
#[derive(Debug, Clone, Copy)]
pub struct EndedAccount<'a> {
    /// Our name for the account.
    pub uuid: Uuid,
    /// Why.
    pub ground: AccountGround,
    /// When the fence was set.
    pub at: Timestamp,
    /// The retention rule that gave the deadline.
    pub rule: Option<&'a str>,
    /// The deadline.
    pub expires_at: Option<Timestamp>,
    /// What keeps an erased account from coming back.
    pub mark: Option<&'a ErasedMark>,
    /// The certificate, where it was written.
    pub certificate: Option<&'a [u8]>,
}

/// What keeps an erased account from coming back: the keyed hash of its id, and until when.
pub type ErasedMark = (Vec<u8>, Timestamp);
