//! Every row from the configured catalog into another one.
//!
//! The rows are read in a transaction beside which nobody writes, and written in one transaction of the target, which
//! is read back and compared before it is committed. Until then the target is empty; from then on it says of itself that
//! it is a copy that is not in force. Then the source says that it was moved, and last the target is in force. Broken
//! off anywhere, at most one of the two can be opened, and running it again goes on.

use serde::Serialize;
use uuid::Uuid;

use super::{MigrateError, alone};
use crate::archive::journal::plain_entry;
use crate::catalog::{Catalog, Pins, TABLES, TableSum, Tx, pin};
use crate::clock::Clock;
use crate::failpoint;
use crate::ledger::Hash;
use crate::ledger::kind::Kind;
use crate::ledger::tree::{self, StoredHashes};

/// The owner of leases that a migration has: none, it excludes everybody else otherwise.
const NOBODY: &str = "";

/// From where to where.
pub struct Move<'a> {
    /// The catalog in force.
    pub source: &'a Catalog,
    /// An empty one, with its schema.
    pub target: &'a Catalog,
    /// The target's address for people, without a password.
    pub place: &'a str,
    /// The one clock.
    pub clock: &'a dyn Clock,
}

/// A table that was copied and read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopiedTable {
    /// Its name.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
    /// The sum of the SHA-256 of its rows, the same on both sides.
    pub digest: String,
}

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CatalogCopy {
    /// The tables; none when an earlier run had copied them and this one only came to the end.
    pub tables: Vec<CopiedTable>,
    /// Entries in the ledger's tree.
    pub ledger_size: u64,
    /// The root of that tree, computed from the hashes in the target.
    pub ledger_root: String,
}

/// What the entry commits to.
#[derive(Serialize)]
struct Migrated<'a> {
    catalog: &'a str,
    ledger_size: u64,
    ledger_root: &'a str,
}

/// Copies everything, and puts the target in force. `progress` is told of rows that were copied.
pub async fn migrate(route: &Move<'_>, mut progress: impl FnMut(u64)) -> Result<CatalogCopy, MigrateError> {
    let (ours, theirs) = (route.source.pins().await?, route.target.pins().await?);
    let copied_from = theirs.get(pin::COPIED_FROM);
    let known = ours.get(pin::CATALOG);
    if let Some(place) = ours.get(pin::MIGRATED_TO) {
        if copied_from.is_none() || copied_from != known {
            return Err(MigrateError::Moved(place.clone()));
        }
        return put_in_force(route, Vec::new(), known).await;
    }
    check_places(route, &ours, &theirs).await?;
    let id = route.source.pin(pin::CATALOG, &Uuid::new_v4().to_string()).await?;
    alone::wait(route.source, NOBODY, route.clock).await?;
    let mut source = route.source.begin_alone().await?;
    if source.is_busy(NOBODY, route.clock.now()).await? {
        source.rollback().await?;
        return Err(MigrateError::InUse);
    }
    let tables = copy_all(&mut source, route.target, &id, &mut progress).await?;
    check_root(route.target).await?;
    failpoint::hit("migrate.catalog_copied");
    source.move_pin(pin::MIGRATED_TO, route.place).await?;
    source.commit().await?;
    failpoint::hit("migrate.catalog_marked");
    put_in_force(route, tables, Some(&id)).await
}

/// The source has an archive, and the target nothing but what an earlier run of this migration left.
async fn check_places(route: &Move<'_>, ours: &Pins, theirs: &Pins) -> Result<(), MigrateError> {
    if !ours.contains_key(pin::STORE) {
        return Err(MigrateError::NoArchive);
    }
    let known = ours.get(pin::CATALOG);
    let is_left = known.is_some() && theirs.get(pin::COPIED_FROM) == known;
    if is_left {
        return Ok(());
    }
    match (theirs.get(pin::CATALOG), route.target.count_rows().await?) {
        (_, 0) => Ok(()),
        (Some(same), _) if known == Some(same) => Err(MigrateError::SamePlace),
        _ => Err(MigrateError::TargetNotEmpty),
    }
}

/// Everything in one transaction of the target, compared before it is committed.
async fn copy_all(
    source: &mut Tx,
    target: &Catalog,
    id: &str,
    progress: &mut impl FnMut(u64),
) -> Result<Vec<CopiedTable>, MigrateError> {
    let mut into = target.begin().await?;
    into.empty().await?;
    let mut read: Vec<TableSum> = Vec::new();
    for table in TABLES {
        read.push(source.copy_table(&mut into, table, progress).await?);
        failpoint::hit("migrate.table_copied");
    }
    let mut tables = Vec::new();
    for (table, read) in TABLES.iter().zip(read) {
        if into.sum_table(table).await? != read {
            return Err(MigrateError::TableReadBack(table.name));
        }
        tables.push(CopiedTable { name: table.name, rows: read.rows, digest: read.digest() });
    }
    into.move_pin(pin::COPIED_FROM, id).await?;
    into.commit().await?;
    Ok(tables)
}

/// The tree's size and root as the target states them, computed once more from its hashes.
async fn check_root(target: &Catalog) -> Result<(u64, String), MigrateError> {
    let state = target.ledger_state().await?;
    let indexes = tree::indexes_to_append(state.size);
    let hashes = target.ledger_hashes(&indexes).await?;
    let stored: StoredHashes = indexes.into_iter().zip(hashes.into_iter().map(Hash)).collect();
    let head = tree::head(state.size, &stored).map_err(crate::archive::ArchiveError::from)?;
    if head.root == Hash(state.root) { Ok((state.size, hex::encode(state.root))) } else { Err(MigrateError::Root) }
}

async fn put_in_force(
    route: &Move<'_>,
    tables: Vec<CopiedTable>,
    id: Option<&String>,
) -> Result<CatalogCopy, MigrateError> {
    let (ledger_size, ledger_root) = check_root(route.target).await?;
    let catalog = id.map(String::as_str).unwrap_or_default();
    let payload = Migrated { catalog, ledger_size, ledger_root: &ledger_root };
    let entry = plain_entry(&Kind::CATALOG_MIGRATED, &payload, route.clock.now())?;
    let mut tx = route.target.begin().await?;
    if tx.unpin(pin::COPIED_FROM).await? {
        tx.append_entry(&entry).await?;
    }
    tx.commit().await?;
    failpoint::hit("migrate.catalog_in_force");
    Ok(CatalogCopy { tables, ledger_size, ledger_root })
}
