"""Tables of the audit: a chain of records and signed checkpoints that nothing may change or delete."""

from __future__ import annotations

SCRIPT = """
-- body: audit.kinds as JSON, exactly the bytes that the hash covers. hash = SHA-256 over the record with the
-- hash before it (audit.chain).
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    deployment TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_of_deployment ON audit (deployment, seq);
-- Which key signs from which record on is asked before each checkpoint.
CREATE INDEX audit_of_keys ON audit (seq) WHERE what IN ('chain_began', 'key_rotated');
-- Also what meets INSERT OR REPLACE where a connection has left recursive_triggers off.
CREATE TRIGGER audit_goes_on BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
BEGIN SELECT RAISE (ABORT, 'the audit is only added to, at its end'); END;
CREATE TRIGGER audit_stays_as_it_is BEFORE UPDATE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit is never changed'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit is never deleted'); END;

-- One signature (Ed25519) over the number and hash of the newest record at that moment.
CREATE TABLE checkpoint (
    seq INTEGER PRIMARY KEY REFERENCES audit (seq),
    at REAL NOT NULL,
    public_key BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;
CREATE TRIGGER checkpoint_goes_on BEFORE INSERT ON checkpoint
WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM checkpoint)
BEGIN SELECT RAISE (ABORT, 'a checkpoint is only added, after the others'); END;
CREATE TRIGGER checkpoint_stays_as_it_is BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE (ABORT, 'a checkpoint is never changed'); END;
CREATE TRIGGER checkpoint_stays BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE (ABORT, 'a checkpoint is never deleted'); END;
"""
