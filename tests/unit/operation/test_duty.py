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


def test_a_heartbeat_that_comes_when_somebody_elses_post_has_lapsed_tells_of_it_at_once() -> None:
    now = 0.0
    duty = Duty(Posts(20, 1.0), lambda: now)
    changes: list[list[str]] = []
    duty.on_change(lambda: changes.append(duty.present()))
    duty.take("a", "Asha")
    now = 15.0
    duty.take("b", "Ben")
    now = 19.0
    assert duty.heard("b")
    now = 20.0
    assert duty.heard("b")
    assert changes == [["Asha"], ["Asha", "Ben"], ["Ben"]]


def test_a_heartbeat_has_the_posts_looked_through_only_when_one_of_them_may_have_lapsed() -> None:
    class Counted(Posts):
        looks = 0

        def sessions(self, at: float) -> frozenset[str]:
            self.looks += 1
            return super().sessions(at)

    now = 0.0
    posts = Counted(20, 1.0)
    duty = Duty(posts, lambda: now)
    duty.take("a", "Asha")
    before = posts.looks
    while now < 19:
        now += 1.0
        assert duty.heard("a")
    assert posts.looks == before
    now = 39.0  # 20 s after it was last heard
    assert not duty.heard("a")
    assert posts.looks > before
