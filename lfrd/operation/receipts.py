"""What each phone has receipted, written down a little later: the newest number only, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lfrd.errors import StoreError
from lfrd.operation.fault import Fault
from lfrd.store.sessions import SessionId

BATCH = 64
"""Receipts in one transaction: an alert that is to be stored waits for one of these at the most."""


class ReceiptLog(Protocol):
    """What is needed of the store."""

    async def receipted(self, receipts: Sequence[tuple[SessionId, int]]) -> None: ...


@dataclass(frozen=True, slots=True)
class ReceiptsStatistics:
    noted: int
    written: int
    waiting: int
    """Sessions whose newest receipt is not written yet; never more than there are sessions."""


class Receipts:
    """Receipts on their way to the store.

    A phone resumes from the number that it says itself, so that a receipt which a power cut takes away costs
    nothing but a line in the record. Each transaction waits for the disk, holds the only writer and costs the
    loop many times what a row does: so they are written `BATCH` at a time, few enough for an alert to wait
    behind one.
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
            for sessions in _batches(list(self._newest)):
                # What is noted while these are written waits for the next round.
                await self._log.receipted([(session, self._newest.pop(session)) for session in sessions])
                self._written += len(sessions)
        except StoreError as error:
            self._fault.report(error)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await self.write()

    def statistics(self) -> ReceiptsStatistics:
        return ReceiptsStatistics(self._noted, self._written, len(self._newest))


def _batches(sessions: list[SessionId]) -> list[list[SessionId]]:
    return [sessions[start : start + BATCH] for start in range(0, len(sessions), BATCH)]
