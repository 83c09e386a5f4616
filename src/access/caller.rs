//! Who is calling, and how they stand in the ledger.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::{Role, StoredToken, View, owner};

/// Somebody who showed a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's public id.
    pub token_id: Uuid,
    /// The name of the token's owner.
    pub owner: String,
    /// The one role of this call.
    pub role: Role,
    /// The accounts that a `rep` or `portal` is limited to.
    pub accounts: Vec<String>,
    /// The agent that a `rep` is, as calls name them.
    pub agent: Option<String>,
    /// Where the call came from, behind trusted proxies.
    pub address: IpAddr,
}

impl Caller {
    /// The owner of `token`, calling from `address`.
    pub fn new(token: StoredToken, address: IpAddr) -> Self {
        let StoredToken { id, owner, role, accounts, agent, .. } = token;
        Self { token_id: id, owner, role, accounts, agent, address }
    }

    /// What part of the archive the caller sees.
    pub fn view(&self) -> View {
        View::of(self.role, &self.accounts, self.agent.as_deref())
    }

    /// The caller as a ledger payload names them.
    pub fn actor(&self) -> Actor {
        Actor { id: self.token_id, name: self.owner.clone(), role: self.role, address: self.address }
    }

    /// Whether two callers count as one person where a second one is needed: tokens of one owner do.
    pub fn is_same_person_as(&self, other: &Self) -> bool {
        self.is_behind(&other.actor())
    }

    /// Whether the caller is the person who did something before, as the ledger or a sealed row names them.
    pub fn is_behind(&self, actor: &Actor) -> bool {
        self.token_id == actor.id || owner::is_same(&self.owner, &actor.name)
    }
}

/// The actor of a ledger entry. Personal data: it stands in sealed payloads only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The token's public id.
    pub id: Uuid,
    /// The name of the token's owner.
    pub name: String,
    /// The role in which they called.
    pub role: Role,
    /// Where the call came from.
    pub address: IpAddr,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(id: u128, owner: &str) -> Caller {
        Caller {
            token_id: Uuid::from_u128(id),
            owner: owner.into(),
            role: Role::Legal,
            accounts: vec![],
            agent: None,
            address: IpAddr::from([192, 0, 2, 7]),
        }
    }

    #[test]
    fn two_tokens_of_one_owner_are_one_person() {
        assert!(caller(1, "an").is_same_person_as(&caller(2, "an")));
        assert!(caller(1, "an").is_same_person_as(&caller(1, "renamed")));
        assert!(!caller(1, "an").is_same_person_as(&caller(2, "bo")));
        for written_otherwise in ["Ann Smit", "ann smit ", "ANN\u{a0}SMIT"] {
            assert!(caller(1, "Ann Smit").is_same_person_as(&caller(2, written_otherwise)), "{written_otherwise:?}");
        }
        assert!(caller(1, "Ren\u{e9}e").is_same_person_as(&caller(2, "Rene\u{301}e")), "composed or not");
    }

    #[test]
    fn the_actor_names_id_owner_role_and_address() {
        assert_eq!(
            serde_json::to_value(caller(1, "an").actor()).unwrap(),
            serde_json::json!({"id": "00000000-0000-0000-0000-000000000001", "name": "an", "role": "legal", "address": "192.0.2.7"})
        );
    }
}
