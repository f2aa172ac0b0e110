"""Sessions: the browsers that officers have signed in, until they leave, expire, idle or are revoked.

A token is kept as its SHA-256 only, so that who reads the database can use none.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NewType

from lfrd.audit import kinds
from lfrd.config import SignIn
from lfrd.store.audit import append
from lfrd.store.database import Database, Transaction
from lfrd.store.names import digest, label
from lfrd.types import SYSTEM, Actor, OfficerId, Role

SessionId = NewType("SessionId", str)
"""Names a session, in lists and in revocation; opens nothing, unlike its token."""

_SEEN_EVERY = 30.0
"""Seconds. `seen` writes no more often: each write waits for the disk."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that an officer has signed in. Times are Unix seconds.

    device_key: the P-256 public key (SubjectPublicKeyInfo, DER) that must sign each request; None where the
    page was served without TLS and the browser had none to give.
    """

    id: SessionId
    officer: OfficerId
    name: str
    role: Role
    rank: str
    device_key: bytes | None
    created_at: float
    last_seen_at: float
    expires_at: float

    @property
    def actor(self) -> Actor:
        return Actor(self.officer, self.name, self.role)


class Sessions:
    """What has signed in. `Officers` says who may."""

    def __init__(self, db: Database, clock: Callable[[], float], settings: SignIn) -> None:
        self._db = db
        self._clock = clock  # Unix seconds that never go back
        self._settings = settings

    async def session(self, token: str) -> Session | None:
        """The session that this token opens; None where there is none or it no longer stands."""
        async with self._db.read() as tx:
            row = await tx.row(f"{_STANDING} AND token_hash = ?", *self._now(), digest(token))
        return None if row is None else _as_session(row)

    async def sessions(self) -> list[Session]:
        """Every session that stands, oldest first."""
        async with self._db.read() as tx:
            rows = await tx.rows(f"{_STANDING} ORDER BY session.created_at, session.id", *self._now())
        return [_as_session(row) for row in rows]

    async def seen(self, session: Session) -> Session:
        """The officer was heard from. Written to the half minute; returns the session as it is kept."""
        now = self._clock()
        if now - session.last_seen_at < _SEEN_EVERY:
            return session
        async with self._db.write() as tx:
            await tx.execute(
                "UPDATE session SET last_seen_at = max(last_seen_at, ?) WHERE id = ?", now, session.id
            )
        return replace(session, last_seen_at=now)

    async def revoke(self, session: SessionId, actor: Actor = SYSTEM, why: str = "left") -> bool:
        """End a session for good: from now on its token opens nothing. False where there is none to end.

        why: as in `audit.kinds.SessionEnded`.
        """
        async with self._db.write() as tx:
            return bool(await self._end(tx, actor, why, "id = ?", session))

    async def revoke_all(self, name: str, actor: Actor) -> int:
        """End every session of the officer of that name, spelt in whatever case. How many there were."""
        async with self._db.write() as tx:
            chosen = "officer IN (SELECT id FROM officer WHERE label = ?)"
            return await self._end(tx, actor, "revoked", chosen, label(name))

    async def expire(self) -> int:
        """End for good, and in the audit, the sessions whose time is up. How many there were."""
        async with self._db.read() as tx:
            rows = await tx.rows(f"{_ENDED} LIMIT 1", *self._now())
        if not rows:
            return 0
        async with self._db.write() as tx:
            return await self._end(tx, SYSTEM, "expired", f"id IN ({_ENDED})", *self._now())

    async def _begin(
        self, tx: Transaction, officer: Actor, method: str, device_key: bytes | None, now: float
    ) -> str:
        """A new session of an officer, in the caller's transaction. Returns its token, which is not kept."""
        hours = self._settings.engagement_hours
        if officer.role is not Role.ENGAGEMENT:
            hours = self._settings.desk_hours
        token, session = secrets.token_urlsafe(32), SessionId(secrets.token_hex(8))
        await tx.execute(
            "INSERT INTO session (id, token_hash, officer, device_key, created_at, last_seen_at, expires_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(session, digest(token), officer.id, device_key, now, now, now + hours * 3600),
        )
        signed_in = kinds.SignedIn(officer.id, session, method, device_key is not None)
        await append(tx, now, officer, signed_in)
        return token

    async def _end(self, tx: Transaction, actor: Actor, why: str, chosen: str, *parameters: object) -> int:
        """End the sessions that a condition of ours chooses, and forget where their phones are woken. How
        many there were."""
        now = self._clock()
        rows = await tx.rows(
            f"UPDATE session SET revoked_at = ? WHERE revoked_at IS NULL AND {chosen} RETURNING id, officer",  # noqa: S608
            *(now, *parameters),
        )
        for row in rows:
            await append(tx, now, actor, kinds.SessionEnded(row["officer"], row["id"], why))
            if await tx.row("DELETE FROM wake_up WHERE session = ? RETURNING 1", row["id"]):
                await append(tx, now, actor, kinds.WakeUpsOff(row["id"], "ended"))
        return len(rows)

    def _now(self) -> tuple[float, float]:
        """The parameters of `_STANDING` and `_ENDED`: the time, and the earliest that is not idle."""
        now = self._clock()
        return now, now - self._settings.desk_idle_minutes * 60


_TIME_IS_UP = "(expires_at <= ? OR (role <> 'engagement' AND last_seen_at <= ?))"
_OPEN = (
    "FROM session JOIN officer ON officer.id = session.officer "
    "WHERE revoked_at IS NULL AND disabled_at IS NULL AND "
)
_STANDING = (
    "SELECT session.id, officer, name, role, rank, device_key, session.created_at, last_seen_at, expires_at "
    f"{_OPEN} NOT {_TIME_IS_UP}"
)
_ENDED = f"SELECT session.id {_OPEN} {_TIME_IS_UP}"


def _as_session(row: sqlite3.Row) -> Session:
    return Session(
        id=SessionId(row["id"]),
        officer=OfficerId(row["officer"]),
        name=row["name"],
        role=Role(row["role"]),
        rank=row["rank"],
        device_key=row["device_key"],
        created_at=row["created_at"],
        last_seen_at=row["last_seen_at"],
        expires_at=row["expires_at"],
    )
