//! Certificates that an account's data are gone: what stays of them. No personal data, and not the product's id.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::LedgerError;
use super::certificate::{Backups, Counts};
use super::document::{self, DocumentKind};
use super::shapes::{Controller, DocumentSignature, ProvenEntry};
use super::signing::SigningKey;
use crate::clock::Timestamp;

/// A signed certificate that an account's data are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountCertificate {
    /// Always `earwitness-account-certificate-v1`.
    #[serde(rename = "type")]
    #[schema(example = "earwitness-account-certificate-v1")]
    pub document_type: String,
    /// What was deleted, when and by which rule: the very members of the ledger entry's payload.
    #[serde(flatten)]
    pub facts: AccountFacts,
    /// Who answers for the data.
    pub controller: Controller,
    /// The entry `account.purged` that says the same.
    pub ledger: ProvenEntry,
    /// The archive's signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<DocumentSignature>,
}

/// What the purge of an account did. It is the payload of the ledger entry `account.purged` and, word for word, most of the
/// certificate. The times do not run backwards in the order in which they stand here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountFacts {
    /// The archive's name for the account. It says nothing of who it was.
    #[schema(value_type = String, format = "uuid")]
    pub account: Uuid,
    /// Why its data were deleted.
    pub ground: AccountGroundText,
    /// The retention rule, and its version, that gave the deadline; left out where an erasure came before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "account/1 P10Y Europe/Brussels instant")]
    pub rule: Option<String>,
    /// The deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was fenced: nobody saw it from here on.
    #[schema(value_type = String, format = DateTime)]
    pub fenced_at: Timestamp,
    /// When the account's key was destroyed at the key provider, and with it what any backup holds sealed.
    #[schema(value_type = String, format = DateTime)]
    pub keys_destroyed_at: Timestamp,
    /// From when on nobody can get that key back. Later where the provider waits before it destroys a key (AWS KMS).
    #[schema(value_type = String, format = DateTime)]
    pub key_effective_at: Timestamp,
    /// The kind of the key provider.
    #[schema(example = "file")]
    pub provider: String,
    /// When the store's copy was deleted, with all versions.
    #[schema(value_type = String, format = DateTime)]
    pub objects_deleted_at: Timestamp,
    /// When its rows, those of its persons and agents, and the openings of its ledger entries were deleted.
    #[schema(value_type = String, format = DateTime)]
    pub rows_deleted_at: Timestamp,
    /// When all of it was looked for again.
    #[schema(value_type = String, format = DateTime)]
    pub looked_again_at: Timestamp,
    /// What was deleted.
    pub deleted: Counts,
    /// What was still found when it was looked for again: all numbers are 0, else there would be no certificate.
    pub found_again: Counts,
    /// From when on backups of the archive do not give back what was plain (id, kind, language, times) either.
    pub backups: Backups,
}

/// Why an account's data were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AccountGround)]
pub enum AccountGroundText {
    /// Their retention period ended.
    Deadline,
    /// An erasure was decided (GDPR article 17), before the deadline.
    Erasure,
}

impl AccountFacts {
    /// The first of the times that comes before the one that it should follow, by its name.
    pub fn disorder(&self) -> Option<&'static str> {
        let order = [
            ("keys_destroyed_at", self.fenced_at, self.keys_destroyed_at),
            ("key_effective_at", self.keys_destroyed_at, self.key_effective_at),
            ("objects_deleted_at", self.keys_destroyed_at, self.objects_deleted_at),
            ("rows_deleted_at", self.objects_deleted_at, self.rows_deleted_at),
            ("looked_again_at", self.rows_deleted_at, self.looked_again_at),
        ];
        let early = match self.ground {
            AccountGroundText::Deadline => self.expires_at.is_none_or(|expires_at| self.fenced_at < expires_at),
            AccountGroundText::Erasure => false,
        };
        let later = order.into_iter().find(|(_, before, after)| after < before).map(|(name, ..)| name);
        early.then_some("fenced_at").or(later)
    }
}

impl AccountCertificate {
    /// Signs it. What `document_type` and `signature` hold is replaced.
    ///
    /// Errors: [`LedgerError::Document`] when something was found again or the times are out of order: such a
    /// purge is not finished, and nothing must certify it.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, LedgerError> {
        if self.facts.found_again.total() > 0 {
            return Err(LedgerError::Document("something of the account was found again"));
        }
        if self.facts.disorder().is_some() {
            return Err(LedgerError::Document("its times are out of order"));
        }
        document::sign_shape(DocumentKind::AccountCertificate, self, key)
    }
}
