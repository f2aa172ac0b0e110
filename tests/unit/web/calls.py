"""What the scenes of both kinds of calls share: waiting for an end, the audit's records, and a slow audit."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Awaitable, Callable

import pytest

from lfrd.assembly import Office
from lfrd.audit import kinds

PATIENCE = 30.0
"""Seconds after which a test fails where it would hang; nothing is expected to take so long."""


class CallScene(abc.ABC):
    @property
    @abc.abstractmethod
    def office(self) -> Office: ...

    async def until(self, done: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                said = done()
                if said if isinstance(said, bool) else await said:
                    return
                await asyncio.sleep(0.01)

    async def audited(self, *kind: type[kinds.Body]) -> list[kinds.AnyBody]:
        """The audit's records of these kinds, in order."""
        async with self.office.records.db.read() as tx:
            rows = await tx.rows("SELECT body FROM audit ORDER BY seq")
        return [body for row in rows if isinstance(body := kinds.decode(row["body"]), kind)]

    def held_back(
        self, kind: type[kinds.Body], monkeypatch: pytest.MonkeyPatch
    ) -> tuple[asyncio.Event, asyncio.Event]:
        """Records of that kind wait. When one does, the first event is set; it is written with the second."""
        waits, goes_on = asyncio.Event(), asyncio.Event()
        audit = self.office.services.audit
        record = audit.record

        async def held(body: kinds.AnyBody, *rest: object) -> object:
            if isinstance(body, kind):
                waits.set()
                await goes_on.wait()
            return await record(body, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(audit, "record", held)
        return waits, goes_on
