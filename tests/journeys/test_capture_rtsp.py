"""A real RTSP camera, from its first frame through every way in which a network fails it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from lfrd.capture.source import make_source
from lfrd.capture.supervisor import CameraStatus, CameraSupervisor
from lfrd.config import Camera, Config
from lfrd.types import CameraState
from tests.clips import number_in, write_stream
from tests.rtsp_server import RtspServer

pytestmark = pytest.mark.journey

CLIP_FRAMES = 50
LONG_FRAMES = 500
"""Of a clip in which it is seen which frame came first, however long a busy machine takes between two."""
PATIENT = {"stall_seconds": 60.0}
"""For a camera of which a test says that nothing befalls it, on whatever machine."""
USER = "view er@gate"
PASSWORD = "p@ss:wo/rd?%&"
ENCODED = "p%40ss%3Awo%2Frd%3F%25%26"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stream(tmp_path_factory.mktemp("clips") / "street.h264", range(CLIP_FRAMES))


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stream(tmp_path_factory.mktemp("clips") / "long.h264", range(LONG_FRAMES))


@pytest.fixture
def server(clip: Path) -> Iterator[RtspServer]:
    with RtspServer(clip) as server:
        yield server


class Watched:
    """One camera under its supervisor, with a memory of its states."""

    def __init__(self, name: str, url: str, **settings: object) -> None:
        quick = {"stall_seconds": 1.0, "retry_seconds": 0.1, "retry_longest_seconds": 0.2} | settings
        self.camera = Camera(name=name, source=url, **quick)  # type: ignore[arg-type]
        self.changes: list[CameraStatus] = []
        self._looked_at = 0
        self._change = asyncio.Event()
        placed = Config().at(Path())
        self.supervisor = CameraSupervisor(
            self.camera,
            lambda: make_source(self.camera, placed, environment={"PASSWORD": PASSWORD}),
            on_change=self._changed,
        )

    def _changed(self, status: CameraStatus) -> None:
        self.changes.append(status)
        self._change.set()

    async def until(self, state: CameraState) -> CameraStatus:
        """The next change to `state` after the last that was waited for."""
        while True:
            while self._looked_at < len(self.changes):
                self._looked_at += 1
                if self.changes[self._looked_at - 1].state is state:
                    return self.changes[self._looked_at - 1]
            self._change.clear()
            await self._change.wait()

    async def number(self) -> int:
        """The number in the newest frame's pixels."""
        frame = await self.supervisor.frames.take()
        try:
            return number_in(frame.picture.scaled(320, 240))
        finally:
            frame.release()


@contextlib.asynccontextmanager
async def on_post(*cameras: Watched) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(camera.supervisor.run()) for camera in cameras]
        for camera in cameras:
            camera.supervisor.start()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


@contextlib.asynccontextmanager
async def heartbeat() -> AsyncIterator[Callable[[], int]]:
    """Counts the turns of the loop: they go on only while nothing blocks it."""
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.005)

    task = asyncio.create_task(beat())
    try:
        yield lambda: beats
    finally:
        task.cancel()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_frames_arrive_in_order_over_either_transport(long_clip: Path, transport: str) -> None:
    with RtspServer(long_clip) as server:
        gate = Watched("gate", server.url, transport=transport, **PATIENT)
        await frames_arrive_in_order(gate)
    assert gate.supervisor.statistics().hanging == 0


async def frames_arrive_in_order(gate: Watched) -> None:
    async with on_post(gate):
        await gate.until(CameraState.LIVE)
        for _ in range(10):  # what was buffered while the stream was probed comes at once: the newest wins
            await gate.number()
        numbers = [await gate.number() for _ in range(40)]
        steps = [(b - a) % LONG_FRAMES for a, b in itertools.pairwise(numbers)]
        assert all(0 < step < LONG_FRAMES / 2 for step in steps), numbers
        assert gate.supervisor.status.resolution == (320, 240)
        assert gate.supervisor.statistics().fps > 0


@pytest.mark.parametrize("digest", [False, True], ids=["basic", "digest"])
async def test_a_login_of_awkward_signs_is_let_in(clip: Path, digest: bool) -> None:
    with RtspServer(clip, user=USER, password=PASSWORD, digest=digest) as server:
        gate = Watched("gate", server.url, user=USER, password_env="PASSWORD")
        async with on_post(gate):
            await gate.until(CameraState.LIVE)


async def test_a_wrong_password_is_a_clear_line_and_no_secret_shows(
    clip: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with RtspServer(clip, user=USER, password="another", digest=True) as server:
        gate = Watched("gate", server.url + "?token=hidden", user=USER, password_env="PASSWORD")
        async with on_post(gate):
            for _ in range(2):
                status = await gate.until(CameraState.RETRYING)
        shown = [status.problem, repr(gate.changes), caplog.text, *capfd.readouterr()]
    assert status.problem == f"127.0.0.1:{server.port} refuses the user or the password"
    assert "camera_retries" in "".join(shown), "the log was not seen by this test"
    for text in shown:
        for secret in (PASSWORD, ENCODED, USER, "hidden"):
            assert secret not in text


async def test_a_camera_that_dies_comes_back_and_another_is_untouched(server: RtspServer, clip: Path) -> None:
    with RtspServer(clip) as second:
        gate, yard = Watched("gate", server.url), Watched("yard", second.url, **PATIENT)
        async with on_post(gate, yard):
            await gate.until(CameraState.LIVE)
            await yard.until(CameraState.LIVE)
            server.kill()
            status = await gate.until(CameraState.RETRYING)
            assert status.problem
            before = yard.supervisor.statistics().decoded
            await yard.number()
            status = await gate.until(CameraState.RETRYING)
            assert status.problem == (
                f"127.0.0.1:{server.port} refuses the connection; is the camera on, and is the port right?"
            )
            server.start()
            status = await gate.until(CameraState.LIVE)
            assert status.problem == ""
            await gate.supervisor.frames.take()
            for _ in range(3):
                await yard.number()
            assert yard.supervisor.statistics().decoded > before
        assert [change.state for change in yard.changes] == [CameraState.OPENING, CameraState.LIVE]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_a_camera_that_freezes_is_stalled_and_recovers(server: RtspServer, transport: str) -> None:
    gate = Watched("gate", server.url, transport=transport, open_seconds=1.0)
    async with on_post(gate), heartbeat() as beats:
        await gate.until(CameraState.LIVE)
        server.freeze()
        status = await gate.until(CameraState.STALLED)
        assert status.problem == "no frame for 1 s"
        before = beats()
        status = await gate.until(CameraState.RETRYING)
        assert status.problem == "no frame for 1 s"
        status = await gate.until(CameraState.RETRYING)
        assert "did not answer within 1" in status.problem
        assert beats() > before + 20
        server.thaw()
        await gate.until(CameraState.LIVE)
        await gate.number()
    assert gate.supervisor.statistics().abandoned == 0


async def test_a_socket_that_never_answers_holds_up_nothing_but_its_own_camera(server: RtspServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gate = Watched("gate", f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x", open_seconds=0.5)
        yard = Watched("yard", server.url, **PATIENT)
        async with on_post(gate, yard), heartbeat() as beats:
            before = beats()
            status = await gate.until(CameraState.RETRYING)
            assert "did not answer within" in status.problem
            assert beats() > before + 20
            await yard.until(CameraState.LIVE)
            await gate.until(CameraState.RETRYING)
            await yard.number()
        assert [change.state for change in yard.changes] == [CameraState.OPENING, CameraState.LIVE]
        assert gate.supervisor.statistics().opened >= 2


async def test_off_post_leaves_nothing_open_and_on_post_opens_again(server: RtspServer) -> None:
    gate = Watched("gate", server.url)
    async with on_post(gate):
        for _ in range(2):
            gate.supervisor.start()
            await gate.until(CameraState.LIVE)
            frame = await gate.supervisor.frames.take()
            pixels = frame.picture._pixels
            gate.supervisor.stop()
            await gate.until(CameraState.OFF)
            assert gate.supervisor.frames.statistics().waiting == 0
            assert pixels.any()
            frame.release()
            assert not pixels.any()
    assert gate.supervisor.statistics().abandoned == 0


async def test_frames_that_stood_in_the_socket_are_as_old_as_they_are(server: RtspServer) -> None:
    """A reader that is held up for a while reads late frames, which say so, until it has caught up."""
    yard = Watched("yard", server.url, **PATIENT)
    slow = make_source(Camera(name="gate", source=server.url), Config().at(Path()))
    begun, go_on = threading.Event(), threading.Event()

    def ages() -> tuple[float, float, float]:
        """Seconds from a frame's captured_at until it is read: before as a rule, during and after."""

        def age() -> float:
            frame = next(frames)
            frame.release()
            return time.monotonic() - frame.captured_at

        with slow:
            frames = iter(slow)
            before = median([age() for _ in range(2 * CLIP_FRAMES)][CLIP_FRAMES:])
            begun.set()
            assert go_on.wait(60)
            during = max(age() for _ in range(3))
            after = min(age() for _ in range(3 * CLIP_FRAMES))
            return before, during, after

    async with on_post(yard):
        reading = asyncio.create_task(asyncio.to_thread(ages))
        try:
            assert await asyncio.to_thread(begun.wait, 60)
            stood = time.monotonic()
            await yard.until(CameraState.LIVE)
            for _ in range(CLIP_FRAMES):  # the stream goes on meanwhile, for two seconds
                await yard.number()
            stood = time.monotonic() - stood
        finally:
            go_on.set()
            before, during, after = await reading
    assert before < 0.5
    assert during > 0.7 * stood > 1
    assert after < 0.1
