//! What others say about the ledger, so that not even who runs it can rewrite it unseen: witnesses cosign its newest
//! checkpoint, and an authority stamps it and every other that is kept.
//!
//! None of them is needed for the archive to work. What they do not do is counted, told, and tried again.

use std::fmt::Display;

use aws_lc_rs::digest;

use super::{Archive, ArchiveError};
use crate::catalog::LedgerState;
use crate::clock::Timestamp;
use crate::ledger::{checkpoint, cosignature};
use crate::timestamp::{Authority, TimestampError};
use crate::vault::objects::ObjectKey;
use crate::witness::{Witness, WitnessError};

/// Kept checkpoints that are stamped in one pass: after an authority was configured, those of years wait.
const STAMPS: usize = 50;
/// How often a witness may say that it knows another size than the one that we prove from: another node, or another
/// process, may have asked it at the same time.
const ATTEMPTS: usize = 3;

/// What a pass got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attested {
    /// Cosignatures of witnesses.
    pub cosigned: u64,
    /// Timestamps on checkpoints.
    pub stamped: u64,
    /// What was refused or not answered, by its codes.
    pub failed: Vec<&'static str>,
    /// Kept checkpoints that are left for the next pass.
    pub left: u64,
}

impl Attested {
    fn failed(&mut self, part: &'static str, code: &'static str, error: &dyn Display) {
        metrics::counter!("earwitness_attest_failures_total", "part" => part, "code" => code).increment(1);
        tracing::warn!(part, code, %error, "the ledger's checkpoint was not attested");
        self.failed.push(code);
    }
}

/// What was not attested when it should have been.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble {
    since: Option<Timestamp>,
    codes: Vec<&'static str>,
}

impl Archive {
    /// Asks witnesses and authority for what is missing. None while another node writes the ledger.
    ///
    /// # Errors
    /// Catalog or store. What others do not do is no error: it stands in the answer.
    pub async fn attest(&self) -> Result<Option<Attested>, ArchiveError> {
        if !self.holds_ledger_lease().await? {
            return Ok(None);
        }
        let mut done = Attested::default();
        let state = self.catalog.ledger_state().await?;
        if state.published_size > 0 {
            self.attest_newest(&state, &mut done).await?;
        }
        if let Some(authority) = &self.timestamps {
            self.stamp_kept(authority, &mut done).await?;
        }
        self.note_trouble(&done);
        Ok(Some(done))
    }

    async fn attest_newest(&self, state: &LedgerState, done: &mut Attested) -> Result<(), ArchiveError> {
        let mut note = state.checkpoint.clone();
        for witness in &self.witnesses {
            if cosignature::find(&note, witness.key()).is_ok_and(|found| found.is_some()) {
                continue;
            }
            let answer = self.ask(witness, state).await?;
            let added = answer
                .and_then(|lines| cosignature::add(&note, &lines, witness.key()).map_err(|_| WitnessError::Answer));
            match added {
                Ok((cosigned, _)) => {
                    note = cosigned;
                    done.cosigned += 1;
                }
                Err(error) => done.failed("witnesses", error.code(), &error),
            }
        }
        if note != state.checkpoint {
            let _writer = self.ledger_writer.lock().await;
            if self.holds_ledger_lease().await? {
                self.ledger().publish_cosigned(state, &note).await?;
            }
        }
        // Kept, so that what was said about it can be shown once a newer one is published. The authority stamps all kept.
        let kept = ObjectKey::CheckpointAt(state.published_size);
        if done.cosigned > 0 || (self.timestamps.is_some() && self.store.head(&kept).await?.is_none()) {
            self.store.put(&kept, note.into()).await?;
        }
        Ok(())
    }

    /// Submits the checkpoint to a witness, with the proof from the size that the witness says it knows.
    async fn ask(&self, witness: &Witness, state: &LedgerState) -> Result<Result<Vec<u8>, WitnessError>, ArchiveError> {
        let mut old = 0;
        for _ in 0..ATTEMPTS {
            let proof = self.ledger().prove_consistency(old, state.published_size).await?;
            match witness.add_checkpoint(old, &proof, &state.checkpoint).await {
                // It saw more of this ledger than there is.
                Err(WitnessError::Knows(size)) if size > state.published_size => {
                    return Ok(Err(WitnessError::Rewritten));
                }
                Err(WitnessError::Knows(size)) => old = size,
                answer => return Ok(answer),
            }
        }
        Ok(Err(WitnessError::Knows(old)))
    }

    async fn stamp_kept(&self, authority: &Authority, done: &mut Attested) -> Result<(), ArchiveError> {
        let waiting = self.ledger().unstamped().await?;
        done.left = waiting.len() as u64;
        // The newest first: an authority that was configured today says nothing about yesterday in any order.
        for size in waiting.into_iter().rev().take(STAMPS) {
            match self.stamp(authority, size).await? {
                Ok(()) => {
                    done.stamped += 1;
                    done.left -= 1;
                }
                Err(error) => {
                    done.failed("timestamps", error.code(), &error);
                    break;
                }
            }
        }
        Ok(())
    }

    async fn stamp(&self, authority: &Authority, size: u64) -> Result<Result<(), TimestampError>, ArchiveError> {
        let note = self.store.get(&ObjectKey::CheckpointAt(size), checkpoint::MAX_BYTES as u64).await?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest::digest(&digest::SHA256, &checkpoint::text(&note)?).as_ref());
        let token = match authority.stamp(sha256).await {
            Ok(token) => token,
            Err(error) => return Ok(Err(error)),
        };
        self.store.put(&ObjectKey::Timestamp(size), token.response().to_vec().into()).await?;
        Ok(Ok(()))
    }

    fn note_trouble(&self, done: &Attested) {
        let rewritten = done.failed.contains(&WitnessError::Rewritten.code());
        metrics::gauge!("earwitness_ledger_refused_by_witness").set(if rewritten { 1.0 } else { 0.0 });
        let mut trouble = self.attest_trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let since = trouble.since.unwrap_or_else(|| self.clock.now());
        *trouble = Trouble { since: (!done.failed.is_empty()).then_some(since), codes: done.failed.clone() };
    }

    /// What others outside do not do, and since when, for people; nothing where all is well. Tells the metrics as well.
    pub fn attest_warning(&self) -> Option<String> {
        let trouble = self.attest_trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let now = self.clock.now();
        let for_s = trouble.since.map_or(0, |since| now.since(since).as_secs());
        metrics::gauge!("earwitness_attest_failing_seconds").set(for_s as f64);
        trouble.since.map(|_| format!("checkpoints are not attested since {for_s} s: {}", trouble.codes.join(", ")))
    }
}
