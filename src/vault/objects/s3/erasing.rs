//! Deleting what is locked, for a decided erasure: with a credential of its own, which is used for nothing else. It needs
//! the right to delete versions and to bypass locks in the governance mode, and no other.

use std::fmt;

use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use zeroize::Zeroizing;

use super::delete::{self, Target, target};
use super::error::{Refusal, failed, refusal, unavailable};
use super::{LockMode, S3Store, trial};
use crate::vault::objects::{StoreError, StoredVersion};

/// An access key that may bypass locks.
#[derive(Clone)]
pub struct ErasingKey {
    id: String,
    secret: Zeroizing<String>,
    session: Option<Zeroizing<String>>,
}

impl fmt::Debug for ErasingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErasingKey(…)")
    }
}

impl ErasingKey {
    /// Reads the form of AWS's own credentials files, with one profile: `aws_access_key_id`, `aws_secret_access_key` and, for
    /// what is borrowed, `aws_session_token`. Pure.
    pub fn parse(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
        let (mut id, mut secret, mut session, mut profiles) = (None, None, None, 0);
        for line in lines {
            if line.starts_with('[') {
                profiles += 1;
                continue;
            }
            let (name, value) = line.split_once('=')?;
            let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match name.trim() {
                "aws_access_key_id" => id = value,
                "aws_secret_access_key" => secret = value.map(Zeroizing::new),
                "aws_session_token" => session = value.map(Zeroizing::new),
                _ => {}
            }
        }
        Some(Self { id: id?, secret: secret.filter(|_| profiles <= 1)?, session })
    }

    /// As the client takes them.
    pub(super) fn credentials(&self) -> Credentials {
        let session = self.session.as_ref().map(|session| session.to_string());
        Credentials::new(&self.id, self.secret.as_str(), session, None, "erasures")
    }
}

/// Deletes exactly these: what is not locked with the ordinary credentials, the rest with those for erasures. One result
/// for each, in order.
pub(super) async fn versions(store: &S3Store, versions: &[StoredVersion]) -> Vec<Result<(), StoreError>> {
    let mut results = delete::versions(store, versions).await;
    let Some(client) = &store.erasing else { return results };
    for (result, version) in results.iter_mut().zip(versions) {
        if matches!(result, Err(StoreError::Locked)) {
            let name = store.name(&version.path);
            *result = one(store, client, &target(&name, version)).await;
        }
    }
    results
}

/// Deletes one locked version, past its lock.
async fn one(store: &S3Store, client: &aws_sdk_s3::Client, named: &Target) -> Result<(), StoreError> {
    let (name, version) = named;
    let object = ObjectIdentifier::builder().key(name).version_id(version).build();
    let object = object.map_err(|error| unavailable(error.to_string()))?;
    let list = Delete::builder().objects(object).quiet(true).build();
    let list = list.map_err(|error| unavailable(error.to_string()))?;
    let request = client.delete_objects().bucket(&*store.bucket).delete(list).bypass_governance_retention(true);
    let request = request.checksum_algorithm(aws_sdk_s3::types::ChecksumAlgorithm::Sha256);
    match request.send().await {
        Ok(answer) => match answer.errors.unwrap_or_default().into_iter().next() {
            None => Ok(()),
            Some(error) => delete::outcome(store, named, &error.code.unwrap_or_default()).await,
        },
        // What the credential is not allowed waits for the lock's end, as without it.
        Err(error) if refusal(&error) == Refusal::Denied => {
            tracing::error!("the store refuses the credential for erasures: what is locked stays until its lock ends");
            Err(StoreError::Locked)
        }
        Err(error) => Err(failed(error)),
    }
}

/// What came of trying to bypass a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bypass {
    /// The ordinary credentials may.
    pub ordinary: bool,
    /// Those for erasures may.
    pub erasing: bool,
}

impl Bypass {
    /// What an operator should know.
    pub fn warnings(self) -> impl Iterator<Item = String> {
        let told = [
            (
                !self.ordinary,
                "the ordinary credentials may bypass locks: a separate credential for erasures guards nothing",
            ),
            (self.erasing, "the credential for erasures cannot bypass locks: what is locked waits for its lock to end"),
        ];
        told.into_iter().filter(|(fine, _)| !fine).map(|(_, text)| text.to_owned())
    }
}

/// Tries out on locked objects of its own who may delete them; none where there is no credential for erasures, or nobody may.
pub(super) async fn bypass(store: &S3Store) -> Result<Option<Bypass>, StoreError> {
    let Some(client) = store.erasing.as_ref().filter(|_| store.lock_mode == LockMode::Governance) else {
        return Ok(None);
    };
    let locked = trial::locked(store).await?;
    let ordinary = match one(store, &store.client, &locked).await {
        Ok(()) => true,
        Err(StoreError::Locked) => false,
        Err(error) => return Err(error),
    };
    let locked = if ordinary { trial::locked(store).await? } else { locked };
    let erasing = match one(store, client, &locked).await {
        Ok(()) => true,
        Err(StoreError::Locked) => false,
        Err(error) => return Err(error),
    };
    Ok(Some(Bypass { ordinary, erasing }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credentials_file_with_one_profile_is_read() {
        let text = "# for erasures\n[default]\naws_access_key_id = AK\naws_secret_access_key=s=x\n";
        let key = ErasingKey::parse(text).unwrap();
        assert_eq!((key.id.as_str(), key.secret.as_str(), key.session.is_none()), ("AK", "s=x", true));
        assert!(!format!("{key:?}").contains("AK"));
        for bad in [
            "",
            "aws_access_key_id = AK",
            "aws_access_key_id = \naws_secret_access_key = s",
            "AK s",
            "[a]\naws_access_key_id = AK\n[b]\naws_secret_access_key = s",
        ] {
            assert!(ErasingKey::parse(bad).is_none(), "{bad:?}");
        }
    }
}
