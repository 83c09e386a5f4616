//! The last pass, and the step from one store to the other.

use serde::Serialize;

use super::journal::Journal;
use super::pass::{How, over, take};
use super::{StorePass, Target};
use crate::archive::Archive;
use crate::archive::journal::plain_entry;
use crate::catalog::{Pulse, pin};
use crate::clock::Timestamp;
use crate::failpoint;
use crate::ledger::kind::Kind;
use crate::migrate::MigrateError;
use crate::migrate::alone::Alone;
use crate::vault::objects::{Prefix, sweep_unfinished};

/// What the entry commits to.
#[derive(Serialize)]
struct Migrated<'a> {
    from: &'a str,
    to: &'a str,
    objects: u64,
}

/// The last pass, while nothing is served: from its end on the target is the archive's store. `archive` is good for
/// nothing afterwards.
pub async fn finish(
    archive: &Archive,
    target: &Target,
    recheck: bool,
    progress: impl FnMut(&StorePass),
) -> Result<StorePass, MigrateError> {
    let lease = take(archive).await?;
    let alone = match Alone::take(archive).await {
        Ok(alone) => alone,
        Err(error) => {
            lease.give_back().await?;
            return Err(error);
        }
    };
    let done = last_pass(archive, target, recheck, progress).await;
    alone.give_back().await?;
    lease.give_back().await?;
    let pass = done?;
    Journal::remove(&archive.config.data)?;
    Ok(pass)
}

async fn last_pass(
    archive: &Archive,
    target: &Target,
    recheck: bool,
    progress: impl FnMut(&StorePass),
) -> Result<StorePass, MigrateError> {
    // Everything that was written has its place in the tree, and the store shows that tree.
    archive.publish_ledger().await?;
    let before = pulse(archive).await?;
    if before.unpublished() > 0 {
        return Err(MigrateError::InUse);
    }
    // Of passes that were broken off. Nobody else writes into the target.
    sweep_unfinished(target.store.as_ref(), &Prefix::all(), Timestamp::from_micros(i64::MAX)).await?;
    let pass = over(archive, target, How { delete: true, recheck }, progress).await?;
    move_pin(archive, target, &before, &pass).await?;
    failpoint::hit("migrate.store_moved");
    Ok(pass)
}

async fn pulse(archive: &Archive) -> Result<Pulse, MigrateError> {
    let mut tx = archive.catalog.begin().await?;
    let pulse = tx.pulse().await?;
    tx.rollback().await?;
    Ok(pulse)
}

/// In one transaction beside which nobody writes: nothing was written since `before`, and the target is the store.
async fn move_pin(archive: &Archive, target: &Target, before: &Pulse, pass: &StorePass) -> Result<(), MigrateError> {
    let now = archive.clock.now();
    let payload = Migrated { from: &target.source_identity, to: &target.identity, objects: pass.objects };
    let entry = plain_entry(&Kind::STORE_MIGRATED, &payload, now)?;
    let mut tx = archive.catalog.begin_alone().await?;
    if tx.pulse().await? != *before || tx.is_busy(&archive.node, now).await? {
        tx.rollback().await?;
        return Err(MigrateError::Changed);
    }
    tx.move_pin(pin::STORE, &target.identity).await?;
    tx.move_pin(pin::STORE_PLACE, &target.place).await?;
    tx.unpin(pin::STORE_COPY).await?;
    tx.forget_guards().await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    archive.catalog.bind(pin::STORE, Some(target.identity.clone()));
    archive.catalog.bind(pin::STORE_PLACE, Some(target.place.clone()));
    Ok(())
}
