"""The zone of recognition: the part of a camera's view in which faces count, as a polygon."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lfrd.errors import NotAllowed
from lfrd.policy.plan import LEAST_ZONE, area
from lfrd.types import F64, Detections

Corner = tuple[float, float]


class Zone:
    """A polygon. corners: three or more (x, y), shares (0..1) of the picture's width and height from its top
    left corner, so that a camera that sends another resolution keeps its zone.

    Raises NotAllowed('zone') where they make no polygon (`problem`).
    """

    __slots__ = ("_next", "corners")

    def __init__(self, corners: Sequence[Corner]) -> None:
        if said := problem(corners):
            raise NotAllowed("zone", said)
        self.corners: F64 = np.array(corners, np.float64)
        """[n, 2]"""
        self._next = np.roll(self.corners, -1, axis=0)  # where the side that begins at each corner ends

    def contains(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which of `points` [n, 2], in shares of the picture, lie inside: those from which a line to the
        right crosses an odd number of sides. A point on a left or upper side is inside, on another one out.
        """
        x, y = np.asarray(points, np.float64).reshape(-1, 2).T[:, :, None]
        (ax, ay), (bx, by) = self.corners.T, self._next.T
        across = (ay <= y) != (by <= y)
        rise = np.where(by == ay, 1.0, by - ay)  # a level side is never crossed
        return np.asarray(np.count_nonzero(across & (x < ax + (y - ay) * (bx - ax) / rise), axis=1) % 2 == 1)

    def inside(self, found: Detections, size: tuple[int, int]) -> Detections:
        """Those faces whose box has its centre inside. size: width, height of the full-size picture."""
        centres = found.boxes[:, :2] + found.boxes[:, 2:] / 2
        return found[self.contains(centres / np.array(size, np.float64))]


def problem(corners: Sequence[Corner]) -> str:
    """Why these corners make no zone, as one line for whoever draws; '' where they do."""
    if len(corners) < 3:
        return f"a zone has three corners or more, and this one {len(corners)}"
    if not all(0 <= side <= 1 for corner in corners for side in corner):  # NaN is not either
        return "a corner of the zone lies outside the picture"
    if len(set(corners)) < len(corners):
        return "two corners of the zone lie in one place"
    if _crosses(corners):
        return "the zone's edge crosses or touches itself: draw it around one area"
    if area(corners) < LEAST_ZONE:
        return f"the zone covers less than {LEAST_ZONE:.1%} of the picture: nobody would be found in it"
    return ""


def _crosses(corners: Sequence[Corner]) -> bool:
    """Whether two sides have a point in common that is not the corner between them."""
    sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    return any(
        _turns_back(*one, *other)
        if len({*one, *other}) == 3  # neighbours
        else _meet(*one, *other)
        for one, other in combinations(sides, 2)
    )


def _turns_back(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    """Whether two sides that share a corner lie over each other."""
    if a == d:
        a, b, d = b, a, c
    (ux, uy), (vx, vy) = (a[0] - b[0], a[1] - b[1]), (d[0] - b[0], d[1] - b[1])
    return ux * vy == uy * vx and ux * vx + uy * vy > 0


def _meet(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    """Whether the sides a-b and c-d have a point in common."""
    first, second = _side(a, b, c), _side(a, b, d)
    third, fourth = _side(c, d, a), _side(c, d, b)
    if first != second and third != fourth and 0 not in (first, second, third, fourth):
        return True
    return any(
        side == 0 and _between(one, other, point)
        for side, one, other, point in (
            (first, a, b, c),
            (second, a, b, d),
            (third, c, d, a),
            (fourth, c, d, b),
        )
    )


def _side(a: Corner, b: Corner, point: Corner) -> int:
    """On which side of the line through a and b a point lies: -1, 1, or 0 for on it."""
    return int(np.sign((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])))


def _between(a: Corner, b: Corner, point: Corner) -> bool:
    """Whether a point on the line through a and b lies within their rectangle."""
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])
