//! Which errors say something of the one object that was being looked at. Those are reported and the walk goes on; what
//! says that a part of the archive does not answer ends it, for nothing would be known of the rest.

use crate::archive::ArchiveError;
use crate::ledger::LedgerError;
use crate::vault::keyring::KeyringError;
use crate::vault::keys::KeyError;
use crate::vault::objects::StoreError;
use crate::vault::{SealError, VaultError};

/// Whether one object is bad, rather than a part of the archive unable to answer.
pub(super) fn is_of_one_object(error: &ArchiveError) -> bool {
    match error {
        ArchiveError::Document(_) | ArchiveError::KeyDestroyed | ArchiveError::AudioMissing => true,
        ArchiveError::Ledger(error) => !matches!(error, LedgerError::Crypto | LedgerError::KeyFile(_)),
        ArchiveError::Catalog(error) => error.is_of_one_row(),
        ArchiveError::Vault(VaultError::Seal(error)) => is_of_the_sealed(error),
        ArchiveError::Vault(VaultError::Store(error)) => is_of_the_stored(error),
        ArchiveError::Vault(VaultError::Key(error)) => is_of_the_key(error),
        ArchiveError::Vault(VaultError::Keyring(error)) => match error {
            KeyringError::Store(error) => is_of_the_stored(error),
            KeyringError::Provider(error) => is_of_the_key(error),
            KeyringError::Shelf(_) => false,
            _ => true,
        },
        ArchiveError::Sequence(_) | ArchiveError::TokenAliveAgain | ArchiveError::ErasedAliveAgain => false,
        ArchiveError::Io { .. } | ArchiveError::Configuration(_) => false,
    }
}

fn is_of_the_sealed(error: &SealError) -> bool {
    *error != SealError::NoRandom
}

fn is_of_the_stored(error: &StoreError) -> bool {
    matches!(error, StoreError::NotFound | StoreError::TooLarge { .. } | StoreError::RangeOutside)
}

fn is_of_the_key(error: &KeyError) -> bool {
    match error {
        KeyError::Gone(_) | KeyError::Corrupt(_) | KeyError::WrongSize(_) | KeyError::ReplicaDiffers(_) => true,
        KeyError::Unfit { .. } => true,
        KeyError::Seal(error) => is_of_the_sealed(error),
        KeyError::Permissions { .. } | KeyError::ForeignFolder(_) | KeyError::Unavailable(_) => false,
    }
}
