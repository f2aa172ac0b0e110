"""Passkeys: the public keys of officers' authenticators, with the counter that tells a copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.store.audit import append
from lfrd.store.database import Database
from lfrd.types import Actor, OfficerId

MOST = 10
"""Passkeys of one officer."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """public_key: COSE, as the authenticator gave it. Times are Unix seconds."""

    id: bytes
    officer: OfficerId
    public_key: bytes
    sign_count: int
    created_at: float
    last_used_at: float | None


class Passkeys:
    def __init__(self, db: Database, clock: Callable[[], float]) -> None:
        self._db = db
        self._clock = clock  # Unix seconds that never go back

    async def add(self, id: bytes, public_key: bytes, sign_count: int, actor: Actor) -> None:
        """One more of the actor's own. Raises NotAllowed('passkeys') where it is there, or `MOST` are."""
        now = self._clock()
        async with self._db.write() as tx:
            kept = await tx.rows("SELECT id FROM passkey WHERE officer = ? OR id = ?", actor.id, id)
            if len(kept) >= MOST or any(row["id"] == id for row in kept):
                raise NotAllowed("passkeys", f"it is there already, or there are {MOST}: remove one first")
            await tx.execute(
                "INSERT INTO passkey (id, officer, public_key, sign_count, created_at) "
                "VALUES (?, ?, ?, ?, ?)",
                *(id, actor.id, public_key, sign_count, now),
            )
            await append(tx, now, actor, kinds.UserChanged(actor.id, "passkey_added"))

    async def of(self, officer: OfficerId) -> list[Passkey]:
        """An officer's, the oldest first."""
        async with self._db.read() as tx:
            rows = await tx.rows("SELECT * FROM passkey WHERE officer = ? ORDER BY created_at, id", officer)
        return [_as_passkey(row) for row in rows]

    async def find(self, id: bytes) -> Passkey | None:
        async with self._db.read() as tx:
            row = await tx.row("SELECT * FROM passkey WHERE id = ?", id)
        return None if row is None else _as_passkey(row)

    async def used(self, passkey: Passkey, sign_count: int) -> bool:
        """Note a use that was verified. False where another use came between: one of them is a copy's."""
        async with self._db.write() as tx:
            row = await tx.row(
                "UPDATE passkey SET sign_count = ?, last_used_at = ? WHERE id = ? AND sign_count = ? "
                "RETURNING id",
                *(sign_count, self._clock(), passkey.id, passkey.sign_count),
            )
        return row is not None

    async def failed(self, officer: OfficerId, actor: Actor) -> None:
        """Audit a passkey that was not good. officer: empty where nobody has it."""
        async with self._db.write() as tx:
            await append(tx, self._clock(), actor, kinds.SignInFailed(officer, "passkey"))

    async def remove(self, id: bytes, officer: OfficerId, actor: Actor) -> None:
        """Raises NotAllowed('unknown_passkey')."""
        async with self._db.write() as tx:
            row = await tx.row("DELETE FROM passkey WHERE id = ? AND officer = ? RETURNING id", id, officer)
            if row is None:
                raise NotAllowed("unknown_passkey", "there is no such passkey; it may have been removed")
            await append(tx, self._clock(), actor, kinds.UserChanged(officer, "passkey_removed"))


def _as_passkey(row: sqlite3.Row) -> Passkey:
    return Passkey(
        id=row["id"],
        officer=OfficerId(row["officer"]),
        public_key=row["public_key"],
        sign_count=row["sign_count"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
    )
