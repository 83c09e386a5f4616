//! How a token's hash becomes somebody: the contract that the catalog fulfils.

use async_trait::async_trait;
use uuid::Uuid;

use crate::access::Role;
use crate::clock::Timestamp;

/// A token as it is kept: everything but the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// The token's public id, as `token list` shows it.
    pub id: Uuid,
    /// The name of its owner (a person, or a machine such as `crm`).
    pub owner: String,
    /// Its one role.
    pub role: Role,
    /// The accounts that a `rep` or `portal` is limited to.
    pub accounts: Vec<String>,
    /// The agent that a `rep` is, as calls name them.
    pub agent: Option<String>,
    /// From this instant on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
}

/// Why a known token is refused whatever it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOver {
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

impl StoredToken {
    /// Why the token no longer opens anything at `now`, if so.
    pub fn over(&self, now: Timestamp) -> Option<TokenOver> {
        // A revocation holds at once, even where another node's clock runs ahead of this one.
        if self.revoked_at.is_some() {
            Some(TokenOver::Revoked)
        } else if self.expires_at.is_some_and(|end| now >= end) {
            Some(TokenOver::Expired)
        } else {
            None
        }
    }
}

/// The catalog could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the list of tokens could not be read")]
pub struct AuthenticatorError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Finds a token by the SHA-256 of its text.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// The token with this hash, also when it expired or was revoked; `None` when there never was one.
    async fn authenticate(&self, token_hash: &[u8; 32]) -> Result<Option<StoredToken>, AuthenticatorError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_its_very_instant_and_with_its_revocation() {
        let at = Timestamp::from_micros;
        let token = StoredToken {
            id: Uuid::nil(),
            owner: "crm".into(),
            role: Role::Ingest,
            accounts: vec![],
            agent: None,
            expires_at: Some(at(10)),
            revoked_at: None,
        };
        assert_eq!(token.over(at(9)), None);
        assert_eq!(token.over(at(10)), Some(TokenOver::Expired));
        let revoked = StoredToken { revoked_at: Some(at(99)), ..token };
        assert_eq!(revoked.over(at(0)), Some(TokenOver::Revoked));
    }
}
