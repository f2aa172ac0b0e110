"""What a site takes it gives back: threads, descriptors and tasks, over shifts, phones and whole lives."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from lfrd import config, wire
from lfrd.app import Site
from lfrd.store.database import Database
from tests.deployed import deployed, invited
from tests.journeys.process import PATIENCE, of, passing, reach, see
from tests.phone import Phone
from tests.ports import free_port

pytestmark = pytest.mark.journey

SHIFTS = 10
PHONES = 20
LIVES = 3


class Held(NamedTuple):
    """What this process holds. The event loop's pool of threads is not counted: it lives with the loop."""

    threads: frozenset[str]
    descriptors: int
    tasks: int

    def is_within(self, before: Held) -> bool:
        return (
            self.threads <= before.threads
            and self.descriptors <= before.descriptors
            and self.tasks <= before.tasks
        )

    @classmethod
    def now(cls) -> Held:
        names = (thread.name for thread in threading.enumerate() if thread.is_alive())
        threads = frozenset(name for name in names if not name.startswith("asyncio_"))
        return cls(threads, len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks()))  # noqa: PTH208


async def returns_to(before: Held) -> None:
    """What is on its way out, a cut connection for instance, gets time to go. Less than before is no leak:
    what an earlier test in this process left behind may have gone meanwhile."""
    now = Held.now()
    try:
        async with asyncio.timeout(PATIENCE):
            while not now.is_within(before):
                gc.collect()
                await asyncio.sleep(0.05)
                now = Held.now()
    except TimeoutError:
        raise AssertionError(f"before: {before}; now: {now}; tasks: {asyncio.all_tasks()}") from None


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    return passing(tmp_path_factory.mktemp("clips") / "passing.mp4", astronaut)


@asynccontextmanager
async def opened(folder: Path, pack: Path, portrait: Path, clip: Path) -> AsyncIterator[Site]:
    """A site with a camera that works and one that is never there."""
    settings = config.parse(
        {
            "web": {"host": "127.0.0.1", "port": 0, "allow_plain_http": True},
            "post": {"grace_seconds": 600},
            "analysis": {"rate": 6, "max_side": 640},
            "cameras": [
                {"name": "Street", "source": str(clip), "loop": True},
                {"name": "Dead", "source": f"rtsp://127.0.0.1:{free_port()}/x", "retry_seconds": 0.1},
            ],
        }
    )
    async with deployed(folder, settings, pack, {"M-2041": portrait}) as site:
        yield site


async def joined(site: Site, name: str) -> Phone:
    token = await site.records.officers.join(await invited(site), name)
    return Phone(site.bound.url, f"lfrd={token}", name)


async def shift(phone: Phone) -> None:
    """On post until the camera shows something, and off again."""
    await phone.say(wire.OnPost())
    await see(phone, Street="live", Dead="retrying")
    await phone.say(wire.OffPost())
    await see(phone, Street="off", Dead="off")


async def test_many_shifts_leave_no_thread_and_no_descriptor_behind(
    tmp_path: Path, builtin: Path, astronaut: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, astronaut, clip) as site:
        phone = await joined(site, "PC Adams")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await reach(phone, lambda: bool(of(phone, "alert")))
            await shift(phone)
            before = Held.now()
            for _ in range(SHIFTS):
                await shift(phone)
            await returns_to(before)
            statistics = [eye.supervisor.statistics() for eye in site.conductor.eyes]
        assert [(s.hanging, s.abandoned) for s in statistics] == [(0, 0), (0, 0)]
        assert statistics[0].opened == SHIFTS + 1


async def test_phones_that_come_and_go_leave_nothing_behind(
    tmp_path: Path, builtin: Path, astronaut: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, astronaut, clip) as site:
        phones = [await joined(site, f"PC {number}") for number in range(PHONES)]
        async with phones[0].connected():
            pass
        await gone(site)
        before = Held.now()
        for phone in phones:
            async with phone.connected():
                await phone.say(wire.OnPost())
                await reach(phone, lambda: any(state.on_post for state in phone.states))  # noqa: B023
                await phone.say(wire.OffPost())
                await reach(phone, lambda: not phone.state().on_post)  # noqa: B023
        await gone(site)
        await returns_to(before)


async def gone(site: Site) -> None:
    async with asyncio.timeout(PATIENCE):
        while site.office.phones.statistics().connected:
            await asyncio.sleep(0.05)


async def test_a_site_that_has_closed_holds_nothing(
    tmp_path: Path, builtin: Path, astronaut: Path, clip: Path
) -> None:
    async def life() -> None:
        async with opened(tmp_path, builtin, astronaut, clip) as site:
            phone = await joined(site, f"PC {os.urandom(4).hex()}")
            async with phone.connected():
                await phone.say(wire.OnPost())
                await see(phone, Street="live", Dead="retrying")
                await reach(phone, lambda: bool(phone.events))

    threads, _, tasks = Held.now()
    await life()  # in the first one libraries open what they keep: a source of randomness, say
    async with asyncio.timeout(PATIENCE):
        while Held.now().threads != threads:
            await asyncio.sleep(0.05)
    before = Held(threads, Held.now().descriptors, tasks)
    for _ in range(LIVES):
        await life()
    await returns_to(before)


def test_a_store_whose_opening_is_broken_off_leaves_no_thread_to_answer_a_loop_that_is_gone(
    tmp_path: Path,
) -> None:
    async def broken_off(turns: int) -> None:
        """`turns` of the event loop after it began."""

        async def held_open() -> None:
            async with Database.open(tmp_path / "lfrd.sqlite3"):
                await asyncio.Event().wait()

        opening = asyncio.create_task(held_open())
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait({opening})

    before = set(threading.enumerate())
    for turns in range(80):
        asyncio.run(broken_off(turns % 40))
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)  # one that fails on its way out is an error of this test
    assert set(threading.enumerate()) == before
