"""Tables of watchlists: entries with sealed facts, pictures and templates, approvals, and what stays."""

from __future__ import annotations

SCRIPT = """
-- At most two rows a deployment: the list in force, and one that is being imported (built_at NULL) and takes
-- its place when it is whole. pack: digest of the model pack whose templates these are. basis: digest of all
-- that an import is made from; one that was broken off goes on only from the same. run: whose turn it is to
-- add. built_at: when its source was brought together. refused, reasons: lines of the source that gave no
-- entry, and all refusals by code (JSON). digest: over the manifest's rows of this list, in order of
-- reference.
CREATE TABLE watchlist (
    deployment TEXT NOT NULL REFERENCES deployment (id),
    pack TEXT NOT NULL,
    source TEXT NOT NULL,
    begun_at REAL NOT NULL,
    built_at REAL,
    digest TEXT NOT NULL DEFAULT '',
    basis TEXT NOT NULL DEFAULT '',
    run TEXT NOT NULL DEFAULT '',
    imported_by TEXT NOT NULL DEFAULT '',
    refused INTEGER NOT NULL DEFAULT 0,
    reasons TEXT NOT NULL DEFAULT '{}',
    settings TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE UNIQUE INDEX one_list_in_force ON watchlist (deployment) WHERE built_at IS NOT NULL;
CREATE UNIQUE INDEX one_list_imported ON watchlist (deployment) WHERE built_at IS NULL;

-- state: listed (will be looked for), waiting (for an approval), refused. reasons: JSON list of stable codes.
-- needs: JSON list of approvals that it needs. generation: 0 in force, 1 being imported, 2 replaced and about
-- to be deleted. sealed: JSON of the facts that name a person (store.entries.Facts), under the watchlist's
-- key.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    deployment TEXT NOT NULL REFERENCES deployment (id),
    reference TEXT NOT NULL,
    category TEXT NOT NULL,
    blue INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('listed', 'waiting', 'refused')),
    reasons TEXT NOT NULL,
    needs TEXT NOT NULL,
    digest TEXT NOT NULL,
    sealed BLOB NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0 CHECK (generation IN (0, 1, 2))
) STRICT;
-- One index a generation: SQLite uses a partial one only where the query has its very condition.
CREATE UNIQUE INDEX entry_in_force ON entry (deployment, reference) WHERE generation = 0;
CREATE UNIQUE INDEX entry_imported ON entry (deployment, reference) WHERE generation = 1;
CREATE INDEX entry_of_generation ON entry (deployment, generation, state);
CREATE INDEX entry_replaced ON entry (deployment) WHERE generation = 2;

-- face: a JPEG of the face with its surroundings, as an alert shows it; template: float32 rows. Both sealed.
CREATE TABLE entry_picture (
    id INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL REFERENCES entry (id),
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    warnings TEXT NOT NULL,
    worth REAL NOT NULL,
    face BLOB,
    template BLOB,
    UNIQUE (entry, number)
) STRICT;

CREATE TABLE approval (
    id INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL REFERENCES entry (id),
    need TEXT NOT NULL,
    officer TEXT NOT NULL REFERENCES officer (id),
    at REAL NOT NULL,
    reason TEXT NOT NULL,
    UNIQUE (entry, need)
) STRICT;

-- Two entries that look alike, or show the same face under two references.
CREATE TABLE pair (
    deployment TEXT NOT NULL REFERENCES deployment (id),
    first INTEGER NOT NULL REFERENCES entry (id),
    second INTEGER NOT NULL REFERENCES entry (id),
    kind TEXT NOT NULL CHECK (kind IN ('same_face', 'lookalike')),
    score REAL NOT NULL,
    PRIMARY KEY (first, second)
) STRICT, WITHOUT ROWID;
CREATE INDEX pair_of_second ON pair (second);

-- What stays when the list is destroyed: references and digests, so that a person's question can be answered.
-- destroyed_at: when the reference went from the list, by its destruction or by the next import.
CREATE TABLE manifest (
    deployment TEXT NOT NULL REFERENCES deployment (id),
    reference TEXT NOT NULL,
    category TEXT NOT NULL,
    digest TEXT NOT NULL,
    listed_at REAL NOT NULL,
    destroyed_at REAL,
    PRIMARY KEY (deployment, reference, listed_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_of_reference ON manifest (reference COLLATE NOCASE);
"""
