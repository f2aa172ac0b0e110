"""Tables of watchlists: entries with sealed facts, pictures and templates, approvals, and what stays."""

from __future__ import annotations

SCRIPT = """
-- pack: digest of the model pack whose templates these are. built_at is NULL while an import is unfinished.
-- digest: over all manifest rows, in order of reference.
CREATE TABLE watchlist (
    deployment TEXT PRIMARY KEY REFERENCES deployment (id),
    pack TEXT NOT NULL,
    source TEXT NOT NULL,
    begun_at REAL NOT NULL,
    built_at REAL,
    digest TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- state: listed (will be looked for), waiting (for an approval), refused. reasons: JSON list of stable codes.
-- sealed: JSON of the facts that name a person (listing.entries.Facts), under the watchlist's key.
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
    UNIQUE (deployment, reference)
) STRICT;

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

-- What stays when the list is destroyed: references and digests, so that a person's question can be answered.
CREATE TABLE manifest (
    deployment TEXT NOT NULL REFERENCES deployment (id),
    reference TEXT NOT NULL,
    category TEXT NOT NULL,
    digest TEXT NOT NULL,
    listed_at REAL NOT NULL,
    destroyed_at REAL,
    PRIMARY KEY (deployment, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_of_reference ON manifest (reference);
"""
