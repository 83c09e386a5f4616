//! That an account's data came to their end, as the store keeps it: sealed under the installation's key, so that nobody
//! without that can make one, and bound to its account by its name. It says why and when; and of an account that was erased
//! by a decision the keyed hash of its id, so that the product does not bring it back.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AccountError, is_over, mirrored_mac};
use crate::archive::journal::About;
use crate::archive::sidecar::base64_bytes;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{AccountGround, AccountPurgeRow, ErasedMark};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::vault::objects::ObjectKey;
use crate::vault::secrets::MirroredField;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why.
    pub ground: EndGround,
    /// When the fence was set.
    pub at: Timestamp,
    /// The retention rule that gave the deadline, and that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Of an erasure: what keeps the account from coming back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
}

impl Ended {
    /// Of an end that is under way.
    pub fn of(purge: &AccountPurgeRow, mark: Option<ErasedMark>) -> Self {
        Self {
            ground: purge.ground.into(),
            at: purge.fenced_at,
            rule: purge.rule.clone(),
            expires_at: purge.expires_at,
            mark: mark.map(|(id_mac, forget_at)| Mark { id_mac, forget_at }),
        }
    }
}

/// The grounds, as they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "those of AccountGround, described there")]
pub enum EndGround {
    Deadline,
    Erasure,
    Merged,
    NeverFilled,
}

/// What keeps an erased account from coming back, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The keyed hash of the product's id.
    #[serde(with = "base64_bytes")]
    pub id_mac: Vec<u8>,
    /// When it is forgotten.
    pub forget_at: Timestamp,
}

impl From<AccountGround> for EndGround {
    fn from(ground: AccountGround) -> Self {
        match ground {
            AccountGround::Deadline => Self::Deadline,
            AccountGround::Erasure => Self::Erasure,
            AccountGround::Merged => Self::Merged,
            AccountGround::NeverFilled => Self::NeverFilled,
        }
    }
}

impl From<EndGround> for AccountGround {
    fn from(ground: EndGround) -> Self {
        match ground {
            EndGround::Deadline => Self::Deadline,
            EndGround::Erasure => Self::Erasure,
            EndGround::Merged => Self::Merged,
            EndGround::NeverFilled => Self::NeverFilled,
        }
    }
}

/// Keeps that an account's data end.
pub async fn keep(archive: &Archive, uuid: Uuid, ended: &Ended) -> Result<(), ArchiveError> {
    let text = serde_json::to_vec(ended).map_err(|_| ArchiveError::Document("an account's end"))?;
    archive.keep_word(&ObjectKey::AccountPurged(uuid), &text).await
}

/// How an account's data ended, as the store has it.
pub async fn read(archive: &Archive, uuid: Uuid) -> Result<Ended, ArchiveError> {
    let text = archive.kept_word(&ObjectKey::AccountPurged(uuid)).await?;
    serde_json::from_slice(&text).map_err(|_| ArchiveError::Document("an account's end"))
}

#[derive(Serialize)]
struct ErasedPayload {
    account: Uuid,
    ground: &'static str,
    request_id: Uuid,
}

/// Ends an account's data before their time, by a decision that two persons took. From here on nobody sees them; everything
/// after it is the ordinary pass of the purge. The product's word of the account is refused for one more period.
///
/// # Errors
/// [`AccountError::Merged`] where another account has the data, [`AccountError::Gone`] where they are ending already.
pub async fn erase(archive: &Archive, id: &str, request: Uuid) -> Result<(), AccountError> {
    let now = archive.clock.now();
    let row = archive.catalog.account(id).await?.ok_or(AccountError::NotFound)?;
    if let Some(into) = row.merged_into {
        return Err(AccountError::Merged(into));
    }
    if is_over(&row, now) {
        return Err(AccountError::Gone);
    }
    let (forget_at, _) = super::end_of_data(archive, now).await?.map_err(|_| AccountError::EndedAt)?;
    let mark = (mirrored_mac(archive, MirroredField::Account, id).await?, forget_at);
    let payload = ErasedPayload { account: row.uuid, ground: "erasure", request_id: request };
    let (entry, _) = archive.entry(Kind::PURGE_FENCED, About::NothingPersonal, &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    let Some(purge) = tx.fence_erased_account(id, request, &mark, now).await? else {
        tx.rollback().await?;
        return Err(AccountError::Gone);
    };
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    // The pass does it before it destroys anything; here, so that a catalog that is lost in this moment is told of it.
    if let Err(error) = keep(archive, row.uuid, &Ended::of(&purge, Some(mark))).await {
        tracing::warn!(account = %row.uuid, %error, "the store does not know yet that an account is erased");
    }
    archive.purge_nudge.notify_one();
    Ok(())
}
