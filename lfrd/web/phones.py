"""The phones that are connected now: one connection a session, and none without a session that stands."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from lfrd import wire
from lfrd.errors import StoreError
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.operation.reach import Reach
from lfrd.store.officers import Officers, SessionId

SWEEP_SECONDS = 0.5
"""How often sessions are looked up again; a revoked one is closed within twice that."""


class Hangable(Protocol):
    """A connection that can be told to end."""

    @property
    def session_id(self) -> SessionId: ...

    def hang_up(self, code: int, reason: str) -> None: ...


class Dependent(Protocol):
    """What else lasts only as long as a session stands, a live picture for instance."""

    def sessions(self) -> Collection[SessionId]: ...

    def hang_up(self, session: SessionId) -> None: ...


@dataclass(frozen=True, slots=True)
class PhonesStatistics:
    connected: int
    opened: int
    replaced: int
    revoked: int
    slow: int
    """Closed because they owed receipts."""


class Phones:
    """Connections by session. `run()` must stand in the app's TaskGroup: it closes what was revoked."""

    def __init__(self, officers: Officers, fault: Fault, duty: Duty) -> None:
        self._officers = officers
        self._fault = fault  # hears of a store that fails while sessions are looked up
        self._duty = duty  # a session that no longer stands has no post either
        self.reach = Reach()  # what each phone has receipted, and when it was last heard
        self._connected: dict[SessionId, Hangable] = {}  # the newest connection of each session
        self._dependents: list[Dependent] = []  # end with their session too
        self._opened = self._replaced = self._revoked = self._slow = 0

    def also(self, dependent: Dependent) -> None:
        """What belongs to a session there is looked after here: it ends when the session does."""
        self._dependents.append(dependent)

    @contextmanager
    def registered(self, connection: Hangable) -> Iterator[None]:
        """While the block runs this is its session's connection; an older one is closed."""
        older = self._connected.get(connection.session_id)
        self._connected[connection.session_id] = connection
        self._opened += 1
        if older is not None:
            self._replaced += 1
            older.hang_up(wire.CLOSE_REPLACED, "a newer connection of this session")
        try:
            yield
        finally:
            if self._connected.get(connection.session_id) is connection:
                del self._connected[connection.session_id]

    def is_connected(self, session: SessionId) -> bool:
        return session in self._connected

    def hang_up(self, session: SessionId) -> None:
        """The session is no longer valid: end its post and all that it has open, and close its connection."""
        self._duty.off(session)
        for dependent in self._dependents:
            dependent.hang_up(session)
        connection = self._connected.get(session)
        if connection is not None:
            self._revoked += 1
            connection.hang_up(wire.CLOSE_REVOKED, "sign in again")

    def count_slow(self) -> None:
        self._slow += 1

    async def run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """End what belongs to sessions that no longer stand, with one look-up for all phones: their
        connections, and their posts, which without a connection would last for the grace period."""
        # Before the look-up: a session that joins meanwhile is not in it.
        known = {*self._connected, *map(SessionId, {*self._duty.sessions(), *self.reach.phones})}
        known.update(*(dependent.sessions() for dependent in self._dependents))
        try:
            await self._officers.expire()
            if not known:
                return
            standing = {session.id for session in await self._officers.sessions()}
        except StoreError as error:
            self._fault.report(error)
            return
        self.reach.drop(known - standing)
        for session in known - standing:
            self.hang_up(session)

    def statistics(self) -> PhonesStatistics:
        return PhonesStatistics(len(self._connected), self._opened, self._replaced, self._revoked, self._slow)
