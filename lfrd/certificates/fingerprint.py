"""A certificate's fingerprint in the form in which phones show it, so that people can compare the two."""

from __future__ import annotations

import hashlib


def pairs(digest: str) -> str:
    """ "3f2a91…" as "3F 2A 91 …", which is how phones and browsers write it."""
    upper = digest.upper()
    return " ".join(upper[at : at + 2] for at in range(0, len(upper), 2))


def rows(digest: str) -> list[str]:
    """The same in four rows of eight pairs, each short enough to be read aloud."""
    return [pairs(digest[at : at + 16]) for at in range(0, len(digest), 16)]


def digest_of(der: bytes) -> str:
    """SHA-256, hexadecimal, of what it is given."""
    return hashlib.sha256(der).hexdigest()
