"""Receipts on their way to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from lfrd.errors import StoreError
from lfrd.operation.fault import Fault
from lfrd.operation.receipts import BATCH, Receipts
from lfrd.store.sessions import SessionId

ASHA, BEN = SessionId("asha"), SessionId("ben")


class Log:
    """A list in the place of the store's table, which has tests of its own."""

    def __init__(self, error: StoreError | None = None, during: Callable[[], None] = lambda: None) -> None:
        """during: called while a transaction is at work."""
        self.transactions: list[list[tuple[SessionId, int]]] = []
        self.error = error
        self.during = during

    @property
    def written(self) -> list[tuple[SessionId, int]]:
        return [receipt for transaction in self.transactions for receipt in transaction]

    async def receipted(self, receipts: Sequence[tuple[SessionId, int]]) -> None:
        if self.error is not None:
            raise self.error
        self.during()
        self.transactions.append(list(receipts))


async def test_only_a_sessions_newest_receipt_is_written() -> None:
    log = Log()
    receipts = Receipts(log, Fault())
    for seq in (1, 3, 2):
        receipts.note(ASHA, seq)
    receipts.note(BEN, 1)
    assert receipts.statistics().waiting == 2
    await receipts.write()
    assert log.written == [(ASHA, 3), (BEN, 1)]


async def test_what_is_written_is_not_written_again() -> None:
    log = Log()
    receipts = Receipts(log, Fault())
    receipts.note(ASHA, 1)
    await receipts.write()
    await receipts.write()
    assert len(log.written) == 1
    assert receipts.statistics().waiting == 0


async def test_receipts_are_written_many_at_a_time_in_the_order_in_which_they_came_and_each_once() -> None:
    log = Log()
    receipts = Receipts(log, Fault())
    noted = [(SessionId(f"phone {number}"), number) for number in range(2 * BATCH + 1)]
    for session, seq in noted:
        receipts.note(session, seq)
    await receipts.write()
    assert [len(transaction) for transaction in log.transactions] == [BATCH, BATCH, 1]
    assert log.written == noted
    assert receipts.statistics().written == len(noted)


async def test_what_is_noted_while_others_are_written_is_written_in_the_next_round() -> None:
    log = Log(during=lambda: receipts.note(ASHA, 7))
    receipts = Receipts(log, Fault())
    receipts.note(ASHA, 1)
    await receipts.write()
    assert receipts.statistics().waiting == 1
    log.during = lambda: None
    await receipts.write()
    assert log.written == [(ASHA, 1), (ASHA, 7)]


class Slow(Log):
    """A disk that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def receipted(self, receipts: Sequence[tuple[SessionId, int]]) -> None:
        self.begun.set()
        await self.may_end.wait()
        await super().receipted(receipts)


async def test_what_somebody_else_is_writing_is_on_the_disk_when_write_returns() -> None:
    log = Slow()
    receipts = Receipts(log, Fault())
    receipts.note(ASHA, 1)
    first = asyncio.create_task(receipts.write())
    await log.begun.wait()
    second = asyncio.create_task(receipts.write())
    await asyncio.sleep(0)
    assert not second.done()
    assert receipts.statistics().waiting == 1
    log.may_end.set()
    await second
    assert log.written == [(ASHA, 1)]
    await first


async def test_a_round_that_is_broken_off_loses_no_receipt() -> None:
    log = Slow()
    receipts = Receipts(log, Fault())
    receipts.note(ASHA, 1)
    broken = asyncio.create_task(receipts.write())
    await log.begun.wait()
    broken.cancel()
    await asyncio.wait({broken})
    log.may_end.set()
    await receipts.write()
    assert log.written == [(ASHA, 1)]


async def test_a_store_that_fails_is_reported_and_ends_the_process() -> None:
    fault = Fault()
    receipts = Receipts(Log(StoreError("lfrd.db: the disk is full")), fault)
    receipts.note(ASHA, 1)
    await receipts.write()
    with pytest.raises(StoreError, match="full"):
        await fault.watch()


async def test_the_first_failure_is_the_one_that_is_raised() -> None:
    fault = Fault()
    fault.report(StoreError("the cause"))
    fault.report(StoreError("a consequence"))
    with pytest.raises(StoreError, match="the cause"):
        await fault.watch()
