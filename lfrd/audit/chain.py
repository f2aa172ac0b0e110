"""The audit's chain: the exact bytes that each record's hash and each checkpoint's signature stand for.

A record carries the hash of the one before it, so that none can be changed, left out, moved or put in without
every later hash changing; a checkpoint signs the newest hash, so that nobody without the site's key can work
out the later hashes anew. docs/audit.md gives the same bytes for whoever verifies with another programme.
"""

from __future__ import annotations

import hashlib
import math
import struct

from msgspec import Struct

START = bytes(32)
"""What stands for the hash before the first record."""
BODY_LIMIT = 1 << 20
"""Bytes of a record's body at the most: whoever reads a chain need not be ready for any more."""

_RECORD = b"lfrd audit record 1\n"
_CHECKPOINT = b"lfrd audit checkpoint 1\n"


class Record(Struct, frozen=True, forbid_unknown_fields=True, tag_field="line", tag="record"):
    """One record of the audit. seq counts from 1 without a gap; at: Unix seconds; actor: an officer's id,
    'system' or 'console'; what: the body's kind; deployment: its id, empty where the record is about none;
    body: `audit.kinds` as JSON, the very text that was hashed; hash: 64 hexadecimal digits, lower case."""

    seq: int
    at: float
    actor: str
    what: str
    deployment: str
    body: str
    hash: str


class Checkpoint(Struct, frozen=True, forbid_unknown_fields=True, tag_field="line", tag="checkpoint"):
    """The site's signature over record `seq` and, through its hash, over all before it.

    at: Unix seconds of the signing; public_key: 64, signature: 128 hexadecimal digits (Ed25519)."""

    seq: int
    at: float
    public_key: str
    signature: str


def digest(previous: bytes, seq: int, at: float, actor: str, what: str, deployment: str, body: str) -> bytes:
    """SHA-256, 32 bytes, over: the line 'lfrd audit record 1', the hash before (32 bytes), seq (unsigned, 64
    bits), at (IEEE 754 binary64), then actor, what, deployment and body, each as its length in bytes
    (unsigned, 64 bits) and its UTF-8. All numbers big-endian.

    Raises ValueError for a time that is no number: it could not be stored.
    """
    if len(previous) != 32 or not math.isfinite(at):
        raise ValueError("a record needs a hash of 32 bytes before it and a finite time")
    hashed = hashlib.sha256(_RECORD + previous + struct.pack(">Qd", seq, at + 0.0))  # +0.0: no minus zero
    for text in (actor, what, deployment, body):
        coded = text.encode()
        hashed.update(struct.pack(">Q", len(coded)))
        hashed.update(coded)
    return hashed.digest()


def checkpoint_bytes(seq: int, at: float, head: bytes) -> bytes:
    """What a checkpoint's signature covers: the line 'lfrd audit checkpoint 1', the number of the record
    (unsigned, 64 bits), the time of signing (binary64) and the record's hash (32 bytes). Big-endian."""
    return _CHECKPOINT + struct.pack(">Qd", seq, at + 0.0) + head
