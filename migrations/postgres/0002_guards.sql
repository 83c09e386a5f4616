-- What the object store was asked to refuse, and read back: the lock to the deadline, and the legal hold as of which
-- change of the holds. Only stores with Object Lock have any.
ALTER TABLE recordings ADD COLUMN guarded_revision BIGINT NOT NULL DEFAULT 0;
CREATE INDEX recordings_unguarded ON recordings (id)
  WHERE stage = 'live' AND (locked_until IS NULL OR guarded_revision < hold_revision);

-- The purge empties these tables row by row, all day: a fifth of dead rows, the default, is a month of them.
ALTER TABLE recordings SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE recording_keys SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE lookups SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE related SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE ledger_openings SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE access_windows SET (autovacuum_vacuum_scale_factor = 0.05);
-- A handful of rows that are written all the time.
ALTER TABLE leases SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, fillfactor = 50);
ALTER TABLE ledger_state SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, fillfactor = 50);
ALTER TABLE heartbeat SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, fillfactor = 50);
