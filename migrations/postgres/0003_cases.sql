-- The life of a case: what is said of it, how far its purge has come, and which of its changes the store has a copy of.
ALTER TABLE cases ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE cases ADD COLUMN stored_revision BIGINT NOT NULL DEFAULT 0;
-- Numbers the holds and rules that were ever placed for it: a release covers those that were there when it was asked for.
ALTER TABLE cases ADD COLUMN holds_placed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN purge_stage TEXT CHECK (purge_stage IN ('fenced', 'key_destroyed', 'objects_deleted'));
CREATE INDEX cases_newest ON cases (opened_at, id);
CREATE INDEX cases_closed ON cases (closed_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX cases_not_stored ON cases (id) WHERE stored_revision < revision;
CREATE TABLE case_notes (
  id      TEXT PRIMARY KEY,
  case_id TEXT NOT NULL REFERENCES cases (id),
  at      BIGINT NOT NULL,
  sealed  BYTEA NOT NULL
);
CREATE INDEX case_notes_case ON case_notes (case_id, at, id);

-- An account's recordings of a period are held, those that arrive later as well. The purge's fence looks here, too.
CREATE TABLE hold_rules (
  id         TEXT PRIMARY KEY,
  case_id    TEXT NOT NULL REFERENCES cases (id),
  account_id TEXT NOT NULL,
  from_at    BIGINT,
  to_at      BIGINT,
  placed_at  BIGINT NOT NULL,
  place_no   BIGINT NOT NULL,
  ended_at   BIGINT,
  sealed     BYTEA NOT NULL
);
CREATE INDEX hold_rules_account ON hold_rules (account_id) WHERE ended_at IS NULL;
CREATE INDEX hold_rules_case ON hold_rules (case_id, placed_at, id);
ALTER TABLE holds ADD COLUMN rule_id TEXT REFERENCES hold_rules (id);
ALTER TABLE holds ADD COLUMN place_no BIGINT NOT NULL DEFAULT 0;
CREATE INDEX holds_case ON holds (case_id, placed_at, id);
CREATE INDEX holds_rule ON holds (rule_id, recording_id) WHERE rule_id IS NOT NULL;

-- One person asks for a release, another decides. `up_to` is the case's number of holds when it was asked for.
CREATE TABLE releases (
  id         TEXT PRIMARY KEY,
  case_id    TEXT NOT NULL REFERENCES cases (id),
  asked_at   BIGINT NOT NULL,
  scope      TEXT NOT NULL CHECK (scope IN ('recordings', 'rule', 'all')),
  rule_id    TEXT REFERENCES hold_rules (id),
  up_to      BIGINT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('asked', 'approved', 'refused')),
  decided_at BIGINT,
  done_at    BIGINT,
  sealed     BYTEA NOT NULL
);
CREATE INDEX releases_case ON releases (case_id, asked_at, id);
CREATE INDEX releases_open ON releases (asked_at, id) WHERE state = 'asked' OR (state = 'approved' AND done_at IS NULL);
CREATE TABLE release_recordings (
  release_id   TEXT NOT NULL REFERENCES releases (id),
  recording_id TEXT NOT NULL,
  PRIMARY KEY (release_id, recording_id)
);
