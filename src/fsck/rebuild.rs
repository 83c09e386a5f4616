//! A lost or old catalog, brought up to date from the store: the ledger's tree from its tiles, what was purged and
//! destroyed from certificates and records, what was erased from its tombstones, cases and accounts from their copies,
//! recordings and holds from their sidecars — in this order, so that nothing
//! purged comes back — and which tokens were withdrawn.

use std::collections::VecDeque;

use super::accounts::Accounts;
use super::cases::Cases;
use super::report::Report;
use super::{believe, catch_up, copies, erasures, statistics as counting, tokens};
use crate::archive::{Adoption, Archive, ArchiveError};
use crate::catalog::{Deleted, LOCKED_OBJECTS, LOCKED_VERSIONS, PurgeRow, PurgeStage, UnsequencedEntry};
use crate::clock::Timestamp;
use crate::evidence;
use crate::ledger::certificate::PurgeFacts;
use crate::ledger::checkpoint;
use crate::ledger::entry::parse_leaf;
use crate::ledger::rebuild::{Rebuild, Rebuilt};
use crate::ledger::sequencer::SequenceError;
use crate::ledger::tiles::Tile;
use crate::ledger::tree::{self, StoredHashes};
use crate::ledger::{Hash, LedgerError};
use crate::recording::{ExpiryMonth, RecordingId};
use crate::retention;
use crate::vault::VaultError;
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, Prefix, RecordingPart};
use uuid::Uuid;

/// Things that one listing asks for.
const PAGE: usize = 1_000;
/// Longest tile, certificate or record that is read.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// Brings the catalog up to date. Can be repeated; a catalog that is up to date is left as it is. What cannot be read, or
/// is not to be believed, is reported and passed over.
pub(super) async fn rebuild(archive: &Archive, report: &mut Report) -> Result<(), ArchiveError> {
    report.ledger_entries = ledger(archive).await?;
    crate::failpoint::hit("rebuild.ledger");
    let mut returned = Vec::new();
    for key in keys_below(archive, &Prefix::months()).await? {
        if let ObjectKey::MonthDestroyed(name) = key
            && report.unless_unreadable(month(archive, name).await, key)? == Some(false)
        {
            returned.push(name);
        }
    }
    for key in keys_below(archive, &Prefix::secrets()).await? {
        if let ObjectKey::Secret(name) = key {
            report.unless_unreadable(secret(archive, &name).await, key)?;
        }
    }
    // Before the recordings, whose holds refer to them.
    report.cases_restored += copies::bring_back::<Cases>(archive, report).await?;
    report.accounts_purged += copies::end_again::<Accounts>(archive, report).await?;
    report.accounts_restored += copies::bring_back::<Accounts>(archive, report).await?;
    crate::failpoint::hit("rebuild.cases");
    for key in keys_below(archive, &Prefix::disclosures()).await? {
        if let ObjectKey::Disclosure { case, id } = key
            && report.unless_unreadable(evidence::register::restore(archive, case, id).await, key)? == Some(true)
        {
            report.disclosures_restored += 1;
        }
    }
    // Before the purges: what is published is not counted again.
    for key in keys_below(archive, &Prefix::statistics()).await? {
        if let ObjectKey::Statistics(month) = key {
            report.unless_unreadable(counting::published(archive, month).await, key)?;
        }
    }
    for key in keys_below(archive, &Prefix::certificates()).await? {
        if let ObjectKey::Certificate { month, id } = key {
            let done = archive.catalog.purge_of(id).await?.is_some_and(|p| p.stage == PurgeStage::Certified);
            if !done && report.unless_unreadable(purge(archive, month, id).await, key)?.is_some() {
                report.purges_applied += 1;
            }
        }
    }
    crate::failpoint::hit("rebuild.purges");
    erasures::bring_back(archive, report).await?;
    crate::failpoint::hit("rebuild.erasures");
    for key in keys_below(archive, &Prefix::recordings()).await? {
        if let ObjectKey::Recording { month, id, part: RecordingPart::Sidecar } = key {
            let done = recording(archive, month, id, report).await;
            report.unless_unreadable(done, id)?;
        }
    }
    report.cases_purged += copies::end_again::<Cases>(archive, report).await?;
    for name in returned {
        report.unless_unreadable(returned_month(archive, name).await, ObjectKey::MonthDestroyed(name))?;
    }
    tokens::check(archive, report).await
}

async fn recording(
    archive: &Archive,
    month: ExpiryMonth,
    id: RecordingId,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    match archive.adopt(month, id, None).await? {
        Adoption::Adopted => report.brought_back += 1,
        Adoption::Known => report.caught_up += u64::from(catch_up::catch_up(archive, month, id).await?),
        // The walk over the objects reports or deletes these.
        Adoption::Duplicate | Adoption::Conflict | Adoption::NotWhole | Adoption::Purged => {}
        // The pass over dead uploads brings it back when its claim has run out.
        Adoption::Pending => {}
    }
    Ok(())
}

async fn keys_below(archive: &Archive, prefix: &Prefix) -> Result<Vec<ObjectKey>, ArchiveError> {
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = archive.store.list(prefix, after.as_ref(), PAGE).await?;
        keys.extend(page.found.into_iter().filter_map(|version| version.key));
        after = page.next;
        if after.is_none() {
            keys.dedup();
            return Ok(keys);
        }
    }
}

/// The tree from its published bundles, up to the store's checkpoint, in one transaction.
async fn ledger(archive: &Archive) -> Result<u64, ArchiveError> {
    let ledger = archive.ledger();
    let Some(note) = ledger.stored_checkpoint().await? else { return Ok(0) };
    let published = checkpoint::verify(&note, &archive.signing.public())?;
    if published.origin != archive.origin {
        return Err(SequenceError::OtherLedger.into());
    }
    let state = archive.catalog.ledger_state().await?;
    if published.head.size <= state.size {
        ledger.check_store().await?;
        return Ok(0);
    }
    let edge = tree::indexes_to_append(state.size);
    let hashes = archive.catalog.ledger_hashes(&edge).await?;
    let stored: StoredHashes = edge.into_iter().zip(hashes.into_iter().map(Hash)).collect();
    let mut rebuild = Rebuild::resume(published.head, state.size, &stored)?;
    let mut rows = Vec::new();
    let mut tx = archive.catalog.begin().await?;
    for tile in rebuild.bundles()? {
        let rebuilt = add_bundle(archive, &mut rebuild, &tile).await?;
        for (leaf, expected) in rebuilt.leaves.iter().zip(rebuilt.first..) {
            let (seq, entry) = parse_leaf(leaf)?;
            if seq != expected {
                return Err(LedgerError::Gap { next: expected }.into());
            }
            let (kind, commitment) = (entry.kind.as_str().to_owned(), entry.commitment.0);
            tx.replay_leaf(&UnsequencedEntry { id: Uuid::new_v4(), at: entry.at, kind, commitment }, seq).await?;
        }
        rows.extend(rebuilt.rows.iter().map(|(index, hash)| (*index, hash.0)));
    }
    let head = rebuild.finish()?;
    if !tx.grow_ledger(state.size, head.size, head.root.0, &rows).await? {
        return Err(ArchiveError::Document("the ledger grew while it was brought up to date"));
    }
    tx.ledger_published(head.size, archive.clock.now(), &note).await?;
    tx.commit().await?;
    Ok(head.size - state.size)
}

/// Takes in a bundle, or where it is missing or broken the full one or any wider one of the same number.
async fn add_bundle(archive: &Archive, rebuild: &mut Rebuild, tile: &Tile) -> Result<Rebuilt, ArchiveError> {
    let mut broken = None;
    let mut copies = VecDeque::from([*tile, tile.full()]);
    let mut listed = tile.is_full();
    loop {
        if copies.is_empty() && !listed {
            listed = true;
            copies.extend(wider(archive, tile).await?);
        }
        let Some(copy) = copies.pop_front() else { break };
        match try_bundle(archive, rebuild, &copy).await {
            Ok(Some(rebuilt)) => return Ok(rebuilt),
            Ok(None) => {}
            Err(error @ ArchiveError::Ledger(LedgerError::Bundle(_))) => broken = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(broken.unwrap_or(ArchiveError::Document("a bundle of the ledger is missing in the store")))
}

/// The partial bundles of the same number in the store that are wider.
async fn wider(archive: &Archive, tile: &Tile) -> Result<Vec<Tile>, ArchiveError> {
    let tiles = keys_below(archive, &Prefix::ledger()).await?.into_iter().filter_map(|key| match key {
        ObjectKey::Tile(_) => key.to_string().strip_prefix("ledger/")?.parse::<Tile>().ok(),
        _ => None,
    });
    let same = |other: &Tile| other.content() == tile.content() && other.index() == tile.index();
    Ok(tiles.filter(|other| same(other) && other.width() > tile.width() && !other.is_full()).collect())
}

async fn try_bundle(archive: &Archive, rebuild: &mut Rebuild, tile: &Tile) -> Result<Option<Rebuilt>, ArchiveError> {
    let key: ObjectKey = format!("ledger/{}", tile.path()).parse().map_err(|_| LedgerError::TilePath)?;
    if archive.store.head(&key).await?.is_none() {
        return Ok(None);
    }
    let bytes = archive.store.get(&key, MAX_BYTES).await?;
    Ok(Some(rebuild.add(tile, &bytes)?))
}

/// A month's key that is destroyed, as this archive itself says, and as the key provider confirms: one that is there
/// still opens what is sealed under it. False when it is there.
async fn month(archive: &Archive, month: ExpiryMonth) -> Result<bool, ArchiveError> {
    let (name, destroyed_at) = record(archive, month).await?;
    if archive.keyring.provider().exists(&name).await.map_err(VaultError::from)? {
        return Ok(false);
    }
    let mut tx = archive.catalog.begin().await?;
    tx.restore_destroyed(&name.to_string(), destroyed_at).await?;
    tx.forget_erasures(month).await?;
    tx.commit().await?;
    Ok(true)
}

async fn record(archive: &Archive, month: ExpiryMonth) -> Result<(KeyName, Timestamp), ArchiveError> {
    let bytes = archive.store.get(&ObjectKey::MonthDestroyed(month), MAX_BYTES).await?;
    let facts = believe::destruction(archive, &bytes)?;
    if facts.month == month {
        Ok((KeyName::Month(month), facts.destroyed_at))
    } else {
        Err(ArchiveError::Document("a record of another month"))
    }
}

/// A key that a backup of the keys brought back. When everything else is up to date, the month is over and nothing is under
/// its key, the month is as destroyed as its record says, and the key is destroyed again ([`crate::purge::returned`]).
async fn returned_month(archive: &Archive, month: ExpiryMonth) -> Result<(), ArchiveError> {
    let (name, destroyed_at) = record(archive, month).await?;
    let is_over = retention::month_end(&archive.policy, month).is_ok_and(|end| end <= archive.clock.now());
    let mut tx = archive.catalog.begin().await?;
    tx.restore_destroyed(&name.to_string(), destroyed_at).await?;
    if !is_over || !tx.nothing_is_under(&name.to_string()).await? {
        return Err(ArchiveError::Document("a record that a key is destroyed which is there"));
    }
    tx.commit().await?;
    Ok(())
}

/// The keyring puts a missing row back from the store's copy. One whose key is destroyed stays away.
async fn secret(archive: &Archive, name: &KeyName) -> Result<(), ArchiveError> {
    match archive.keyring.secret(name).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == "key-gone" => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A purge that the store's certificate proves: applied again, whatever the old catalog still has.
async fn purge(archive: &Archive, month: ExpiryMonth, id: RecordingId) -> Result<(), ArchiveError> {
    let bytes = archive.store.get(&ObjectKey::Certificate { month, id }, MAX_BYTES).await?;
    let facts = believe::certificate(archive, &bytes)?;
    if (facts.month, facts.recording_id) != (month, id) {
        return Err(ArchiveError::Document("a certificate of another recording"));
    }
    let counted = counting::uncounted(archive, &facts).await?;
    let purge = PurgeRow {
        recording_id: facts.recording_id,
        ground: facts.ground,
        request_id: None,
        month: facts.month,
        rule: facts.rule.clone(),
        expires_at: facts.expires_at,
        stage: PurgeStage::Certified,
        fenced_at: facts.fenced_at,
        keys_destroyed_at: Some(facts.keys_destroyed_at),
        objects_deleted_at: Some(facts.objects_deleted_at),
        rows_deleted_at: Some(facts.rows_deleted_at),
        looked_again_at: Some(facts.looked_again_at),
        certified_at: Some(facts.looked_again_at),
        deleted: counts_of(&facts),
        entry_id: None,
        locked_until: facts.locked.as_ref().map(|locked| locked.until),
        bytes_deleted_at: facts.locked.as_ref().and_then(|locked| locked.deleted_at),
    };
    let prefix = Prefix::recording(purge.month, purge.recording_id);
    if purge.has_remains() {
        // What a lock keeps is deleted when that ends.
        archive.delete_erased(&prefix).await?;
    } else {
        archive.delete_all(&prefix).await?;
    }
    let mut tx = archive.catalog.begin().await?;
    if let Some(counted) = &counted {
        crate::statistics::count(&mut tx, counted).await?;
    }
    tx.restore_purge(&purge, &bytes).await?;
    tx.commit().await?;
    Ok(())
}

/// What was deleted, as the catalog counts it: with what is locked, which is counted beside as well.
fn counts_of(facts: &PurgeFacts) -> Deleted {
    let mut counts: Deleted = facts.deleted.rows.clone();
    let locked = facts.locked.as_ref().filter(|locked| locked.deleted_at.is_none());
    let (objects, versions) = locked.map_or((0, 0), |locked| (locked.objects, locked.object_versions));
    counts.insert("objects".to_owned(), facts.deleted.objects + objects);
    counts.insert("object_versions".to_owned(), facts.deleted.object_versions + versions);
    counts.insert("pending_uploads".to_owned(), facts.deleted.pending_uploads);
    counts.insert("keys".to_owned(), facts.deleted.keys);
    counts.insert("ledger_openings".to_owned(), facts.deleted.ledger_openings);
    if let Some(locked) = &facts.locked {
        counts.insert(LOCKED_OBJECTS.to_owned(), locked.objects);
        counts.insert(LOCKED_VERSIONS.to_owned(), locked.object_versions);
    }
    counts
}
