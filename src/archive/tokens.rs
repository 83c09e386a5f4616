//! Access tokens: made, listed and withdrawn. The rules stand apart from what is written.

use serde::Serialize;
use uuid::Uuid;

use super::journal::About;
use super::{Archive, ArchiveError};
use crate::access::{Role, Token, owner};
use crate::catalog::{CatalogError, TokenRow};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;

/// The longest name of a token, in characters.
pub const MAX_NAME_CHARS: usize = 100;
/// The longest account or agent, in characters: as long as recordings may name them.
pub const MAX_ID_CHARS: usize = 200;

/// A token that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its one role.
    pub role: Role,
    /// Whose it is (a person, or a machine such as `crm`), 1 to 100 characters.
    pub name: String,
    /// The accounts that it is limited to: for `rep` any number (with none and no agent it opens nothing), for
    /// `portal` exactly one, else none.
    pub accounts: Vec<String>,
    /// Who a `rep` is, as recordings name their agents.
    pub agent: Option<String>,
    /// From this instant on it opens nothing; it must lie in the future.
    pub expires_at: Option<Timestamp>,
}

/// Why no token was made, or none withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The name is empty, too long, or has control characters.
    #[error("the name must have 1 to {MAX_NAME_CHARS} characters, none of them a control character")]
    Name,
    /// An account is empty, too long, or has control characters.
    #[error("an account must have 1 to {MAX_ID_CHARS} characters, none of them a control character")]
    Account,
    /// The agent is empty, too long, or has control characters.
    #[error("the agent must have 1 to {MAX_ID_CHARS} characters, none of them a control character")]
    Agent,
    /// The role knows no accounts.
    #[error("only a token of the role rep or portal can be limited to accounts")]
    AccountsNotAllowed,
    /// A portal is of one account.
    #[error("a token of the role portal needs exactly one account")]
    PortalNeedsOneAccount,
    /// The role knows no agent.
    #[error("only a token of the role rep can name an agent")]
    AgentNotAllowed,
    /// It would be over before it began.
    #[error("the token would expire in the past")]
    ExpiresInPast,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    NoRandomness,
    /// One of the archive's parts.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl From<CatalogError> for TokenError {
    fn from(error: CatalogError) -> Self {
        Self::Archive(error.into())
    }
}

impl TokenError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name => "invalid-name",
            Self::Account => "invalid-account",
            Self::Agent => "invalid-agent",
            Self::AccountsNotAllowed => "accounts-not-allowed",
            Self::PortalNeedsOneAccount => "portal-needs-one-account",
            Self::AgentNotAllowed => "agent-not-allowed",
            Self::ExpiresInPast => "expires-in-past",
            Self::NoRandomness => "internal",
            Self::Archive(error) => error.code(),
        }
    }
}

/// What the entry of a new token commits to. The token itself is not in it, nor its hash.
#[derive(Serialize)]
struct Created<'a> {
    token_id: Uuid,
    role: Role,
    name: &'a str,
    accounts: &'a [String],
    agent: Option<&'a str>,
    expires_at: Option<Timestamp>,
}

/// What the entry of a withdrawn one commits to.
#[derive(Serialize)]
struct Revoked {
    token_id: Uuid,
}

fn text_of_at_most(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}

impl NewToken {
    /// The rules: what of a token makes sense for its role. Pure.
    pub fn check(&self, now: Timestamp) -> Result<(), TokenError> {
        if !text_of_at_most(&self.name, MAX_NAME_CHARS) {
            return Err(TokenError::Name);
        }
        if !self.accounts.iter().all(|account| text_of_at_most(account, MAX_ID_CHARS)) {
            return Err(TokenError::Account);
        }
        if !self.agent.as_ref().is_none_or(|agent| text_of_at_most(agent, MAX_ID_CHARS)) {
            return Err(TokenError::Agent);
        }
        match self.role {
            Role::Portal if self.accounts.len() != 1 => return Err(TokenError::PortalNeedsOneAccount),
            Role::Rep | Role::Portal => {}
            _ if !self.accounts.is_empty() => return Err(TokenError::AccountsNotAllowed),
            _ => {}
        }
        if self.agent.is_some() && self.role != Role::Rep {
            return Err(TokenError::AgentNotAllowed);
        }
        if self.expires_at.is_some_and(|end| end <= now) { Err(TokenError::ExpiresInPast) } else { Ok(()) }
    }
}

/// Makes a token: its row and its ledger entry in one transaction. The token itself is returned this once.
pub async fn create(archive: &Archive, new: NewToken) -> Result<(TokenRow, Token), TokenError> {
    let now = archive.clock.now();
    new.check(now)?;
    let token = Token::generate().map_err(|_| TokenError::NoRandomness)?;
    let row = TokenRow {
        id: Uuid::new_v4(),
        role: new.role.as_str().to_owned(),
        name: owner::written(&new.name),
        accounts: new.accounts,
        agent: new.agent,
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    let payload = Created {
        token_id: row.id,
        role: new.role,
        name: &row.name,
        accounts: &row.accounts,
        agent: row.agent.as_deref(),
        expires_at: row.expires_at,
    };
    let (entry, _) = archive.entry(Kind::TOKEN_CREATED, About::Installation, &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    tx.insert_token(&row, &token.hash()).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    Ok((row, token))
}

/// All tokens, oldest first, those that are over as well.
pub async fn list(archive: &Archive) -> Result<Vec<TokenRow>, TokenError> {
    Ok(archive.catalog.tokens().await?)
}

/// Withdraws a token: it opens nothing from the next request on. False when none of this id is in force.
///
/// The store is told after the catalog: a leaked token must not live on because the store is away. Housekeeping makes up
/// for that, and a restore withdraws too much rather than too little ([`crate::fsck`]).
pub async fn revoke(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError> {
    let now = archive.clock.now();
    if !revoke_at(archive, id, now, true).await? {
        return Ok(false);
    }
    if let Err(error) = archive.keep_revocation(id, now).await {
        tracing::warn!(token = %id, %error, "the store does not know yet that a token is withdrawn");
    }
    Ok(true)
}

/// The catalog's part of it; with an entry in the ledger unless that has one.
pub(crate) async fn revoke_at(archive: &Archive, id: Uuid, at: Timestamp, enter: bool) -> Result<bool, ArchiveError> {
    let (entry, _) = archive.entry(Kind::TOKEN_REVOKED, About::Installation, &Revoked { token_id: id }, at).await?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.revoke_token(id, at).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    if enter {
        tx.append_entry(&entry).await?;
    }
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    fn code(role: Role, accounts: &[&str], agent: Option<&str>) -> &'static str {
        let accounts = accounts.iter().map(|&account| account.to_owned()).collect();
        let new = NewToken { role, name: "crm".into(), accounts, agent: agent.map(str::to_owned), expires_at: None };
        new.check(NOW).map_or_else(|error| error.code(), |()| "ok")
    }

    #[test]
    fn accounts_and_agents_are_for_those_who_are_limited_to_them() {
        for role in Role::ALL {
            let limited = matches!(role, Role::Rep | Role::Portal);
            assert_eq!(code(role, &["A"], None) == "ok", limited, "{role}");
            assert_eq!(code(role, &[], None) == "ok", role != Role::Portal, "{role}");
            assert_eq!(code(role, &[], Some("x")) == "ok", role == Role::Rep, "{role}");
        }
        assert_eq!(code(Role::Rep, &[], Some("x")), "ok");
        assert_eq!(code(Role::Rep, &["A", "B"], Some("x")), "ok");
        assert_eq!(code(Role::Portal, &["A", "B"], None), "portal-needs-one-account");
        assert_eq!(code(Role::Portal, &["A"], Some("x")), "agent-not-allowed");
        assert_eq!(code(Role::Legal, &[], Some("x")), "agent-not-allowed");
        assert_eq!(code(Role::Legal, &["A"], None), "accounts-not-allowed");
    }

    #[test]
    fn names_are_short_and_the_end_lies_ahead() {
        let with = |name: &str, expires_at: Option<i64>| {
            let expires_at = expires_at.map(Timestamp::from_micros);
            let new = NewToken { role: Role::Legal, name: name.into(), accounts: vec![], agent: None, expires_at };
            new.check(NOW).map_or_else(|error| error.code(), |()| "ok")
        };
        assert_eq!(with("é", None), "ok");
        assert_eq!(with(&"é".repeat(100), None), "ok");
        for bad in ["", " ", "a\nb", &"é".repeat(101)] {
            assert_eq!(with(bad, None), "invalid-name", "{bad:?}");
        }
        assert_eq!(with("an", Some(1_001)), "ok");
        assert_eq!(with("an", Some(1_000)), "expires-in-past");
        assert_eq!(code(Role::Rep, &[""], None), "invalid-account");
        assert_eq!(code(Role::Rep, &["A"], Some(" ")), "invalid-agent");
    }
}
