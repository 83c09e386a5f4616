//! What this catalog belongs to: its store, its keys, and whether it is still the catalog at all.
//!
//! A process binds itself to what it opened ([`Catalog::bind`]). Every transaction that writes looks at its beginning
//! whether that is still so. Whoever moves a pin does it in a transaction beside which nobody writes
//! ([`Catalog::begin_alone`]), so that from that instant on no process that still has the old store or the old keys
//! commits anything: what it was told to keep would be kept in the wrong place.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use sqlx::Row;
use sqlx::any::AnyRow;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx};

statements! {
    PIN = "INSERT INTO pins (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    PINNED = "SELECT value FROM pins WHERE name = $1";
    MOVE = "INSERT INTO pins (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    UNPIN = "DELETE FROM pins WHERE name = $1";
    EVERY_PIN = "SELECT name, value FROM pins";
}

/// The names of the pins.
pub mod pin {
    /// The identity of the store.
    pub const STORE: &str = "store";
    /// The identity of the keys.
    pub const KEYS: &str = "keys";
    /// The fingerprint of the key that signs.
    pub const SIGNING: &str = "signing";
    /// The identity of the store to which objects are being copied.
    pub const STORE_COPY: &str = "store-copy";
    /// Where the store was moved to, for people.
    pub const STORE_PLACE: &str = "store-place";
    /// Where the keys were moved to, for people.
    pub const KEYS_PLACE: &str = "keys-place";
    /// The identities of keys under which the secrets were before, and which are not destroyed yet: one a line.
    pub const KEYS_BEFORE: &str = "keys-before";
    /// Where keys are being made for a migration, for people.
    pub const KEYS_COPY: &str = "keys-copy";
    /// Which catalog this is; a copy of it has the same.
    pub const CATALOG: &str = "catalog";
    /// This catalog was copied to another place, and that one counts. The place, for people.
    pub const MIGRATED_TO: &str = "migrated-to";
    /// This catalog is a copy of the one of that id, which still counts.
    pub const COPIED_FROM: &str = "copied-from";
}

/// All pins, by name.
pub type Pins = BTreeMap<String, String>;

/// What a process opened its catalog with.
#[derive(Debug, Default)]
pub(super) struct Bound(RwLock<BTreeMap<&'static str, Option<String>>>);

impl Bound {
    pub(super) fn check(&self, pins: &Pins) -> Result<()> {
        let bound = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let still_so = bound.iter().all(|(name, value)| pins.get(*name) == value.as_ref());
        if still_so && !pins.contains_key(pin::MIGRATED_TO) { Ok(()) } else { Err(CatalogError::Moved) }
    }
}

fn pins_of(rows: &[AnyRow]) -> Result<Pins> {
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("value")?))).collect()
}

impl Catalog {
    /// What is pinned under `name`.
    pub async fn pinned(&self, name: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar(PINNED).bind(name).fetch_optional(&self.pool).await?)
    }

    /// Pins `value` under `name` where nothing is pinned yet, and gives what is pinned now.
    pub async fn pin(&self, name: &str, value: &str) -> Result<String> {
        let mut tx = self.begin().await?;
        sqlx::query(PIN).bind(name).bind(value).execute(&mut *tx.inner).await?;
        let pinned = sqlx::query_scalar(PINNED).bind(name).fetch_one(&mut *tx.inner).await?;
        tx.commit().await?;
        Ok(pinned)
    }

    /// Everything that is pinned.
    pub async fn pins(&self) -> Result<Pins> {
        pins_of(&sqlx::query(EVERY_PIN).fetch_all(&self.pool).await?)
    }

    /// From now on this handle and its clones write only while `value` is what is pinned under `name`; none: while
    /// nothing is.
    pub fn bind(&self, name: &'static str, value: Option<String>) {
        self.bound.0.write().unwrap_or_else(PoisonError::into_inner).insert(name, value);
    }
}

impl Tx {
    pub(super) async fn check_bound(&mut self, bound: &Bound) -> Result<()> {
        bound.check(&pins_of(&sqlx::query(EVERY_PIN).fetch_all(&mut *self.inner).await?)?)
    }

    /// Pins `value` under `name`, whatever was pinned there.
    pub async fn move_pin(&mut self, name: &str, value: &str) -> Result<()> {
        sqlx::query(MOVE).bind(name).bind(value).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Pins nothing under `name` any more. False when nothing was.
    pub async fn unpin(&mut self, name: &str) -> Result<bool> {
        Ok(sqlx::query(UNPIN).bind(name).execute(&mut *self.inner).await?.rows_affected() == 1)
    }
}
