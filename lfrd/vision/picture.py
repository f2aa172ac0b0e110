"""A frame's pixels in a buffer of our own: scaled for the detector, cut for best shots, wiped when done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import cast

import cv2
import numpy as np

from lfrd.types import U8, Box
from lfrd.vision.part import Part


class Picture:
    """Full-size pixels, either planar YUV 4:2:0 (I420, limited range) or packed BGR.

    buffer: uint8 [height * 3 // 2, width] for I420 (the planes one under the other, as OpenCV lays them), or
    [height, width, 3] for BGR. I420 needs even sides. The buffer belongs to this picture until `release()`.
    """

    __slots__ = ("_buffer", "_on_release", "height", "planar", "width")

    def __init__(self, buffer: U8, *, planar: bool, on_release: Callable[[U8], object] | None = None) -> None:
        self._buffer: U8 | None = buffer
        self._on_release = on_release
        self.planar = planar
        if planar:
            rows, self.width = buffer.shape
            self.height = rows * 2 // 3
            if rows % 3 or self.width % 2:
                raise ValueError(f"not an I420 buffer: {buffer.shape}")
        else:
            self.height, self.width, channels = buffer.shape
            if channels != 3:
                raise ValueError(f"not a BGR buffer: {buffer.shape}")

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels."""
        return self.width, self.height

    @property
    def _pixels(self) -> U8:
        if self._buffer is None:
            raise ValueError("the picture has been released")
        return self._buffer

    def scaled(self, width: int, height: int, part: Part | None = None) -> U8:
        """The whole picture as BGR uint8 [height, width, 3], or a part of that, the same to the bit.

        I420 takes even sides, and a part with even edges: its chroma's are half.

        I420 is halved as often as it goes, by the mean of each four pixels, and only what is left is
        interpolated: within 1 level of 255, on average, of the mean over the area, which takes OpenCV two to
        four times as long where the sides are not halved.
        """
        part = part or Part(0, 0, width, height)
        if self.planar and any(edge % 2 for edge in (width, height, *part)):
            raise ValueError(f"a picture is scaled to even sides, not {width} x {height}, {part}")
        pixels = self._pixels
        if not self.planar:
            if (width, height) == self.size:
                return part.of(pixels).copy()
            how = cv2.INTER_AREA if width < self.width else cv2.INTER_LINEAR
            return part.of(cast(U8, cv2.resize(pixels, (width, height), interpolation=how)))
        if (width, height) == self.size == part.size:
            return cast(U8, cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR_I420))
        # Scaling the planes and then converting touches a fraction of the pixels that converting first would.
        columns, rows = part.size
        out = np.empty((rows * 3 // 2, columns), np.uint8)
        chroma = out[rows:].reshape(2, rows // 2, columns // 2)
        half = Part(*(edge // 2 for edge in part))
        luma, blue, red = self._planes()
        _resize(luma, (height, width), part, out[:rows])
        _resize(blue, (height // 2, width // 2), half, chroma[0])
        _resize(red, (height // 2, width // 2), half, chroma[1])
        bgr = cast(U8, cv2.cvtColor(out, cv2.COLOR_YUV2BGR_I420))
        out.fill(0)
        return bgr

    def sampled(self, width: int, height: int) -> U8:
        """So many of the whole picture's pixels, in grey levels, uint8 [height, width]: cheap, however large
        it is, and the same at whatever size it is searched."""
        if self.planar:
            sparse = cv2.resize(self._planes()[0], (width, height), interpolation=cv2.INTER_LINEAR)
            grey = cast(U8, cv2.LUT(sparse, _GREY))
        else:
            sparse = cv2.resize(self._pixels, (width, height), interpolation=cv2.INTER_LINEAR)
            grey = cast(U8, cv2.cvtColor(sparse, cv2.COLOR_BGR2GRAY))
        sparse.fill(0)
        return grey

    def crop(self, box: Box) -> tuple[U8, tuple[int, int]]:
        """The part of the picture under `box`, as BGR, and where its top left corner lies in the picture.

        The part is clipped to the frame and grown to even coordinates; at least 2 x 2 pixels.
        """
        x0 = min(max(0, int(box.x)) & ~1, self.width - 2)
        y0 = min(max(0, int(box.y)) & ~1, self.height - 2)
        x1 = min(self.width, max(x0 + 2, int(np.ceil(box.x + box.width)) + 1 & ~1))
        y1 = min(self.height, max(y0 + 2, int(np.ceil(box.y + box.height)) + 1 & ~1))
        if not self.planar:
            return self._pixels[y0:y1, x0:x1].copy(), (x0, y0)
        y, u, v = self._planes()
        w, h = x1 - x0, y1 - y0
        part = np.empty((h * 3 // 2, w), np.uint8)
        part[:h] = y[y0:y1, x0:x1]
        chroma = part[h:].reshape(2, h // 2, w // 2)
        chroma[0] = u[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
        chroma[1] = v[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
        bgr = cast(U8, cv2.cvtColor(part, cv2.COLOR_YUV2BGR_I420))
        part.fill(0)
        return bgr, (x0, y0)

    def _planes(self) -> tuple[U8, U8, U8]:
        pixels = self._pixels
        chroma = pixels[self.height :].reshape(2, self.height // 2, self.width // 2)
        return pixels[: self.height], chroma[0], chroma[1]

    def release(self) -> None:
        """Give the buffer back to its pool, or wipe it where it has none. Safe to call twice."""
        buffer, self._buffer = self._buffer, None
        if buffer is None:
            return
        if self._on_release is not None:
            self._on_release(buffer)
        elif buffer.flags.writeable:
            buffer.fill(0)

    def __reduce__(self) -> str:
        raise TypeError("a picture is never pickled: it may show a face")


_GREY = np.clip((np.arange(256) - 16) * (255 / 219) + 0.5, 0, 255).astype(np.uint8)
"""The grey levels of limited range luma."""


def _resize(plane: U8, size: tuple[int, int], part: Part, out: U8) -> None:
    """Fill `out` with the part of the plane as it is at `size` (rows, columns); `Picture.scaled` says how."""
    halvings, rest = _halved(plane.shape, size)
    # Where a side shrinks to half or less, interpolation would pass over pixels.
    passes = rest[0] >= 2 * size[0] or rest[1] >= 2 * size[1]
    how = cv2.INTER_AREA if passes else cv2.INTER_LINEAR
    # Enlarged, a part's rim would be made of pixels beyond it.
    enlarges = rest[0] < size[0] or rest[1] < size[1]
    source = _whence(part, size, rest)
    if source is None or ((passes or enlarges) and part.size != size[::-1]):
        # A part that lies between pixels would by itself be another one in its last bits.
        whole = np.empty(size, np.uint8)
        _resize(plane, size, Part(0, 0, *size[::-1]), whole)
        out[:] = part.of(whole)
        whole.fill(0)
        return
    pixels = Part(*(edge << halvings for edge in source)).of(plane)
    for number in range(halvings):
        half = pixels.shape[0] // 2, pixels.shape[1] // 2
        smaller = out if half == out.shape else np.empty(half, np.uint8)
        cv2.resize(pixels, half[::-1], smaller, interpolation=cv2.INTER_AREA)
        if number:
            pixels.fill(0)
        pixels = smaller
    if pixels is not out:
        cv2.resize(pixels, out.shape[::-1], out, interpolation=how)
        if halvings:
            pixels.fill(0)


def _halved(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    """How often a plane of this shape is halved on the way to `size`, and its rows and columns then."""
    (rows, columns), times = shape, 0
    while not (rows % 2 or columns % 2) and rows // 2 >= size[0] and columns // 2 >= size[1]:
        rows, columns, times = rows // 2, columns // 2, times + 1
    return times, (rows, columns)


def _whence(part: Part, size: tuple[int, int], rest: tuple[int, int]) -> Part | None:
    """What of a plane of the shape `rest` becomes this part at `size`; None where it lies between pixels."""
    wide, tall = (rest[1], size[1]), (rest[0], size[0])
    edges = [(edge * old, new) for edge, (old, new) in zip(part, (wide, tall, wide, tall), strict=True)]
    if any(edge % new for edge, new in edges):
        return None
    return Part(*(edge // new for edge, new in edges))


class BufferPool:
    """A camera's frame buffers: few, reused, and wiped as they come back.

    Wiping takes a third of a millisecond for 1080p. Without it a buffer that was needed once, and sank to the
    bottom of the pool, would show whoever passed then for as long as the camera runs.
    """

    def __init__(self, limit: int = 4) -> None:
        self._limit = limit  # buffers kept idle; more than this many in use at once are simply not kept
        self._lock = threading.Lock()
        self._idle: list[U8] = []
        self._closed = False

    def take(self, shape: tuple[int, ...]) -> U8:
        """A buffer of this shape; the caller fills all of it."""
        with self._lock:
            while self._idle:
                buffer = self._idle.pop()
                if buffer.shape == shape:
                    return buffer
        return np.empty(shape, np.uint8)

    def give(self, buffer: U8) -> None:
        """Overwrite a buffer, and keep it for the next frame."""
        buffer.fill(0)
        with self._lock:
            if not self._closed and len(self._idle) < self._limit:
                self._idle.append(buffer)

    def close(self) -> None:
        """Let go of the idle buffers, and from now on of each one that comes back."""
        with self._lock:
            self._closed = True
            self._idle.clear()
