-- The life of a mirrored account. Its name in keys and objects is `uuid`: the product's id may be personal data. What the
-- product says of it is sealed under its own secret; plain are kind, language and times. A row with `revision` 0 was made by
-- a recording that came before its account. `merged_into` always names an account that is merged into no other.
ALTER TABLE accounts ADD COLUMN uuid TEXT;
UPDATE accounts SET uuid = CAST(gen_random_uuid() AS TEXT);
CREATE UNIQUE INDEX accounts_uuid ON accounts (uuid);
ALTER TABLE accounts ADD COLUMN kind TEXT;
ALTER TABLE accounts ADD COLUMN language TEXT;
ALTER TABLE accounts ADD COLUMN updated_at BIGINT;
ALTER TABLE accounts ADD COLUMN relation_ended_at BIGINT;
ALTER TABLE accounts ADD COLUMN expires_at BIGINT;
ALTER TABLE accounts ADD COLUMN rule TEXT;
ALTER TABLE accounts ADD COLUMN merged_into TEXT;
ALTER TABLE accounts ADD COLUMN stage TEXT NOT NULL DEFAULT 'live' CHECK (stage IN ('live', 'fenced'));
ALTER TABLE accounts ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN stored_revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN sealed BYTEA;
CREATE INDEX accounts_newest ON accounts (created_at, uuid);
CREATE INDEX accounts_merged ON accounts (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX accounts_due ON accounts (expires_at, uuid) WHERE expires_at IS NOT NULL;
CREATE INDEX accounts_not_stored ON accounts (uuid) WHERE stored_revision < revision;
CREATE INDEX accounts_unfilled ON accounts (created_at) WHERE revision = 0;

-- The contact persons, by keyed hashes under the installation's key. Of one who left, only these stay, so that nothing that
-- comes late brings the person back; `moved` is 1 once the person is found in no recording any more.
CREATE TABLE account_persons (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  person_mac BYTEA NOT NULL,
  name_mac   BYTEA,
  left_at    BIGINT,
  moved      BIGINT NOT NULL DEFAULT 0,
  sealed     BYTEA,
  PRIMARY KEY (account_id, person_mac)
);
CREATE INDEX account_persons_to_move ON account_persons (account_id) WHERE left_at IS NOT NULL AND moved = 0;

-- The company's agents that an account is assigned to, by keyed hashes.
CREATE TABLE account_reps (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  agent_mac  BYTEA NOT NULL,
  PRIMARY KEY (account_id, agent_mac)
);
CREATE INDEX account_reps_agent ON account_reps (agent_mac);

-- One row per account whose data came to an end, for good: it carries no personal data once its rows are deleted, but for
-- the keyed hash of an account that was erased, which is forgotten at `forget_at`.
CREATE TABLE account_purges (
  uuid               TEXT PRIMARY KEY,
  account_id         TEXT,
  ground             TEXT NOT NULL CHECK (ground IN ('deadline', 'erasure', 'merged', 'never-filled')),
  request_id         TEXT,
  rule               TEXT,
  expires_at         BIGINT,
  stage              TEXT NOT NULL
    CHECK (stage IN ('fenced', 'keys_destroyed', 'objects_deleted', 'rows_deleted', 'looked_again', 'certified')),
  fenced_at          BIGINT NOT NULL,
  keys_destroyed_at  BIGINT,
  key_effective_at   BIGINT,
  objects_deleted_at BIGINT,
  rows_deleted_at    BIGINT,
  looked_again_at    BIGINT,
  certified_at       BIGINT,
  deleted            TEXT NOT NULL,
  entry_id           TEXT,
  id_mac             BYTEA,
  forget_at          BIGINT,
  document           BYTEA
);
CREATE INDEX account_purges_open ON account_purges (stage, fenced_at) WHERE stage <> 'certified';
CREATE INDEX account_purges_at ON account_purges (fenced_at);
CREATE INDEX account_purges_mac ON account_purges (id_mac) WHERE id_mac IS NOT NULL;
