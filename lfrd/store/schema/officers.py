"""Tables of people: officers with one role each, invitations, passkeys and the sessions of their devices."""

from __future__ import annotations

SCRIPT = """
-- Times are Unix seconds everywhere. label is the name folded for comparison: two officers may not differ by
-- case or width alone. password is Argon2id in PHC format; NULL for those who sign in by invitation only.
-- named: 0 for who gave the name themselves, by an invitation made out to nobody.
CREATE TABLE officer (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    label TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('authorising', 'operator', 'engagement', 'engineer', 'auditor')),
    rank TEXT NOT NULL DEFAULT '',
    password TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until REAL NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    disabled_at REAL,
    named INTEGER NOT NULL DEFAULT 1 CHECK (named IN (0, 1))
) STRICT;

-- name NULL: for whoever holds it, who then gives a name. purpose: what its link does, let a phone in or set
-- the password of the officer of that name.
CREATE TABLE invitation (
    code_hash BLOB PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('phone', 'password')),
    name TEXT,
    role TEXT NOT NULL,
    uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- public_key: COSE, as the authenticator gave it. sign_count: its counter at the last use; one that goes back
-- is a copy.
CREATE TABLE passkey (
    id BLOB PRIMARY KEY,
    officer TEXT NOT NULL REFERENCES officer (id),
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    created_at REAL NOT NULL,
    last_used_at REAL
) STRICT, WITHOUT ROWID;

-- device_key: the P-256 public key (SubjectPublicKeyInfo, DER) that must sign each request; NULL where the
-- page was served without TLS and the browser had none to give.
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    officer TEXT NOT NULL REFERENCES officer (id),
    device_key BLOB,
    created_at REAL NOT NULL,
    last_seen_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    revoked_at REAL
) STRICT;
"""
