//! The seven roles, and sets of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::recording::UnknownName;

/// What a caller is to the archive. A token carries exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The product: hands recordings over and reads nothing but its receipts.
    Ingest,
    /// A sales representative: the calls of their accounts, or in which they were the agent.
    Rep,
    /// Legal: everything, also what is held past its deadline.
    Legal,
    /// The privacy officer: everything, always with a purpose.
    Privacy,
    /// An auditor: custody and retention; no audio, no sealed metadata.
    Auditor,
    /// Runs the installation: no audio, no sealed metadata.
    Operator,
    /// The customer's portal: one account, while it is open.
    Portal,
}

impl Role {
    /// Every role, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::Ingest, Self::Rep, Self::Legal, Self::Privacy, Self::Auditor, Self::Operator, Self::Portal];

    /// As it stands in the catalog, in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Rep => "rep",
            Self::Legal => "legal",
            Self::Privacy => "privacy",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Portal => "portal",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownName)
    }
}

/// A set of roles that can be built in a constant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RoleSet(u8);

impl RoleSet {
    /// No role at all.
    pub const EMPTY: Self = Self(0);

    /// The set of exactly these roles.
    pub const fn of(roles: &[Role]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < roles.len() {
            bits |= 1 << roles[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// Whether the role is in the set.
    pub const fn contains(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// The roles in the set, in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl fmt::Debug for RoleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Role::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reads_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        for bad in ["", "Legal", "admin", "legal "] {
            assert_eq!(bad.parse::<Role>(), Err(UnknownName), "{bad}");
        }
    }

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        const SET: RoleSet = RoleSet::of(&[Role::Portal, Role::Ingest, Role::Portal]);
        assert_eq!(SET.iter().collect::<Vec<_>>(), [Role::Ingest, Role::Portal]);
        assert!(Role::ALL.iter().all(|role| !RoleSet::EMPTY.contains(*role)));
        assert_eq!(format!("{SET:?}"), r#"{"ingest", "portal"}"#);
    }
}
