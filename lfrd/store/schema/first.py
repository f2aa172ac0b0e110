"""The tables of the first version: alerts and officers, before anything was authorised or sealed."""

from __future__ import annotations

APPLICATION_ID = 0x6C667264
"""'lfrd' in ASCII, in the file's header: `file` shows it, and another program's database is refused."""

LEAST_SQLITE = (3, 37, 0)
"""STRICT tables came with 3.37."""

SCRIPT = f"""
PRAGMA application_id = {APPLICATION_ID};

-- Times are Unix seconds everywhere. Threshold, model, n, settings and nominals are frozen at the start.
CREATE TABLE deployment (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    began_at REAL NOT NULL,
    ended_at REAL,
    threshold REAL NOT NULL,
    model TEXT NOT NULL,
    n INTEGER NOT NULL CHECK (n >= 0),
    settings TEXT NOT NULL
) STRICT;

-- Who was sought: references only, so that a person's question can be answered when the list is gone.
CREATE TABLE nominal (
    deployment TEXT NOT NULL REFERENCES deployment (id),
    reference TEXT NOT NULL,
    PRIMARY KEY (deployment, reference)
) STRICT, WITHOUT ROWID;

-- label is the name folded for comparison: two officers may not differ by case or width alone.
CREATE TABLE officer (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    label TEXT NOT NULL UNIQUE,
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE invitation (
    code_hash BLOB PRIMARY KEY,
    name TEXT,
    uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    officer TEXT NOT NULL REFERENCES officer (id),
    created_at REAL NOT NULL,
    last_seen_at REAL NOT NULL,
    revoked_at REAL
) STRICT;

-- An alert's nominal is not a foreign key: an alert is never lost to bookkeeping.
CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    deployment TEXT NOT NULL REFERENCES deployment (id),
    nominal TEXT NOT NULL,
    camera TEXT NOT NULL,
    score REAL NOT NULL,
    threshold REAL NOT NULL,
    seen_at REAL NOT NULL,
    created_at REAL NOT NULL,
    quality TEXT NOT NULL,
    shots INTEGER NOT NULL CHECK (shots >= 1),
    x REAL NOT NULL,
    y REAL NOT NULL,
    width REAL NOT NULL,
    height REAL NOT NULL
) STRICT;
CREATE INDEX alert_of_deployment ON alert (deployment);

-- In a table of their own, so that pictures can be sealed and destroyed while the facts stay.
-- Versions count from 1: a better live picture is added, and the one that raised the alert stays.
CREATE TABLE picture (
    alert TEXT NOT NULL REFERENCES alert (id),
    kind TEXT NOT NULL CHECK (kind IN ('probe', 'candidate')),
    version INTEGER NOT NULL CHECK (version >= 1),
    jpeg BLOB NOT NULL CHECK (length(jpeg) > 0),
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

-- One row an alert: the first claim wins here too, whatever the code above it does.
CREATE TABLE claim (
    alert TEXT PRIMARY KEY REFERENCES alert (id),
    officer TEXT NOT NULL REFERENCES officer (id),
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Keyed by officer too: a second, blind reviewer needs only the index below to go.
CREATE TABLE adjudication (
    alert TEXT NOT NULL REFERENCES alert (id),
    officer TEXT NOT NULL REFERENCES officer (id),
    decision TEXT NOT NULL CHECK (decision IN ('viable', 'not_viable', 'insufficient')),
    reason TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (alert, officer)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX adjudicated_once ON adjudication (alert);

-- AUTOINCREMENT: a number is never given twice, not even after the newest event has been deleted.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment TEXT NOT NULL REFERENCES deployment (id),
    alert TEXT NOT NULL REFERENCES alert (id),
    what TEXT NOT NULL,
    at REAL NOT NULL,
    officer TEXT REFERENCES officer (id),
    body TEXT NOT NULL
) STRICT;
CREATE INDEX event_of_deployment ON event (deployment, seq);
CREATE INDEX event_of_alert ON event (alert, seq);
CREATE TRIGGER event_stays_as_it_is BEFORE UPDATE ON event
BEGIN SELECT RAISE (ABORT, 'an event is never changed'); END;
-- Retention, when it comes, puts its own rule in this trigger's place.
CREATE TRIGGER event_stays BEFORE DELETE ON event
BEGIN SELECT RAISE (ABORT, 'an event is never deleted'); END;

CREATE TABLE receipt (
    session TEXT PRIMARY KEY REFERENCES session (id),
    seq INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
"""
