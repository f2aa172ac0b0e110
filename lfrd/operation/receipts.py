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
        self._newest: dict[SessionId, int] = {}  # not written yet, or just being written
        self._turn = asyncio.Lock()  # held by whoever writes: another one waits for what it took on
        self._noted = self._written = 0

    def note(self, session: SessionId, seq: int) -> None:
        self._noted += 1
        self._newest[session] = max(seq, self._newest.get(session, 0))

    async def write(self) -> None:
        """Write what waits now: when this returns it is on the disk, whoever wrote it."""
        try:
            async with self._turn:
                for batch in _batches(list(self._newest.items())):
                    await self._log.receipted(batch)
                    self._written += len(batch)
                    for session, seq in batch:
                        if self._newest[session] == seq:  # what was noted meanwhile waits for the next round
                            del self._newest[session]
        except StoreError as error:
            self._fault.report(error)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await self.write()

    def statistics(self) -> ReceiptsStatistics:
        return ReceiptsStatistics(self._noted, self._written, len(self._newest))


def _batches(receipts: list[tuple[SessionId, int]]) -> list[list[tuple[SessionId, int]]]:
    return [receipts[start : start + BATCH] for start in range(0, len(receipts), BATCH)]
