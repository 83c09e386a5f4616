-- To whom evidence went. What kind of recipient, when, how much: plain. Name, purpose and who did it: sealed under the
-- case's secret. `alive_until`: a package that is being sent renews it, so that one that nobody sends any more is noticed.
CREATE TABLE disclosures (
  id             TEXT PRIMARY KEY,
  case_id        TEXT NOT NULL REFERENCES cases (id),
  recipient_kind TEXT NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('begun', 'made', 'broken')),
  begun_at       BIGINT NOT NULL,
  alive_until    BIGINT NOT NULL,
  ended_at       BIGINT,
  recordings     BIGINT NOT NULL,
  byte_len       BIGINT,
  sha256         TEXT,
  is_stored      BIGINT NOT NULL DEFAULT 0,
  sealed         BYTEA NOT NULL
);
CREATE INDEX disclosures_newest ON disclosures (begun_at, id);
CREATE INDEX disclosures_case ON disclosures (case_id, begun_at, id);
CREATE INDEX disclosures_open ON disclosures (alive_until) WHERE state = 'begun';
CREATE INDEX disclosures_not_stored ON disclosures (id) WHERE is_stored = 0;
CREATE TABLE disclosure_recordings (
  disclosure_id TEXT NOT NULL REFERENCES disclosures (id),
  recording_id  TEXT NOT NULL,
  PRIMARY KEY (disclosure_id, recording_id)
);
CREATE INDEX disclosure_recordings_recording ON disclosure_recordings (recording_id);
