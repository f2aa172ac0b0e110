"""What the conductor takes for the open deployment. How it runs one: tests/journeys/test_conducting.py."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from lfrd.conducting import Conductor
from lfrd.operation.duty import Duty
from lfrd.operation.posts import Posts


class Kept:
    """What a look asks of the records: a deployment that the test exchanges, read in two steps."""

    def __init__(self) -> None:
        self.newest = "active"
        self.between, self.goes_on = asyncio.Event(), asyncio.Event()
        self.deployments = self.db = self

    async def version(self) -> str:
        return self.newest

    async def current(self) -> SimpleNamespace:
        return SimpleNamespace(id="d1", stage=self.newest)

    async def segments(self, deployment: str) -> list[str]:
        if not self.between.is_set():
            self.between.set()
            await self.goes_on.wait()
        return [deployment]


async def test_an_older_look_that_ends_later_does_not_put_a_suspended_deployment_in_force_again() -> None:
    kept, other = Kept(), cast(Any, None)
    conductor = Conductor(
        placed=other,
        records=cast(Any, kept),
        pack=other,
        inference=other,
        alerts=other,
        duty=Duty(Posts(20, 5)),
        metrics=other,
        on_change=lambda: None,
    )
    older = asyncio.create_task(conductor._read_deployment())  # as after a pause
    await kept.between.wait()
    kept.newest = "suspended"
    newer = asyncio.create_task(conductor.look())
    for _ in range(10):
        await asyncio.sleep(0)
    kept.goes_on.set()
    await asyncio.gather(older, newer)
    assert conductor._deployment is not None
    assert conductor._deployment.stage == "suspended"
