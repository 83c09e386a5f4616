-- What the object store was asked to refuse, and read back: the lock to the deadline, and the legal hold as of which
-- change of the holds. Only stores with Object Lock have any.
ALTER TABLE recordings ADD COLUMN guarded_revision BIGINT NOT NULL DEFAULT 0;
CREATE INDEX recordings_unguarded ON recordings (id)
  WHERE stage = 'live' AND (locked_until IS NULL OR guarded_revision < hold_revision);
