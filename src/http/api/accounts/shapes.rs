//! Accounts as clients see them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::account::{Account, Contact, Details, Former};
use crate::clock::Timestamp;
use crate::recording::{Language, Professional};

/// An account. Who may not see what is sealed gets ids, kind, language and times.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountShown {
    /// The product's id.
    #[schema(example = "agency-7")]
    id: String,
    /// The archive's name for it, under which its certificate is found once its data ended.
    #[schema(value_type = String, format = "uuid")]
    uuid: Uuid,
    /// What kind of professional it is.
    kind: Option<Professional>,
    /// The language that the customer chose.
    language: Option<Language>,
    /// When the archive first heard of it, also by a recording that came before it.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the product last changed it, by the product's clock.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
    /// Since when the portal does not reach it.
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_at: Option<Timestamp>,
    /// When the relation ended; the portal does not reach it from then on either.
    #[schema(value_type = Option<String>, format = DateTime)]
    relation_ended_at: Option<Timestamp>,
    /// When its data are purged; null while the relation goes on.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The retention rule that gave that.
    #[schema(example = "account/1 P10Y Europe/Brussels instant")]
    rule: Option<String>,
    /// The account that it was merged into, which has what belongs to it.
    merged_into: Option<String>,
    /// How many persons left, of whom no more is known.
    persons_left: u64,
    /// What the product says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<DetailsShown>,
}

/// What the product says of an account.
#[derive(Debug, Serialize, ToSchema)]
struct DetailsShown {
    /// The customer's name.
    name: Option<String>,
    /// Number of the value-added tax registration.
    vat_number: Option<String>,
    /// Postal address.
    address: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Telephone number, E.164.
    number: Option<String>,
    /// The company's agents whose account it is.
    reps: Vec<String>,
    /// The contact persons, in the order of their ids.
    persons: Vec<Contact>,
    /// The accounts that were merged into it, as they were.
    merged: Vec<FormerShown>,
}

/// What was said of an account that was merged into another.
#[derive(Debug, Serialize, ToSchema)]
struct FormerShown {
    /// The product's id of it.
    id: String,
    /// The customer's name.
    name: Option<String>,
    /// Number of the value-added tax registration.
    vat_number: Option<String>,
    /// Postal address.
    address: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Telephone number, E.164.
    number: Option<String>,
}

/// A page of accounts, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountPage {
    /// The accounts.
    pub(super) accounts: Vec<AccountShown>,
    /// Where the next page begins; null after the last.
    pub(super) next_cursor: Option<String>,
}

impl From<Former> for FormerShown {
    fn from(former: Former) -> Self {
        let Former { id, name, vat_number, address, email, number } = former;
        Self { id, name, vat_number, address, email, number }
    }
}

impl DetailsShown {
    fn of(details: Details, persons: Vec<Contact>) -> Self {
        let Details { name, vat_number, address, email, number, reps, merged } = details;
        let merged = merged.into_iter().map(FormerShown::from).collect();
        Self { name, vat_number, address, email, number, reps, persons, merged }
    }
}

impl AccountShown {
    /// What is plain of it: the answer to who changes it.
    pub(super) fn plain(account: Account) -> Self {
        Self { details: None, ..Self::from(account) }
    }
}

impl From<Account> for AccountShown {
    fn from(account: Account) -> Self {
        let Account { row, details, persons, persons_left } = account;
        Self {
            id: row.id,
            uuid: row.uuid,
            kind: row.kind,
            language: row.language,
            created_at: row.created_at,
            updated_at: row.updated_at,
            closed_at: row.closed_at,
            relation_ended_at: row.relation_ended_at,
            expires_at: row.expires_at,
            rule: row.rule,
            merged_into: row.merged_into,
            persons_left,
            details: details.map(|details| DetailsShown::of(details, persons)),
        }
    }
}
