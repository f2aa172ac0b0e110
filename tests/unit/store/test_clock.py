"""The clock that cannot be set back: whatever is done to the wall clock, time goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.audit.kinds import ClockSetBack
from lfrd.store.clock import Ratchet, boot_id, since_boot
from tests.unit.store.conftest import Store

DAY = 86400.0


class Clocks:
    """The machine's two clocks, and which start of it this is."""

    def __init__(self) -> None:
        self.wall = 1_760_000_000.0
        self.monotonic = 500.0
        self.boot = "first"

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def restarts(self) -> None:
        self.boot, self.monotonic = "second", 3.0

    async def ratchet(self, store: Store) -> Ratchet:
        return await Ratchet.opened(store.db, lambda: self.wall, lambda: self.monotonic, self.boot)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


async def set_back(store: Store) -> list[float]:
    return [body.seconds for body in await store.audited() if isinstance(body, ClockSetBack)]


async def test_it_goes_with_the_wall_clock(store: Store, clocks: Clocks) -> None:
    ratchet = await clocks.ratchet(store)
    assert ratchet.now() == clocks.wall
    clocks.passes(12.5)
    assert (ratchet.now(), ratchet.set_back) == (clocks.wall, 0)


async def test_a_clock_set_back_a_day_extends_nothing(store: Store, clocks: Clocks) -> None:
    ratchet = await clocks.ratchet(store)
    deadline = ratchet.now() + 600
    clocks.wall -= DAY
    clocks.passes(599)
    assert ratchet.now() < deadline
    clocks.passes(1)
    assert ratchet.now() >= deadline
    assert ratchet.set_back == DAY


async def test_a_clock_set_back_is_recorded_once(store: Store, clocks: Clocks) -> None:
    ratchet = await clocks.ratchet(store)
    clocks.wall -= DAY
    await ratchet.save()
    await ratchet.save()
    await clocks.ratchet(store)  # as a command beside the server does
    assert await set_back(store) == [DAY]
    clocks.wall -= DAY
    await ratchet.save()
    assert await set_back(store) == [DAY, 2 * DAY]


async def test_a_clock_that_was_set_right_and_back_again_is_recorded_again(
    store: Store, clocks: Clocks
) -> None:
    ratchet = await clocks.ratchet(store)
    for step in (-DAY, DAY, -DAY):
        clocks.wall += step
        await ratchet.save()
    assert await set_back(store) == [DAY, DAY]


async def test_what_a_time_server_corrects_is_no_setting_back(store: Store, clocks: Clocks) -> None:
    ratchet = await clocks.ratchet(store)
    clocks.wall -= 4
    await ratchet.save()
    assert (ratchet.set_back, await set_back(store)) == (0, [])


async def test_a_clock_set_forward_only_ends_things_earlier(store: Store, clocks: Clocks) -> None:
    ratchet = await clocks.ratchet(store)
    clocks.wall += DAY
    late = ratchet.now()
    clocks.wall -= DAY
    clocks.passes(10)
    assert ratchet.now() >= late


async def test_a_clock_set_back_while_no_process_runs_extends_nothing(store: Store, clocks: Clocks) -> None:
    await (await clocks.ratchet(store)).save()
    before = clocks.wall
    clocks.passes(3600)
    clocks.wall -= DAY
    assert (await clocks.ratchet(store)).now() == before + 3600
    assert await set_back(store) == [DAY]


async def test_a_clock_set_back_across_a_restart_of_the_machine_falls_no_lower_than_the_kept_moment(
    store: Store, clocks: Clocks
) -> None:
    await (await clocks.ratchet(store)).save()
    before = clocks.wall
    clocks.passes(3600)
    clocks.wall -= DAY
    clocks.restarts()
    assert (await clocks.ratchet(store)).now() == before


async def test_two_processes_count_from_the_later_moment(store: Store, clocks: Clocks) -> None:
    server = await clocks.ratchet(store)
    clocks.wall += DAY  # for a moment, in which only a command looks
    await clocks.ratchet(store)
    clocks.wall -= DAY
    await server.save()
    late = server.now()
    assert late == clocks.wall + DAY
    clocks.passes(60)
    assert server.now() == late + 60


async def test_before_the_site_has_a_key_there_is_nothing_to_keep_the_moment_in(
    path: Path, clocks: Clocks
) -> None:
    from lfrd.store.database import Database

    async with Database.open(path) as db:
        ratchet = await Ratchet.opened(db, lambda: clocks.wall, lambda: clocks.monotonic, "")
        clocks.wall -= DAY
        await ratchet.save()
        async with db.read() as tx:
            assert await tx.rows("SELECT * FROM audit") == []


steps = st.lists(st.tuples(st.floats(-3e6, 3e6), st.floats(0, 1e5)), max_size=20)


@given(floor=st.floats(0, 2e9), steps=steps)
def test_it_never_goes_back_and_never_slower_than_the_monotonic_clock(
    floor: float, steps: list[tuple[float, float]]
) -> None:
    clocks = Clocks()
    ratchet = Ratchet(None, floor, lambda: clocks.wall, lambda: clocks.monotonic, "")  # type: ignore[arg-type]
    begun, since = ratchet.now(), clocks.monotonic
    assert begun >= floor
    before = begun
    for jump, passed in steps:
        clocks.wall += jump
        clocks.passes(passed)
        now = ratchet.now()
        assert now >= before
        assert now >= clocks.wall
        assert now - begun >= clocks.monotonic - since - 1e-3
        before = now


def test_the_machine_says_since_when_it_runs() -> None:
    assert since_boot() > 0
    assert boot_id() == boot_id()
