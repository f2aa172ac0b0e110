"""A decoder's own buffers, read where they lie: none goes on showing what was in view before."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame

from lfrd.capture.base import Counts
from lfrd.capture.decoding import decoded, video_track
from lfrd.types import U8
from tests.clips import number_in, write_clip

THREE_B = "bframes=3:b-adapt=0:b-pyramid=none:scenecut=0:keyint=64"
PYRAMID = "bframes=3:b-adapt=0:b-pyramid=normal:scenecut=0:keyint=64"
COUNT = 240
REPLACED = 12
"""Frames within which every buffer is to have been filled anew: a second of a relieved camera and less."""


class Decoder:
    """A clip's frames one by one, and what the buffers that they came in show now."""

    def __init__(self, path: Path) -> None:
        self.relieved = False
        self._container = av.open(str(path))
        track = video_track(self._container, threads=1)
        self._frames = decoded(self._container.demux(track), Counts(), lambda: False, lambda: self.relieved)
        self._buffers: dict[int, tuple[int, int]] = {}  # address: height, bytes of a row

    def __iter__(self) -> Iterator[int]:
        """Each frame's number; the frame itself is let go of, as the product does."""
        for frame in self._frames:
            yield self._number(frame)

    def _number(self, frame: VideoFrame) -> int:
        plane = frame.planes[0]
        self._buffers[plane.buffer_ptr] = (plane.height, plane.line_size)
        return number_in(frame.to_ndarray(format="bgr24").astype(np.uint8))

    def shown(self) -> set[int]:
        """The numbers of the frames that can still be read in the buffers of the pool."""
        return {self._read(*where) for where in self._buffers.items()}

    def _read(self, address: int, size: tuple[int, int]) -> int:
        rows: U8 = np.array((ctypes.c_uint8 * (size[0] * size[1])).from_address(address)).reshape(size)
        return number_in(cv2.cvtColor(rows[:, :320].copy(), cv2.COLOR_GRAY2BGR).astype(np.uint8))


@pytest.mark.parametrize("coding", [THREE_B, PYRAMID])
def test_no_buffer_of_a_relieved_camera_goes_on_showing_what_was_in_view_before(
    tmp_path: Path, coding: str
) -> None:
    decoder = Decoder(write_clip(tmp_path / "clip.mp4", range(COUNT), options={"x264-params": coding}))
    since = 0
    for number in decoder:
        if number == 80:
            before = decoder.shown()
            assert len(before) > 4, "several buffers are in use, and each can be read"
            assert max(before) >= 80
            decoder.relieved = True
        if number > 88:  # those that were on their way have come
            since += 1
        if since >= REPLACED:
            assert not {old for old in decoder.shown() if old <= 80}
    assert since > 2 * REPLACED


def test_no_buffer_is_left_behind_when_a_camera_is_relieved_again_and_again(tmp_path: Path) -> None:
    decoder = Decoder(write_clip(tmp_path / "clip.mp4", range(960), options={"x264-params": PYRAMID}))
    came: list[int] = []
    for number in decoder:
        came.append(number)
        decoder.relieved = number // 120 % 2 == 1
        if len(came) > 2 * REPLACED:
            assert min(decoder.shown()) >= came[-2 * REPLACED]
    assert len(came) > 400
