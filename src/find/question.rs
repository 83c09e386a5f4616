//! What can be asked for, and the rules for it. Pure.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::receive::metadata::{FieldProblem, is_e164, is_product};
use crate::recording::Status;

/// The longest id or name that anything can have, in characters.
const MAX_CHARS: usize = 200;

/// What a caller asks for. Everything that is set must hold. It stands in the ledger as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The customer's account, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The lead, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// The listing, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing: Option<String>,
    /// The product's id of the call, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The telephone number, E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The agent, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The contact person: the id exactly, or the name whatever its case and spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The product, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Recorded at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Recorded before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// The status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// On legal hold, or not. Only for those who may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<bool>,
}

impl Question {
    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, code, message: &str| problems.push(FieldProblem::new(field, code, message));
        let texts = [
            ("account", &self.account),
            ("lead", &self.lead),
            ("listing", &self.listing),
            ("call", &self.call),
            ("agent", &self.agent),
            ("person", &self.person),
        ];
        for (field, text) in texts {
            match text.as_deref() {
                Some("") => wrong(field, "empty", "must not be empty"),
                Some(text) if text.chars().count() > MAX_CHARS => {
                    wrong(field, "too-long", "must have at most 200 characters");
                }
                Some(text) if text.chars().any(char::is_control) => {
                    wrong(field, "control-character", "must have no control characters");
                }
                _ => {}
            }
        }
        if self.number.as_deref().is_some_and(|number| !is_e164(number)) {
            wrong("number", "format", "must be an E.164 number such as +32470123456");
        }
        if self.product.as_deref().is_some_and(|product| !is_product(product)) {
            wrong("product", "format", "must be 1 to 64 of a-z 0-9 . _ -");
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            wrong("to", "out-of-range", "must be later than `from`");
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(question: &Question) -> Vec<(String, &'static str)> {
        question.problems().into_iter().map(|p| (p.field, p.code)).collect()
    }

    #[test]
    fn each_rule_names_its_field() {
        let text = |text: &str| Some(text.to_owned());
        let at = |text| Some(Timestamp::parse(text).unwrap());
        assert_eq!(wrong(&Question { number: text("+32470123456"), ..Question::default() }), []);
        let question = Question {
            account: text(""),
            lead: Some("é".repeat(201)),
            person: text("a\nb"),
            number: text("0470 12 34 56"),
            product: text("Lead Contact"),
            from: at("2026-01-02T00:00:00Z"),
            to: at("2026-01-02T00:00:00Z"),
            ..Question::default()
        };
        let expected = [
            ("account", "empty"),
            ("lead", "too-long"),
            ("person", "control-character"),
            ("number", "format"),
            ("product", "format"),
            ("to", "out-of-range"),
        ];
        assert_eq!(wrong(&question), expected.map(|(field, code)| (field.to_owned(), code)));
    }
}
