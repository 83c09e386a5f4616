//! Bringing a recording's row back from its sidecar: after a crash between store and catalog, or a lost catalog.

use super::row::{SealedRow, lookups_of, open_row};
use super::sidecar::OpenedSidecar;
use super::{Archive, ArchiveError};
use crate::catalog::{CallClaim, CatalogError, NewRecording};
use crate::recording::{ExpiryMonth, RecordingId, Status};
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, RecordingPart};

/// What became of an attempt to bring a recording back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// Its row is there now.
    Adopted,
    /// Its row was there all the time.
    Known,
    /// Another recording stands for the same call; it has the same audio and metadata.
    Duplicate,
    /// Another recording stands for the same call, with other audio or metadata.
    Conflict,
    /// There is no sidecar, or no audio: it was never whole.
    NotWhole,
    /// It was purged; what is in the store are remains.
    Purged,
}

impl Adoption {
    /// Whether the recording is in the catalog.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Adopted | Self::Known)
    }
}

impl Archive {
    /// Brings a recording's row back from its sidecar. `claim` is the claim on its call, where the caller has one.
    pub async fn adopt(
        &self,
        month: ExpiryMonth,
        id: RecordingId,
        claim: Option<&CallClaim>,
    ) -> Result<Adoption, ArchiveError> {
        if self.catalog.recording(id).await?.is_some() {
            return Ok(Adoption::Known);
        }
        if self.catalog.purge_of(id).await?.is_some() {
            return Ok(Adoption::Purged);
        }
        let audio = ObjectKey::Recording { month, id, part: RecordingPart::Audio };
        if self.store.head(&audio).await?.is_none() {
            return Ok(Adoption::NotWhole);
        }
        let Some(sidecar) = self.read_sidecar(month, id).await? else { return Ok(Adoption::NotWhole) };
        // An upload that nobody acknowledged before its deadline needs no row in order to be purged.
        if claim.is_some() && sidecar.body.expires_at <= self.clock.now() {
            return Ok(Adoption::NotWhole);
        }
        match self.insert_adopted(&sidecar, claim).await {
            Err(ArchiveError::Catalog(CatalogError::AlreadyThere)) => Ok(Adoption::Known),
            other => other,
        }
    }

    async fn insert_adopted(
        &self,
        sidecar: &OpenedSidecar,
        claim: Option<&CallClaim>,
    ) -> Result<Adoption, ArchiveError> {
        let body = &sidecar.body;
        let row = open_row(sidecar.id, &sidecar.key, &body.sealed)?;
        let month = self.keyring.secret(&KeyName::Month(sidecar.month)).await?;
        let installation = self.keyring.ensure_secret(&KeyName::Installation).await?;
        let call = installation.call_uniqueness_mac(&row.metadata.call_id, row.metadata.part);
        let standing = self.catalog.call_holder(&call).await?;
        let takes_call = match standing {
            Some(other) if row.supersedes != Some(other) => {
                let other = self.standing(other).await?;
                match (other.as_ref().map(|(status, _)| *status), body.status) {
                    (Some(Status::Accepted), Status::Accepted) => return compare(other, &row),
                    // Several uploads failed their checks: all are kept, one stands for the call.
                    (Some(Status::Accepted), _) => false,
                    _ => true,
                }
            }
            _ => true,
        };
        let new = NewRecording {
            id: sidecar.id,
            account_id: body.account_id.clone(),
            product: body.product.clone(),
            language: body.language.map(crate::recording::Language::code),
            recorded_at: body.recorded_at,
            received_at: body.received_at,
            expires_at: body.expires_at,
            month: sidecar.month,
            rule: body.rule.clone(),
            status: body.status,
            byte_len: body.byte_len,
            duration_ms: body.duration_ms,
            ingested_by: body.ingested_by.clone(),
            revision: body.revision,
            sealed: body.sealed.clone(),
            sealed_receipt: body.sealed_receipt.clone(),
            wrapped: (KeyName::Month(sidecar.month).to_string(), sidecar.wrapped_key.clone()),
            lookups: lookups_of(&month, &row.metadata),
        };
        let mut tx = self.catalog.begin().await?;
        tx.insert_recording(&new).await?;
        match claim {
            Some(claim) => tx.settle_call(claim, sidecar.id).await?,
            None if takes_call => {
                tx.adopt_call(&call, sidecar.id, standing.is_some()).await?;
            }
            None => {}
        }
        if let Some(other) = row.supersedes {
            tx.supersede(other).await?;
        }
        for related in &body.related {
            tx.put_related(sidecar.id, &related.into()).await?;
        }
        for hold in &body.holds {
            tx.ensure_case(hold.case_id, hold.placed_at, &[]).await?;
            tx.restore_hold(hold.id, hold.case_id, sidecar.id, hold.placed_at).await?;
        }
        for entry in &body.entries {
            tx.append_missing_entry(&entry.to_new(sidecar.id)?).await?;
        }
        tx.commit().await?;
        Ok(Adoption::Adopted)
    }

    /// Status and content of the recording that stands for a call.
    async fn standing(&self, id: RecordingId) -> Result<Option<(Status, SealedRow)>, ArchiveError> {
        let Some(row) = self.catalog.recording(id).await? else { return Ok(None) };
        let (_, sealed) = self.open_recording(&row).await?;
        Ok(Some((row.status, sealed)))
    }
}

/// Whether two accepted recordings of one call are the same.
fn compare(standing: Option<(Status, SealedRow)>, ours: &SealedRow) -> Result<Adoption, ArchiveError> {
    let same = standing.is_some_and(|(_, row)| row.sha256 == ours.sha256 && row.metadata == ours.metadata);
    Ok(if same { Adoption::Duplicate } else { Adoption::Conflict })
}
