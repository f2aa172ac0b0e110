from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path

import pytest

from lfrd.capture.rate import every
from lfrd.capture.reading import frames_of
from lfrd.capture.recording import VideoSource
from lfrd.capture.source import recording
from lfrd.errors import SourceError
from lfrd.types import U8, CameraId, Frame
from lfrd.vision.picture import Picture
from tests.clips import number_in, write_clip


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("read ")]


async def test_every_frame_is_handed_over_however_slow_the_consumer_is(tmp_path: Path) -> None:
    source = recording(write_clip(tmp_path / "clip.mp4", range(40)))
    found = []
    async for frame in frames_of(source, limit=2):
        for _ in range(3):
            await asyncio.sleep(0)
        found.append(number_in(frame.picture.scaled(320, 240)))
        frame.release()
    assert found == list(range(40))
    assert readers() == []


async def test_decoding_runs_no_further_ahead_than_the_limit(tmp_path: Path) -> None:
    source = recording(write_clip(tmp_path / "clip.mp4", range(40)))
    async with contextlib.aclosing(frames_of(source, limit=3)) as frames:
        (await anext(frames)).release()
        ahead = 1 + 3 + 1  # taken, waiting, and one in the thread's hands
        while source.counts.decoded < ahead:
            await asyncio.to_thread(lambda: None)
        for _ in range(300):  # turns in which a thread that did not wait would decode the whole clip
            await asyncio.to_thread(lambda: None)
        assert source.counts.decoded == ahead


class Remembering(VideoSource):
    """Keeps an eye on every picture that it has handed out."""

    def __init__(self, path: Path) -> None:
        super().__init__(CameraId("c"), path, every)
        self.buffers: list[U8] = []

    def _frame(self, captured_at: float, picture: Picture) -> Frame:
        self.buffers.append(picture._pixels)
        return super()._frame(captured_at, picture)


async def test_a_consumer_that_leaves_early_ends_the_thread_and_wipes_what_it_left(tmp_path: Path) -> None:
    source = Remembering(write_clip(tmp_path / "clip.mp4", range(40)))
    async with contextlib.aclosing(frames_of(source)) as frames:
        frame = await anext(frames)
        for _ in range(300):
            await asyncio.to_thread(lambda: None)
    assert readers() == []
    assert source.counts.decoded < 40
    assert len(source.buffers) > 4
    assert [buffer.any() for buffer in source.buffers] == [True] + [False] * (len(source.buffers) - 1)
    frame.release()
    assert not source.buffers[0].any(), "the consumer's own, once it is released"


async def test_what_is_wrong_comes_after_the_good_frames(tmp_path: Path) -> None:
    source = VideoSource(CameraId("c"), tmp_path / "none.mp4", every)
    with pytest.raises(SourceError, match="no such file"):
        async for _ in frames_of(source):
            pass
    assert readers() == []


async def test_a_limit_of_nothing_is_refused(tmp_path: Path) -> None:
    source = VideoSource(CameraId("c"), tmp_path / "none.mp4", every)
    with pytest.raises(ValueError, match="limit must be at least 1"):
        await anext(frames_of(source, limit=0))
