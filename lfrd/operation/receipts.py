"""What each phone has receipted, written down a little later: the newest number only, one at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from lfrd.errors import StoreError
from lfrd.operation.fault import Fault
from lfrd.store.sessions import SessionId


class ReceiptLog(Protocol):
    """What is needed of the store."""

    async def receipted(self, session: SessionId, seq: int) -> None: ...


@dataclass(frozen=True, slots=True)
class ReceiptsStatistics:
    noted: int
    written: int
    waiting: int
    """Sessions whose newest receipt is not written yet; never more than there are sessions."""


class Receipts:
    """Receipts on their way to the store.

    A phone resumes from the number that it says itself, so that a receipt which a power cut takes away costs
    nothing but a line in the record. Each write waits for the disk and holds the only writer: two hundred
    phones that receipt one alert must not stand between the next alert and its storing. So they are written
    one after the other, and an alert waits for one of them at the most.
    """

    def __init__(self, log: ReceiptLog, fault: Fault, *, seconds: float = 1.0) -> None:
        self._log = log
        self._fault = fault  # hears of a store that fails
        self._seconds = seconds  # between two rounds
        self._newest: dict[SessionId, int] = {}  # not written yet
        self._noted = self._written = 0

    def note(self, session: SessionId, seq: int) -> None:
        self._noted += 1
        self._newest[session] = max(seq, self._newest.get(session, 0))

    async def write(self) -> None:
        """Write what waits now."""
        try:
            for session in list(self._newest):
                await self._log.receipted(session, self._newest.pop(session))
                self._written += 1
        except StoreError as error:
            self._fault.report(error)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await self.write()

    def statistics(self) -> ReceiptsStatistics:
        return ReceiptsStatistics(self._noted, self._written, len(self._newest))
