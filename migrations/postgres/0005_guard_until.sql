-- Until when an object's lock was set stands in locked_until: a deadline that was lengthened since is locked anew. In
-- which mode, stands here: what was locked in the weaker one is locked anew where the stricter is asked for.
ALTER TABLE recordings ADD COLUMN lock_mode TEXT;
DROP INDEX recordings_unguarded;
CREATE INDEX recordings_unguarded ON recordings (id)
  WHERE stage = 'live' AND (locked_until IS NULL OR locked_until < expires_at OR guarded_revision < hold_revision);
