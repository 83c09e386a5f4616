//! What part of the recordings a caller may see, and how much of each. Pure rules.

use crate::access::Role;
use crate::recording::Status;

/// Which recordings, before their status is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// None.
    Nothing,
    /// Every recording.
    All,
    /// Those of these accounts.
    Accounts(Vec<String>),
    /// Those of these accounts, and those in which this agent took part. The accounts may be none.
    AccountsOrAgent {
        /// The accounts.
        accounts: Vec<String>,
        /// The agent, as recordings name them.
        agent: String,
    },
    /// Those of one account, while it is open.
    OneAccount(String),
}

impl Scope {
    /// Whether a recording of this account and agent is within the scope.
    ///
    /// [`Scope::OneAccount`] does not know whether the account is open: see [`View::open_account_only`].
    pub fn admits(&self, account_id: &str, agent: Option<&str>) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Accounts(accounts) => accounts.iter().any(|a| a == account_id),
            Self::AccountsOrAgent { accounts, agent: own } => {
                accounts.iter().any(|a| a == account_id) || agent == Some(own.as_str())
            }
            Self::OneAccount(account) => account == account_id,
        }
    }

    /// The accounts that it names.
    pub fn accounts(&self) -> &[String] {
        match self {
            Self::Nothing | Self::All => &[],
            Self::Accounts(accounts) | Self::AccountsOrAgent { accounts, .. } => accounts,
            Self::OneAccount(account) => std::slice::from_ref(account),
        }
    }

    /// The same with these accounts in place of those that it names: what was merged into them, what the agent is assigned
    /// to. What names none stays.
    #[must_use]
    pub fn with_accounts(self, mut accounts: Vec<String>) -> Self {
        accounts.sort_unstable();
        accounts.dedup();
        match self {
            Self::Nothing | Self::All => self,
            Self::Accounts(_) | Self::OneAccount(_) => Self::Accounts(accounts),
            Self::AccountsOrAgent { agent, .. } => Self::AccountsOrAgent { accounts, agent },
        }
    }
}

/// What a caller sees: which recordings, and how much of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Which recordings.
    pub scope: Scope,
    /// In which states.
    pub statuses: &'static [Status],
    /// The sealed metadata (number, person, agent, call id …).
    pub sealed_metadata: bool,
    /// The audio, and what lets it be guessed (waveform, listening copy).
    pub audio: bool,
    /// The related data (transcripts, notes).
    pub related: bool,
    /// Whether a recording is held. Those who may not know get the deadline and `Sunset` as if it were not.
    pub held: bool,
    /// Whether the account must be open.
    pub open_account_only: bool,
    /// Whether a recording held since before its deadline stays readable after it.
    pub held_past_deadline: bool,
}

const ALL_STATUSES: &[Status] = &[Status::Accepted, Status::Quarantined, Status::Rejected, Status::Superseded];

impl View {
    /// The view of a role, limited to `accounts` and `agent` where the role knows such limits.
    pub fn of(role: Role, accounts: &[String], agent: Option<&str>) -> Self {
        let nothing = Self {
            scope: Scope::Nothing,
            statuses: &[],
            sealed_metadata: false,
            audio: false,
            related: false,
            held: false,
            open_account_only: false,
            held_past_deadline: false,
        };
        let everything = Self {
            scope: Scope::All,
            statuses: ALL_STATUSES,
            sealed_metadata: true,
            audio: true,
            related: true,
            held: true,
            ..nothing.clone()
        };
        match role {
            Role::Ingest => nothing,
            Role::Rep => {
                Self { scope: rep_scope(accounts, agent), statuses: &[Status::Accepted], held: false, ..everything }
            }
            Role::Legal => Self { held_past_deadline: true, ..everything },
            Role::Privacy => everything,
            Role::Auditor => Self { scope: Scope::All, statuses: ALL_STATUSES, held: true, ..nothing },
            Role::Operator => Self { scope: Scope::All, statuses: &[Status::Quarantined], held: true, ..nothing },
            Role::Portal => Self {
                scope: portal_scope(accounts),
                statuses: &[Status::Accepted],
                related: false,
                held: false,
                open_account_only: true,
                ..everything
            },
        }
    }

    /// Whether a recording in this state, of this account and agent, may be seen.
    pub fn admits(&self, status: Status, account_id: &str, agent: Option<&str>) -> bool {
        self.statuses.contains(&status) && self.scope.admits(account_id, agent)
    }
}

fn rep_scope(accounts: &[String], agent: Option<&str>) -> Scope {
    match (accounts, agent) {
        ([], None) => Scope::Nothing,
        (_, None) => Scope::Accounts(accounts.to_vec()),
        (_, Some(agent)) => Scope::AccountsOrAgent { accounts: accounts.to_vec(), agent: agent.to_owned() },
    }
}

fn portal_scope(accounts: &[String]) -> Scope {
    // A portal token of several accounts is a mistake; it opens none rather than one that nobody chose.
    if let [one] = accounts { Scope::OneAccount(one.clone()) } else { Scope::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// role, accounts, agent → may see (accepted of A by agent x), (accepted of B by agent x), (accepted of B by y),
    /// (quarantined of A by x)
    type Row = (Role, &'static [&'static str], Option<&'static str>, [bool; 4]);

    const TABLE: &[Row] = &[
        (Role::Ingest, &["A"], Some("x"), [false, false, false, false]),
        (Role::Rep, &[], None, [false, false, false, false]),
        (Role::Rep, &["A"], None, [true, false, false, false]),
        (Role::Rep, &["A"], Some("x"), [true, true, false, false]),
        (Role::Rep, &[], Some("x"), [true, true, false, false]),
        (Role::Rep, &["A", "B"], None, [true, true, true, false]),
        (Role::Legal, &[], None, [true, true, true, true]),
        (Role::Privacy, &[], None, [true, true, true, true]),
        (Role::Auditor, &[], None, [true, true, true, true]),
        (Role::Operator, &[], None, [false, false, false, true]),
        (Role::Portal, &[], None, [false, false, false, false]),
        (Role::Portal, &["A"], Some("x"), [true, false, false, false]),
        (Role::Portal, &["A", "B"], None, [false, false, false, false]),
    ];

    #[test]
    fn each_role_sees_its_part_and_nothing_else() {
        for (role, accounts, agent, expected) in TABLE {
            let accounts: Vec<String> = accounts.iter().map(|a| (*a).to_owned()).collect();
            let view = View::of(*role, &accounts, *agent);
            let seen = [
                view.admits(Status::Accepted, "A", Some("x")),
                view.admits(Status::Accepted, "B", Some("x")),
                view.admits(Status::Accepted, "B", Some("y")),
                view.admits(Status::Quarantined, "A", Some("x")),
            ];
            assert_eq!(&seen, expected, "{role} {accounts:?} {agent:?}");
        }
    }

    #[test]
    fn how_much_of_a_recording_each_role_sees() {
        // sealed metadata, audio, related, held, only while the account is open, held past the deadline
        let table = [
            (Role::Ingest, [false, false, false, false, false, false]),
            (Role::Rep, [true, true, true, false, false, false]),
            (Role::Legal, [true, true, true, true, false, true]),
            (Role::Privacy, [true, true, true, true, false, false]),
            (Role::Auditor, [false, false, false, true, false, false]),
            (Role::Operator, [false, false, false, true, false, false]),
            (Role::Portal, [true, true, false, false, true, false]),
        ];
        for (role, expected) in table {
            let v = View::of(role, &["A".to_owned()], None);
            let seen = [v.sealed_metadata, v.audio, v.related, v.held, v.open_account_only, v.held_past_deadline];
            assert_eq!(seen, expected, "{role}");
        }
    }

    #[test]
    fn other_accounts_make_a_scope_neither_more_nor_less_than_they_are() {
        let accounts = || vec!["B".to_owned(), "A".to_owned(), "B".to_owned()];
        for (scope, a, c, by_agent) in [
            (Scope::Nothing, false, false, false),
            (Scope::All, true, true, true),
            (Scope::Accounts(vec!["C".to_owned()]), true, false, false),
            (Scope::OneAccount("C".to_owned()), true, false, false),
            (Scope::AccountsOrAgent { accounts: vec![], agent: "x".to_owned() }, true, false, true),
        ] {
            let widened = scope.clone().with_accounts(accounts());
            assert_eq!(widened.admits("A", None), a, "{scope:?}");
            assert_eq!(widened.admits("C", None), c, "{scope:?}");
            assert_eq!(widened.admits("D", Some("x")), by_agent, "{scope:?}");
        }
        assert_eq!(Scope::OneAccount("A".to_owned()).accounts(), ["A"]);
    }

    #[test]
    fn an_agent_that_a_recording_does_not_name_is_nobody() {
        let view = View::of(Role::Rep, &[], Some("x"));
        assert!(!view.admits(Status::Accepted, "A", None));
    }
}
