//! One pass over both stores.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::Mutex;

use super::copy::{Brought, Route, bring};
use super::journal::{Journal, Verified};
use super::walk::{Pair, Walk};
use super::{StorePass, Target};
use crate::archive::Archive;
use crate::failpoint;
use crate::leases::HeldLease;
use crate::migrate::MigrateError;
use crate::vault::objects::ObjectKey;

/// Objects on their way at once.
const AT_ONCE: usize = 12;
/// The name of the lease: one migration at a time.
const LEASE: &str = "migration";

/// How a pass is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct How {
    /// Delete from the target what the source does not have.
    pub delete: bool,
    /// Read again what an earlier pass verified.
    pub recheck: bool,
}

/// What is to be done with one object.
struct Task {
    pair: Pair,
    known: Option<Verified>,
}

/// What was done with it.
enum Done {
    Brought(Brought),
    Deleted,
    LeftOver,
    Failed(MigrateError),
}

/// A first pass: copies what the target does not have, or has otherwise, and reads it back. `recheck`: also what an
/// earlier pass verified. The archive may be served meanwhile. `progress` is told after each object.
pub async fn copy_objects(
    archive: &Archive,
    target: &Target,
    recheck: bool,
    progress: impl FnMut(&StorePass),
) -> Result<StorePass, MigrateError> {
    let lease = take(archive).await?;
    let done = over(archive, target, How { delete: false, recheck }, progress).await;
    lease.give_back().await?;
    done
}

/// The lease on migrating.
pub(super) async fn take(archive: &Archive) -> Result<HeldLease, MigrateError> {
    HeldLease::take(archive, LEASE).await?.ok_or(MigrateError::InUse)
}

/// One pass over both stores.
pub(super) async fn over(
    archive: &Archive,
    target: &Target,
    how: How,
    mut progress: impl FnMut(&StorePass),
) -> Result<StorePass, MigrateError> {
    let route = Route { source: archive.store.clone(), target: target.store.clone() };
    // Asked in the order of the walk, noted in the same order: what is known and what is noted take turns.
    let journal = Mutex::new(Journal::open(&archive.config.data, &target.source_identity, &target.identity)?);
    let (source, into) = (route.source.clone(), route.target.clone());
    let (mut pass, mut failed, mut first) = (StorePass::default(), 0, None);
    // What a lock keeps of erased recordings stays behind with its lock.
    let locked = archive.catalog.remains_ids().await?;
    {
        let (journal, locked) = (&journal, &locked);
        let walk = Walk::new(source.as_ref(), into.as_ref());
        let tasks = stream::try_unfold(walk, |mut walk| async move {
            let Some(mut pair) = walk.next().await? else { return Ok(None) };
            if matches!(pair.key, ObjectKey::Recording { id, .. } if locked.contains(&id)) {
                pair.source = None;
            }
            let known = journal.lock().await.known(&pair.key.to_string())?;
            Ok::<_, MigrateError>(Some((Task { pair, known: known.filter(|_| !how.recheck) }, walk)))
        });
        let route = Arc::new(route);
        let work = tasks.map_ok(|task| {
            let route = route.clone();
            async move { Ok::<_, MigrateError>(treat(&route, task, how).await) }
        });
        let mut results = std::pin::pin!(work.try_buffered(AT_ONCE));
        while let Some(done) = results.next().await {
            match done? {
                Done::Failed(error) if error.is_of_all() => return Err(error),
                Done::Failed(error) => {
                    failed += 1;
                    first.get_or_insert(error);
                }
                done => {
                    if let Done::Brought(Brought { verified: Some(verified), .. }) = &done {
                        journal.lock().await.note(verified)?;
                    }
                    count(&mut pass, &done);
                }
            }
            progress(&pass);
        }
    }
    if let Some(first) = first {
        return Err(MigrateError::Incomplete { failed, first: Box::new(first) });
    }
    journal.into_inner().finish()?;
    failpoint::hit("migrate.pass_done");
    Ok(pass)
}

async fn treat(route: &Route, task: Task, how: How) -> Done {
    let Task { pair, known } = task;
    let brought = if pair.source.is_some() { bring(route, &pair, known).await } else { Ok(Brought::default()) };
    let is_gone = match brought {
        Ok(brought) if pair.source.is_some() && !brought.gone => return Done::Brought(brought),
        Ok(brought) => brought.gone,
        Err(error) => return Done::Failed(error),
    };
    if how.delete && pair.target.is_some() {
        return match route.target.delete(&pair.key).await {
            Ok(()) => Done::Deleted,
            Err(error) => Done::Failed(error.into()),
        };
    }
    if is_gone { Done::Brought(Brought { gone: true, ..Brought::default() }) } else { Done::LeftOver }
}

fn count(pass: &mut StorePass, done: &Done) {
    match done {
        Done::Brought(Brought { gone: true, .. }) => pass.gone_meanwhile += 1,
        Done::Brought(brought) => {
            pass.objects += 1;
            match brought.copied {
                Some(bytes) => (pass.copied, pass.copied_bytes) = (pass.copied + 1, pass.copied_bytes + bytes),
                None => pass.same += 1,
            }
        }
        Done::Deleted => pass.deleted += 1,
        Done::LeftOver => pass.left_over += 1,
        Done::Failed(_) => {}
    }
}
