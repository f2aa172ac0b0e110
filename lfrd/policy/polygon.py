"""Polygons in a picture: what makes one fit to be a zone of recognition."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

Corner = tuple[float, float]
"""Shares, 0..1, of the picture's width and height from its top left corner."""

LEAST_ZONE = 0.001
"""Share of the picture that a zone covers at the least: less is a slip of the pen, where nobody is found."""


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
    turn = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
    return (turn > 0) - (turn < 0)


def _between(a: Corner, b: Corner, point: Corner) -> bool:
    """Whether a point on the line through a and b lies within their rectangle."""
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])


def area(zone: Sequence[tuple[float, float]]) -> float:
    """Share of the picture inside a polygon, 0..1, by the shoelace formula; 0 below three corners."""
    if len(zone) < 3:
        return 0.0
    following = [*zone[1:], zone[0]]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(zone, following, strict=True))) / 2
