//! Keys in the transit engine of OpenBao or HashiCorp Vault: they never leave the server.
//!
//! One key per name, of the type `aes256-gcm96`, which cannot be exported nor backed up in the clear. What is wrapped
//! is kept as the server's own text (`vault:v1:…`). Encrypting must never make a key, or one that was destroyed would
//! be back under its name: the key is looked at first, the token's policy has no `create` on `encrypt/*`, and the
//! engine is told so as well (`disable_upsert`).
//!
//! A token that ends is renewed as long as this process lives ([`KeyProvider::keep_alive`]).
//!
//! The server keeps no notes about what was destroyed: a destruction that is repeated is dated anew, never earlier.

mod answer;
mod client;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod wire;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;
use zeroize::Zeroizing;

use self::answer::Fault;
use self::client::{Asked, TransitClient};
use self::wire::{Encrypted, KEY_TYPE, KeyFacts, KeysConfig, MountFacts, Names, TokenFacts};
use super::{Destroyed, KeyError, KeyName, KeyProvider};
use crate::clock::Clock;
use crate::failpoint;

pub use token::TokenSource;

/// Between two renewals of the token.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(300);

/// Which engine, and how to get there.
#[derive(Debug)]
pub struct TransitOptions {
    /// `https://HOST:PORT`.
    pub server: String,
    /// Where the engine is mounted.
    pub mount: String,
    /// The namespace, where the server has them.
    pub namespace: Option<String>,
    /// The token.
    pub token: TokenSource,
    /// PEM certificates of authorities beside the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// Keys in a transit engine.
pub struct TransitKeys {
    client: TransitClient,
    clock: Arc<dyn Clock>,
    identity: Option<String>,
    warnings: Vec<String>,
    renewed: Mutex<Option<Instant>>,
}

impl TransitKeys {
    /// Looks whether the engine is there and the token is good for it, and sets what can be set more safely.
    /// [`KeyError::Unavailable`] where that cannot be asked.
    pub async fn open(options: TransitOptions, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        let TransitOptions { server, mount, namespace, token, ca_pem } = options;
        let client = TransitClient::new(&server, &mount, namespace.as_deref(), token, ca_pem.as_deref())?;
        let mut keys = Self { client, clock, identity: None, warnings: Vec::new(), renewed: Mutex::default() };
        keys.warnings.extend(keys.client.token().warning());
        keys.list().await?;
        let ends = keys.how_the_token_ends().await?;
        keys.warnings.extend(ends);
        keys.identity = keys.read_identity().await?;
        if keys.identity.is_none() {
            let text = "the key server does not tell which engine it is: another one in its place would not be noticed";
            keys.warnings.push(text.to_owned());
        }
        if !keys.forbid_upsert().await? {
            let text = "disable_upsert is not set on the key server's engine, and the token may not set it";
            keys.warnings.push(text.to_owned());
        }
        Ok(keys)
    }

    /// The engine's id; none where the token may not read it.
    async fn read_identity(&self) -> Result<Option<String>, KeyError> {
        let answer = match self.client.mount().await {
            Ok(answer) => answer,
            Err(Fault::Denied | Fault::NoKey) => return Ok(None),
            Err(fault) => return Err(not_about_a_key(fault)),
        };
        let facts: MountFacts = wire::data(answer.bytes()).map_err(not_about_a_key)?;
        if facts.engine != "transit" {
            return Err(KeyError::Unavailable(io::Error::other("what is mounted there is no transit engine")));
        }
        let id = if facts.uuid.is_empty() { facts.accessor } else { facts.uuid };
        Ok((!id.is_empty()).then(|| format!("transit {id}")))
    }

    /// What the server tells about the token; none where it may not ask.
    async fn token_facts(&self) -> Result<Option<TokenFacts>, KeyError> {
        match self.client.own_token(Method::GET, "lookup-self").await {
            Ok(answer) => wire::data(answer.bytes()).map(Some).map_err(not_about_a_key),
            Err(Fault::Denied | Fault::NoKey) => Ok(None),
            Err(fault) => Err(not_about_a_key(fault)),
        }
    }

    /// A warning where the token's end would be the end of everything. In a file an agent may put another one.
    async fn how_the_token_ends(&self) -> Result<Option<String>, KeyError> {
        if matches!(self.client.token(), TokenSource::File(_)) {
            return Ok(None);
        }
        Ok(match self.token_facts().await? {
            None => Some("the key server's token may not ask about itself: it is not renewed".to_owned()),
            Some(token) if token.ttl > 0 && !token.renewable => {
                Some(format!("the key server's token ends in {} hours and cannot be renewed", token.ttl / 3_600))
            }
            Some(_) => None,
        })
    }

    /// Whether the engine is set to make no key by encrypting; sets it where we may.
    async fn forbid_upsert(&self) -> Result<bool, KeyError> {
        let path = ["config", "keys"];
        if let Ok(answer) = self.client.engine(Method::GET, &path, None).await
            && wire::data::<KeysConfig>(answer.bytes()).is_ok_and(|config| config.disable_upsert)
        {
            return Ok(true);
        }
        let wanted = wire::plain(&json!(KeysConfig { disable_upsert: true }));
        Ok(self.client.engine(Method::POST, &path, wanted).await.is_ok())
    }

    /// What the engine knows of a key; none without one.
    async fn look_at(&self, name: &KeyName) -> Result<Option<KeyFacts>, KeyError> {
        let answer = self.on_key(Method::GET, "keys", name, None).await;
        match answer.and_then(|answer| wire::data(answer.bytes())) {
            Ok(facts) => Ok(Some(facts)),
            Err(Fault::NoKey) => Ok(None),
            Err(fault) => Err(about(fault, name)),
        }
    }

    /// An error for a key that is not there, or must not be used.
    async fn check_usable(&self, name: &KeyName) -> Result<(), KeyError> {
        let facts = self.look_at(name).await?.ok_or(KeyError::Gone(*name))?;
        if facts.soft_deleted {
            return Err(KeyError::Unfit { name: *name, why: "it was taken out of use (soft-deleted)" });
        }
        facts.unfit().map_or(Ok(()), |why| Err(KeyError::Unfit { name: *name, why }))
    }

    async fn on_key(&self, method: Method, what: &str, name: &KeyName, body: Option<Zeroizing<Vec<u8>>>) -> Asked {
        self.client.engine(method, &[what, &name.to_string()], body).await
    }
}

impl std::fmt::Debug for TransitKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.client.fmt(f)
    }
}

#[async_trait]
impl KeyProvider for TransitKeys {
    async fn ensure(&self, name: &KeyName) -> Result<(), KeyError> {
        if self.look_at(name).await?.is_none() {
            let wanted = json!({"type": KEY_TYPE, "exportable": false, "allow_plaintext_backup": false});
            // Where two make it at once, the second finds it made.
            let made = self.on_key(Method::POST, "keys", name, wire::plain(&wanted)).await;
            made.map_err(|fault| about(fault, name))?;
            failpoint::hit("transit.key_created");
        }
        self.check_usable(name).await
    }

    async fn wrap(&self, name: &KeyName, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.check_usable(name).await?;
        let asked = self.on_key(Method::POST, "encrypt", name, Some(wire::to_encrypt(aad, plain))).await;
        let wrapped = asked.and_then(|answer| wire::data::<Encrypted>(answer.bytes()));
        Ok(wrapped.map_err(|fault| about(fault, name))?.ciphertext.into_bytes())
    }

    async fn unwrap(&self, name: &KeyName, aad: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Some(question) = wire::to_decrypt(aad, wrapped) else {
            // No text of the engine's: damaged, unless there is no key anyway.
            return Err(if self.exists(name).await? { KeyError::Corrupt(*name) } else { KeyError::Gone(*name) });
        };
        let asked = self.on_key(Method::POST, "decrypt", name, Some(question)).await;
        asked.and_then(|answer| wire::plaintext(answer.bytes())).map_err(|fault| about(fault, name))
    }

    async fn destroy(&self, name: &KeyName) -> Result<Destroyed, KeyError> {
        if self.look_at(name).await?.is_some() {
            let allow = wire::plain(&json!({"deletion_allowed": true}));
            let allowed = self.client.engine(Method::POST, &["keys", &name.to_string(), "config"], allow).await;
            gone_is_well(allowed, name)?;
            failpoint::hit("transit.deletion_allowed");
            gone_is_well(self.on_key(Method::DELETE, "keys", name, None).await, name)?;
            failpoint::hit("transit.key_deleted");
            if self.look_at(name).await?.is_some() {
                let why = "the key server says that it deleted a key, and still has it";
                return Err(KeyError::Unavailable(io::Error::other(why)));
            }
        }
        Ok(Destroyed { effective_at: self.clock.now() })
    }

    async fn exists(&self, name: &KeyName) -> Result<bool, KeyError> {
        Ok(self.look_at(name).await?.is_some())
    }

    async fn list(&self) -> Result<Vec<KeyName>, KeyError> {
        let names = match self.client.list().await.and_then(|answer| wire::data::<Names>(answer.bytes())) {
            Ok(names) => names.keys,
            Err(Fault::NoKey) => Vec::new(),
            Err(fault) => return Err(not_about_a_key(fault)),
        };
        // What is not ours may be there as well, and is none of our business.
        let mut ours: Vec<KeyName> = names.iter().filter_map(|name| name.parse().ok()).collect();
        ours.sort();
        Ok(ours)
    }

    async fn keep_alive(&self) -> Result<(), KeyError> {
        let last = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() < BETWEEN_RENEWALS) {
            return Ok(());
        }
        if self.token_facts().await?.is_some_and(|token| token.ttl > 0 && token.renewable) {
            self.client.own_token(Method::POST, "renew-self").await.map_err(not_about_a_key)?;
        }
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }

    fn kind(&self) -> &'static str {
        "transit"
    }

    fn copies(&self) -> u64 {
        1
    }

    fn identity(&self) -> Option<String> {
        self.identity.clone()
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}

fn gone_is_well(asked: Asked, name: &KeyName) -> Result<(), KeyError> {
    match asked {
        Ok(_) | Err(Fault::NoKey) => Ok(()),
        Err(fault) => Err(about(fault, name)),
    }
}

fn about(fault: Fault, name: &KeyName) -> KeyError {
    match fault {
        Fault::NoKey => KeyError::Gone(*name),
        Fault::Ciphertext => KeyError::Corrupt(*name),
        fault => not_about_a_key(fault),
    }
}

fn not_about_a_key(fault: Fault) -> KeyError {
    KeyError::Unavailable(io::Error::other(fault.told()))
}
