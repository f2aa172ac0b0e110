"""Tables of deployments: their life, who authorised what, the terms by segment, and their keys."""

from __future__ import annotations

SCRIPT = """
-- One row for the box. key_id names the site key that everything here is sealed with; clock is the latest
-- moment that was ever seen: a clock that is set back extends nothing. boot and uptime: since which start of
-- the machine, and at which second of it, so that time goes on while no process of ours counts it. set_back:
-- by how much the clock is behind, as the audit has it.
CREATE TABLE site (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key_id TEXT NOT NULL,
    clock REAL NOT NULL,
    boot TEXT NOT NULL DEFAULT '',
    uptime REAL NOT NULL DEFAULT 0,
    set_back REAL NOT NULL DEFAULT 0
) STRICT;

-- plan: policy.plan.Plan as JSON, without names of sought people. planners: JSON list of who had a hand in
-- it; with authorised_by, ready_by and started_by it is policy.life.Life. destroying: a destruction has begun
-- and is finished at the next start, before anything else.
CREATE TABLE deployment (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN
        ('draft', 'authorised', 'ready', 'active', 'paused', 'suspended', 'closed', 'destroyed')),
    reason TEXT NOT NULL DEFAULT '',
    plan TEXT NOT NULL,
    drafted_by TEXT NOT NULL,
    drafted_at REAL NOT NULL,
    planners TEXT NOT NULL DEFAULT '[]',
    authorised_by TEXT,
    ready_by TEXT,
    started_by TEXT,
    started_at REAL,
    closed_at REAL,
    destroyed_at REAL,
    destroying TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX one_deployment_is_open ON deployment ((1))
    WHERE stage IN ('active', 'paused', 'suspended');

-- Added to, never changed: the first authorisation, those after a suspension, extensions and amendments.
CREATE TABLE authorisation (
    id INTEGER PRIMARY KEY,
    deployment TEXT NOT NULL REFERENCES deployment (id),
    kind TEXT NOT NULL CHECK (kind IN ('start', 'resume', 'extend', 'amend')),
    officer TEXT NOT NULL REFERENCES officer (id),
    name TEXT NOT NULL,
    rank TEXT NOT NULL,
    at REAL NOT NULL,
    reason TEXT NOT NULL,
    plan TEXT NOT NULL
) STRICT;
CREATE TRIGGER authorisation_stays_as_it_is BEFORE UPDATE ON authorisation
BEGIN SELECT RAISE (ABORT, 'an authorisation is never changed'); END;

-- Statistics are kept apart by segment: frozen terms from one moment to the next amendment.
CREATE TABLE segment (
    deployment TEXT NOT NULL REFERENCES deployment (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    at REAL NOT NULL,
    threshold REAL NOT NULL,
    pack TEXT NOT NULL,
    model TEXT NOT NULL,
    n INTEGER NOT NULL CHECK (n >= 0),
    settings TEXT NOT NULL,
    cameras TEXT NOT NULL,
    authorised_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (deployment, number)
) STRICT, WITHOUT ROWID;

-- Wrapped with the site's key. To destroy a watchlist, or a deployment's alerts, is to delete its row first.
CREATE TABLE deployment_key (
    deployment TEXT NOT NULL REFERENCES deployment (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('watchlist', 'alerts')),
    wrapped BLOB NOT NULL,
    PRIMARY KEY (deployment, purpose)
) STRICT, WITHOUT ROWID;
"""
