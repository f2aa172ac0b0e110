"""One camera in the studio: key frames where they are needed, times that rise, nothing left at the end."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from lfrd.preview.channel import Channel
from lfrd.preview.feed import Feed, Glimpse
from lfrd.preview.stream import Watching
from lfrd.types import U8, AlertId, CameraId, Detections, TrackId

STEP = 0.1


class Studio:
    """A channel whose work is done here and now, before somebody who stands still."""

    def __init__(self) -> None:
        self.standing = True
        self.feed = Feed(CameraId("street"), 640, lambda: None)
        self.channel = Channel(
            self.feed,
            lambda pixels: Detections.none(),
            lambda alert: self.standing,
            high=0.6,
            kilobits=300,
            rate=10,
        )
        self.number = 0
        self.copies: list[U8] = []

    async def passes(self, pictures: int, *, step: float = STEP) -> None:
        box = np.array([[40, 40, 40, 40]], np.float32)
        found = Detections(box, np.zeros((1, 5, 2), np.float32), np.array([0.9], np.float32))
        for _ in range(pictures):
            self.copies.append(np.full((90, 160, 3), 90, np.uint8))
            track = TrackId(7)
            self.feed.put(
                Glimpse(
                    self.number * step,
                    (160, 90),
                    found,
                    [track],
                    {track: AlertId("a")},
                    False,
                    self.copies[-1],
                )
            )
            self.number += 1
            self.channel.develop()
            await asyncio.sleep(0)


def is_open(studio: Studio) -> bool:
    return studio.channel.is_open


async def drained(watching: Watching) -> list[tuple[int, bool]]:
    got = []
    while watching.statistics().waiting:
        packet = await watching.packet()
        got.append((packet.pts or 0, packet.is_keyframe))
    return got


async def test_a_key_frame_comes_each_second_and_times_rise_with_the_camera_s_clock() -> None:
    studio = Studio()
    watching = studio.channel.stream.join()
    studio.feed.watch(True)
    got: list[tuple[int, bool]] = []
    for _ in range(30):
        await studio.passes(1)
        got += await drained(watching)
    assert [number for number, (_, key) in enumerate(got) if key] == [0, 10, 20]
    assert {after - before for (before, _), (after, _) in pairwise(got)} == {9000}


async def test_whoever_joins_gets_a_key_frame_at_once() -> None:
    studio = Studio()
    studio.channel.stream.join()
    studio.feed.watch(True)
    await studio.passes(12)
    late = studio.channel.stream.join()
    await studio.passes(1)
    assert [key for _, key in await drained(late)] == [True]


async def test_when_somebody_is_shown_no_more_nothing_of_them_is_left_to_predict_from() -> None:
    studio = Studio()
    watching = studio.channel.stream.join()
    studio.feed.watch(True)
    await studio.passes(9)
    await drained(watching)
    studio.standing = False
    await studio.passes(1)
    assert [key for _, key in await drained(watching)] == [True]
    boxes = watching.boxes()
    assert boxes is not None
    assert not boxes[0].alerted


@pytest.mark.parametrize("how", ["leave", "rest"])
async def test_when_nobody_watches_or_nothing_comes_nothing_is_kept(how: str) -> None:
    studio = Studio()
    watching = studio.channel.stream.join()
    studio.feed.watch(True)
    await studio.passes(9)
    assert is_open(studio)
    if how == "leave":
        studio.channel.stream.leave(watching)
        studio.feed.watch(False)
    else:
        studio.feed.rest()
    studio.channel.develop()
    assert not is_open(studio)
    assert not any(copy.any() for copy in studio.copies)


async def test_a_second_visit_shows_nothing_of_the_first() -> None:
    studio = Studio()
    studio.feed.watch(True)
    await studio.passes(9)
    studio.feed.watch(False)
    studio.feed.watch(True)
    encoded = studio.channel.encoded
    await studio.passes(3)
    assert studio.channel.encoded == encoded
    await studio.passes(6)
    assert studio.channel.encoded > encoded
