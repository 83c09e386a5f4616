//! What the product says of an account and the rules for it, and how that is sealed: under the account's own secret, with
//! which it ends.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::archive::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::receive::metadata::{FieldProblem, is_e164};
use crate::recording::{Language, Professional};
use crate::vault::keys::KeyName;

/// The longest id or name, in characters.
const MAX_CHARS: usize = 200;
/// The longest address, in characters.
const MAX_ADDRESS_CHARS: usize = 500;
/// The longest number of a value-added tax registration, in characters.
const MAX_VAT_CHARS: usize = 50;
/// The longest e-mail address, in characters (RFC 5321).
const MAX_EMAIL_CHARS: usize = 254;
/// Contact persons that an account has at the most.
const MAX_PERSONS: usize = 500;
/// Agents that an account is assigned to at the most.
const MAX_REPS: usize = 200;

/// A contact person of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The product's id of the person, as recordings name it.
    #[schema(min_length = 1, max_length = 200)]
    pub id: String,
    /// The person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// What the person does at the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub function: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 254)]
    pub email: Option<String>,
    /// Telephone number, E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"^\+[1-9][0-9]{2,14}$")]
    pub number: Option<String>,
}

/// What the product says of an account. All of it: what is left out is not known any more, but for persons who left.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountRequest)]
pub struct AccountUpdate {
    /// The customer's name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Number of the value-added tax registration.
    #[schema(min_length = 1, max_length = 50, example = "BE0644664489")]
    pub vat_number: Option<String>,
    /// Postal address.
    #[schema(min_length = 1, max_length = 500)]
    pub address: Option<String>,
    /// E-mail address.
    #[schema(max_length = 254)]
    pub email: Option<String>,
    /// Telephone number, E.164.
    #[schema(pattern = r"^\+[1-9][0-9]{2,14}$")]
    pub number: Option<String>,
    /// The language that the customer chose.
    pub language: Option<Language>,
    /// What kind of professional the customer is.
    pub kind: Option<Professional>,
    /// The company's agents whose account it is, as recordings and tokens name them: each sees it. At most 200.
    #[serde(default)]
    pub reps: Vec<String>,
    /// The contact persons, at most 500. One who left is passed over.
    #[serde(default)]
    pub persons: Vec<Contact>,
    /// When the product changed it last, by its own clock: what is older than what arrived before changes nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}

/// What is sealed in an account's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields of AccountUpdate, described there")]
pub struct Details {
    /// None where nothing but accounts that were merged into it is known.
    pub name: Option<String>,
    pub vat_number: Option<String>,
    pub address: Option<String>,
    pub email: Option<String>,
    pub number: Option<String>,
    pub reps: Vec<String>,
    /// The accounts that were merged into it, as they were.
    #[serde(default)]
    pub merged: Vec<Former>,
}

/// What was said of an account that was merged into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields of AccountUpdate, described there")]
pub struct Former {
    /// The product's id of it.
    pub id: String,
    pub name: Option<String>,
    pub vat_number: Option<String>,
    pub address: Option<String>,
    pub email: Option<String>,
    pub number: Option<String>,
}

/// Everything that is wrong with the product's id of an account or a person. Pure.
pub fn id_problems(field: &str, id: &str) -> Vec<FieldProblem> {
    FieldProblem::of_text(field, id, MAX_CHARS, false).into_iter().collect()
}

/// What is wrong with an e-mail address: it is written to nobody, so it need only look like one.
fn email_problem(field: String, email: &str) -> Option<FieldProblem> {
    let looks_like_one = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    FieldProblem::of_text(field.clone(), email, MAX_EMAIL_CHARS, false)
        .or_else(|| (!looks_like_one).then(|| FieldProblem::new(field, "format", "must be an e-mail address")))
}

fn number_problem(field: String, number: &str) -> Option<FieldProblem> {
    let rule = "must be an E.164 number such as +32470123456";
    (!is_e164(number)).then(|| FieldProblem::new(field, "format", rule))
}

fn has_twice(mut ids: Vec<&str>) -> bool {
    ids.sort_unstable();
    ids.windows(2).any(|pair| pair[0] == pair[1])
}

impl Contact {
    fn problems(&self, at: &str) -> Vec<FieldProblem> {
        let field = |name: &str| format!("{at}.{name}");
        let text =
            |name: &str, text: &Option<String>| FieldProblem::of_text(field(name), text.as_deref()?, MAX_CHARS, false);
        let found = [
            FieldProblem::of_text(field("id"), &self.id, MAX_CHARS, false),
            text("name", &self.name),
            text("function", &self.function),
            self.email.as_deref().and_then(|email| email_problem(field("email"), email)),
            self.number.as_deref().and_then(|number| number_problem(field("number"), number)),
        ];
        found.into_iter().flatten().collect()
    }
}

impl AccountUpdate {
    /// Everything that is wrong with it. Pure.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let text = |field: &str, text: &Option<String>, most, lines| {
            FieldProblem::of_text(field, text.as_deref()?, most, lines)
        };
        let many = |field: &str, most: usize| FieldProblem::new(field, "too-many", format!("must be at most {most}"));
        let twice = |field: &str| FieldProblem::new(field, "duplicate", "one stands there twice");
        let found = [
            FieldProblem::of_text("name", &self.name, MAX_CHARS, false),
            text("vat_number", &self.vat_number, MAX_VAT_CHARS, false),
            text("address", &self.address, MAX_ADDRESS_CHARS, true),
            self.email.as_deref().and_then(|email| email_problem("email".to_owned(), email)),
            self.number.as_deref().and_then(|number| number_problem("number".to_owned(), number)),
            (self.reps.len() > MAX_REPS).then(|| many("reps", MAX_REPS)),
            has_twice(self.reps.iter().map(String::as_str).collect()).then(|| twice("reps")),
            (self.persons.len() > MAX_PERSONS).then(|| many("persons", MAX_PERSONS)),
            has_twice(self.persons.iter().map(|person| person.id.as_str()).collect()).then(|| twice("persons")),
        ];
        let reps = self.reps.iter().enumerate();
        let reps = reps.filter_map(|(n, rep)| FieldProblem::of_text(format!("reps[{n}]"), rep, MAX_CHARS, false));
        let persons = self.persons.iter().enumerate();
        let persons = persons.flat_map(|(n, person)| person.problems(&format!("persons[{n}]")));
        found.into_iter().flatten().chain(reps).chain(persons).collect()
    }

    /// What of it is sealed in the account's row, beside the accounts that were merged into it.
    pub(super) fn details(&self, merged: Vec<Former>) -> Details {
        let mut reps = self.reps.clone();
        reps.sort_unstable();
        Details {
            name: Some(self.name.clone()),
            vat_number: self.vat_number.clone(),
            address: self.address.clone(),
            email: self.email.clone(),
            number: self.number.clone(),
            reps,
            merged,
        }
    }
}

/// Seals something of an account under its secret, which is there since something is said of it. `what` says which thing.
pub(super) async fn seal<T: Serialize>(
    archive: &Archive,
    account: Uuid,
    what: &str,
    value: &T,
) -> Result<Vec<u8>, ArchiveError> {
    archive.seal_under(KeyName::Account(account), &aad(account, what), value).await
}

/// Opens what [`seal`] sealed.
pub(super) async fn open<T: DeserializeOwned>(
    archive: &Archive,
    account: Uuid,
    what: &str,
    sealed: &[u8],
) -> Result<T, ArchiveError> {
    archive.open_under(KeyName::Account(account), &aad(account, what), sealed).await
}

pub(super) async fn seal_contact(
    archive: &Archive,
    account: Uuid,
    person_mac: &[u8],
    contact: &Contact,
) -> Result<Vec<u8>, ArchiveError> {
    seal(archive, account, &of_person(person_mac), contact).await
}

pub(super) async fn open_contact(
    archive: &Archive,
    account: Uuid,
    person_mac: &[u8],
    sealed: &[u8],
) -> Result<Contact, ArchiveError> {
    open(archive, account, &of_person(person_mac), sealed).await
}

fn of_person(person_mac: &[u8]) -> String {
    format!("person/{}", hex::encode(person_mac))
}

fn aad(account: Uuid, what: &str) -> String {
    format!("account/{account}/{what}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn update(more: serde_json::Value) -> AccountUpdate {
        let mut value = json!({"name": "Immo Voorbeeld"});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    fn told(update: &AccountUpdate) -> Vec<(String, &'static str)> {
        update.problems().into_iter().map(|problem| (problem.field, problem.code)).collect()
    }

    #[test]
    fn each_rule_names_its_field() {
        let bad = update(json!({
            "name": " ", "vat_number": "x".repeat(51), "address": "a\u{7}", "email": "nobody", "number": "0470",
            "reps": ["ann", "ann", ""],
            "persons": [{"id": "p"}, {"id": "p", "name": "", "email": "@x", "number": "+0"}],
        }));
        let expected = [
            ("name", "empty"),
            ("vat_number", "too-long"),
            ("address", "control-character"),
            ("email", "format"),
            ("number", "format"),
            ("reps", "duplicate"),
            ("persons", "duplicate"),
            ("reps[2]", "empty"),
            ("persons[1].name", "empty"),
            ("persons[1].email", "format"),
            ("persons[1].number", "format"),
        ];
        assert_eq!(told(&bad), expected.map(|(field, code)| (field.to_owned(), code)));
        let good = update(json!({
            "address": "Kerkstraat 1\n1000 Brussel", "email": "info@voorbeeld.example", "number": "+3225551234",
            "language": "nl", "kind": "estate-agent", "reps": ["ann"],
            "persons": [{"id": "p-7", "name": "Jan", "function": "zaakvoerder"}],
        }));
        assert_eq!(told(&good), []);
    }

    #[test]
    fn there_are_as_many_persons_as_there_may_be() {
        let persons = |count: usize| {
            update(json!({"persons": (0..count).map(|n| json!({"id": n.to_string()})).collect::<Vec<_>>()}))
        };
        assert_eq!(told(&persons(500)), []);
        assert_eq!(told(&persons(501)), [("persons".to_owned(), "too-many")]);
    }

    #[test]
    fn a_field_that_is_not_known_is_refused() {
        assert!(serde_json::from_value::<AccountUpdate>(json!({"name": "x", "vat": "BE"})).is_err());
        assert!(serde_json::from_value::<Contact>(json!({"id": "x", "mail": "a@b"})).is_err());
    }
}
