"""One camera's pictures as H.264, once for everybody who watches."""

from __future__ import annotations

from fractions import Fraction
from types import TracebackType
from typing import Any, Final, Self

import av
import cv2
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from lfrd.types import U8

TICKS: Final = 90_000
"""Units of a packet's time in a second: what RTP counts video in."""


class Encoder:
    """libx264, Constrained Baseline, Annex B, its parameters repeated at each key frame; one packet for each
    picture, none held back. What it keeps of a picture, to predict the next from, goes with `close`.

    Key frames come only where they are asked for. It works in the thread that calls it, with no other one.
    """

    def __init__(self, width: int, height: int, *, kilobits: int, rate: float) -> None:
        """width, height: even, pixels. kilobits: a second. rate: pictures a second, about."""
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, TICKS)
        context.framerate = Fraction(rate).limit_denominator(1001)
        context.bit_rate = kilobits * 1000
        context.max_b_frames = 0
        context.thread_count = 1
        context.options = {
            "preset": "veryfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "x264-params": "keyint=infinite:scenecut=0:ref=1:sliced-threads=0:"
            f"vbv-maxrate={kilobits}:vbv-bufsize={kilobits}",
        }
        context.open()
        self._context: VideoCodecContext | None = context
        self.size = width, height

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def encode(self, picture: U8, ticks: int, *, key: bool) -> Packet[Any]:
        """picture: BGR uint8 [height, width, 3], left as it is. ticks: its time, in 1/TICKS s, later than the
        last one's. key: whether a viewer must be able to begin here. Raises ValueError after `close`."""
        if self._context is None:
            raise ValueError("the encoder has been closed")
        planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        frame = VideoFrame.from_ndarray(planes, format="yuv420p")
        planes.fill(0)
        frame.pts, frame.time_base = ticks, Fraction(1, TICKS)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        (packet,) = self._context.encode(frame)
        return packet

    def close(self) -> None:
        """Give its memory back. Safe to call twice."""
        self._context = None
