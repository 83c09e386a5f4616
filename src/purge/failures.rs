//! What failed in a pass. One recording that cannot be purged does not keep the others: it is noted, and tried again
//! by the next pass.

use super::PurgeError;
use crate::recording::RecordingId;

/// What failed so far.
#[derive(Debug, Default)]
pub struct Failures {
    count: u64,
    first: Option<PurgeError>,
}

impl Failures {
    /// Notes that a recording's purge did not get further.
    pub fn of_recording(&mut self, id: RecordingId, error: PurgeError) {
        tracing::error!(recording = %id, code = error.code(), %error, "a recording's purge did not get further");
        self.note(error);
    }

    /// The result of something else than one recording, or nothing when it failed.
    pub fn keep<T: Default>(&mut self, what: &'static str, result: Result<T, PurgeError>) -> T {
        result.unwrap_or_else(|error| {
            tracing::error!(what, code = error.code(), %error, "a step of the purge failed");
            self.note(error);
            T::default()
        })
    }

    fn note(&mut self, error: PurgeError) {
        metrics::counter!("earwitness_purge_failures_total").increment(1);
        self.count += 1;
        self.first.get_or_insert(error);
    }

    /// How many failures there were, and the first of them.
    pub fn end(self) -> (u64, Option<PurgeError>) {
        (self.count, self.first)
    }
}
