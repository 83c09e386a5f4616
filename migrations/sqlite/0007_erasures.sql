-- Why each purge came: the deadline, a hold that outlived it, or a decided erasure (GDPR article 17) before it.
ALTER TABLE purges ADD COLUMN ground TEXT NOT NULL DEFAULT 'deadline' CHECK (ground IN ('deadline', 'hold-released', 'erasure'));
ALTER TABLE purges ADD COLUMN request_id TEXT;
-- Until when the store's lock keeps what is left of an erased recording, whose key is destroyed; and when that went.
ALTER TABLE purges ADD COLUMN locked_until BIGINT;
ALTER TABLE purges ADD COLUMN bytes_deleted_at BIGINT;
CREATE INDEX purges_locked ON purges (locked_until, recording_id) WHERE locked_until IS NOT NULL AND bytes_deleted_at IS NULL;

-- Until its month is over an erased call is known again, by a hash under a key that is destroyed with the month's.
CREATE TABLE erasures (
  recording_id TEXT PRIMARY KEY,
  month        TEXT NOT NULL,
  mac          BLOB NOT NULL,
  erased_at    BIGINT NOT NULL
);
CREATE INDEX erasures_month ON erasures (month);
CREATE INDEX erasures_mac ON erasures (mac);
