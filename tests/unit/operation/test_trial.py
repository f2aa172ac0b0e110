"""The live trial as it is kept up to date, by its own task and by whoever notes a walk."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from lfrd import wire
from lfrd.operation.trial import LiveTrial


class Store:
    """What `LiveTrial` asks of the database and of the passages: a number that the test moves."""

    def __init__(self) -> None:
        self.newest = 1
        self.reading, self.may_read = asyncio.Event(), asyncio.Event()

    async def version(self) -> int:
        return self.newest

    async def settle(self) -> int:
        return 0


async def test_an_older_look_that_ends_later_does_not_take_a_newer_one_s_place() -> None:
    store = Store()
    trial = LiveTrial(cast(Any, store), cast(Any, store))

    async def read() -> wire.BlueView:
        seen = store.newest  # as a view of the database: it stays what it was when it began
        if not store.reading.is_set():
            store.reading.set()
            await store.may_read.wait()
        return wire.BlueView(0, 0, 0.0, 1.0, seen, 0)

    trial._read = read  # type: ignore[method-assign]
    older = asyncio.create_task(trial.look())
    await store.reading.wait()
    store.newest = 2
    newer = asyncio.create_task(trial.look())
    for _ in range(10):
        await asyncio.sleep(0)
    store.may_read.set()
    await asyncio.gather(older, newer)
    assert trial.view is not None
    assert trial.view.walking == 2
