"""Tables of retention: legal holds, and the receipts of what was deleted."""

from __future__ import annotations

SCRIPT = """
-- A hold is lifted by a row's lifted_at, never by deleting it.
CREATE TABLE hold (
    id INTEGER PRIMARY KEY,
    alert TEXT NOT NULL,
    officer TEXT NOT NULL,
    reason TEXT NOT NULL,
    at REAL NOT NULL,
    lifted_by TEXT,
    lifted_at REAL,
    lifted_reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX one_hold_an_alert ON hold (alert) WHERE lifted_at IS NULL;

-- document: a signed statement (sealing.signing) of what was deleted, why and when; no biometrics, no names.
CREATE TABLE deletion_receipt (
    id TEXT PRIMARY KEY,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    deployment TEXT,
    document TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
