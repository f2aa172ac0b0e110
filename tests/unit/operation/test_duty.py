"""Posts in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lfrd.operation.duty import Duty
from lfrd.operation.posts import Posts


@asynccontextmanager
async def running(grace_seconds: float) -> AsyncIterator[Duty]:
    duty = Duty(Posts(grace_seconds, 1.0))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(duty.run())
        yield duty
        task.cancel()


async def test_cameras_are_wanted_from_the_first_post_to_the_last_departure() -> None:
    async with running(20) as duty:
        await duty.unwanted()
        duty.take("a", "Asha")
        await duty.wanted()
        duty.take("b", "Ben")
        duty.off("a")
        await duty.wanted()
        duty.off("b")
        await duty.unwanted()


async def test_a_lapse_is_noticed_without_anybody_asking() -> None:
    async with running(0.05) as duty:
        changes: list[list[str]] = []
        duty.on_change(lambda: changes.append(duty.present()))
        duty.take("a", "Asha")
        await duty.unwanted()
        assert changes == [["Asha"], []]


async def test_an_officer_who_is_back_starts_the_cameras_again() -> None:
    async with running(0.05) as duty:
        duty.take("a", "Asha")
        await duty.unwanted()
        assert not duty.heard("a")
        duty.take("a", "Asha")
        await duty.wanted()


async def test_a_heartbeat_tells_nobody_anything_new() -> None:
    async with running(20) as duty:
        duty.take("a", "Asha")
        changes: list[None] = []
        duty.on_change(lambda: changes.append(None))
        assert duty.heard("a")
        assert changes == []
