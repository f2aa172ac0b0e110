"""Clips made at run time: plain colours, a moving square, and each frame's number in its pixels. No faces."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np

from lfrd.types import U8

BITS = 12
GREEN = (40, 200, 60)
"""BGR of the background: far from grey, so that a wrong range or channel order shows."""


def drawn(number: int, width: int = 320, height: int = 240) -> U8:
    """A frame as BGR [height, width, 3]: its number as black and white blocks along the top, most
    significant bit first, and a red square that moves with it, in the upper left at number 0."""
    image = np.full((height, width, 3), GREEN, np.uint8)
    side = width // BITS
    for bit in range(BITS):
        image[:side, bit * side : (bit + 1) * side] = 255 * (number >> (BITS - 1 - bit) & 1)
    left = number * 4 % (width - side)
    image[side * 2 : side * 3, left : left + side] = (30, 30, 220)
    return image


def number_in(image: U8) -> int:
    """The number that `drawn` wrote, from a BGR image of any size with the same proportions."""
    side = image.shape[1] / BITS
    number = 0
    for bit in range(BITS):
        centre = int((bit + 0.5) * side)
        block = image[int(side * 0.3) : int(side * 0.7), centre - 2 : centre + 3]
        number = number << 1 | int(block.mean() > 127)
    return number


def write_clip(
    path: Path,
    numbers: Iterable[int] = range(30),
    *,
    size: tuple[int, int] = (320, 240),
    rate: int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    container: str | None = None,
    stamps: Iterable[int] | None = None,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
) -> Path:
    """A clip with one frame for each number. stamps: presentation times in frames, where not 0, 1, 2..."""
    width, height = size
    with av.open(str(path), "w", format=container, options=muxer or {}) as out:
        track = cast(Any, out.add_stream(cast(Any, codec), rate=rate, options=options or {}))
        track.width, track.height, track.pix_fmt = width, height, pix_fmt
        if pix_fmt.startswith("yuvj"):
            track.codec_context.color_range = 2
        at = iter(stamps) if stamps is not None else None
        for index, number in enumerate(numbers):
            frame = av.VideoFrame.from_ndarray(drawn(number, width, height), "bgr24")
            if frame.format.name != pix_fmt:
                frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = index if at is None else next(at), Fraction(1, rate)
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path


def write_stream(
    path: Path, numbers: Iterable[int] = range(50), *, size: tuple[int, int] = (320, 240), rate: int = 25
) -> Path:
    """Bare H.264 as a camera sends it: a key frame a second, nothing reordered, delimited access units."""
    options = {"tune": "zerolatency", "x264-params": f"aud=1:keyint={rate}:scenecut=0:repeat-headers=1"}
    return write_clip(path, numbers, size=size, rate=rate, container="h264", options=options)


def turned(source: Path, path: Path, degrees: int) -> Path:
    """A copy of an MP4 clip that players show turned clockwise by 90, 180 or 270 degrees."""
    one = 1 << 16
    a, b, c, d = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[degrees]
    data = bytearray(source.read_bytes())
    start = data.index(b"tkhd") + 4 + 40  # past version, flags, times, id, duration, layer, group, volume
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def write_pictures(folder: Path, numbers: Iterable[int], suffix: str = ".png") -> Path:
    """picture0.png, picture1.png ...: one for each number, named without leading zeros."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        assert cv2.imwrite(str(folder / f"picture{number}{suffix}"), drawn(number))
    return folder
