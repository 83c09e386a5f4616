//! Which store this is: an object with a random id, written once.

use uuid::Uuid;

use super::error::unavailable;
use super::{S3Store, read, write};
use crate::vault::objects::{PutBody, StoreError};

/// Says which store this is. Not an object of the contract, and not listed.
pub(super) const ID_OBJECT: &str = ".store-id";

/// The store's id; makes one where there is none. Of several nodes at once one makes it, and all read the same.
pub(super) async fn of(store: &S3Store) -> Result<String, StoreError> {
    let name = store.name(ID_OBJECT);
    match stored(store, &name).await {
        Err(StoreError::NotFound) => {}
        other => return other,
    }
    let fresh = format!("{}\n", Uuid::new_v4().as_hyphenated());
    match write::put_new(store, &name, PutBody::bytes(fresh)).await {
        Ok(_) | Err(StoreError::AlreadyExists) => stored(store, &name).await,
        Err(error) => Err(error),
    }
}

async fn stored(store: &S3Store, name: &str) -> Result<String, StoreError> {
    let text = read::get(store, name, 100).await?;
    let id = std::str::from_utf8(&text).ok().and_then(|text| Uuid::try_parse(text.trim()).ok());
    id.map(|id| id.to_string()).ok_or_else(|| unavailable("the object that says which store this is is damaged"))
}
