//! The members of an object in a vCon, read by what they have to be; what is wrong names its place.

use serde_json::{Map, Value};

use super::VconError;
use crate::clock::Timestamp;

/// Reads the members of one object, gathering what is wrong with them.
pub(super) struct Members<'a> {
    pub(super) path: String,
    members: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    pub(super) fn new(path: impl Into<String>, members: &'a Map<String, Value>) -> Self {
        Self { path: path.into(), members }
    }

    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn wrong(&self, name: &str, code: &'static str, message: &str) -> VconError {
        VconError::invalid(self.at(name), code, message)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, VconError> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| self.wrong(name, "wrong-type", "must be a text"));
        self.get(name).map(text).transpose()
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a str, VconError> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "required", "is required"))
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, VconError> {
        let time = |text| {
            let wrong = |_| self.wrong(name, "format", "must be an RFC 3339 time with its zone");
            Timestamp::parse(text).map_err(wrong)
        };
        self.text(name)?.map(time).transpose()
    }

    /// An index into a list of so many.
    pub(super) fn index(&self, name: &str, len: usize) -> Result<Option<usize>, VconError> {
        self.get(name).map(|value| index(value, len).ok_or_else(|| self.not_there(name))).transpose()
    }

    pub(super) fn not_there(&self, name: &str) -> VconError {
        self.wrong(name, "out-of-range", "refers to what is not there")
    }

    pub(super) fn is_empty(&self, name: &str) -> bool {
        match self.get(name) {
            None => true,
            Some(Value::Object(members)) => members.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            Some(_) => false,
        }
    }
}

pub(super) fn index(value: &Value, len: usize) -> Option<usize> {
    value.as_u64().and_then(|index| usize::try_from(index).ok()).filter(|index| *index < len)
}
