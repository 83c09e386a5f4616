//! That nothing is served: no lease is taken by others, no upload is under way.

use std::time::Duration;

use super::MigrateError;
use crate::archive::Archive;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::leases::HeldLease;

/// A process that died keeps the ledger's lease for 15 seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks.
const BREATH: Duration = Duration::from_millis(250);

/// What keeps loops and commands of other processes from writing.
const LEASES: &[&str] = &["ledger", "purge", "orphans"];

/// Waits until nobody has a lease or a claim. Those of a process that died run out; who lives renews them, and then this
/// ends with [`MigrateError::InUse`].
pub(super) async fn wait(catalog: &Catalog, owner: &str, clock: &dyn Clock) -> Result<(), MigrateError> {
    let end = tokio::time::Instant::now() + PATIENCE;
    let first = catalog.busy(owner, clock.now()).await?;
    loop {
        let now = catalog.busy(owner, clock.now()).await?;
        if now.count == 0 {
            return Ok(());
        }
        if now.until > first.until || tokio::time::Instant::now() > end {
            return Err(MigrateError::InUse);
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// Every lease there is, so that whoever comes up meanwhile stands still.
pub(super) struct Alone(Vec<HeldLease>);

impl Alone {
    pub(super) async fn take(archive: &Archive) -> Result<Self, MigrateError> {
        wait(&archive.catalog, &archive.node, archive.clock.as_ref()).await?;
        let mut held = Self(Vec::new());
        for name in LEASES {
            match HeldLease::take(archive, name).await? {
                Some(lease) => held.0.push(lease),
                None => {
                    held.give_back().await?;
                    return Err(MigrateError::InUse);
                }
            }
        }
        Ok(held)
    }

    pub(super) async fn give_back(self) -> Result<(), MigrateError> {
        for lease in self.0 {
            lease.give_back().await?;
        }
        Ok(())
    }
}
