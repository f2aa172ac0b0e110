"""A decoder's frame copied into a buffer of our own: upright, limited range, even sides."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, VideoReformatter

from lfrd.types import U8
from lfrd.vision.picture import BufferPool, Picture

LARGEST_SIDE = 8192
"""Pixels. A frame of that size is 100 MB of I420; beyond it somebody has chosen the wrong stream."""

_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}

# ITU-R BT.601, 8 bits: luma 0..255 -> 16..235, chroma about 128, 255 -> 224 steps.
_LUMA = np.rint(16 + np.arange(256) * 219 / 255).astype(np.uint8)
_CHROMA = np.rint(128 + (np.arange(256) - 128) * 224 / 255).astype(np.uint8)


class SizeError(ValueError):
    """The frames are larger than is taken, or too small to hold anything. Its text is for people."""


def check_size(width: int, height: int) -> None:
    if max(width, height) > LARGEST_SIDE:
        raise SizeError(
            f"its frames are {width} x {height} pixels; at most {LARGEST_SIDE} a side are taken; "
            "choose a smaller stream"
        )
    if min(width, height) < 2:
        raise SizeError(f"its frames are {width} x {height} pixels; at least 2 a side are needed")


class Pixels:
    """Copies frames into buffers of one pool. Keeps the scaler's tables between frames of one format."""

    def __init__(self, pool: BufferPool) -> None:
        self._pool = pool
        self._reformatter = VideoReformatter()  # swscale's context, for what is not YUV 4:2:0 yet

    def picture(self, frame: VideoFrame) -> Picture:
        """The frame as I420, or as BGR where it was RGB. Raises SizeError.

        The frame may be dropped at once: nothing of it is shared. BT.709 material keeps its own matrix,
        although the picture's colours are then made by BT.601: on a real clip that moved them by 1 level of
        255 on average and a face's template by 0.001 in cosine, while converting would cost more than
        decoding.
        """
        check_size(frame.width, frame.height)
        if frame.format.is_rgb or frame.format.has_palette:
            return self._packed(frame)
        return self._planar(frame)

    def _planar(self, frame: VideoFrame) -> Picture:
        name = frame.format.name
        full = name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
        if name in ("yuv420p", "yuvj420p"):
            return self._copied(frame, full)
        other = self._reformatter.reformat(
            frame,
            format="yuv420p",
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        try:
            return self._copied(other, full=False, rotation=frame.rotation)
        finally:
            _wipe(other)

    def _copied(self, frame: VideoFrame, full: bool, rotation: int | None = None) -> Picture:
        width, height = frame.width & ~1, frame.height & ~1
        turn = _TURNS.get(round((frame.rotation if rotation is None else rotation) / 90) * 90 % 360)
        sideways = turn in (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE)
        out_width, out_height = (height, width) if sideways else (width, height)
        buffer = self._pool.take((out_height * 3 // 2, out_width))
        chroma = buffer[out_height:].reshape(2, out_height // 2, out_width // 2)
        targets = ((buffer[:out_height], _LUMA), (chroma[0], _CHROMA), (chroma[1], _CHROMA))
        for (target, table), plane in zip(targets, frame.planes, strict=True):
            luma = table is _LUMA
            rows = _rows(plane)[: height if luma else height // 2, : width if luma else width // 2]
            if turn is not None:
                rows = cast(U8, cv2.rotate(rows, turn, None if full else target))
            if full:
                cv2.LUT(rows, table, target)
                if turn is not None:
                    rows.fill(0)
            elif turn is None:
                np.copyto(target, rows)
        return Picture(buffer, planar=True, on_release=self._pool.give)

    def _packed(self, frame: VideoFrame) -> Picture:
        turn = _TURNS.get(round(frame.rotation / 90) * 90 % 360)
        sideways = turn in (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE)
        width, height = frame.width, frame.height
        buffer = self._pool.take((width, height, 3) if sideways else (height, width, 3))
        other = frame
        if frame.format.name != "bgr24":
            other = self._reformatter.reformat(frame, format="bgr24", threads=1)
        try:
            pixels = _rows(other.planes[0])[:height, : width * 3].reshape(height, width, 3)
            if turn is None:
                np.copyto(buffer, pixels)
            else:
                cv2.rotate(pixels, turn, buffer)
        finally:
            if other is not frame:
                _wipe(other)
        return Picture(buffer, planar=False, on_release=self._pool.give)


def _rows(plane: VideoPlane) -> U8:
    """A plane as uint8 [height, line], the first row on top. A negative line size means bottom first."""
    rows = np.frombuffer(cast(bytes, plane), np.uint8).reshape(plane.height, abs(plane.line_size))
    return rows[::-1] if plane.line_size < 0 else rows


def _wipe(frame: VideoFrame) -> None:
    """Overwrite a frame that is ours alone, which the allocator would hand on as it stands."""
    for plane in frame.planes:
        _rows(plane).fill(0)
