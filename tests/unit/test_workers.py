"""Workers do what stands nearest to an officer's phone first, and nothing that nobody waits for."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from lfrd.workers import STEPS_BEHIND, Urgency, Workers


class Gate:
    """A piece of work that keeps one worker until it is opened."""

    def __init__(self, workers: Workers) -> None:
        self._open = threading.Event()
        begun = threading.Event()

        def work() -> None:
            begun.set()
            self._open.wait()

        self.done = workers.submit(Urgency.ALERT, work)
        begun.wait()

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def one() -> Iterator[Workers]:
    workers = Workers(1)
    yield workers
    workers.close()


async def test_the_most_urgent_is_done_first_and_equals_in_turn(one: Workers) -> None:
    gate = Gate(one)
    done: list[str] = []
    asked = [
        (Urgency.FRAME, "camera 1"),
        (Urgency.FRAME, "camera 2"),
        (Urgency.FACES, "faces"),
        (Urgency.FRAME, "camera 3"),
        (Urgency.VERDICT, "verdict"),
        (Urgency.ALERT, "alert"),
    ]
    waiting = [asyncio.create_task(one.run(urgency, done.append, name)) for urgency, name in asked]
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(*waiting)
    assert done == ["alert", "verdict", "faces", "camera 1", "camera 2", "camera 3"]


async def test_what_nobody_waits_for_any_more_is_not_begun(one: Workers) -> None:
    gate = Gate(one)
    done: list[int] = []
    waiting = [asyncio.create_task(one.run(Urgency.FRAME, done.append, number)) for number in (1, 2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    gate.open()
    await waiting[1]
    assert done == [2]


async def test_an_error_is_its_asker_s_and_the_worker_goes_on(one: Workers) -> None:
    with pytest.raises(ZeroDivisionError):
        await one.run(Urgency.FACES, lambda: 1 // 0)
    assert await one.run(Urgency.FACES, lambda: 7) == 7


async def test_a_worker_that_rests_holds_on_to_nothing_of_the_last_piece(one: Workers) -> None:
    picture = np.zeros(10)
    gone = weakref.ref(picture)
    await one.run(Urgency.FRAME, np.sum, picture)
    del picture
    await one.run(Urgency.ALERT, lambda: None)
    gc.collect()
    assert gone() is None


async def test_the_time_that_frames_wait_is_counted_and_nobody_else_s() -> None:
    clock = [0.0]
    workers = Workers(1, clock=lambda: clock[0])
    gate = Gate(workers)
    waiting = [workers.submit(urgency, lambda: None) for urgency in (Urgency.FRAME, Urgency.FACES)]
    clock[0] = 3.0
    gate.open()
    await asyncio.gather(*map(asyncio.wrap_future, waiting))
    workers.close()
    assert (workers.statistics().frames, workers.statistics().waited) == (1, 3.0)


async def test_closing_ends_what_is_begun_and_cancels_what_waits() -> None:
    workers = Workers(1)
    gate = Gate(workers)
    waiting = asyncio.create_task(workers.run(Urgency.FRAME, lambda: 1))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(workers.close))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not closing.done()
    gate.open()
    await closing
    assert gate.done.done()
    with pytest.raises(RuntimeError, match="ended"):
        workers.submit(Urgency.FRAME, lambda: 1)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")
async def test_workers_stand_behind_the_loop(one: Workers) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert await one.run(Urgency.FRAME, niceness) == niceness() + STEPS_BEHIND
