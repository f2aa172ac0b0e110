"""Tables of alerts: sealed, numbered events, and a row of its own for each act that follows."""

from __future__ import annotations

SCRIPT = """
-- sealed: JSON of nominal, box, quality and numbers, under the deployment's key for alerts. What stands in
-- the clear says nothing of a person: statistics, retention and the audit need it.
CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    deployment TEXT NOT NULL REFERENCES deployment (id),
    segment INTEGER NOT NULL,
    camera TEXT NOT NULL,
    category TEXT NOT NULL,
    blue INTEGER NOT NULL,
    seen_at REAL NOT NULL,
    created_at REAL NOT NULL,
    last_seen_at REAL NOT NULL,
    closed_at REAL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX alert_of_deployment ON alert (deployment);

-- Versions count from 1: a better live picture is added, and the one that raised the alert stays.
CREATE TABLE picture (
    alert TEXT NOT NULL REFERENCES alert (id),
    kind TEXT NOT NULL CHECK (kind IN ('probe', 'candidate')),
    version INTEGER NOT NULL CHECK (version >= 1),
    sealed BLOB NOT NULL,
    PRIMARY KEY (alert, kind, version)
) STRICT;

CREATE TABLE sighting (
    id INTEGER PRIMARY KEY,
    alert TEXT NOT NULL REFERENCES alert (id),
    camera TEXT NOT NULL,
    track INTEGER NOT NULL,
    score REAL NOT NULL,
    seen_at REAL NOT NULL
) STRICT;
CREATE INDEX sighting_of_alert ON sighting (alert, seen_at);

-- One row an alert: the first claim wins here too, whatever the code above it does. A claim is who has the
-- alert now and no record: a release deletes it, and the events keep both.
CREATE TABLE claim (
    alert TEXT PRIMARY KEY REFERENCES alert (id),
    officer TEXT NOT NULL REFERENCES officer (id),
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Reasons are free text and may describe a person: sealed with the deployment's key for alerts.
-- An adjudication is never changed: a withdrawal is a row of its own.
CREATE TABLE adjudication (
    id INTEGER PRIMARY KEY,
    alert TEXT NOT NULL REFERENCES alert (id),
    officer TEXT NOT NULL REFERENCES officer (id),
    decision TEXT NOT NULL CHECK (decision IN ('viable', 'not_viable', 'insufficient')),
    reason BLOB NOT NULL,
    seconds REAL NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX adjudication_of_alert ON adjudication (alert);
CREATE TABLE withdrawal (
    adjudication INTEGER PRIMARY KEY REFERENCES adjudication (id),
    officer TEXT NOT NULL REFERENCES officer (id),
    reason BLOB NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE TABLE engagement (
    alert TEXT PRIMARY KEY REFERENCES alert (id),
    officer TEXT NOT NULL REFERENCES officer (id),
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
-- The newest row counts; a correction gives its reason and stands beside what it corrects.
CREATE TABLE outcome (
    id INTEGER PRIMARY KEY,
    alert TEXT NOT NULL REFERENCES alert (id),
    officer TEXT NOT NULL REFERENCES officer (id),
    outcome TEXT NOT NULL,
    arrest_class TEXT NOT NULL,
    correction BLOB NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX outcome_of_alert ON outcome (alert);

-- What officers have recorded is added to and deleted with its alert; nobody edits it.
CREATE TRIGGER adjudication_stays_as_it_is BEFORE UPDATE ON adjudication
BEGIN SELECT RAISE (ABORT, 'an adjudication is never changed'); END;
CREATE TRIGGER withdrawal_stays_as_it_is BEFORE UPDATE ON withdrawal
BEGIN SELECT RAISE (ABORT, 'a withdrawal is never changed'); END;
CREATE TRIGGER engagement_stays_as_it_is BEFORE UPDATE ON engagement
BEGIN SELECT RAISE (ABORT, 'an engagement is never changed'); END;
CREATE TRIGGER outcome_stays_as_it_is BEFORE UPDATE ON outcome
BEGIN SELECT RAISE (ABORT, 'an outcome is never changed'); END;

-- AUTOINCREMENT: a number is never given twice, not even after the newest event has been deleted. body is
-- sealed like the alert; NULL in the event that says that an alert has been erased, whose row outlives it.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment TEXT NOT NULL,
    alert TEXT NOT NULL,
    what TEXT NOT NULL,
    at REAL NOT NULL,
    officer TEXT,
    body BLOB
) STRICT;
CREATE INDEX event_of_alert ON event (alert, seq);
CREATE TRIGGER event_stays_as_it_is BEFORE UPDATE ON event
BEGIN SELECT RAISE (ABORT, 'an event is never changed'); END;
-- Only with its alert: retention deletes the alert's row in the same transaction, first.
CREATE TRIGGER event_goes_with_its_alert BEFORE DELETE ON event
WHEN EXISTS (SELECT 1 FROM alert WHERE id = OLD.alert)
BEGIN SELECT RAISE (ABORT, 'an event is deleted with its alert only'); END;

CREATE TABLE receipt (
    session TEXT PRIMARY KEY REFERENCES session (id),
    seq INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
"""
