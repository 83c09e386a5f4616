-- What purged calls leave. Until the month of their purge is closed: one sealed row per cell, and the accounts of each cell
-- as keyed hashes, all under that month's secret, so that its end erases what was not published.
CREATE TABLE statistics_open (
  month    TEXT NOT NULL,
  cell_mac BLOB NOT NULL,
  sealed   BLOB NOT NULL,
  PRIMARY KEY (month, cell_mac)
);
CREATE TABLE statistics_accounts (
  month       TEXT NOT NULL,
  cell_mac    BLOB NOT NULL,
  account_mac BLOB NOT NULL,
  PRIMARY KEY (month, cell_mac, account_mac)
);
-- The months that are closed, each with its signed document, for good. No personal data.
CREATE TABLE statistics_published (
  month        TEXT PRIMARY KEY,
  published_at BIGINT NOT NULL,
  entry_id     TEXT,
  document     BLOB
);
