//! Keys that were destroyed and are there again: whoever restores a backup of the key server, or of the keys folder, brings
//! them back, and with them whatever older backups hold of those months.

use serde::Serialize;

use super::PurgeError;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::SecretState;
use crate::ledger::kind::Kind;
use crate::recording::ExpiryMonth;
use crate::vault::VaultError;
use crate::vault::keyring::KeyringError;
use crate::vault::keys::KeyName;
use uuid::Uuid;

/// What the ledger's entry says.
#[derive(Serialize)]
struct Returned {
    month: ExpiryMonth,
    provider: &'static str,
}

/// The same of a case.
#[derive(Serialize)]
struct ReturnedCase {
    case_id: Uuid,
    provider: &'static str,
}

/// The same of an account.
#[derive(Serialize)]
struct ReturnedAccount {
    account: Uuid,
    provider: &'static str,
}

/// Destroys again every key, of a month, a case or an account, that the catalog knows to be destroyed. Returns how many were there.
pub async fn destroy_returned(archive: &Archive) -> Result<u64, PurgeError> {
    let provider = archive.keyring.provider();
    let mut destroyed = 0;
    for name in provider.list().await.map_err(of_the_provider)? {
        let secret = archive.catalog.load_secret(&name.to_string()).await?;
        if secret.is_some_and(|secret| secret.state == SecretState::Destroyed) {
            destroy_again(archive, name).await?;
            destroyed += 1;
        }
    }
    Ok(destroyed)
}

async fn destroy_again(archive: &Archive, name: KeyName) -> Result<(), PurgeError> {
    let provider = archive.keyring.provider();
    let now = archive.clock.now();
    let entry = match name {
        KeyName::Installation => return Err(ArchiveError::from(KeyringError::Kept(name)).into()),
        KeyName::Month(month) => {
            let said = Returned { month, provider: provider.kind() };
            archive.entry(Kind::MONTH_KEY_RETURNED, About::NothingPersonal, &said, now).await?.0
        }
        KeyName::Case(case_id) => {
            let said = ReturnedCase { case_id, provider: provider.kind() };
            archive.entry(Kind::CASE_KEY_RETURNED, About::NothingPersonal, &said, now).await?.0
        }
        KeyName::Account(account) => {
            let said = ReturnedAccount { account, provider: provider.kind() };
            archive.entry(Kind::ACCOUNT_KEY_RETURNED, About::NothingPersonal, &said, now).await?.0
        }
    };
    let mut tx = archive.catalog.begin().await?;
    if !tx.nothing_is_under(&name.to_string()).await? {
        return Err(ArchiveError::Document("a destroyed key under which something is").into());
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    tracing::warn!(key = %name, "a destroyed key was there again: a backup of the keys was restored; it is destroyed again");
    archive.keyring.destroy(&name).await.map_err(ArchiveError::from)?;
    if provider.exists(&name).await.map_err(of_the_provider)? {
        return Err(PurgeError::KeyStillWorks);
    }
    Ok(())
}

fn of_the_provider(error: crate::vault::keys::KeyError) -> PurgeError {
    ArchiveError::from(VaultError::from(error)).into()
}
