"""Accounts: the people of the box, one role each, added, disabled and unlocked."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass

from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.store.appointing import may_appoint, may_keep
from lfrd.store.audit import append
from lfrd.store.database import Transaction
from lfrd.store.names import clean_name, label
from lfrd.store.sessions import Sessions
from lfrd.types import Actor, OfficerId, Role


@dataclass(frozen=True, slots=True)
class Officer:
    """Times are Unix seconds. failures: wrong passwords in a row. locked_until: no password opens the account
    before; infinite where only the console does. disabled_at: None while they may sign in."""

    id: OfficerId
    name: str
    role: Role
    rank: str
    has_password: bool
    passkeys: int
    failures: int
    locked_until: float
    created_at: float
    disabled_at: float | None

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.name, self.role)


class Accounts(Sessions):
    """The people, and what they have signed in. `Officers` adds the ways in."""

    async def add(self, name: str, role: Role, rank: str, actor: Actor) -> OfficerId:
        """Add a person, who cannot sign in before they have a password or an invitation.

        rank: at most 60 characters, or empty. Raises NotAllowed: 'name' where one is not good, 'name_taken',
        'role' where the actor may not.
        """
        name, rank, now = clean_name(name), clean_name(rank) if rank.strip() else "", self._clock()
        async with self._db.write() as tx:
            await may_appoint(tx, actor, role)
            if await tx.row("SELECT 1 FROM officer WHERE label = ?", label(name)):
                raise NotAllowed("name_taken", f"{name}: there is an officer of that name already")
            return await self._insert(tx, name, role, rank, actor, now)

    async def all(self) -> list[Officer]:
        """Everybody, those disabled too, by name."""
        async with self._db.read() as tx:
            rows = await tx.rows(f"{_OFFICERS} ORDER BY label")
        return [_as_officer(row) for row in rows]

    async def find(self, name: str) -> Officer:
        """The officer of that name, spelt in whatever case. Raises NotAllowed('unknown_officer')."""
        async with self._db.read() as tx:
            return await self._named(tx, name)

    async def officer(self, id: OfficerId) -> Officer:
        """Raises NotAllowed('unknown_officer')."""
        async with self._db.read() as tx:
            return await self._known(tx, id)

    async def disable(self, name: str, actor: Actor) -> None:
        """Nobody signs in as them any more, and what is signed in ends.

        Raises NotAllowed: 'role', 'unknown_officer', and 'last' for the last authorising officer, since
        nobody could name another one then.
        """
        now = self._clock()
        async with self._db.write() as tx:
            officer = await self._named(tx, name)
            may_keep(actor)
            others = "SELECT 1 FROM officer WHERE role = 'authorising' AND disabled_at IS NULL AND id <> ?"
            if officer.role is Role.AUTHORISING and not await tx.row(others, officer.id):
                raise NotAllowed(
                    "last",
                    f"{officer.name} is the only authorising officer: add another one first; "
                    "`lfrd revoke` ends the sessions meanwhile",
                )
            await tx.execute("UPDATE officer SET disabled_at = ? WHERE id = ?", now, officer.id)
            await append(tx, now, actor, kinds.UserChanged(officer.id, "disabled"))
            await self._end(tx, actor, "disabled", "officer = ?", officer.id)

    async def enable(self, name: str, actor: Actor) -> None:
        """Takes what adding somebody in this role takes. Raises NotAllowed: 'role', 'unknown_officer'."""
        now = self._clock()
        async with self._db.write() as tx:
            officer = await self._named(tx, name)
            await may_appoint(tx, actor, officer.role)
            await tx.execute("UPDATE officer SET disabled_at = NULL WHERE id = ?", officer.id)
            await append(tx, now, actor, kinds.UserChanged(officer.id, "enabled"))

    async def unlock(self, name: str, actor: Actor) -> None:
        """End the wait after wrong passwords. Raises NotAllowed: 'role', 'unknown_officer'."""
        now = self._clock()
        async with self._db.write() as tx:
            officer = await self._named(tx, name)
            may_keep(actor)
            await tx.execute("UPDATE officer SET failures = 0, locked_until = 0 WHERE id = ?", officer.id)
            await append(tx, now, actor, kinds.UserChanged(officer.id, "unlocked"))

    # ---- rows ----------------------------------------------------------------------------------------------

    async def _insert(
        self,
        tx: Transaction,
        name: str,
        role: Role,
        rank: str,
        actor: Actor | None,
        now: float,
        *,
        named: bool = True,
    ) -> OfficerId:
        """actor None: the person themselves, by an invitation. named: somebody else has given the name."""
        officer = OfficerId(secrets.token_hex(8))
        await tx.execute(
            "INSERT INTO officer (id, name, label, role, rank, created_at, named) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(officer, name, label(name), role.value, rank, now, named),
        )
        added = kinds.UserAdded(officer, name, role.value, rank)
        await append(tx, now, actor or Actor(officer, name, role), added)
        return officer

    async def _perhaps(self, tx: Transaction, name: str) -> Officer | None:
        row = await tx.row(f"{_OFFICERS} WHERE label = ?", label(name))
        return None if row is None else _as_officer(row)

    async def _named(self, tx: Transaction, name: str) -> Officer:
        officer = await self._perhaps(tx, name)
        if officer is None:
            raise NotAllowed("unknown_officer", f"{name}: nobody has that name; `lfrd users list` lists them")
        return officer

    async def _known(self, tx: Transaction, id: OfficerId) -> Officer:
        row = await tx.row(f"{_OFFICERS} WHERE id = ?", id)
        if row is None:
            raise NotAllowed("unknown_officer", "this officer is unknown here")
        return _as_officer(row)


_OFFICERS = (
    "SELECT id, name, role, rank, password IS NOT NULL AS has_password, failures, locked_until, created_at, "
    "disabled_at, (SELECT count(*) FROM passkey WHERE passkey.officer = officer.id) AS passkeys FROM officer"
)


def _as_officer(row: sqlite3.Row) -> Officer:
    return Officer(
        id=OfficerId(row["id"]),
        name=row["name"],
        role=Role(row["role"]),
        rank=row["rank"],
        has_password=bool(row["has_password"]),
        passkeys=row["passkeys"],
        failures=row["failures"],
        locked_until=row["locked_until"],
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
    )
