//! Work that runs once at a time over all nodes: a lease that is taken, renewed while the work lasts, and given back.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use crate::archive::Archive;
use crate::catalog::{Catalog, CatalogError};
use crate::clock::Clock;

/// How long a lease outlives a node that died: the work stands still for that long at the most.
const LEASE: Duration = Duration::from_secs(10);
/// How often work that takes longer renews it.
const RENEWAL: Duration = Duration::from_secs(3);

/// A lease that is held. Dropped without [`HeldLease::give_back`], it runs out by itself.
pub struct HeldLease {
    holder: Holder,
    _renewal: AbortOnDropHandle<()>,
}

#[derive(Clone)]
struct Holder {
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    node: String,
    name: &'static str,
}

impl HeldLease {
    /// Takes the lease on a piece of work; none while another node has it.
    pub async fn take(archive: &Archive, name: &'static str) -> Result<Option<Self>, CatalogError> {
        let holder =
            Holder { catalog: archive.catalog.clone(), clock: archive.clock.clone(), node: archive.node.clone(), name };
        if !holder.take().await? {
            return Ok(None);
        }
        let renewal = AbortOnDropHandle::new(tokio::spawn(holder.clone().renew()));
        Ok(Some(Self { holder, _renewal: renewal }))
    }

    /// Gives it back, so that whoever comes next need not wait until it runs out.
    pub async fn give_back(self) -> Result<(), CatalogError> {
        let Self { holder, _renewal: renewal } = self;
        // A renewal that came later would take it again.
        drop(renewal);
        holder.catalog.give_back_lease(holder.name, &holder.node).await
    }
}

impl Holder {
    async fn take(&self) -> Result<bool, CatalogError> {
        let now = self.clock.now();
        self.catalog.take_lease(self.name, &self.node, now.plus(LEASE), now).await
    }

    /// A lease that is lost harms nothing: what is done under one can be done twice.
    async fn renew(self) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if let Err(error) = self.take().await {
                tracing::warn!(lease = self.name, %error, "a lease could not be renewed");
            }
        }
    }
}
