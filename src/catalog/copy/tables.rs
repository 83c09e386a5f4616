//! Every table and every column, written out: a test compares them with the real schema of both engines, so that
//! whoever adds one has to say here how it is copied.

use Kind::{Bytes, Number, Text};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `BIGINT`
    Number,
    /// `TEXT`
    Text,
    /// `BLOB`, `BYTEA`
    Bytes,
}

/// One table.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in the order of the schema.
    pub columns: &'static [(&'static str, Kind)],
    /// Which of its rows are copied; none: all.
    pub only: Option<&'static str>,
}

const fn table(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, columns, only: None }
}

/// What says of one catalog alone whether it is in force.
const OF_BOTH: &str = "name NOT IN ('migrated-to', 'copied-from')";

/// The tables, in an order in which every row comes after those that it refers to.
pub const TABLES: &[Table] = &[
    table(
        "secrets",
        &[
            ("name", Text),
            ("state", Text),
            ("wrapped", Bytes),
            ("created_at", Number),
            ("closed_at", Number),
            ("destroyed_at", Number),
            ("entry_id", Text),
            ("recorded_at", Number),
        ],
    ),
    table(
        "accounts",
        &[
            ("id", Text),
            ("created_at", Number),
            ("closed_at", Number),
            ("uuid", Text),
            ("kind", Text),
            ("language", Text),
            ("updated_at", Number),
            ("relation_ended_at", Number),
            ("expires_at", Number),
            ("rule", Text),
            ("merged_into", Text),
            ("stage", Text),
            ("revision", Number),
            ("stored_revision", Number),
            ("sealed", Bytes),
        ],
    ),
    table(
        "account_persons",
        &[
            ("account_id", Text),
            ("person_mac", Bytes),
            ("name_mac", Bytes),
            ("left_at", Number),
            ("moved", Number),
            ("sealed", Bytes),
        ],
    ),
    table("account_reps", &[("account_id", Text), ("agent_mac", Bytes)]),
    table(
        "account_purges",
        &[
            ("uuid", Text),
            ("account_id", Text),
            ("ground", Text),
            ("request_id", Text),
            ("rule", Text),
            ("expires_at", Number),
            ("stage", Text),
            ("fenced_at", Number),
            ("keys_destroyed_at", Number),
            ("key_effective_at", Number),
            ("objects_deleted_at", Number),
            ("rows_deleted_at", Number),
            ("looked_again_at", Number),
            ("certified_at", Number),
            ("deleted", Text),
            ("entry_id", Text),
            ("id_mac", Bytes),
            ("forget_at", Number),
            ("document", Bytes),
        ],
    ),
    table(
        "recordings",
        &[
            ("id", Text),
            ("account_id", Text),
            ("product", Text),
            ("language", Text),
            ("recorded_at", Number),
            ("received_at", Number),
            ("expires_at", Number),
            ("month", Text),
            ("rule", Text),
            ("status", Text),
            ("stage", Text),
            ("byte_len", Number),
            ("duration_ms", Number),
            ("ingested_by", Text),
            ("revision", Number),
            ("sidecar_revision", Number),
            ("hold_revision", Number),
            ("locked_until", Number),
            ("sealed", Bytes),
            ("sealed_receipt", Bytes),
            ("guarded_revision", Number),
            ("lock_mode", Text),
        ],
    ),
    table("recording_keys", &[("recording_id", Text), ("holder", Text), ("wrapped", Bytes)]),
    table("lookups", &[("mac", Bytes), ("recording_id", Text)]),
    table(
        "calls",
        &[
            ("mac", Bytes),
            ("recording_id", Text),
            ("lease_token", Text),
            ("lease_until", Number),
            ("pending_id", Text),
            ("pending_month", Text),
        ],
    ),
    table(
        "related",
        &[("recording_id", Text), ("name_mac", Bytes), ("object_id", Text), ("stored_at", Number), ("sealed", Bytes)],
    ),
    table(
        "cases",
        &[
            ("id", Text),
            ("opened_at", Number),
            ("review_at", Number),
            ("closed_at", Number),
            ("sealed", Bytes),
            ("revision", Number),
            ("stored_revision", Number),
            ("holds_placed", Number),
            ("purge_stage", Text),
        ],
    ),
    table("case_notes", &[("id", Text), ("case_id", Text), ("at", Number), ("sealed", Bytes)]),
    table(
        "hold_rules",
        &[
            ("id", Text),
            ("case_id", Text),
            ("account_id", Text),
            ("from_at", Number),
            ("to_at", Number),
            ("placed_at", Number),
            ("place_no", Number),
            ("ended_at", Number),
            ("sealed", Bytes),
        ],
    ),
    table(
        "holds",
        &[
            ("id", Text),
            ("case_id", Text),
            ("recording_id", Text),
            ("placed_at", Number),
            ("released_at", Number),
            ("rule_id", Text),
            ("place_no", Number),
        ],
    ),
    table(
        "releases",
        &[
            ("id", Text),
            ("case_id", Text),
            ("asked_at", Number),
            ("scope", Text),
            ("rule_id", Text),
            ("up_to", Number),
            ("state", Text),
            ("decided_at", Number),
            ("done_at", Number),
            ("sealed", Bytes),
        ],
    ),
    table("release_recordings", &[("release_id", Text), ("recording_id", Text)]),
    table(
        "disclosures",
        &[
            ("id", Text),
            ("case_id", Text),
            ("recipient_kind", Text),
            ("state", Text),
            ("begun_at", Number),
            ("alive_until", Number),
            ("ended_at", Number),
            ("recordings", Number),
            ("byte_len", Number),
            ("sha256", Text),
            ("is_stored", Number),
            ("sealed", Bytes),
        ],
    ),
    table("disclosure_recordings", &[("disclosure_id", Text), ("recording_id", Text)]),
    table("ledger_entries", &[("id", Text), ("seq", Number), ("at", Number), ("kind", Text), ("commitment", Bytes)]),
    table(
        "ledger_openings",
        &[("entry_id", Text), ("recording_id", Text), ("sealed_under", Text), ("erase_at", Number), ("sealed", Bytes)],
    ),
    table("ledger_hashes", &[("idx", Number), ("hash", Bytes)]),
    table(
        "ledger_state",
        &[
            ("id", Number),
            ("size", Number),
            ("root", Bytes),
            ("published_size", Number),
            ("published_at", Number),
            ("checkpoint", Bytes),
        ],
    ),
    table("access_windows", &[("actor", Text), ("recording_id", Text), ("action", Text), ("window_at", Number)]),
    table(
        "purges",
        &[
            ("recording_id", Text),
            ("month", Text),
            ("rule", Text),
            ("expires_at", Number),
            ("stage", Text),
            ("fenced_at", Number),
            ("keys_destroyed_at", Number),
            ("objects_deleted_at", Number),
            ("rows_deleted_at", Number),
            ("looked_again_at", Number),
            ("certified_at", Number),
            ("deleted", Text),
            ("entry_id", Text),
            ("ground", Text),
            ("request_id", Text),
            ("locked_until", Number),
            ("bytes_deleted_at", Number),
        ],
    ),
    table("erasures", &[("recording_id", Text), ("month", Text), ("mac", Bytes), ("erased_at", Number)]),
    table("certificates", &[("recording_id", Text), ("month", Text), ("issued_at", Number), ("document", Bytes)]),
    table("heartbeat", &[("id", Number), ("at", Number)]),
    table(
        "brakes",
        &[
            ("id", Text),
            ("kind", Text),
            ("raised_at", Number),
            ("detail", Text),
            ("confirmed_at", Number),
            ("permit_count", Number),
            ("permit_until", Number),
        ],
    ),
    table(
        "tokens",
        &[
            ("id", Text),
            ("hash", Bytes),
            ("role", Text),
            ("name", Text),
            ("accounts", Text),
            ("agent", Text),
            ("created_at", Number),
            ("expires_at", Number),
            ("revoked_at", Number),
        ],
    ),
    Table { name: "pins", columns: &[("name", Text), ("value", Text)], only: Some(OF_BOTH) },
    table("statistics_open", &[("month", Text), ("cell_mac", Bytes), ("sealed", Bytes)]),
    table("statistics_accounts", &[("month", Text), ("cell_mac", Bytes), ("account_mac", Bytes)]),
    table(
        "statistics_published",
        &[("month", Text), ("published_at", Number), ("entry_id", Text), ("document", Bytes)],
    ),
    table("policies", &[("name", Text), ("version", Number), ("terms", Text), ("applied_at", Number)]),
];

/// Tables that say what is going on at the moment: nobody's rows are copied.
pub const NOT_COPIED: &[&str] = &["leases"];
