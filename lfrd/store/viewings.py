"""Who has looked at a picture, audited before it is shown: many viewings in one transaction.

When an alert comes, every phone on post asks for its two pictures at the same moment. A transaction for each
would make the last of fifty phones wait for a hundred.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from lfrd.audit.kinds import AnyBody
from lfrd.store.audit import append_each
from lfrd.store.database import Database
from lfrd.types import Actor


@dataclass(slots=True, eq=False)
class _Viewing:
    actor: Actor
    body: AnyBody
    stored: bool = False


@dataclass(frozen=True, slots=True)
class ViewingsStatistics:
    """waiting: viewings that are not stored yet, one a request that runs. stored, transactions: counts since
    the start."""

    waiting: int
    limit: int
    stored: int
    transactions: int


class Viewings:
    """Whoever's turn it is stores what all who wait have seen, so that those find theirs stored."""

    def __init__(self, db: Database, clock: Callable[[], float], *, limit: int = 256) -> None:
        """clock: Unix seconds that never go back. limit: records of one transaction at the most."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        self._db = db
        self._clock = clock
        self._limit = limit
        self._turn = asyncio.Lock()  # held by whoever stores
        self._waiting: list[_Viewing] = []  # one a request that runs
        self._stored = self._transactions = 0

    async def record(self, actor: Actor, body: AnyBody) -> None:
        """Returns when it is on the disk. Raises StoreError where it cannot be: then it was not seen."""
        viewing = _Viewing(actor, body)
        self._waiting.append(viewing)
        try:
            async with self._turn:
                if not viewing.stored:
                    await self._store()
        finally:
            if not viewing.stored:  # cancelled or failed: nothing is shown, so nothing was seen
                with contextlib.suppress(ValueError):
                    self._waiting.remove(viewing)

    async def _store(self) -> None:
        """The oldest that wait, the caller's among them: nobody before it is left."""
        batch = self._waiting[: self._limit]
        async with self._db.write() as tx:
            await append_each(tx, self._clock(), [(each.actor, each.body) for each in batch])
        for each in batch:
            each.stored = True
        self._waiting = [each for each in self._waiting if not each.stored]
        self._stored += len(batch)
        self._transactions += 1

    def statistics(self) -> ViewingsStatistics:
        return ViewingsStatistics(len(self._waiting), self._limit, self._stored, self._transactions)
