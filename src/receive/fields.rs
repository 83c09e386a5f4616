//! Reading the members of a JSON object one by one, gathering what is wrong with them.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::receive::metadata::{FieldProblem, shown};

/// The members not yet read, and the problems found so far.
pub(super) struct Fields {
    path: String,
    rest: Map<String, Value>,
    problems: Vec<FieldProblem>,
}

/// `value` when it passes.
pub(super) fn opt<T>(value: Option<T>, passes: impl FnOnce(&T) -> bool) -> Option<T> {
    value.filter(passes)
}

impl Fields {
    /// The members of the object at `path` (empty, or ending in a full stop).
    pub(super) fn new(path: &str, members: Map<String, Value>) -> Self {
        Self { path: path.to_owned(), rest: members, problems: Vec::new() }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name).filter(|value| !value.is_null())
    }

    fn wrong<T>(&mut self, name: &str, code: &'static str, message: impl Into<String>) -> Option<T> {
        self.problems.push(FieldProblem::new(format!("{}{name}", self.path), code, message));
        None
    }

    /// Says that the field is missing, unless it was there and another problem was found with it.
    pub(super) fn require<T>(&mut self, name: &str, value: &Option<T>) {
        let path = format!("{}{name}", self.path);
        if value.is_none() && !self.problems.iter().any(|p| p.field == path) {
            self.wrong::<()>(name, "required", "is required");
        }
    }

    /// A text of 1 to `max_chars` characters without control characters.
    pub(super) fn text(&mut self, name: &str, max_chars: usize) -> Option<String> {
        let value = self.take(name)?;
        self.checked_text(name, value, max_chars)
    }

    fn checked_text(&mut self, name: &str, value: Value, max_chars: usize) -> Option<String> {
        let Value::String(text) = value else { return self.wrong(name, "wrong-type", "must be a text") };
        if text.is_empty() {
            return self.wrong(name, "empty", "must not be empty");
        }
        if text.chars().count() > max_chars {
            return self.wrong(name, "too-long", format!("must have at most {max_chars} characters"));
        }
        if text.chars().any(char::is_control) {
            return self.wrong(name, "control-character", "must have no control characters");
        }
        Some(text)
    }

    /// A text that follows a rule.
    pub(super) fn matching(&mut self, name: &str, rule: &str, follows: fn(&str) -> bool) -> Option<String> {
        match self.take(name)? {
            Value::String(text) if follows(&text) => Some(text),
            Value::String(_) => self.wrong(name, "format", rule),
            _ => self.wrong(name, "wrong-type", "must be a text"),
        }
    }

    /// An RFC 3339 time with its zone.
    pub(super) fn time(&mut self, name: &str) -> Option<Timestamp> {
        let Value::String(text) = self.take(name)? else {
            return self.wrong(name, "wrong-type", "must be a text");
        };
        Timestamp::parse(&text).ok().or_else(|| self.wrong(name, "format", "must be an RFC 3339 time with its zone"))
    }

    /// A whole number from 0 to `max`.
    pub(super) fn integer(&mut self, name: &str, max: u64) -> Option<u64> {
        match self.take(name)?.as_u64() {
            Some(number) if number <= max => Some(number),
            Some(_) => self.wrong(name, "out-of-range", format!("must be at most {max}")),
            None => self.wrong(name, "wrong-type", "must be a whole number, 0 or more"),
        }
    }

    /// One of the words that are known.
    pub(super) fn word<T: Copy>(&mut self, name: &str, known: &[(&str, T)]) -> Option<T> {
        let Value::String(text) = self.take(name)? else {
            return self.wrong(name, "wrong-type", "must be a text");
        };
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        self.wrong(name, "unknown-value", format!("must be one of: {}", words.join(", ")))
    }

    /// A list of at most `max` texts of 1 to `max_chars` characters.
    pub(super) fn tags(&mut self, name: &str, max: usize, max_chars: usize) -> Vec<String> {
        let items = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) if items.len() <= max => items,
            Some(Value::Array(_)) => {
                self.wrong::<()>(name, "too-many", format!("must be at most {max}"));
                return Vec::new();
            }
            Some(_) => {
                self.wrong::<()>(name, "wrong-type", "must be a list of texts");
                return Vec::new();
            }
        };
        let items = items.into_iter().enumerate();
        items.filter_map(|(i, item)| self.checked_text(&format!("{name}[{i}]"), item, max_chars)).collect()
    }

    /// An object, whose own members are read from what is returned; give that back to [`Self::absorb`].
    pub(super) fn object(&mut self, name: &str) -> Option<Self> {
        match self.take(name)? {
            Value::Object(members) => Some(Self::new(&format!("{}{name}.", self.path), members)),
            _ => self.wrong(name, "wrong-type", "must be an object"),
        }
    }

    /// Takes over what was found in an inner object.
    pub(super) fn absorb(&mut self, inner: Self) {
        self.problems.extend(inner.finish());
    }

    /// What is wrong; members that nobody asked for are as well.
    pub(super) fn finish(mut self) -> Vec<FieldProblem> {
        for name in self.rest.keys() {
            let field = format!("{}{}", self.path, shown(name));
            self.problems.push(FieldProblem::new(field, "unknown-field", "is not a field of the metadata"));
        }
        self.problems
    }
}
