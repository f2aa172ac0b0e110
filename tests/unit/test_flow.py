"""Between two hops: the newest wins, or the sender waits; every loss is counted."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from lfrd.flow import Bounded, Closed, Latest


async def test_latest_hands_over_the_newest_and_counts_what_it_replaced() -> None:
    discarded: list[int] = []
    flow: Latest[int] = Latest(discarded.append)
    for item in range(5):
        flow.put(item)
    assert await flow.take() == 4
    assert discarded == [0, 1, 2, 3]
    counts = flow.statistics()
    assert (counts.put, counts.taken, counts.dropped, counts.waiting) == (5, 1, 4, 0)


async def test_latest_wakes_a_taker_from_another_thread() -> None:
    flow: Latest[str] = Latest()
    taker = asyncio.create_task(flow.take())
    await asyncio.sleep(0)
    thread = threading.Thread(target=flow.put, args=("frame",))
    thread.start()
    assert await taker == "frame"
    thread.join()


async def test_latest_accounts_for_every_item_under_a_fast_thread() -> None:
    discarded: list[int] = []
    flow: Latest[int] = Latest(discarded.append)
    taken: list[int] = []

    def decode() -> None:
        for item in range(2000):
            flow.put(item)
        flow.close()

    thread = threading.Thread(target=decode)
    thread.start()
    with contextlib.suppress(Closed):
        while True:
            taken.append(await flow.take())
    thread.join()
    assert taken == sorted(taken)
    assert sorted(taken + discarded) == list(range(2000))
    assert taken[-1] == 1999


async def test_latest_gives_its_error_after_the_last_item() -> None:
    flow: Latest[int] = Latest()
    flow.put(1)
    flow.close(OSError("cable"))
    assert await flow.take() == 1
    with pytest.raises(OSError, match="cable"):
        await flow.take()


async def test_latest_discards_what_is_put_after_its_end() -> None:
    discarded: list[int] = []
    flow: Latest[int] = Latest(discarded.append)
    flow.close()
    flow.put(7)
    assert discarded == [7]


async def test_latest_clear_discards_what_waits_and_goes_on() -> None:
    discarded: list[int] = []
    flow: Latest[int] = Latest(discarded.append)
    flow.put(1)
    flow.clear()
    flow.put(2)
    assert await flow.take() == 2
    assert discarded == [1]


def test_latest_discards_when_its_loop_is_gone() -> None:
    discarded: list[int] = []

    async def make() -> Latest[int]:
        return Latest(discarded.append)

    flow = asyncio.run(make())
    flow.put(1)
    assert discarded == [1]


async def test_a_thread_may_wait_until_what_it_put_has_been_taken() -> None:
    discarded: list[int] = []
    flow: Latest[int] = Latest(discarded.append)
    taken: list[int] = []

    def read_film() -> None:
        for item in range(200):
            while not flow.wait_empty(10):
                pass
            flow.put(item)
        flow.close()

    thread = threading.Thread(target=read_film)
    thread.start()
    with contextlib.suppress(Closed):
        while True:
            taken.append(await flow.take())
    thread.join()
    assert taken == list(range(200))
    assert discarded == []


async def test_a_thread_that_waits_is_let_go_when_the_flow_is_cleared_or_closed() -> None:
    for let_go in (Latest.clear, Latest.close):
        flow: Latest[int] = Latest()
        flow.put(1)
        assert not flow.wait_empty(0)
        waiting = asyncio.create_task(asyncio.to_thread(flow.wait_empty, 60))
        await asyncio.sleep(0)
        let_go(flow)
        assert await waiting


async def test_bounded_makes_the_sender_wait_and_keeps_the_order() -> None:
    flow: Bounded[int] = Bounded(2)
    await flow.put(1)
    await flow.put(2)
    third = asyncio.create_task(flow.put(3))
    await asyncio.sleep(0)
    assert not third.done()
    assert flow.statistics().waiting == 2
    assert await flow.take() == 1
    await third
    assert [await flow.take(), await flow.take()] == [2, 3]


async def test_bounded_gives_what_is_left_before_it_says_closed() -> None:
    flow: Bounded[int] = Bounded(2)
    await flow.put(1)
    await flow.close()
    assert await flow.take() == 1
    with pytest.raises(Closed):
        await flow.take()
    with pytest.raises(Closed):
        await flow.put(2)


def test_bounded_has_a_limit() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Bounded(0)
