"""Somebody who watches: packets passed on as they are, boxes on request, and why it ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCDataChannel
from aiortc.mediastreams import MediaStreamError
from hypothesis import given
from hypothesis import strategies as st

from lfrd.config import Config, Webrtc
from lfrd.webrtc.peers import Peer, configuration
from lfrd.webrtc.viewer import BOXES, Ended, Pictures, Viewer, encoded
from tests.watcher import MovingPicture, Watcher, watcher

HERE = Config().at(Path())


async def nothing() -> None:
    pass


@dataclass
class Scene:
    page: Watcher
    camera: MovingPicture
    viewer: Viewer
    over: asyncio.Task[Ended]

    def channel(self, label: str = BOXES) -> tuple[RTCDataChannel, list[Any]]:
        """A channel that the page opens now, and what comes over it."""
        told: list[Any] = []
        made = self.page.connection.createDataChannel(label, ordered=False, maxRetransmits=0)
        made.on("message", lambda text: told.append(json.loads(text)))
        return made, told


@asynccontextmanager
async def scene(begin: Callable[[], Awaitable[None]] = nothing) -> AsyncIterator[Scene]:
    camera = MovingPicture()
    async with watcher() as page, Peer(configuration(Webrtc(), HERE)) as peer:
        page.connection.createDataChannel("", negotiated=True, id=0)
        viewer = Viewer(peer, camera)
        await page.take(await viewer.answer(await page.offer()))
        over = asyncio.create_task(viewer.run(begin))
        yield Scene(page, camera, viewer, over)
        over.cancel()
        await asyncio.wait([over])


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.01)


async def test_a_track_hands_on_the_very_packets_that_the_camera_encoded() -> None:
    camera = MovingPicture()
    packets = [await camera.packet() for _ in range(3)]

    class Replayed(MovingPicture):
        async def packet(self) -> Any:
            return packets.pop(0)

    pictures, expected = Pictures(Replayed()), list(packets)
    pictures.begun.set()
    assert [await pictures.recv() for _ in range(3)] == expected


async def test_a_track_gives_nothing_before_the_watching_has_begun() -> None:
    pictures = Pictures(MovingPicture())
    asked = asyncio.create_task(pictures.recv())
    done, _ = await asyncio.wait([asked], timeout=0.05)
    assert not done
    pictures.begun.set()
    await asked


async def test_a_camera_that_stops_ends_the_track() -> None:
    camera = MovingPicture()
    pictures = Pictures(camera)
    pictures.begun.set()
    await pictures.recv()
    camera.stop()
    with pytest.raises(MediaStreamError):
        await pictures.recv()
    assert pictures.over.is_set()


async def test_it_says_that_the_camera_stopped() -> None:
    async with scene() as there:
        await there.page.picture()
        there.camera.stop()
        assert await there.over is Ended.CAMERA


async def test_it_says_that_the_page_left() -> None:
    async with scene() as there:
        await there.page.picture()
        await there.page.connection.close()
        assert await there.over is Ended.LEFT


async def test_it_says_that_the_browser_never_came() -> None:
    async with watcher() as page, Peer(configuration(Webrtc(), HERE), connect_seconds=0.05) as peer:
        viewer = Viewer(peer, MovingPicture())
        await viewer.answer(await page.offer())
        assert await viewer.run(nothing) is Ended.UNREACHED


async def test_a_beginning_that_fails_sends_nothing() -> None:
    async def fails() -> None:
        raise RuntimeError("the audit is full")

    async with scene(fails) as there:
        with pytest.raises(RuntimeError, match="the audit is full"):
            await there.over
        assert there.viewer.sent == 0


async def test_boxes_are_told_while_their_channel_is_open_and_again_over_the_next() -> None:
    async with scene() as there:
        there.camera.seen = ((1, 0.0, 0.0, 0.5, 0.5, False),)
        await there.page.picture()
        first, told = there.channel()
        await until(lambda: len(told) == 1)
        first.close()
        second, again = there.channel()
        await until(lambda: len(again) == 1)
        there.camera.seen = ()
        await until(lambda: again[1:] == [[]])
        assert told == [[[1, 0.0, 0.0, 0.5, 0.5, False]]]
        second.close()


async def test_a_channel_for_anything_else_is_closed() -> None:
    async with scene() as there:
        there.camera.seen = ()
        await there.page.picture()
        other, told = there.channel("orders")
        await until(lambda: other.readyState == "closed")
        assert told == []


async def test_what_a_page_says_over_a_channel_is_not_listened_to() -> None:
    async with scene() as there:
        there.camera.seen = ()
        channel, told = there.channel()
        await until(lambda: len(told) == 1)
        for _ in range(50):
            channel.send("x" * 1000)
        await there.page.picture()
        assert not there.over.done()


@given(st.lists(st.tuples(st.integers(0), *[st.floats(0, 1)] * 4, st.booleans()), max_size=30))
def test_boxes_are_shares_to_four_places(boxes: list[tuple[int, float, float, float, float, bool]]) -> None:
    read = json.loads(encoded(boxes))
    assert [(row[0], row[5]) for row in read] == [(box[0], box[5]) for box in boxes]
    for row, box in zip(read, boxes, strict=True):
        assert row[1:5] == pytest.approx(box[1:5], abs=5e-5)
