//! Keys in AWS KMS: they never leave the service.
//!
//! One symmetric key per name, found by its alias `alias/<prefix>-<name>`. What is wrapped is bound to its purpose by
//! the encryption context, which AWS writes into its audit log: names of keys, no personal data.
//!
//! AWS does not destroy a key at once: it waits 7 to 30 days, during which nothing opens under the key, and those who
//! administer it can call the destruction off. So a destruction takes effect later, and says when.

mod client;
mod fault;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{KeyMetadata, KeySpec, KeyState, KeyUsageType, OriginType, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use zeroize::Zeroizing;

use self::fault::{Fault, unavailable};
use super::{Destroyed, KeyError, KeyName, KeyProvider};
use crate::clock::{Clock, Timestamp};

/// KMS takes no ciphertext that is longer.
const MAX_WRAPPED_BYTES: usize = 6144;
/// Keys that are looked at together when all are listed.
const LOOKS_AT_ONCE: usize = 8;
/// An alias can be seen everywhere only some time after it was made: how often it is looked for, and how far apart.
const LOOKS_FOR_NEW: u32 = 6;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Which keys, and how to get there.
#[derive(Debug, Clone)]
pub struct KmsOptions {
    /// What the aliases begin with.
    pub alias_prefix: String,
    /// The region; none: from the standard chain.
    pub region: Option<String>,
    /// The service's URL; none: AWS itself.
    pub endpoint: Option<String>,
    /// Days that AWS waits before it destroys a key, 7 to 30.
    pub waiting_days: u8,
    /// PEM certificates of authorities beside the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// Keys in AWS KMS.
pub struct KmsKeys {
    client: Client,
    prefix: String,
    waiting_days: u8,
    clock: Arc<dyn Clock>,
    /// Known as soon as AWS names any alias or key of the account.
    identity: OnceLock<String>,
}

impl KmsKeys {
    /// Looks whether the service can be asked, with credentials from the standard AWS chain.
    pub async fn open(options: KmsOptions, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        let client = client::connect(&options).await?;
        Self::with_client(client, &options, clock).await
    }

    async fn with_client(client: Client, options: &KmsOptions, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        let KmsOptions { alias_prefix, waiting_days, .. } = options.clone();
        let keys = Self { client, prefix: alias_prefix, waiting_days, clock, identity: OnceLock::new() };
        let first = keys.client.list_aliases().send().await.map_err(|e| not_about_a_key(fault::read(e)))?;
        keys.note_identity(first.aliases().iter().find_map(|alias| alias.alias_arn()));
        Ok(keys)
    }

    fn note_identity(&self, arn: Option<&str>) {
        if let Some(identity) = arn.and_then(|arn| identity(arn, &self.prefix)) {
            self.identity.get_or_init(|| identity);
        }
    }

    fn alias(&self, name: &KeyName) -> String {
        format!("alias/{}-{name}", self.prefix)
    }

    /// What KMS knows of a key; none without one, or where it is being deleted already.
    async fn look_at(&self, name: &KeyName) -> Result<Option<KeyMetadata>, KeyError> {
        Ok(self.describe(name).await?.filter(|key| !is_leaving(key)))
    }

    async fn describe(&self, name: &KeyName) -> Result<Option<KeyMetadata>, KeyError> {
        match self.client.describe_key().key_id(self.alias(name)).send().await.map_err(fault::read) {
            Ok(found) => {
                let key = found.key_metadata.ok_or_else(|| unavailable("AWS KMS tells nothing of a key"))?;
                self.note_identity(key.arn());
                Ok(Some(key))
            }
            Err(Fault::NoKey) => Ok(None),
            Err(fault) => Err(fault.about(name)),
        }
    }

    /// Makes a key with its alias. Where somebody else was faster, his is the key, and ours goes.
    async fn create(&self, name: &KeyName) -> Result<(), KeyError> {
        let about = |fault: Fault| fault.about(name);
        let tag = Tag::builder().tag_key("earwitness").tag_value(&self.prefix).build();
        let tag = tag.map_err(|_| unavailable("the tag of a key cannot be written"))?;
        let made = self.client.create_key().description(format!("Earwitness {name}")).tags(tag).send().await;
        let made = made.map_err(|e| about(fault::read(e)))?.key_metadata;
        let id = made.ok_or_else(|| unavailable("AWS KMS tells nothing of a key that it made"))?.key_id;
        let named = self.client.create_alias().alias_name(self.alias(name)).target_key_id(&id).send().await;
        let Err(fault) = named.map_err(fault::read) else { return self.until_seen(name).await };
        // Nothing was ever wrapped under it. One that stays costs money and endangers nothing.
        if let Err(error) = self.schedule(&id).await {
            tracing::warn!(error = %error.about(name), "a surplus key stays at AWS KMS");
        }
        if fault == Fault::Taken { self.until_seen(name).await } else { Err(about(fault)) }
    }

    async fn until_seen(&self, name: &KeyName) -> Result<(), KeyError> {
        for _ in 1..LOOKS_FOR_NEW {
            if self.describe(name).await?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(unavailable("a key that was made at AWS KMS is not to be seen yet"))
    }

    /// Asks for the deletion of a key; from when on it is deleted.
    async fn schedule(&self, key_id: &str) -> Result<Option<DateTime>, Fault> {
        let days = i32::from(self.waiting_days);
        let asked = self.client.schedule_key_deletion().key_id(key_id).pending_window_in_days(days).send().await;
        Ok(asked.map_err(fault::read)?.deletion_date)
    }

    /// The fault of a question about what is wrapped, after a look at the key: one that is being deleted is gone, one
    /// that is disabled can be enabled again.
    async fn told_apart(&self, fault: Fault, name: &KeyName) -> KeyError {
        if !matches!(fault, Fault::State | Fault::Ciphertext) {
            return fault.about(name);
        }
        match self.look_at(name).await {
            Ok(Some(_)) => fault.about(name),
            Ok(None) => KeyError::Gone(*name),
            Err(error) => error,
        }
    }

    async fn aliases(&self) -> Result<Vec<KeyName>, KeyError> {
        let mut pages = self.client.list_aliases().into_paginator().items().send();
        let (mut names, ours) = (Vec::new(), format!("alias/{}-", self.prefix));
        while let Some(alias) = pages.next().await {
            let alias = alias.map_err(|e| not_about_a_key(fault::read(e)))?;
            // What is not ours may be there as well, and is none of our business.
            let name = alias.alias_name().and_then(|alias| alias.strip_prefix(&ours));
            names.extend(name.and_then(|name| name.parse::<KeyName>().ok()));
        }
        names.sort();
        Ok(names)
    }
}

impl std::fmt::Debug for KmsKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KmsKeys(alias/{}-…)", self.prefix)
    }
}

#[async_trait]
impl KeyProvider for KmsKeys {
    async fn ensure(&self, name: &KeyName) -> Result<(), KeyError> {
        if self.describe(name).await?.is_none() {
            self.create(name).await?;
        }
        let key = self.look_at(name).await?.ok_or(KeyError::Gone(*name))?;
        unfit(&key).map_or(Ok(()), |why| Err(KeyError::Unfit { name: *name, why }))
    }

    async fn wrap(&self, name: &KeyName, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let question = self.client.encrypt().key_id(self.alias(name)).plaintext(Blob::new(plain));
        let (aad, name_text) = context(name, aad);
        let asked = question.encryption_context("aad", aad).encryption_context("key", name_text).send().await;
        match asked.map_err(fault::read) {
            Ok(answer) => answer.ciphertext_blob.map(Blob::into_inner).ok_or_else(nothing_inside),
            Err(fault) => Err(self.told_apart(fault, name).await),
        }
    }

    async fn unwrap(&self, name: &KeyName, aad: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if wrapped.is_empty() || wrapped.len() > MAX_WRAPPED_BYTES {
            return Err(self.told_apart(Fault::Ciphertext, name).await);
        }
        let question = self.client.decrypt().key_id(self.alias(name)).ciphertext_blob(Blob::new(wrapped));
        let (aad, name_text) = context(name, aad);
        let asked = question.encryption_context("aad", aad).encryption_context("key", name_text).send().await;
        match asked.map_err(fault::read) {
            Ok(answer) => answer.plaintext.map(|p| Zeroizing::new(p.into_inner())).ok_or_else(nothing_inside),
            Err(fault) => Err(self.told_apart(fault, name).await),
        }
    }

    async fn destroy(&self, name: &KeyName) -> Result<Destroyed, KeyError> {
        let Some(key) = self.describe(name).await? else { return Ok(Destroyed { effective_at: self.clock.now() }) };
        let date = if is_leaving(&key) {
            key.deletion_date
        } else {
            self.schedule(&key.key_id).await.map_err(|fault| fault.about(name))?
        };
        let key = self.describe(name).await?;
        if key.as_ref().is_some_and(|key| !is_leaving(key)) {
            return Err(unavailable("AWS KMS says that it will delete a key, and keeps it in use"));
        }
        let why = "it has replicas in other regions, which have to be deleted first";
        let date = date.or_else(|| key.and_then(|key| key.deletion_date));
        Ok(Destroyed { effective_at: timestamp(&date.ok_or(KeyError::Unfit { name: *name, why })?) })
    }

    async fn exists(&self, name: &KeyName) -> Result<bool, KeyError> {
        Ok(self.look_at(name).await?.is_some())
    }

    async fn list(&self) -> Result<Vec<KeyName>, KeyError> {
        let looks = stream::iter(self.aliases().await?).map(|name| async move {
            let exists = self.exists(&name).await?;
            Ok::<_, KeyError>(exists.then_some(name))
        });
        let found: Vec<Option<KeyName>> = looks.buffered(LOOKS_AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// One question instead of one per key.
    async fn check(&self) -> Result<(), KeyError> {
        self.exists(&KeyName::Installation).await.map(drop)
    }

    fn kind(&self) -> &'static str {
        "aws-kms"
    }

    fn copies(&self) -> u64 {
        1
    }

    fn identity(&self) -> Option<String> {
        self.identity.get().cloned()
    }

    fn warnings(&self) -> Vec<String> {
        let mut all = vec![format!(
            "AWS KMS waits {} days before it destroys a key; until then its administrators can call it off",
            self.waiting_days
        )];
        if self.identity.get().is_none() {
            all.push(
                "the AWS account has no alias yet that would tell which it is: it is noted at the next start".into(),
            );
        }
        all
    }
}

/// What binds a wrapped secret to its purpose and its key.
fn context(name: &KeyName, aad: &[u8]) -> (String, String) {
    (STANDARD.encode(aad), name.to_string())
}

/// Why such a key must not be used, if so: key material that is elsewhere as well cannot be destroyed here.
fn unfit(key: &KeyMetadata) -> Option<&'static str> {
    let wrong = |is: bool, why| is.then_some(why);
    wrong(key.key_spec.as_ref().is_some_and(|spec| *spec != KeySpec::SymmetricDefault), "it is not symmetric")
        .or(wrong(
            key.key_usage.as_ref().is_some_and(|usage| *usage != KeyUsageType::EncryptDecrypt),
            "it is not for encryption",
        ))
        .or(wrong(
            matches!(key.origin, Some(OriginType::External | OriginType::ExternalKeyStore)),
            "its material comes from elsewhere, so that others may have it",
        ))
        .or(wrong(key.multi_region == Some(true), "it may have replicas in other regions"))
}

fn is_leaving(key: &KeyMetadata) -> bool {
    matches!(key.key_state, Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion))
}

/// Account and region out of `arn:aws:kms:eu-west-1:123456789012:alias/…`.
fn identity(arn: &str, prefix: &str) -> Option<String> {
    let mut parts = arn.split(':');
    match [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?] {
        ["arn", partition, "kms", region, account] if !account.is_empty() => {
            Some(format!("aws-kms {partition} {region} {account} {prefix}"))
        }
        _ => None,
    }
}

fn timestamp(date: &DateTime) -> Timestamp {
    let micros = i64::from(date.subsec_nanos() / 1_000);
    Timestamp::from_micros(date.secs().saturating_mul(1_000_000).saturating_add(micros))
}

fn nothing_inside() -> KeyError {
    unavailable("the answer of AWS KMS is empty")
}

fn not_about_a_key(fault: Fault) -> KeyError {
    match fault {
        Fault::Unavailable(why) => unavailable(&why),
        _ => unavailable("the answer of AWS KMS makes no sense"),
    }
}
