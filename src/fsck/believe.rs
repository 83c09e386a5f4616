//! Whether a signed document in the store may change the catalog: it must be this archive's own, word for word what the
//! ledger's entry says, and that entry in a tree of this ledger. Anything else that lies in the bucket destroys nothing.

use serde::de::DeserializeOwned;

use crate::archive::{Archive, ArchiveError};
use crate::ledger::account_certificate::{AccountCertificate, AccountFacts};
use crate::ledger::certificate::{Certificate, PurgeFacts};
use crate::ledger::destruction::{DestructionFacts, DestructionRecord};
use crate::ledger::document::{self, DocumentKind};
use crate::ledger::kind::Kind;
use crate::ledger::shapes::ProvenEntry;
use crate::ledger::statistics::{StatisticsFacts, StatisticsRecord};

/// The facts of a certificate of deletion.
pub(super) fn certificate(archive: &Archive, bytes: &[u8]) -> Result<PurgeFacts, ArchiveError> {
    let Certificate { facts, ledger, .. } = own(archive, bytes, DocumentKind::Certificate)?;
    in_the_ledger(archive, &ledger, &facts.entry_kind(), &facts)?;
    Ok(facts)
}

/// The facts of a certificate that an account's data are gone.
pub(super) fn account_certificate(archive: &Archive, bytes: &[u8]) -> Result<AccountFacts, ArchiveError> {
    let AccountCertificate { facts, ledger, .. } = own(archive, bytes, DocumentKind::AccountCertificate)?;
    in_the_ledger(archive, &ledger, &Kind::ACCOUNT_PURGED, &facts)?;
    Ok(facts)
}

/// The facts of a record that a month's key is destroyed.
pub(super) fn destruction(archive: &Archive, bytes: &[u8]) -> Result<DestructionFacts, ArchiveError> {
    let DestructionRecord { facts, ledger, .. } = own(archive, bytes, DocumentKind::DestructionRecord)?;
    in_the_ledger(archive, &ledger, &Kind::MONTH_DESTROYED, &facts)?;
    Ok(facts)
}

/// The facts of published statistics.
pub(super) fn statistics(archive: &Archive, bytes: &[u8]) -> Result<StatisticsFacts, ArchiveError> {
    let StatisticsRecord { facts, ledger, .. } = own(archive, bytes, DocumentKind::Statistics)?;
    in_the_ledger(archive, &ledger, &Kind::STATISTICS_PUBLISHED, &facts)?;
    Ok(facts)
}

fn own<T: DeserializeOwned>(archive: &Archive, bytes: &[u8], kind: DocumentKind) -> Result<T, ArchiveError> {
    let opened = document::open(bytes)?;
    if *opened.key() != archive.signing.public() {
        return Err(ArchiveError::Document("a document that another key signed"));
    }
    if opened.kind() != kind {
        return Err(ArchiveError::Document("a document of another kind"));
    }
    Ok(opened.read()?)
}

fn in_the_ledger<T: DeserializeOwned + PartialEq>(
    archive: &Archive,
    entry: &ProvenEntry,
    kind: &Kind,
    facts: &T,
) -> Result<(), ArchiveError> {
    let said: Option<T> = serde_json::from_value(entry.opening.payload.clone()).ok();
    if entry.kind != *kind || said.as_ref() != Some(facts) {
        return Err(ArchiveError::Document("a document that says other than its ledger entry"));
    }
    if entry.verify(&archive.signing.public())?.origin != archive.origin {
        return Err(ArchiveError::Document("a document of another ledger"));
    }
    Ok(())
}
