//! What the ledger's entries about a package commit to.

use serde::Serialize;
use uuid::Uuid;

use super::recipient::Recipient;
use super::shapes::Promise;
use crate::access::Actor;

/// The entry that a package was begun, is complete, or broke off.
#[derive(Clone, Copy, Serialize)]
pub(super) struct PackagePayload<'a> {
    pub package_id: Uuid,
    pub case_id: Uuid,
    pub actor: &'a Actor,
    pub purpose: &'a str,
    pub recipient: &'a Recipient,
    pub seal: &'a str,
    /// Of `package.json`, which has the recordings in their order: when it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_sha256: Option<&'a str>,
    /// What it says of the recording that the entry is about: when it was begun.
    #[serde(flatten)]
    pub promise: Option<&'a Promise>,
    /// Of the whole, when it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_len: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
}
