//! Sending a package: each recording in its turn, what stands once, the lists, the signature, the end.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::bag::{BagWriter, folder_of};
use super::begin::{ALIVE, Begun};
use super::close::close;
use super::ended;
use super::out::Out;
use super::parts::{self, CommonFiles};
use super::sections::Sections;
use super::{EvidenceError, register};
use crate::archive::Archive;
use crate::clock::Timestamp;
use crate::find::{ByteStream, Sight, look_up};
use crate::ledger::shapes::LedgerKey;

/// Pieces that wait for the client.
const AHEAD: usize = 4;
/// How often the register hears that a package is still being sent.
const RENEW: Duration = Duration::from_secs(60);

/// Sends a package that was begun. The stream ends with an error where the package is not complete: then there is no end to
/// the ZIP, and nobody takes it for whole.
pub fn send(archive: Arc<Archive>, begun: Begun) -> ByteStream {
    let (sender, receiver) = mpsc::channel(AHEAD);
    // On its own, so that how it ended is noted whether or not anybody still listens.
    tokio::spawn(async move {
        let mut out = Out::new(sender);
        let renewed = begun.package.made_at;
        let mut making = Making { archive: &archive, begun: &begun, renewed };
        let Err(error) = making.all(&mut out).await else { return };
        tracing::warn!(package = %begun.id(), %error, "a package was not sent to its end");
        metrics::counter!("earwitness_packages_broken_total").increment(1);
        if let Err(error) = ended::broken(&archive, &begun, error.code()).await {
            // The register's row says it in any case, once it was not renewed for long enough.
            tracing::error!(package = %begun.id(), %error, "it could not be noted that a package broke off");
        }
        out.fail(error).await;
    });
    stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|item| (item, receiver)) }).boxed()
}

/// A package on its way.
pub(super) struct Making<'a> {
    pub(super) archive: &'a Arc<Archive>,
    pub(super) begun: &'a Begun,
    renewed: Timestamp,
}

impl Making<'_> {
    async fn all(&mut self, out: &mut Out) -> Result<(), EvidenceError> {
        let mut bag = BagWriter::new(self.begun.id());
        let mut sections = Sections::of(self.archive, self.begun).await?;
        out.put(bag.declaration()?).await?;
        for (place, promised) in self.begun.package.recordings.iter().zip(&self.begun.promised) {
            self.renew().await?;
            sections.add(self.recording(&mut bag, out, place, promised).await?).await?;
            crate::failpoint::hit("evidence.recording_sent");
        }
        self.still_all().await?;
        let common = self.common();
        for piece in parts::common(&mut bag, &folder_of(self.begun.id()), &common)? {
            out.put(piece).await?;
        }
        sections.put(&mut bag, out).await?;
        let info = parts::bag_info(&common.package);
        let info: Vec<(&str, &str)> = info.iter().map(|(label, value)| (*label, value.as_str())).collect();
        let (tags, tag_manifest) = bag.tags(&info)?;
        out.put(tags).await?;
        self.renew().await?;
        let now = self.archive.clock.now();
        let (sealer, authority) = (self.begun.sealer.as_ref(), self.archive.timestamps.as_ref());
        for (name, bytes) in close(&tag_manifest, now, sealer, authority).await? {
            out.put(bag.signature(name, &bytes)?).await?;
        }
        self.end(bag, out).await
    }

    /// The end leaves only once the ledger has the digest of the whole.
    async fn end(&self, bag: BagWriter, out: &mut Out) -> Result<(), EvidenceError> {
        let last = bag.finish();
        let (sha256, byte_len) = out.with(&last);
        ended::made(self.archive, self.begun, &sha256, byte_len).await?;
        crate::failpoint::hit("evidence.made");
        out.put(last).await?;
        register::keep(self.archive, self.begun.id()).await;
        Ok(())
    }

    /// Before what tells of all recordings: their time, and their holds, may have ended since each was sent.
    async fn still_all(&self) -> Result<(), EvidenceError> {
        for id in self.begun.recordings() {
            look_up(self.archive, id, Sight::View(&self.begun.reader.view)).await?;
        }
        Ok(())
    }

    pub(super) async fn renew(&mut self) -> Result<(), EvidenceError> {
        let now = self.archive.clock.now();
        if now.since(self.renewed) >= RENEW {
            if !self.archive.catalog.renew_disclosure(self.begun.id(), now.plus(ALIVE)).await? {
                return Err(EvidenceError::GivenUp);
            }
            self.renewed = now;
        }
        Ok(())
    }

    fn common(&self) -> CommonFiles {
        CommonFiles {
            ledger_key: LedgerKey::of(&self.archive.origin, &self.archive.signing.public()),
            checkpoint: self.begun.state.checkpoint.clone(),
            seal: (self.begun.certificate.to_pem(), self.begun.certificate.is_self_made()),
            package: self.begun.package.clone(),
        }
    }
}
