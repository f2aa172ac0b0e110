"""Which faces lie in the zone of recognition, and which drawings make one."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import NotAllowed
from lfrd.policy.polygon import Corner, problem
from lfrd.types import Detections
from lfrd.vision.zone import Zone

LEFT_HALF = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
ARROW = [(0.1, 0.1), (0.9, 0.5), (0.1, 0.9), (0.4, 0.5)]
"""With a notch on its left: (0.2, 0.5) is outside."""

shares = st.integers(0, 64).map(lambda n: n / 64)
corners = st.lists(st.tuples(shares, shares), min_size=3, max_size=12)


def around(points: list[Corner]) -> list[Corner]:
    """In order around their middle: a drawing that seldom crosses itself."""
    x, y = (sum(side) / len(points) for side in zip(*points, strict=True))
    return sorted(points, key=lambda point: (math.atan2(point[1] - y, point[0] - x), point))


zones = corners.map(around).filter(lambda drawn: not problem(drawn))


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    n = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(n, 4),
        np.arange(n * 10, dtype=np.float32).reshape(n, 5, 2),
        np.linspace(0.9, 0.5, n).astype(np.float32),
    )


def test_a_face_counts_where_the_centre_of_its_box_lies_inside() -> None:
    faces = found((0, 0, 20, 20), (85, 10, 20, 20), (95, 10, 20, 20), (300, 50, 20, 20))
    inside = Zone(LEFT_HALF).inside(faces, (200, 100))
    assert inside.boxes[:, 0].tolist() == [0, 85]
    assert np.array_equal(inside.points, faces.points[:2])
    assert np.array_equal(inside.scores, faces.scores[:2])


def test_a_zone_is_kept_at_any_resolution() -> None:
    for scale in (1, 2, 7.5):
        faces = found((85 * scale, 0, 20 * scale, 20), (95 * scale, 0, 20 * scale, 20))
        assert len(Zone(LEFT_HALF).inside(faces, (round(200 * scale), 100))) == 1


def test_a_notch_in_the_zone_is_outside() -> None:
    inside = Zone(ARROW).contains(np.array([[0.6, 0.5], [0.2, 0.5], [0.2, 0.2], [0.5, 0.9]]))
    assert inside.tolist() == [True, False, True, False]


def test_no_face_is_none_inside() -> None:
    assert len(Zone(ARROW).inside(Detections.none(), (640, 360))) == 0


def test_two_zones_that_share_an_edge_share_no_face() -> None:
    rest = [(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]
    points = np.array([(x, y) for x in np.linspace(0, 0.99, 12) for y in np.linspace(0, 0.99, 12)])
    assert (Zone(LEFT_HALF).contains(points) ^ Zone(rest).contains(points)).all()


@given(zones, st.lists(st.tuples(shares, shares), min_size=1, max_size=20))
def test_a_point_is_inside_where_another_implementation_has_it(
    drawn: list[Corner], points: list[Corner]
) -> None:
    """OpenCV's, on whole numbers; a point on the very edge is either."""
    outline = (np.array(drawn) * 64).astype(np.int32)[:, None]
    for point, inside in zip(points, Zone(drawn).contains(np.array(points)), strict=True):
        place = cv2.pointPolygonTest(outline, (point[0] * 64, point[1] * 64), measureDist=False)
        assert place == 0 or inside == (place > 0)


@given(corners | zones, st.integers(0, 11), st.booleans())
def test_it_does_not_matter_where_the_drawing_began_nor_which_way_it_went(
    drawn: list[Corner], start: int, back: bool
) -> None:
    other = drawn[start % len(drawn) :] + drawn[: start % len(drawn)]
    other = other[::-1] if back else other
    assert problem(other) == problem(drawn)
    if not problem(drawn):
        points = (np.mgrid[0:16, 0:16].reshape(2, -1).T + 0.37) / 16
        assert np.array_equal(Zone(drawn).contains(points), Zone(other).contains(points))


@given(zones)
def test_a_drawing_that_is_accepted_encloses_what_its_area_says(drawn: list[Corner]) -> None:
    """A polygon that crosses itself would not: what lies between its loops counts against the rest."""
    following = [*drawn[1:], drawn[0]]
    area = abs(sum(x * v - u * y for (x, y), (u, v) in zip(drawn, following, strict=True))) / 2
    points = (np.mgrid[0:128, 0:128].reshape(2, -1).T + 0.5) / 128
    assert Zone(drawn).contains(points).mean() == pytest.approx(area, abs=0.03)


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        ([], "three corners or more, and this one 0"),
        ([(0.1, 0.1), (0.9, 0.9)], "three corners or more, and this one 2"),
        ([(0.1, 0.1), (1.1, 0.1), (0.5, 0.9)], "outside the picture"),
        ([(0.1, 0.1), (math.nan, 0.1), (0.5, 0.9)], "outside the picture"),
        ([(0.1, 0.1), (0.9, 0.1), (0.5, 0.9), (0.1, 0.1)], "in one place"),
        ([(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)], "crosses or touches itself"),
        ([(0.1, 0.1), (0.9, 0.1), (0.5, 0.1), (0.5, 0.9)], "crosses or touches itself"),
        ([(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.5, 0.1), (0.1, 0.9)], "crosses or touches itself"),
        ([(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)], "crosses or touches itself|less than"),
        ([(0.1, 0.1), (0.12, 0.1), (0.1, 0.12)], "covers less than 0.1%"),
    ],
)
def test_what_makes_no_zone_is_refused_in_words(drawn: list[Corner], words: str) -> None:
    with pytest.raises(NotAllowed, match=words) as caught:
        Zone(drawn)
    assert caught.value.code == "zone"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "drawn",
    [
        LEFT_HALF,
        ARROW,
        [(0.0, 0.0), (1.0, 0.0), (0.5, 0.5), (1.0, 1.0), (0.0, 1.0)],
        [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (0.5, 1.0)],  # a corner on a straight side
    ],
)
def test_what_makes_a_zone_has_no_problem(drawn: list[Corner]) -> None:
    assert problem(drawn) == ""
