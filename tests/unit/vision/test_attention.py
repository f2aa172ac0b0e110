"""What is searched of a view holds whoever is followed, and all of it often enough."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.tracking.tracker import Tracker
from lfrd.types import Detections, TrackId
from lfrd.vision.attention import CONTEXT, MEMORY, PACE, WHOLE, Attention, Region
from lfrd.vision.zone import Zone

VIEW = 1920, 1080
NOBODY = Detections.none()
Faces = list[tuple[float, float, float]]


def faces(*boxes: tuple[float, float, float], score: float = 0.9) -> Detections:
    """Each left, top, side, in pixels of the view."""
    made = np.array([(x, y, side, side) for x, y, side in boxes], np.float32).reshape(-1, 4)
    n = len(made)
    return Detections(made, np.zeros((n, 5, 2), np.float32), np.full(n, score, np.float32))


def holds(region: Region, x: float, y: float, side: float) -> bool:
    """As much of a square as lies in the view. A thousandth of a pixel is for rounding."""
    width, height = VIEW
    return (
        region.left * width <= max(x, 0) + 1e-3
        and region.top * height <= max(y, 0) + 1e-3
        and region.right * width >= min(x + side, width) - 1e-3
        and region.bottom * height >= min(y + side, height) - 1e-3
    )


def looked(attention: Attention, at: float, found: Detections, cut: Detections = NOBODY) -> Region:
    region = attention.region(at, VIEW)
    attention.note(at, VIEW, found, cut)
    return region


MIDDLE = (900.0, 500.0, 60.0)


def test_the_first_look_is_at_the_whole_view_and_the_next_where_a_face_was() -> None:
    attention = Attention(0.6)
    assert looked(attention, 0.0, faces(MIDDLE)) == WHOLE
    region = looked(attention, 0.16, faces(MIDDLE))
    assert region.area < 0.1
    assert holds(region, *MIDDLE)


def test_where_nobody_has_been_seen_lately_every_look_is_at_the_whole_view() -> None:
    attention = Attention(0.6)
    assert [looked(attention, at, NOBODY) for at in np.arange(0, 2, 0.16)] == [WHOLE] * 13
    looked(attention, 2.0, faces(MIDDLE))
    assert looked(attention, 2.1, NOBODY) != WHOLE
    for at in np.arange(2.2, 2.0 + MEMORY + 0.3, 0.1):
        region = looked(attention, float(at), NOBODY)
    assert region == WHOLE


@pytest.mark.parametrize(("rate", "each"), [(6.25, 4), (10, 6), (4, 3), (3, 2), (2, 2), (1, 1), (25, 15)])
def test_the_whole_view_is_searched_every_so_many_looks(rate: float, each: int) -> None:
    attention = Attention(0.6)
    whole = [looked(attention, 5 + n / rate + 1e-6 * n, faces(MIDDLE)) == WHOLE for n in range(61)]
    assert [n for n, one in enumerate(whole) if one] == list(range(0, 61, each))


def test_with_no_seconds_between_whole_looks_every_one_is_and_a_zone_changes_nothing() -> None:
    attention = Attention(0, Region(0.4, 0.4, 0.6, 0.6))
    assert [looked(attention, n / 25, faces(MIDDLE)) for n in range(50)] == [WHOLE] * 50


@pytest.mark.parametrize("what", ["a scene", "a size", "time"])
def test_what_was_seen_is_forgotten_with_another_scene_another_size_and_another_time(what: str) -> None:
    attention = Attention(0.6)
    looked(attention, 1.0, faces(MIDDLE))
    if what == "a scene":
        attention.forget()
    assert (
        attention.region(0.9 if what == "time" else 1.1, (1280, 720) if what == "a size" else VIEW) == WHOLE
    )


def test_what_is_told_of_a_picture_of_another_size_counts_for_nothing() -> None:
    attention = Attention(0.6)
    attention.region(0.0, VIEW)
    attention.region(0.1, (1280, 720))
    attention.note(0.0, VIEW, faces(MIDDLE), NOBODY)
    assert attention.region(0.2, (1280, 720)) == WHOLE


def test_a_face_that_the_region_cuts_makes_the_next_look_one_at_the_whole_view() -> None:
    attention = Attention(0.6)
    looked(attention, 0.0, faces(MIDDLE))
    looked(attention, 0.1, faces(MIDDLE), cut=faces((950, 600, 80)))
    assert looked(attention, 0.2, faces(MIDDLE, (950, 600, 80))) == WHOLE
    assert looked(attention, 0.3, faces(MIDDLE)) != WHOLE


def test_whoever_watches_gets_the_whole_view_outside_the_zone_too() -> None:
    attention = Attention(0.6, Region(0.4, 0.4, 0.6, 0.6))
    assert attention.region(0.0, VIEW) != WHOLE
    assert attention.region(0.1, VIEW, everything=True) == WHOLE


def test_where_faces_are_everywhere_every_look_is_at_the_whole_view() -> None:
    attention = Attention(0.6)
    crowd = faces(*((x, y, 70.0) for x in range(50, 1900, 300) for y in range(60, 1000, 200)))
    assert [looked(attention, n * 0.16, crowd) for n in range(20)] == [WHOLE] * 20


def test_what_was_told_too_long_ago_is_not_relied_on() -> None:
    """As where many frames of a recording are examined at once."""
    attention = Attention(0.6)
    attention.region(0.0, VIEW)
    for n in range(1, 9):
        assert attention.region(n * 0.1, VIEW) == WHOLE  # nothing told yet
    attention.note(0.0, VIEW, faces(MIDDLE), NOBODY)
    assert attention.region(0.9, VIEW) == WHOLE
    attention.note(0.8, VIEW, faces(MIDDLE), NOBODY)
    assert attention.region(1.0, VIEW) != WHOLE


squares = st.tuples(st.floats(-50, 1900), st.floats(-50, 1060), st.floats(8, 300))


@given(
    st.lists(st.lists(squares, max_size=6), min_size=1, max_size=12),
    st.floats(0.02, 0.55),
    st.floats(-1, 1),
    st.floats(-1, 1),
)
def test_whoever_was_seen_last_is_searched_for_wherever_they_can_have_walked(
    seen: list[Faces], step: float, across: float, down: float
) -> None:
    attention = Attention(0.6)
    for number, found in enumerate(seen):
        looked(attention, number * step, faces(*found))
    region = attention.region(len(seen) * step, VIEW)
    for x, y, side in seen[-1]:
        moved_x, moved_y = x + across * PACE[0] * side * step, y + down * PACE[1] * side * step
        assert holds(region, moved_x - CONTEXT * side, moved_y - CONTEXT * side, side * (1 + 2 * CONTEXT))


@given(
    st.lists(st.tuples(squares, st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=6),
    st.floats(1.5, 25),
    st.integers(1, 3),
    st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=10, max_size=40),
)
def test_no_track_ends_before_the_whole_view_was_searched_for_its_face(
    walkers: list[tuple[tuple[float, float, float], float, float]],
    rate: float,
    behind: int,
    hidden: list[list[bool]],
) -> None:
    """Whoever is seen, walks, and is hidden for a while: between the last sight and the track's end there is
    a look at all of the view, at any rate and however many frames are examined at once."""
    lost = max(1.0, 2.5 / rate)
    tracker = Tracker(
        ids=(TrackId(n) for n in itertools.count(1)),
        high=0.6,
        lost_seconds=lost,
        longest_seconds=60,
        most=50,
    )
    attention = Attention(0.6)
    untold: list[tuple[float, Detections]] = []
    last_seen: dict[TrackId, float] = {}
    whole: list[float] = []
    for number, covered in enumerate(hidden):
        at = number / rate
        region = attention.region(at, VIEW)
        if region == WHOLE:
            whole.append(at)
        there = [
            (x + across * 9 * side * at, y + down * 2 * side * at, side)
            for ((x, y, side), across, down), out in zip(walkers, covered, strict=False)
            if not out
        ]
        found = faces(*(one for one in there if holds(region, *one)))
        update = tracker.update(found, at)
        for ended in update.ended:
            assert any(last_seen[ended] < one <= at for one in whole)
        last_seen |= {track: at for track in update.tracks if track is not None}
        untold.append((at, found))
        if len(untold) == behind:
            attention.note(untold[0][0], VIEW, untold.pop(0)[1], NOBODY)


# ---- the zone of recognition ----------------------------------------------------------------------------


def test_far_outside_a_zone_nothing_is_searched_even_when_nobody_has_been_seen() -> None:
    zone = Zone([(0.4, 0.5), (0.6, 0.5), (0.6, 0.7), (0.4, 0.7)])
    attention = Attention(0.6, zone.bounds)
    region = attention.region(0.0, VIEW)
    assert region.area < 0.2
    assert (region.left, region.right) == pytest.approx((0.32, 0.68))
    assert holds(region, 0.4 * 1920 - 150, 0.5 * 1080 - 150, 300)


@given(st.floats(0.3, 0.399), st.floats(0.5, 0.899), st.floats(8, 900))
def test_a_face_in_the_zone_that_is_too_large_for_its_rim_has_room_from_the_next_look_on(
    across: float, down: float, side: float
) -> None:
    face = across * 1920 - side / 2, down * 1080 - side / 2, side
    attention = Attention(0.6, Region(0.3, 0.5, 0.4, 0.9))
    attention.region(0.0, VIEW)
    attention.note(0.0, VIEW, NOBODY, faces(face))
    assert holds(attention.region(0.1, VIEW), *face)


# ---- pixels ---------------------------------------------------------------------------------------------

edges = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(edges, edges, st.integers(1, 120), st.integers(1, 120), st.sampled_from([8, 32]))
def test_a_part_holds_its_region_and_lies_on_the_detector_s_grid(
    across: list[float], down: list[float], half_width: int, half_height: int, step: int
) -> None:
    size = width, height = 2 * half_width, 2 * half_height
    region = Region(across[0], down[0], across[1], down[1])
    part = region.part(size, step)
    assert 0 <= part.left <= region.left * width
    assert 0 <= part.top <= region.top * height
    assert width >= part.right >= region.right * width - 1e-9
    assert height >= part.bottom >= region.bottom * height - 1e-9
    assert part.left % step == part.top % step == 0
    assert part.right % step == 0 or part.right == width
    assert region.area == 0 or min(part.size) > 0
    assert part.bottom % step == 0 or part.bottom == height


@pytest.mark.parametrize("size", [(960, 540), (640, 360), (540, 960), (16, 9)])
def test_the_whole_view_is_the_whole_picture(size: tuple[int, int]) -> None:
    assert WHOLE.part(size, 32) == (0, 0, *size)


def test_a_view_is_cut_in_thirds_across_and_finely_in_height() -> None:
    assert Region(0.4, 0.4, 0.6, 0.6).part((960, 540), 32) == (320, 192, 640, 352)
    assert Region(0.1, 0.4, 0.3, 0.6).part((960, 540), 32) == (0, 192, 320, 352)
    assert Region(0.3, 0.4, 0.6, 0.6).part((640, 360), 32) == (0, 128, 448, 224)


@pytest.mark.parametrize("box", [(-500, 300, 60), (2500, 300, 60), (800, 4000, 60), (float("nan"), 300, 60)])
def test_a_box_that_is_nonsense_leaves_the_whole_view_to_be_searched(box: tuple[float, float, float]) -> None:
    attention = Attention(0.6)
    looked(attention, 0.0, faces(box))
    assert looked(attention, 0.1, NOBODY) == WHOLE
