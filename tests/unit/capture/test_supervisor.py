from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest

from lfrd.capture.backoff import Backoff
from lfrd.capture.base import SourceBase
from lfrd.capture.rate import every
from lfrd.capture.supervisor import STEADY_SECONDS, CameraStatus, CameraSupervisor
from lfrd.config import Camera
from lfrd.errors import SourceError
from lfrd.flow import Closed
from lfrd.types import CameraId, CameraState, Frame
from lfrd.vision.picture import Picture

SHAPE = (6, 4)


class Time:
    """A clock that stands still until a test moves it; pauses end when it passes their end."""

    def __init__(self) -> None:
        self.now = 100.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Counts from the call, not from when the loop first runs it."""
        done = asyncio.Event()
        self._sleepers.append((self.now + seconds, done))

        async def sleeping() -> None:
            await done.wait()

        return sleeping()

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        for end, done in self._sleepers:
            if end <= self.now:
                done.set()


class Scripted(SourceBase):
    """A source that does what a test tells it, to bring about faults at the moment it chooses."""

    live = True

    def __init__(self, time: Time) -> None:
        super().__init__(CameraId("gate"), every, time.clock)
        self._told = threading.Condition()
        self._steps: list[Callable[[], Frame | None]] = []
        self._at_work = False  # a step has been taken, and what it gave has not been passed on yet
        self.opening = threading.Event()  # open() has been entered
        self.may_open = threading.Event()
        self.problem = ""  # open() fails with it
        self.buffers: list[Any] = []
        self.deaf = False  # does not answer to stop(), as a hung driver
        self.relief: list[bool] = []  # what it was told

    def tell(self, step: Callable[[], Frame | None]) -> None:
        with self._told:
            self._steps.append(step)
            self._told.notify()

    def show(self) -> None:
        """Hand over a frame."""
        self.tell(self._shown)

    def _shown(self) -> Frame:
        assert self._wants(self._clock())
        buffer = self.pool.take(SHAPE)
        buffer.fill(77)
        self.buffers.append(buffer)
        return self._frame(self._clock(), Picture(buffer, planar=True, on_release=self.pool.give))

    def fail(self, problem: str) -> None:
        def step() -> None:
            raise SourceError("gate", problem)

        self.tell(step)

    @property
    def waiting(self) -> int:
        with self._told:
            return len(self._steps) + self._at_work

    def finish(self) -> None:
        self.tell(lambda: None)

    def stop(self) -> None:
        super().stop()
        if not self.deaf:
            self.may_open.set()
            self.finish()

    def relieve(self, on: bool) -> None:
        super().relieve(on)
        self.relief.append(on)

    def open(self) -> None:
        self.opening.set()
        self.may_open.wait()
        if self.problem:
            raise SourceError("gate", self.problem)

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._told:
                self._at_work = False
                self._told.wait_for(lambda: self._steps)
                self._at_work = True
                step = self._steps.pop(0)
            frame = step()
            if frame is None:
                return
            yield frame

    def _release(self) -> None:
        pass


class Bench:
    """A supervisor over scripted sources, with what it told the world."""

    def __init__(self, *, live: bool = True) -> None:
        self.time = Time()
        self.sources: list[Scripted] = []
        self.changes: list[CameraStatus] = []
        self.may_open = True  # whether the next sources open at once
        self.problem = ""
        self.live = live
        self._looked_at = 0  # changes that `until` has gone past
        self.supervisor = CameraSupervisor(
            Camera(name="gate", source="rtsp://camera.example/x", stall_seconds=5.0, open_seconds=10.0),
            self._make,
            on_change=self._changed,
            clock=self.time.clock,
            pause=self.time.pause,
            backoff=Backoff(1, 30, chance=lambda: 0.0),
        )
        self._change = asyncio.Event()

    def _changed(self, status: CameraStatus) -> None:
        self.changes.append(status)
        self._change.set()

    def _make(self) -> Scripted:
        source = Scripted(self.time)
        source.problem = self.problem
        source.live = self.live
        if self.may_open:
            source.may_open.set()
        self.sources.append(source)
        return source

    async def until(self, state: CameraState, *, passing: float = 0.0) -> CameraStatus:
        """The next change to `state` after the last that was waited for, letting so many seconds pass at
        each turn."""
        while True:
            while self._looked_at < len(self.changes):
                self._looked_at += 1
                if self.changes[self._looked_at - 1].state is state:
                    return self.changes[self._looked_at - 1]
            self._change.clear()
            self.time.pass_by(passing)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    await self._change.wait()

    async def live_one(self) -> Scripted:
        """Start, and show the first frame."""
        self.supervisor.start()
        await self.until(CameraState.OPENING)
        await asyncio.to_thread(lambda: wait_for(lambda: bool(self.sources)))
        source = self.sources[-1]
        source.show()
        await self.until(CameraState.LIVE)
        return source

    @property
    def states(self) -> list[str]:
        return [status.state.value for status in self.changes]


async def shown(source: Scripted) -> None:
    """Wait until every frame that the source was told to show has been."""
    await asyncio.to_thread(wait_for, lambda: not source.waiting)


def wait_for(condition: Callable[[], bool]) -> None:
    """Give other threads their turn until it holds."""
    turn = threading.Event()
    while not condition():
        turn.wait(0.001)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(bench.supervisor.run())
        yield bench
        bench.time.pass_by(0)
        running.cancel()
        await asyncio.sleep(0)
        bench.time.pass_by(100)
    for source in bench.sources:
        source.may_open.set()
        source.finish()


async def test_nothing_is_opened_before_somebody_is_on_post(bench: Bench) -> None:
    for _ in range(10):
        bench.time.pass_by(10)
        await asyncio.sleep(0)
    assert bench.sources == []
    assert bench.supervisor.status.state is CameraState.OFF


async def test_a_camera_opens_goes_live_and_hands_over_its_newest_frame(bench: Bench) -> None:
    source = await bench.live_one()
    source.show()
    source.show()
    await asyncio.to_thread(wait_for, lambda: source.counts.decoded == 3)
    frame = await bench.supervisor.frames.take()
    if frame.sequence < 2:  # taken before the last arrived
        frame.release()
        frame = await bench.supervisor.frames.take()
    assert (frame.camera, frame.sequence) == ("gate", 2)
    frame.release()
    assert bench.states == ["opening", "live"]
    numbers = bench.supervisor.statistics()
    assert (numbers.decoded, numbers.opened, numbers.failures) == (3, 1, 0)
    assert numbers.resolution == (4, 4)


async def test_a_failure_is_a_state_with_its_problem_and_is_tried_again(bench: Bench) -> None:
    source = await bench.live_one()
    source.fail("the connection broke")
    status = await bench.until(CameraState.RETRYING)
    assert status.problem == "the connection broke"
    bench.time.pass_by(0.9)
    await asyncio.sleep(0)
    assert len(bench.sources) == 1
    bench.time.pass_by(0.2)
    await bench.until(CameraState.OPENING)
    assert bench.supervisor.status.problem == "the connection broke", "shown until it is live again"
    await asyncio.to_thread(wait_for, lambda: len(bench.sources) == 2)
    bench.sources[1].show()
    status = await bench.until(CameraState.LIVE)
    assert status.problem == ""
    frame = await bench.supervisor.frames.take()
    assert frame.sequence == 1, "numbers go on across reconnects"
    frame.release()
    assert bench.supervisor.statistics().failures == 1


async def test_a_relieved_camera_stays_so_across_reconnects_until_it_is_told_otherwise(bench: Bench) -> None:
    bench.supervisor.relieve(True)
    source = await bench.live_one()
    assert source.relief == [True]
    source.counts.spared = 7
    source.fail("the connection broke")
    await bench.until(CameraState.RETRYING)
    await bench.until(CameraState.OPENING, passing=1)
    await asyncio.to_thread(wait_for, lambda: len(bench.sources) == 2)
    again = bench.sources[1]
    again.show()
    await bench.until(CameraState.LIVE)
    again.counts.spared = 2
    assert bench.supervisor.statistics().spared == 9
    bench.supervisor.relieve(False)
    assert again.relief == [True, False]
    assert source.relief == [True], "a session that is over is not told"


async def test_pauses_grow_while_a_camera_keeps_failing(bench: Bench) -> None:
    bench.problem = "refused"
    bench.supervisor.start()
    for seconds in (1, 2, 4, 8):
        await bench.until(CameraState.RETRYING)
        bench.time.pass_by(seconds - 0.001)
        for _ in range(5):
            await asyncio.sleep(0)
        assert bench.supervisor.status.state is CameraState.RETRYING
        bench.time.pass_by(0.001)
        await bench.until(CameraState.OPENING)


async def test_a_camera_that_was_steady_begins_with_the_shortest_pause_again(bench: Bench) -> None:
    bench.problem = "refused"
    bench.supervisor.start()
    for failures in range(3):
        await bench.until(CameraState.RETRYING)
        bench.problem = "refused" if failures < 2 else ""
        await bench.until(CameraState.OPENING, passing=1)
    await asyncio.to_thread(wait_for, lambda: len(bench.sources) == 4)
    source = bench.sources[-1]
    source.show()
    await bench.until(CameraState.LIVE)
    for _ in range(int(STEADY_SECONDS / 2.5)):
        bench.time.pass_by(2.5)
        source.show()
        await shown(source)
    source.fail("gone")
    await bench.until(CameraState.RETRYING)
    bench.time.pass_by(1.0)
    await bench.until(CameraState.OPENING)


async def test_a_camera_without_frames_is_stalled_and_opened_anew(bench: Bench) -> None:
    await bench.live_one()
    bench.time.pass_by(4.9)
    await asyncio.sleep(0)
    assert bench.supervisor.status.state is CameraState.LIVE
    bench.time.pass_by(0.2)
    await bench.until(CameraState.RETRYING)
    assert bench.states == ["opening", "live", "stalled", "retrying"]
    assert bench.changes[2].problem == "no frame for 5 s"
    await bench.until(CameraState.OPENING, passing=1)


async def test_a_recording_may_show_one_picture_for_minutes() -> None:
    bench = Bench(live=False)
    running = asyncio.create_task(bench.supervisor.run())
    source = await bench.live_one()
    for _ in range(10):
        bench.time.pass_by(60)
        await asyncio.sleep(0)
    source.finish()
    await running
    assert bench.states == ["opening", "live", "ended"]


async def test_a_recording_at_its_end_gives_its_last_frame_and_closes_the_flow(bench: Bench) -> None:
    source = await bench.live_one()
    source.remark = "clip.mp4 is damaged"
    source.finish()
    status = await bench.until(CameraState.ENDED)
    assert status.problem == "clip.mp4 is damaged"
    (await bench.supervisor.frames.take()).release()
    with pytest.raises(Closed):
        await bench.supervisor.frames.take()
    assert len(bench.sources) == 1


async def test_the_last_officer_off_post_closes_the_camera_and_leaves_no_picture(bench: Bench) -> None:
    source = await bench.live_one()
    held = await bench.supervisor.frames.take()
    source.show()
    await asyncio.to_thread(wait_for, lambda: bench.supervisor.frames.statistics().waiting == 1)
    assert len(source.buffers) == 2
    bench.supervisor.stop()
    await bench.until(CameraState.OFF)
    assert not source.buffers[1].any(), "the frame that nobody took"
    assert source.buffers[0].any(), "still in the pipeline's hands"
    held.release()
    assert not source.buffers[0].any()
    assert bench.supervisor.frames.statistics().waiting == 0
    again = await bench.live_one()
    assert again is not source


async def test_a_thread_that_hangs_is_given_up_and_no_other_piled_upon_it(bench: Bench) -> None:
    bench.may_open = False
    bench.supervisor.start()
    await bench.until(CameraState.OPENING)
    await asyncio.to_thread(wait_for, lambda: bool(bench.sources))
    hung = bench.sources[0]
    hung.deaf = True
    status = await bench.until(CameraState.RETRYING, passing=1)
    assert status.problem == "did not open within 10 s"
    for _ in range(200):
        bench.time.pass_by(5)
        await asyncio.sleep(0)
    assert len(bench.sources) == 1
    assert "still hangs" in bench.supervisor.status.problem
    numbers = bench.supervisor.statistics()
    assert (numbers.abandoned, numbers.hanging) == (1, 1)

    hung.show()
    hung.may_open.set()
    await asyncio.to_thread(wait_for, lambda: len(hung.buffers) == 1)
    await asyncio.to_thread(wait_for, lambda: bench.supervisor.statistics().hanging == 0)
    assert not hung.buffers[0].any(), "its late frame is overwritten"
    assert bench.supervisor.frames.statistics().put == 0
    bench.may_open = True
    await bench.until(CameraState.OPENING, passing=5)
    await asyncio.to_thread(wait_for, lambda: len(bench.sources) == 2)
    bench.sources[1].show()
    await bench.until(CameraState.LIVE)


async def test_cancelling_ends_in_bounded_time_although_the_thread_hangs() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.supervisor.run())
    source = await bench.live_one()
    source.deaf = True
    running.cancel()
    while not running.done():
        bench.time.pass_by(0.5)
        await asyncio.sleep(0)
    assert running.cancelled()
    assert bench.supervisor.statistics().abandoned == 1
    assert not source.buffers[0].any()
    with pytest.raises(Closed):
        await bench.supervisor.frames.take()
    source.finish()


async def test_what_no_source_may_raise_ends_the_process() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.supervisor.run())
    source = await bench.live_one()

    def step() -> None:
        raise ZeroDivisionError

    source.tell(step)
    with pytest.raises(ZeroDivisionError):
        await running


async def test_a_camera_that_fails_leaves_the_others_alone(bench: Bench) -> None:
    other = Bench()
    running = asyncio.create_task(other.supervisor.run())
    mine = await bench.live_one()
    theirs = await other.live_one()
    mine.fail("gone")
    await bench.until(CameraState.RETRYING)
    theirs.show()
    await asyncio.to_thread(wait_for, lambda: theirs.counts.decoded == 2)
    assert other.states == ["opening", "live"]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
