"""Which part of a camera's view is searched for faces: where some came lately, and often enough all of it."""

from __future__ import annotations

import math
from collections import deque
from typing import Final, NamedTuple, Self

import numpy as np

from lfrd.config import Config
from lfrd.types import F64, Detections
from lfrd.vision.part import Part

MEMORY: Final = 2.0
"""Seconds for which a place where a face was belongs to what is searched: where one came, others come."""
CONTEXT: Final = 0.5
"""Sizes of a face that are searched around it: a detector reads more than the face."""
PACE: Final = np.array([9.0, 2.0])
"""Sizes that a face moves in a second, across and down: a walker who crosses the view makes 9
(`tracking.motion`), one who comes nearer rises or sinks by less."""
ACROSS: Final = 3
"""Into so many parts a view is cut across. People come in from the sides, where finer parts lost them and
saved nothing; where all pass in one third of the view, as at a door, two thirds are saved."""
LARGEST: Final = 0.9
"""Share of the view above which a part is not worth being one."""
SHARE: Final = 0.6
"""Of the time after which a track ends without its face, so much may lie between two looks at the whole view:
the rest is for the frames between which it falls."""
RIM: Final = 0.08
"""Share of the view's longer side that is searched around a zone of recognition: of a face whose centre lies
in the zone, half may lie outside. More where larger faces have been seen."""


class Region(NamedTuple):
    """A rectangle of a camera's view, its edges in shares 0..1 of the view's width and height, so that it is
    the same at any size at which the view is searched."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Share of the view."""
        return (self.right - self.left) * (self.bottom - self.top)

    def part(self, size: tuple[int, int], step: int) -> Part:
        """All of the region in a picture of `size` (width, height). Edges lie at multiples of `step` pixels,
        or are the picture's own; those to the left and right only between ACROSS like parts of its width."""
        width, height = size
        wide = math.ceil(width / (ACROSS * step)) * step
        return Part(
            math.floor(self.left * width / wide) * wide,
            math.floor(self.top * height / step) * step,
            min(math.ceil(self.right * width / wide) * wide, width),
            min(math.ceil(self.bottom * height / step) * step, height),
        )


WHOLE: Final = Region(0.0, 0.0, 1.0, 1.0)


class _Look(NamedTuple):
    """The faces of one frame, [n, 2] each, across and down, in shares of the view."""

    at: float
    low: F64
    """Left and upper edges."""
    high: F64
    """Right and lower edges."""
    sizes: F64


class Attention:
    """One camera's. Asked for each frame's region, and told what was found there, both in order of time.
    Where several frames are examined at once, it is told some frames later."""

    def __init__(self, whole_seconds: float, zone: Region | None = None) -> None:
        """whole_seconds: of the source's clock; the first frame so long after a look at the whole view has
        another. 0 where every frame has one. zone: the bounds of the zone of recognition: far outside nothing
        is searched."""
        self._whole_seconds = whole_seconds
        self._zone = zone
        self._size = (1, 1)  # width, height of the newest frame
        self._looks: deque[_Look] = deque()  # those of the last MEMORY seconds that found somebody
        self._told = -math.inf  # time of the newest look that was told of
        self._whole = -math.inf  # time of the last look at the whole view
        self._is_wary = False  # the next look is at the whole view

    @classmethod
    def of(cls, settings: Config, zone: Region | None = None) -> Self:
        """As the settings want it; the whole view is searched for every face before its track ends."""
        return cls(min(settings.analysis.whole_view_seconds, SHARE * settings.tracking.lost_seconds), zone)

    def region(self, at: float, size: tuple[int, int], *, everything: bool = False) -> Region:
        """Where to search the frame taken at `at`. size: its width and height, pixels. everything: all of the
        view, also outside the zone."""
        if size != self._size or at < max(self._told, self._whole):
            self.forget()
            self._size = size
        bounds = WHOLE if everything or not self._whole_seconds else self._bounds()
        # What was told so long ago says no more where anybody is.
        is_old = at - min(self._whole, self._told) >= self._whole_seconds
        if self._looks and not (is_old or everything or self._is_wary):
            region = self._around(at, bounds)
            if 0 < region.area <= LARGEST * bounds.area:  # a box may be nonsense, and lie outside
                return region
        self._whole = at
        self._is_wary = False
        return bounds

    def note(self, at: float, size: tuple[int, int], found: Detections, cut: Detections) -> None:
        """The frame taken at `at` has been searched. size: its width and height, pixels, in which both are.
        found: its faces, doubtful ones included. cut: those that the region's edge cuts, of which no more
        than their place is known: the next look is at the whole view."""
        if size != self._size:
            return
        self._told = at
        while self._looks and at - self._looks[0].at > MEMORY:
            self._looks.popleft()
        self._is_wary |= len(cut) > 0
        boxes = np.concatenate([found.boxes, cut.boxes]).astype(np.float64)
        if not len(boxes):
            return
        view = np.array(self._size, np.float64)
        low, sides = boxes[:, :2], np.maximum(boxes[:, 2:], 0)
        sizes = np.sqrt(sides.prod(axis=1, keepdims=True))
        self._looks.append(_Look(at, low / view, (low + sides) / view, sizes / view))

    def forget(self) -> None:
        """Another scene, or a rest: what was seen says nothing of what comes. The next look is at the whole
        view."""
        self._looks.clear()
        self._told = self._whole = -math.inf
        self._is_wary = False

    def _around(self, at: float, bounds: Region) -> Region:
        """Where faces were, and where they can be by now."""
        grown = np.concatenate([look.sizes for look in self._looks]) * (CONTEXT + PACE * (at - self._told))
        low = (np.concatenate([look.low for look in self._looks]) - grown).min(axis=0)
        high = (np.concatenate([look.high for look in self._looks]) + grown).max(axis=0)
        return _within(bounds, low, high)

    def _bounds(self) -> Region:
        """What a look at the whole view searches: no more than could hold a face in the zone."""
        if self._zone is None:
            return WHOLE
        width, height = self._size
        rim = RIM * max(self._size) / np.array([width, height], np.float64)
        for look in self._looks:
            rim = np.maximum(rim, (0.5 + CONTEXT) * look.sizes.max(axis=0))
        return _within(WHOLE, np.array(self._zone[:2]) - rim, np.array(self._zone[2:]) + rim)


def _within(bounds: Region, low: F64, high: F64) -> Region:
    left, top = np.clip(low, bounds[:2], bounds[2:]).tolist()
    right, bottom = np.clip(high, bounds[:2], bounds[2:]).tolist()
    return Region(left, top, right, bottom)
