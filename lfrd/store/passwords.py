"""Passwords: which are good enough, how they are kept, and how long an account waits after wrong ones."""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from lfrd.errors import NotAllowed
from lfrd.store.names import label

LEAST, MOST = 12, 128
"""Characters. NIST SP 800-63B-4, 3.1.1.2, asks for 15 where a password stands alone and for 8 beside a
second factor; it stands here beside the device's key, which a stolen password does not bring along."""

FREE_TRIES = 5
"""Wrong passwords in a row before an account waits."""
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0
"""Seconds: the first wait, which doubles with each further try, and the longest."""
MOST_TRIES = 100
"""After so many in a row only the machine's console opens the account again (SP 800-63B-4, 3.2.2)."""

_COMMON = (
    *("administrator", "adminadmin", "changeme", "correcthorse", "correcthorsebatterystaple", "default"),
    *("facialrecognition", "iloveyou", "letmein", "lfrd", "livefacialrecognition", "password", "passw0rd"),
    *("p@ssw0rd", "p@ssword", "police", "policeofficer", "qwerty", "qwertyuiop", "secret", "sunshine"),
    *("superman", "football", "liverpool", "manchester", "trustno1", "welcome", "whatever", "princess"),
)
"""The commonest words that passwords of this length are made from (with digits or signs around them)."""
_RUNS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "98765432109876543210"),
    *("qwertyuiopasdfghjklzxcvbnm", "1q2w3e4r5t6y7u8i9o0p", "qazwsxedcrfvtgbyhnujmikolp"),
)


def check_strength(password: str, name: str) -> None:
    """Raises NotAllowed('weak') with what is wrong. Length counts, and no rule asks for certain characters:
    such rules make people write passwords down (SP 800-63B-4, 3.1.1.2)."""
    if not LEAST <= len(unicodedata.normalize("NFKC", password)) <= MOST:
        raise NotAllowed("weak", f"a password has {LEAST} to {MOST} characters; a few words make a good one")
    folded = re.sub(r"\s", "", label(password))
    own = re.sub(r"\s", "", label(name))
    if (len(own) >= 4 and own in folded) or folded in own:
        raise NotAllowed("weak", "a password must not contain the name that it belongs to")
    if _is_common(folded):
        raise NotAllowed("weak", "this is one of the passwords that are tried first; choose another")


def _is_common(folded: str) -> bool:
    """A common word with signs around it or repeated, few characters again and again, or a row of keys."""
    if re.fullmatch(r"(.{1,4})\1+.{0,3}", folded):
        return True
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    if any(re.fullmatch(f"(?:{re.escape(word)})+", text) for word in _COMMON for text in (core, folded)):
        return True
    run = re.sub(r"[\W_]+$", "", folded)
    return any(run[:12] in row or run[:12] in row[::-1] for row in _RUNS)


def wait_after(failures: int) -> float:
    """Seconds that an account waits after so many wrong passwords in a row; infinite after `MOST_TRIES`."""
    if failures < FREE_TRIES:
        return 0.0
    if failures >= MOST_TRIES:
        return float("inf")
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - FREE_TRIES, 30)))


class Passwords:
    """Argon2id with the parameters that the OWASP Password Storage Cheat Sheet names first among those of
    19 MiB: two passes, one lane. Each runs in a thread, two at once at the most."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
        self._turns = asyncio.Semaphore(2)  # 19 MiB and a core each: a flood of sign-ins waits here
        self._nobodys = ""  # the hash that stands in where there is none; made when first needed

    async def hashed(self, password: str) -> str:
        """In PHC format, with a salt of its own."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Takes as long where `kept` is None, so that nobody learns whose account there is."""
        if kept is None and not self._nobodys:
            self._nobodys = await self.hashed(secrets.token_urlsafe(32))
        async with self._turns:
            right = await asyncio.to_thread(self._right, kept or self._nobodys, _normal(password))
        return right and kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether it was hashed with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _right(self, kept: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> bytes:
    """One spelling of each character (NFKC, SP 800-63B-4), whatever the keyboard sends."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
