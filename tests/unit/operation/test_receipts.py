"""Receipts on their way to the store."""

from __future__ import annotations

import pytest

from lfrd.errors import StoreError
from lfrd.operation.fault import Fault
from lfrd.operation.receipts import Receipts
from lfrd.store.sessions import SessionId

ASHA, BEN = SessionId("asha"), SessionId("ben")


class Log:
    """A list in the place of the store's table, which has tests of its own."""

    def __init__(self, error: StoreError | None = None) -> None:
        self.written: list[tuple[str, int]] = []
        self.error = error

    async def receipted(self, session: SessionId, seq: int) -> None:
        if self.error is not None:
            raise self.error
        self.written.append((session, seq))


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
