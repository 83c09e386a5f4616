-- Times are microseconds since 1970 UTC. Names are TEXT, sealed things BLOB. See src/catalog for every statement.

-- One random secret per expiry month, case and installation, wrapped by the key provider.
CREATE TABLE secrets (
  name         TEXT PRIMARY KEY,
  state        TEXT NOT NULL CHECK (state IN ('live', 'closing', 'destroyed')),
  wrapped      BLOB,
  created_at   BIGINT NOT NULL,
  closed_at    BIGINT,
  destroyed_at BIGINT,
  entry_id     TEXT,
  recorded_at  BIGINT
);

-- The mirrored accounts. A recording may come before its account: the row then waits to be filled.
CREATE TABLE accounts (
  id         TEXT PRIMARY KEY,
  created_at BIGINT NOT NULL,
  closed_at  BIGINT
);

-- Plain: account, product, language, times. All else is in `sealed`, under a key derived from the recording's own.
CREATE TABLE recordings (
  id               TEXT PRIMARY KEY,
  account_id       TEXT NOT NULL REFERENCES accounts (id),
  product          TEXT,
  language         TEXT,
  recorded_at      BIGINT NOT NULL,
  received_at      BIGINT NOT NULL,
  expires_at       BIGINT NOT NULL,
  month            TEXT NOT NULL,
  rule             TEXT NOT NULL,
  status           TEXT NOT NULL CHECK (status IN ('accepted', 'quarantined', 'rejected', 'superseded')),
  stage            TEXT NOT NULL CHECK (stage IN ('live', 'fenced')),
  byte_len         BIGINT NOT NULL,
  duration_ms      BIGINT NOT NULL,
  ingested_by      TEXT NOT NULL,
  revision         BIGINT NOT NULL,
  sidecar_revision BIGINT NOT NULL,
  hold_revision    BIGINT NOT NULL,
  locked_until     BIGINT,
  sealed           BLOB NOT NULL,
  sealed_receipt   BLOB NOT NULL
);
CREATE INDEX recordings_newest ON recordings (recorded_at, id);
CREATE INDEX recordings_account ON recordings (account_id, recorded_at, id);
CREATE INDEX recordings_product ON recordings (product, recorded_at, id);
CREATE INDEX recordings_status ON recordings (status, recorded_at, id);
CREATE INDEX recordings_due ON recordings (stage, expires_at);
CREATE INDEX recordings_month ON recordings (month);
CREATE INDEX recordings_sidecar ON recordings (id) WHERE sidecar_revision < revision;

-- The data key of a recording, wrapped once by its month and once by each case that holds it.
CREATE TABLE recording_keys (
  recording_id TEXT NOT NULL REFERENCES recordings (id),
  holder       TEXT NOT NULL,
  wrapped      BLOB NOT NULL,
  PRIMARY KEY (recording_id, holder)
);
CREATE INDEX recording_keys_holder ON recording_keys (holder);

-- Keyed hashes of what people search for, under the secret of the recording's month.
CREATE TABLE lookups (
  mac          BLOB NOT NULL,
  recording_id TEXT NOT NULL REFERENCES recordings (id),
  PRIMARY KEY (mac, recording_id)
);
CREATE INDEX lookups_recording ON lookups (recording_id);

-- One row per call and part: who stands for it, and who is uploading it now.
CREATE TABLE calls (
  mac           BLOB PRIMARY KEY,
  recording_id  TEXT REFERENCES recordings (id),
  lease_token   TEXT,
  lease_until   BIGINT,
  pending_id    TEXT,
  pending_month TEXT
);
CREATE INDEX calls_recording ON calls (recording_id);
CREATE INDEX calls_lease ON calls (lease_until) WHERE lease_token IS NOT NULL;

-- Transcripts, notes and the like; the name is known only by its keyed hash.
CREATE TABLE related (
  recording_id TEXT NOT NULL REFERENCES recordings (id),
  name_mac     BLOB NOT NULL,
  object_id    TEXT NOT NULL,
  stored_at    BIGINT NOT NULL,
  sealed       BLOB NOT NULL,
  PRIMARY KEY (recording_id, name_mac)
);

-- Cases get their interface with the evidence work; holds are looked at by the purge's fence from the first day.
CREATE TABLE cases (
  id        TEXT PRIMARY KEY,
  opened_at BIGINT NOT NULL,
  review_at BIGINT,
  closed_at BIGINT,
  sealed    BLOB NOT NULL
);
CREATE TABLE holds (
  id           TEXT PRIMARY KEY,
  case_id      TEXT NOT NULL REFERENCES cases (id),
  recording_id TEXT NOT NULL REFERENCES recordings (id),
  placed_at    BIGINT NOT NULL,
  released_at  BIGINT
);
CREATE INDEX holds_recording ON holds (recording_id);

-- What the ledger commits to. Entries carry no personal data and stay for good; openings can be erased.
CREATE TABLE ledger_entries (
  id         TEXT PRIMARY KEY,
  seq        BIGINT UNIQUE,
  at         BIGINT NOT NULL,
  kind       TEXT NOT NULL,
  commitment BLOB NOT NULL
);
CREATE INDEX ledger_unsequenced ON ledger_entries (at, id) WHERE seq IS NULL;
CREATE INDEX ledger_commitment ON ledger_entries (commitment);
CREATE TABLE ledger_openings (
  entry_id     TEXT PRIMARY KEY REFERENCES ledger_entries (id),
  recording_id TEXT,
  sealed_under TEXT NOT NULL,
  erase_at     BIGINT,
  sealed       BLOB NOT NULL
);
CREATE INDEX ledger_openings_recording ON ledger_openings (recording_id);
CREATE INDEX ledger_openings_erase ON ledger_openings (erase_at) WHERE erase_at IS NOT NULL;
CREATE INDEX ledger_openings_under ON ledger_openings (sealed_under);
CREATE TABLE ledger_hashes (
  idx  BIGINT PRIMARY KEY,
  hash BLOB NOT NULL
);
CREATE TABLE ledger_state (
  id             BIGINT PRIMARY KEY CHECK (id = 1),
  size           BIGINT NOT NULL,
  root           BLOB NOT NULL,
  published_size BIGINT NOT NULL,
  published_at   BIGINT NOT NULL,
  checkpoint     BLOB NOT NULL
);

-- One playback's ranges count once per actor, recording and ten minutes.
CREATE TABLE access_windows (
  actor        TEXT NOT NULL,
  recording_id TEXT NOT NULL,
  action       TEXT NOT NULL,
  window_at    BIGINT NOT NULL,
  PRIMARY KEY (actor, recording_id, action, window_at)
);
CREATE INDEX access_windows_recording ON access_windows (recording_id);
CREATE INDEX access_windows_at ON access_windows (window_at);

-- One row per purged recording, for good: it carries no personal data.
CREATE TABLE purges (
  recording_id       TEXT PRIMARY KEY,
  month              TEXT NOT NULL,
  rule               TEXT NOT NULL,
  expires_at         BIGINT NOT NULL,
  stage              TEXT NOT NULL
    CHECK (stage IN ('fenced', 'keys_destroyed', 'objects_deleted', 'rows_deleted', 'looked_again', 'certified')),
  fenced_at          BIGINT NOT NULL,
  keys_destroyed_at  BIGINT,
  objects_deleted_at BIGINT,
  rows_deleted_at    BIGINT,
  looked_again_at    BIGINT,
  certified_at       BIGINT,
  deleted            TEXT NOT NULL,
  entry_id           TEXT
);
CREATE INDEX purges_open ON purges (stage, fenced_at) WHERE stage <> 'certified';
CREATE INDEX purges_month ON purges (month);
CREATE INDEX purges_at ON purges (fenced_at);
CREATE TABLE certificates (
  recording_id TEXT PRIMARY KEY,
  month        TEXT NOT NULL,
  issued_at    BIGINT NOT NULL,
  document     BLOB NOT NULL
);

-- The purge's brakes: when it last ran, why it stands still, who let it go on.
CREATE TABLE heartbeat (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  at BIGINT NOT NULL
);
CREATE TABLE brakes (
  id           TEXT PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('clock-jump', 'clock-disagrees', 'too-much-due')),
  raised_at    BIGINT NOT NULL,
  detail       TEXT NOT NULL,
  confirmed_at BIGINT,
  permit_count BIGINT,
  permit_until BIGINT
);
CREATE INDEX brakes_open ON brakes (raised_at) WHERE confirmed_at IS NULL;

-- Work that must run once at a time.
CREATE TABLE leases (
  name  TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until BIGINT NOT NULL
);

-- Machine credentials: a hash only. Revoked ones stay, so that the ledger's actors can be named.
CREATE TABLE tokens (
  id         TEXT PRIMARY KEY,
  hash       BLOB NOT NULL UNIQUE,
  role       TEXT NOT NULL,
  name       TEXT NOT NULL,
  accounts   TEXT NOT NULL,
  agent      TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT
);

-- Which store and which keys this catalog belongs to: an empty folder where a volume is not mounted is noticed.
CREATE TABLE pins (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- Each version of the retention policy that was ever in force here.
CREATE TABLE policies (
  name       TEXT NOT NULL,
  version    BIGINT NOT NULL,
  terms      TEXT NOT NULL,
  applied_at BIGINT NOT NULL,
  PRIMARY KEY (name, version)
);
