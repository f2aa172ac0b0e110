"""Officers in a store of their own, for the tests of accounts, sessions and ways in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lfrd.audit import kinds
from lfrd.config import SignIn
from lfrd.errors import NotAllowed
from lfrd.store.database import Database
from lfrd.store.officers import Officers, Session
from lfrd.types import CONSOLE, Actor, Role
from tests.unit.store.conftest import Clock

PASSWORD = "seven herons over Whitby"


class People:
    """An open database and the officers in it."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self.officers = Officers(db, clock, SignIn())

    async def desk(self, name: str, role: Role, password: str = PASSWORD) -> Actor:
        """Somebody with a password, added by whoever may."""
        by = CONSOLE
        if role in (Role.AUTHORISING, Role.AUDITOR):
            by = Actor(CONSOLE.id, "an authorising officer", Role.AUTHORISING)
        officer = await self.officers.add(name, role, "", by)
        await self.officers.set_password(officer, password, by)
        return Actor(officer, name, role)

    async def phone(self, name: str) -> tuple[str, Session]:
        """A phone that has joined: its token and its session."""
        code = await self.officers.invite(name, 1, 600, actor=CONSOLE)
        token = await self.officers.join(code)
        return token, await self.session(token)

    async def session(self, token: str) -> Session:
        session = await self.officers.session(token)
        assert session is not None
        return session

    async def audited(self, *kind: type[kinds.Body]) -> list[kinds.AnyBody]:
        """The audit's records of these kinds, oldest first."""
        async with self.db.read() as tx:
            rows = await tx.rows("SELECT body FROM audit ORDER BY seq")
        return [body for row in rows if isinstance(body := kinds.decode(row["body"]), kind or object)]


@asynccontextmanager
async def people(path: Path, clock: Clock) -> AsyncIterator[People]:
    async with Database.open(path) as db:
        yield People(db, clock)


async def refused(code: str, work: object) -> str:
    """What it was refused with, in words."""
    with pytest.raises(NotAllowed) as caught:
        await work  # type: ignore[misc]
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    return str(caught.value)
