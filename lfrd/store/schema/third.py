"""The third version: where phones that sleep are woken."""

from __future__ import annotations

SCRIPT = """
-- One a session: what its browser gave for waking it. sealed: the push service's address of this phone, with
-- the site's key: who has it learns which service's user has this phone.
CREATE TABLE wake_up (
    session TEXT PRIMARY KEY REFERENCES session (id),
    sealed BLOB NOT NULL,
    created_at REAL NOT NULL
) STRICT;

-- The key that names this site to push services (VAPID, RFC 8292), wrapped with the site's key. One row.
CREATE TABLE wake_up_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    wrapped BLOB NOT NULL
) STRICT;
"""
