//! All fail points of uploads and purges.

use crate::support::stack::Stack;

/// Fail points that are reached whatever the engines, and those that only one stack's engines have.
pub(crate) struct Points {
    both: &'static [&'static str],
    embedded: &'static [&'static str],
    production: &'static [&'static str],
}

impl Points {
    /// Those that are reached on this stack.
    pub(crate) fn on(&self, stack: Stack) -> impl Iterator<Item = &'static str> {
        let own = if stack == Stack::Embedded { self.embedded } else { self.production };
        self.both.iter().chain(own).copied()
    }

    /// Those that are reached on any stack.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static str> {
        self.both.iter().chain(self.embedded).chain(self.production).copied()
    }
}

pub(crate) const INGEST: Points = Points {
    both: &[
        "keyring-key-ensured",
        "keyring-copy-stored",
        "keyring-shelved",
        "receive.claimed",
        "receive.audio_stored",
        "receive.waveform_stored",
        "receive.stored",
        "receive.sidecar_stored",
        "receive.before_commit",
        "receive.committed",
    ],
    embedded: &[
        "key-published",
        "object-temp-created",
        "object-temp-synced",
        "object-linked",
        "object-temp-unlinked",
        "object-folders-synced",
        "object-renamed",
    ],
    production: &["transit.key_created", "object-put", "object-overwritten", "guard.set"],
};

/// Of an upload to S3 that is long enough to be stored in parts.
pub(crate) const LONG_INGEST: &[&str] = &["object-upload-begun", "object-part-sent", "object-upload-completed"];

pub(crate) const PURGE: Points = Points {
    both: &[
        "purge.fenced",
        "purge.sidecar_deleted",
        "purge.keys_destroyed",
        "purge.objects_gone",
        "purge.objects_deleted",
        "purge.rows_deleted",
        "purge.looked_again",
        "purge.certificate_stored",
        "purge.certified",
    ],
    embedded: &["object-unlinked", "object-folder-removed"],
    production: &["object-versions-deleted"],
};

/// Of an erasure before the deadline, beside those of every purge.
pub(crate) const ERASURE: &[&str] = &["erasure.tombstone_kept"];

/// Of what a lock kept of an erased recording, and is deleted later.
pub(crate) const LOCKED: &[&str] = &["purge.locked_gone", "purge.bytes_deleted"];

pub(crate) const MONTH: Points = Points {
    both: &[
        "month.closed",
        "keyring-key-destroyed",
        "keyring-copy-deleted",
        "month.key_destroyed",
        "month.tombstones_deleted",
        "month.destroyed",
    ],
    embedded: &["file-temp-synced", "file-linked", "key-destruction-noted", "key-removed"],
    production: &["transit.deletion_allowed", "transit.key_deleted"],
};

/// Of a month whose statistics are published.
pub(crate) const STATISTICS: &[&str] = &["statistics.published", "statistics.stored"];

pub(crate) const DECISION: &str = "decide.committed";

/// Of a case that is being opened.
pub(crate) const CASE: &[&str] = &["case.key_made", "case.opened", "case.stored"];

/// Of a case whose retention period is over.
pub(crate) const CASE_END: &[&str] =
    &["case.fenced", "case.end_kept", "case.key_destroyed", "case.objects_deleted", "case.purged"];

/// Of what the product says of an account.
pub(crate) const ACCOUNT: &[&str] = &["account.key_made", "account.changed", "account.stored"];

/// Of a person who leaves.
pub(crate) const LEAVING: &[&str] = &["account.person_left", "account.recordings_moved"];

/// Of two accounts that become one.
pub(crate) const MERGE: &str = "account.merged";

/// Of an account whose time is over.
pub(crate) const ACCOUNT_END: &[&str] = &[
    "account.fenced",
    "account.end_kept",
    "account.key_destroyed",
    "account.objects_deleted",
    "account.rows_deleted",
    "account.looked_again",
    "account.certificate_stored",
    "account.certified",
];

/// Of a rule that is being placed.
pub(crate) const RULE: &str = "rule.placed";

/// Of a release that is being approved.
pub(crate) const RELEASE: &[&str] = &["release.decided", "release.carried_on", "release.done"];

/// With whether what was sent is there after the restart.
pub(crate) const RELATED: &[(&str, bool)] = &[("related.object_stored", false), ("related.committed", true)];

/// Of an evidence package, with how the register has it after the restart.
pub(crate) const EVIDENCE: &[(&str, &str)] =
    &[("evidence.begun", "broken"), ("evidence.recording_sent", "broken"), ("evidence.made", "made")];
