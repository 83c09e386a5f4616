//! What a catalog belongs to, compared with what is configured: its store, its keys, the key that signs, and whether it
//! is still the catalog at all.

use std::path::Path;

use super::ArchiveError;
use crate::catalog::{Catalog, pin};
use crate::ledger::key_file;
use crate::ledger::signing::SigningKey;

/// A catalog that was copied elsewhere would go on beside its copy, and a copy that is not finished beside its original.
pub(super) async fn check_in_force(catalog: &Catalog) -> Result<(), ArchiveError> {
    let pins = catalog.pins().await?;
    if let Some(place) = pins.get(pin::MIGRATED_TO) {
        let text = format!("this catalog was moved to {place}: set `catalog` to that address");
        return Err(ArchiveError::Configuration(text));
    }
    if pins.contains_key(pin::COPIED_FROM) {
        let text = "a migration into this catalog is not finished: run `earwitness migrate-catalog` again";
        return Err(ArchiveError::Configuration(text.to_owned()));
    }
    Ok(())
}

/// An empty folder where a volume is not mounted would pass for a store from which everything is purged. From here on
/// this process writes only while the catalog belongs to what it opened.
pub(super) async fn check_pin(
    catalog: &Catalog,
    part: &'static str,
    identity: Option<String>,
) -> Result<(), ArchiveError> {
    let place = if part == pin::STORE { pin::STORE_PLACE } else { pin::KEYS_PLACE };
    if let Some(identity) = &identity {
        catalog.pin(part, identity).await?;
    }
    let pins = catalog.pins().await?;
    let pinned = pins.get(part).cloned();
    if identity.is_some() && pinned != identity {
        let hint = match pins.get(place) {
            Some(place) => format!("they were moved to {place}; is `{part}` another address?"),
            None => "is a volume not mounted?".to_owned(),
        };
        return Err(ArchiveError::Configuration(format!(
            "the {part} at the configured place are not those that this catalog belongs to: {hint}"
        )));
    }
    // Where nothing is known, the next node may know and pin it: that moves nothing. A migration moves the place as well.
    if pinned.is_some() {
        catalog.bind(part, pinned);
    }
    catalog.bind(place, pins.get(place).cloned());
    Ok(())
}

/// The key that signs, which is the same on every node: what one signs, another has to be able to answer for. Only the
/// first node of a new archive makes one.
pub(super) async fn signing_key(catalog: &Catalog, path: &Path) -> Result<SigningKey, ArchiveError> {
    let pinned = catalog.pinned(pin::SIGNING).await?;
    let other = || {
        ArchiveError::Configuration(format!(
            "the key in {} is not the one that signs for this archive: copy that of another node, or from its backup",
            path.display()
        ))
    };
    if pinned.is_some() && !path.exists() {
        return Err(other());
    }
    let key = key_file::load_or_create(path)?;
    let fingerprint = key.public().fingerprint();
    if catalog.pin(pin::SIGNING, &fingerprint).await? == fingerprint { Ok(key) } else { Err(other()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::CatalogError;

    #[tokio::test]
    async fn a_node_that_could_not_tell_goes_on_when_the_next_one_can() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("catalog.db").display());
        let (first, next) = (Catalog::open(&url).await.unwrap(), Catalog::open(&url).await.unwrap());
        check_pin(&first, pin::KEYS, None).await.unwrap();
        check_pin(&next, pin::KEYS, Some("the keys".to_owned())).await.unwrap();
        first.begin().await.unwrap().rollback().await.unwrap();
        let mut tx = next.begin().await.unwrap();
        tx.move_pin(pin::KEYS_PLACE, "elsewhere").await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(first.begin().await, Err(CatalogError::Moved)), "a migration stops both");
    }
}
