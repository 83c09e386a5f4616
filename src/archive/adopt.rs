//! Bringing a recording's row back from its sidecar: after a crash between store and catalog, or a lost catalog.

use uuid::Uuid;

use super::row::{SealedRow, open_row};
use super::sidecar::OpenedSidecar;
use super::{Archive, ArchiveError};
use crate::catalog::{CallClaim, CatalogError, NewRecording, Tx};
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
    /// Another recording stands for the same call; it has the same audio and metadata, and nothing is lost with this.
    Duplicate,
    /// Another recording stands for the same call, with other audio or metadata, or without what belongs to this one.
    Conflict,
    /// It is being uploaded, or somebody else came in between: to be left alone for now.
    Pending,
    /// There is no sidecar, or no audio: it was never whole.
    NotWhole,
    /// It was purged, or its call was erased; what is in the store are remains.
    Purged,
}

impl Adoption {
    /// Whether the recording is in the catalog.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Adopted | Self::Known)
    }
}

impl Archive {
    /// Brings a recording's row back from its sidecar. `claim` is the claim on its call, where the caller has one:
    /// without it, nothing is done about a recording that is being uploaded.
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
        // Before anything is read from the store: an upload that is given up deletes its objects while it is pending,
        // so what is found after it is not will stay.
        if claim.is_none() && self.catalog.is_pending(id).await? {
            return Ok(Adoption::Pending);
        }
        let audio = ObjectKey::Recording { month, id, part: RecordingPart::Audio };
        if self.store.head(&audio).await?.is_none() {
            return Ok(Adoption::NotWhole);
        }
        let Some(sidecar) = self.read_sidecar(month, id).await? else { return Ok(Adoption::NotWhole) };
        // An upload that nobody acknowledged before its deadline needs no row in order to be purged. One with a hold was
        // acknowledged: the claim is from before the catalog was restored.
        if claim.is_some() && sidecar.body.holds.is_empty() && sidecar.body.expires_at <= self.clock.now() {
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
        let row = open_row(sidecar.id, &sidecar.key, &sidecar.body.sealed)?;
        let installation = self.keyring.ensure_secret(&KeyName::Installation).await?;
        let mac = installation.call_uniqueness_mac(&row.metadata.call_id, row.metadata.part);
        // An upload under its claim was acknowledged to nobody; what is older than the erasure, and has none, may have been.
        let erased_at = self.call_erased_at(&mac).await?;
        if erased_at.is_some_and(|erased_at| claim.is_some() || erased_at < sidecar.body.received_at) {
            return Ok(Adoption::Purged);
        }
        let standing = self.catalog.call_holder(&mac).await?;
        // From its deadline on a recording, which lives by its holds alone, leaves the call's name to others.
        let is_over = |expires_at| expires_at <= self.clock.now();
        let takes = match standing {
            Some(_) if is_over(sidecar.body.expires_at) => false,
            Some(other) if self.catalog.recording(other).await?.is_some_and(|row| is_over(row.expires_at)) => true,
            Some(other) if row.supersedes != Some(other) => {
                let theirs = self.standing(other).await?;
                match (theirs.as_ref().map(|(status, _)| *status), sidecar.body.status) {
                    (Some(Status::Accepted), Status::Accepted) => {
                        return self.compare(other, theirs, sidecar, &row).await;
                    }
                    // Several uploads failed their checks: all are kept, one stands for the call.
                    (Some(Status::Accepted), _) => false,
                    _ => true,
                }
            }
            _ => true,
        };
        let new = new_row(sidecar, self.lookups_under(&sidecar.wraps, &row.metadata).await?);
        let mut tx = self.catalog.begin().await?;
        tx.insert_recording(&new).await?;
        if tx.is_purged(sidecar.id).await? {
            tx.rollback().await?;
            return Ok(Adoption::Purged);
        }
        if !take_call(&mut tx, claim, Place { mac: &mac, id: sidecar.id, standing, takes }).await? {
            tx.rollback().await?;
            return Ok(Adoption::Pending);
        }
        if let Some(other) = row.supersedes {
            tx.supersede(other).await?;
        }
        restore_belongings(&mut tx, sidecar).await?;
        tx.commit().await?;
        Ok(Adoption::Adopted)
    }

    /// Status and content of the recording that stands for a call.
    async fn standing(&self, id: RecordingId) -> Result<Option<(Status, SealedRow)>, ArchiveError> {
        let Some(row) = self.catalog.recording(id).await? else { return Ok(None) };
        let (_, sealed) = self.open_recording(&row).await?;
        Ok(Some((row.status, sealed)))
    }

    /// Whether two accepted recordings of one call are the same, and the one that stands has all that `sidecar` has:
    /// a duplicate is deleted. Related data is sealed for one recording, so no other can have the same.
    async fn compare(
        &self,
        other: RecordingId,
        standing: Option<(Status, SealedRow)>,
        sidecar: &OpenedSidecar,
        ours: &SealedRow,
    ) -> Result<Adoption, ArchiveError> {
        let same = standing.is_some_and(|(_, row)| row.sha256 == ours.sha256 && row.metadata == ours.metadata);
        if !same || !sidecar.body.related.is_empty() {
            return Ok(Adoption::Conflict);
        }
        let holds = self.catalog.holds_of(other).await?;
        let held_there = |case: Uuid| holds.iter().any(|hold| hold.case_id == case);
        let covered = sidecar.body.holds.iter().all(|hold| held_there(hold.case_id));
        Ok(if covered { Adoption::Duplicate } else { Adoption::Conflict })
    }
}

/// The place that a recording takes among those of its call.
struct Place<'a> {
    mac: &'a [u8],
    id: RecordingId,
    /// Who stood for the call when it was looked at.
    standing: Option<RecordingId>,
    /// Whether the recording stands for it from now on.
    takes: bool,
}

/// Gives the recording its place; false when somebody else has something to do with it.
async fn take_call(tx: &mut Tx, claim: Option<&CallClaim>, place: Place<'_>) -> Result<bool, CatalogError> {
    let Place { mac, id, standing, takes } = place;
    match claim {
        Some(claim) => {
            let stands = standing.filter(|_| !takes).unwrap_or(id);
            tx.settle_call(claim, stands, standing).await.map(|()| true)
        }
        None if tx.is_pending(id).await? => Ok(false),
        None if takes => tx.adopt_call(mac, id, standing).await,
        None => Ok(true),
    }
}

/// What belongs to a recording besides its row: related data, holds, what the ledger says about it.
async fn restore_belongings(tx: &mut Tx, sidecar: &OpenedSidecar) -> Result<(), ArchiveError> {
    for related in &sidecar.body.related {
        tx.put_related(sidecar.id, &related.into()).await?;
    }
    for hold in &sidecar.body.holds {
        tx.restore_hold(&hold.to_row(sidecar.id)).await?;
    }
    for entry in &sidecar.body.entries {
        tx.append_missing_entry(&entry.to_new(Some(sidecar.id))?).await?;
    }
    Ok(())
}

fn new_row(sidecar: &OpenedSidecar, lookups: Vec<Vec<u8>>) -> NewRecording {
    let body = &sidecar.body;
    NewRecording {
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
        wraps: sidecar.wraps.clone(),
        lookups,
    }
}
