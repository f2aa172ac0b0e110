"""The zone of recognition: the part of a camera's view in which faces count, as a polygon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lfrd.errors import NotAllowed
from lfrd.policy.polygon import Corner, problem
from lfrd.types import F64, Detections
from lfrd.vision.attention import Region


class Zone:
    """A polygon. corners: three or more (x, y), shares (0..1) of the picture's width and height from its top
    left corner, so that a camera that sends another resolution keeps its zone.

    Raises NotAllowed('zone') where they make no polygon (`problem`).
    """

    __slots__ = ("_lower", "_upper", "bounds", "corners")

    def __init__(self, corners: Sequence[Corner]) -> None:
        if said := problem(corners):
            raise NotAllowed("zone", said)
        self.corners: F64 = np.array(corners, np.float64)
        """[n, 2]"""
        self.bounds = Region(*self.corners.min(axis=0).tolist(), *self.corners.max(axis=0).tolist())
        """The smallest upright rectangle that holds the zone."""
        following = np.roll(self.corners, -1, axis=0)
        falls = self.corners[:, 1:] > following[:, 1:]
        # The sides' ends, sorted: which way round they were drawn must not even tell in the last bit.
        self._upper = np.where(falls, following, self.corners)
        self._lower = np.where(falls, self.corners, following)

    def contains(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which of `points` [n, 2], in shares of the picture, lie inside: those from which a line to the
        right crosses an odd number of sides. A point on a left or upper side is inside, on another one out.
        """
        x, y = np.asarray(points, np.float64).reshape(-1, 2).T[:, :, None]
        (ax, ay), (bx, by) = self._upper.T, self._lower.T
        across = (ay <= y) != (by <= y)
        rise = np.where(by == ay, 1.0, by - ay)  # a level side is never crossed
        return np.asarray(np.count_nonzero(across & (x < ax + (y - ay) * (bx - ax) / rise), axis=1) % 2 == 1)

    def inside(self, found: Detections, size: tuple[int, int]) -> Detections:
        """Those faces whose box has its centre inside. size: width, height of the full-size picture."""
        return found[self.holds(found, size)]

    def holds(self, found: Detections, size: tuple[int, int]) -> NDArray[np.bool_]:
        """For each face whether its box has its centre inside; as `inside`."""
        centres = found.boxes[:, :2] + found.boxes[:, 2:] / 2
        return self.contains(centres / np.array(size, np.float64))
