"""Officers, the invitations by which they join, and the sessions of their phones.

Codes and tokens are random enough (256 bits) that nobody guesses one; only their SHA-256 is kept, so that
who reads the database can use none. Looking one up by its digest needs no comparison in constant time: how
long it takes says something of the digest of a guess, and nothing of a code.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NewType

from lfrd.errors import NotAllowed
from lfrd.store.database import Database, Transaction
from lfrd.types import OfficerId

SessionId = NewType("SessionId", str)
"""Names a phone's session, in lists and in revocation; opens nothing, unlike its token."""

LONGEST_NAME = 60
_SEEN_EVERY = 30.0
"""Seconds. `seen` writes no more often: each write waits for the disk."""


@dataclass(frozen=True, slots=True)
class Session:
    """One phone that an officer has signed in. Times are Unix seconds."""

    id: SessionId
    officer: OfficerId
    name: str
    created_at: float
    last_seen_at: float


class Officers:
    """Who may sign in, and what has signed in."""

    def __init__(self, db: Database, clock: Callable[[], float]) -> None:
        self._db = db
        self._clock = clock  # Unix seconds

    async def invite(self, name: str | None, uses: int, valid_seconds: float) -> str:
        """A new code, which is shown once and cannot be read again.

        name: who it is made out to, or None for whoever holds it. Raises NotAllowed('name') where it is not
        one, and ValueError where uses is below 1 or valid_seconds not above 0.
        """
        if uses < 1 or not valid_seconds > 0:
            raise ValueError("an invitation needs at least one use and some time")
        if name is not None:
            name = clean_name(name)
        code, now = secrets.token_urlsafe(32), self._clock()
        async with self._db.write() as tx:
            await tx.execute(
                "INSERT INTO invitation (code_hash, name, uses_left, created_at, expires_at) "
                "VALUES (?, ?, ?, ?, ?)",
                *(_digest(code), name, uses, now, now + valid_seconds),
            )
        return code

    async def join(self, code: str, name: str = "") -> str:
        """Use an invitation and sign a phone in. Returns the session's token, which is not kept.

        name: how the others see the officer. An invitation that is made out to somebody signs in as them and
        no one else, so name is not even looked at. A name that an officer has already is theirs: another
        phone joins under it only with an invitation made out to it. Raises NotAllowed, and uses nothing up:
        'invitation' (one text, whether the code never existed, has expired or is used up), 'name' or
        'name_taken'.
        """
        now = self._clock()
        async with self._db.write() as tx:
            used = await tx.row(
                "UPDATE invitation SET uses_left = uses_left - 1 "
                "WHERE code_hash = ? AND uses_left > 0 AND expires_at > ? RETURNING name",
                *(_digest(code), now),
            )
            if used is None:
                raise NotAllowed("invitation", "this invitation is not valid (any more); ask for a new one")
            made_out_to = used["name"]
            officer = await self._officer(tx, made_out_to or clean_name(name), made_out_to, now)
            token = secrets.token_urlsafe(32)
            await tx.execute(
                "INSERT INTO session (id, token_hash, officer, created_at, last_seen_at) "
                "VALUES (?, ?, ?, ?, ?)",
                *(secrets.token_hex(8), _digest(token), officer, now, now),
            )
        return token

    async def session(self, token: str) -> Session | None:
        """The session that this token opens; None where there is none or it has been revoked."""
        async with self._db.read() as tx:
            row = await tx.row(f"{_SESSIONS} AND token_hash = ?", _digest(token))
        return None if row is None else _as_session(row)

    async def sessions(self) -> list[Session]:
        """Every session that has not been revoked, oldest first."""
        async with self._db.read() as tx:
            rows = await tx.rows(f"{_SESSIONS} ORDER BY session.created_at, session.id")
        return [_as_session(row) for row in rows]

    async def seen(self, session: Session) -> Session:
        """The phone was heard from. Written to the half minute; returns the session as it is kept."""
        now = self._clock()
        if now - session.last_seen_at < _SEEN_EVERY:
            return session
        async with self._db.write() as tx:
            await tx.execute(
                "UPDATE session SET last_seen_at = max(last_seen_at, ?) WHERE id = ?", now, session.id
            )
        return replace(session, last_seen_at=now)

    async def revoke(self, session: SessionId) -> bool:
        """End a session for good: from now on its token opens nothing. False where there is none to end."""
        async with self._db.write() as tx:
            row = await tx.row(
                "UPDATE session SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL RETURNING id",
                *(self._clock(), session),
            )
        return row is not None

    async def revoke_all(self, name: str) -> int:
        """End every session of the officer of that name, spelt in whatever case. How many there were."""
        async with self._db.write() as tx:
            rows = await tx.rows(
                "UPDATE session SET revoked_at = ? WHERE revoked_at IS NULL AND officer IN "
                "(SELECT id FROM officer WHERE label = ?) RETURNING id",
                *(self._clock(), _label(name)),
            )
        return len(rows)

    async def _officer(self, tx: Transaction, name: str, made_out_to: str | None, now: float) -> OfficerId:
        """The officer of that name, new or, where the invitation is made out to them, as they are."""
        label = _label(name)
        row = await tx.row("SELECT id FROM officer WHERE label = ?", label)
        if row is None:
            officer = OfficerId(secrets.token_hex(8))
            await tx.execute(
                "INSERT INTO officer (id, name, label, created_at) VALUES (?, ?, ?, ?)",
                *(officer, name, label, now),
            )
            return officer
        if made_out_to is None:
            raise NotAllowed(
                "name_taken",
                f"{name} has joined already: add your shoulder number, or ask for an invitation in your name",
            )
        return OfficerId(row["id"])


def clean_name(name: str) -> str:
    """1 to 60 characters that print, composed (NFC), with single spaces. Raises NotAllowed('name').

    What does not print is refused and not dropped: a mark that turns the direction of writing, or a
    character without width, makes one name look like another.
    """
    name = unicodedata.normalize("NFC", name).strip()
    prints = name.isprintable()  # asked before a line break among the spaces becomes one of them
    name = " ".join(name.split())
    if not prints or not 1 <= len(name) <= LONGEST_NAME:
        raise NotAllowed("name", f"a name has 1 to {LONGEST_NAME} characters, all of which print")
    return name


_SESSIONS = (
    "SELECT session.id, officer, name, session.created_at, last_seen_at "
    "FROM session JOIN officer ON officer.id = session.officer WHERE revoked_at IS NULL"
)


def _as_session(row: sqlite3.Row) -> Session:
    return Session(
        SessionId(row["id"]), OfficerId(row["officer"]), row["name"], row["created_at"], row["last_seen_at"]
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _label(name: str) -> str:
    """What two names have in common that differ by case, width or spelling of an accent alone."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
