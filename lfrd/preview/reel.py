"""A camera's pictures, held back for a moment, and given out with their faces hidden."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Set
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from lfrd.preview.feed import Glimpse
from lfrd.preview.veil import Look, Region, Veil, hidden, together
from lfrd.types import F32, U8, Detections, TrackId
from lfrd.vision.blur import hide
from lfrd.vision.light import lifted

HELD_SECONDS: Final = 0.3
"""How long a picture waits: what is first taken for a face so much later was hidden from here on."""
HELD_LOOKS: Final = 2
"""The same in analysed frames, which a slow camera takes longer for."""
MOST_HELD: Final = 16
"""Pictures that wait, at the most."""
LEAD_SECONDS: Final = 0.3
"""A picture is shown only if this much before it was looked at too: who is already in view when somebody
begins to watch may be overlooked in the first one."""

Detect: TypeAlias = Callable[[U8], Detections]
"""Every face of a small picture, doubtful ones too, in its pixels. Blocks."""


class Mark(NamedTuple):
    """Where a face is, for those who ask to see it: shares (0..1) of the picture's width and height.

    track: recognition's; 0 for a face that it does not follow, such as one outside the zone of recognition.
    """

    track: int
    x: float
    y: float
    width: float
    height: float
    alerted: bool


Boxes: TypeAlias = tuple[Mark, ...]


class Veiled(NamedTuple):
    """A picture that may be shown. pixels: BGR uint8 [height, width, 3], which whoever has it wipes. clear:
    the tracks whose faces are not hidden in it."""

    at: float
    pixels: U8
    boxes: Boxes
    clear: frozenset[TrackId]


class Reel:
    """Used in one thread."""

    def __init__(self, detect: Detect, *, high: float) -> None:
        """detect: looks at each picture once more, at its own size. high: `Inference.high`."""
        self._detect = detect
        self._high = high
        self._veil = Veil(high=high)
        self._held: deque[tuple[float, U8]] = deque()  # clear; oldest first
        self._looks: deque[float] = deque(maxlen=4 * MOST_HELD)  # times of the last ones
        self._began: float | None = None  # time of the first look
        self._lit = False  # whether the last second look was at a lit picture
        self._size: tuple[int, int] | None = None  # width, height of the picture, pixels

    def put(self, glimpse: Glimpse, cleared: Set[TrackId]) -> Iterator[Veiled]:
        """Take one more glimpse, which is the reel's from now on, and give out the pictures that are due.

        cleared: recognition's tracks with an alert that stands now.
        """
        pixels, glimpse.pixels = glimpse.pixels, None
        try:
            if pixels is not None and (pixels.shape[1], pixels.shape[0]) != self._size:
                self._begin((pixels.shape[1], pixels.shape[0]))
            if self._looks and glimpse.at <= self._looks[-1]:
                self._begin(self._size)  # a recording that starts again
            if self._size is None:
                return  # no picture yet, so that the boxes have no scale
            self._see(glimpse, self._size, pixels)
            if pixels is not None:
                self._held.append((glimpse.at, pixels))
                pixels = None
        finally:
            if pixels is not None:
                pixels.fill(0)
        yield from self._due(cleared)

    def wipe(self) -> None:
        """Forget everything."""
        self._begin(None)

    def _begin(self, size: tuple[int, int] | None) -> None:
        while self._held:
            self._held.popleft()[1].fill(0)
        self._looks.clear()
        self._veil = Veil(high=self._high)
        self._began, self._size = None, size

    def _see(self, glimpse: Glimpse, size: tuple[int, int], pixels: U8 | None) -> None:
        if glimpse.cut:
            self._veil.cut()
        if self._began is None:
            self._began = glimpse.at
        self._looks.append(glimpse.at)
        shrunk: F32 = np.array([size[0] / glimpse.size[0], size[1] / glimpse.size[1]], np.float32)
        scale: F32 = np.tile(shrunk, 2)
        found = Detections(glimpse.found.boxes * scale, glimpse.found.points * shrunk, glimpse.found.scores)
        look = Look(glimpse.at, found, glimpse.tracks)
        self._veil.see(look if pixels is None else together(look, self._second_look(pixels)))

    def _second_look(self, pixels: U8) -> Detections:
        """At every other picture as if its shadows were lit: a face that is seen in one is hidden in the next
        as well."""
        self._lit = not self._lit
        if not self._lit:
            return self._detect(pixels)
        bright = lifted(pixels)
        try:
            return self._detect(bright)
        finally:
            bright.fill(0)

    def _due(self, cleared: Set[TrackId]) -> Iterator[Veiled]:
        while self._held:
            at, _ = self._held[0]
            later = sum(look > at for look in self._looks)
            waited = self._looks[-1] - at >= HELD_SECONDS - 1e-6 and later >= HELD_LOOKS
            if not waited and len(self._held) <= MOST_HELD:
                return
            at, pixels = self._held.popleft()
            if not waited or self._began is None or at - self._began < LEAD_SECONDS - 1e-6:
                pixels.fill(0)
                continue
            yield self._developed(at, pixels, cleared)

    def _developed(self, at: float, pixels: U8, cleared: Set[TrackId]) -> Veiled:
        regions = self._veil.regions(at, cleared)
        cover(pixels, hidden(regions))
        height, width = pixels.shape[:2]
        clear = frozenset(one.track for one in regions if one.clear and one.track is not None)
        return Veiled(at, pixels, tuple(_marks(regions, width, height)), clear)


def cover(pixels: U8, boxes: F32) -> None:
    """Hide these boxes, the largest first: a small face's squares within a wide guess stay as coarse as its
    own."""
    areas = boxes[:, 2] * boxes[:, 3]
    hide(pixels, boxes[np.argsort(-areas)])


def _marks(regions: list[Region], width: int, height: int) -> Iterator[Mark]:
    for region in regions:
        if region.seen and region.sure:
            x, y, w, h = region.box / (width, height, width, height)
            track = 0 if region.track is None else int(region.track)
            yield Mark(track, float(x), float(y), float(w), float(h), region.clear)
