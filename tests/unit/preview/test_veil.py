"""What is hidden in a picture: every face seen in it, shortly before or shortly after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfrd.preview.veil import LINGER, ONCE, Look, Region, Veil, hidden, together
from lfrd.types import F32, Detections, TrackId
from lfrd.vision.blur import GROWN

HIGH = 0.6
STEP = 0.1
SIDE = 40.0


def found(boxes: Sequence[Sequence[float]], score: float = 0.9) -> Detections:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(rows, np.zeros((len(rows), 5, 2), np.float32), np.full(len(rows), score, np.float32))


def looked(at: float, boxes: Sequence[Sequence[float]], *tracks: int | None, score: float = 0.9) -> Look:
    named = [None if track is None else TrackId(track) for track in tracks] or [None] * len(boxes)
    return Look(at, found(boxes, score), named)


def covers(boxes: F32, face: Sequence[float]) -> bool:
    """Whether one of the boxes, grown as `hide` grows it, covers the whole face."""
    x, y, w, h = face
    for left, top, width, height in boxes.tolist():
        dx, dy = width * (GROWN - 1) / 2, height * (GROWN - 1) / 2
        if left - dx <= x and top - dy <= y and left + width + dx >= x + w and top + height + dy >= y + h:
            return True
    return False


def walked(number: int, start: float, speed: float) -> list[float]:
    """A face's box in picture `number`. speed: face sides a second."""
    return [start + speed * SIDE * STEP * number, 100.0, SIDE, SIDE]


@given(
    speeds=st.lists(st.floats(-5, 5), min_size=1, max_size=4),
    missed=st.lists(st.lists(st.integers(0, 29), max_size=12), min_size=4, max_size=4),
)
def test_a_face_that_the_detector_misses_now_and_then_is_hidden_all_the_same(
    speeds: list[float], missed: list[list[int]]
) -> None:
    """Up to two pictures in a row are missed, also the first ones: what was held back is hidden too."""
    veil = Veil(high=HIGH)
    gone = [_thinned(set(numbers)) for numbers in missed]
    for number in range(30):
        there = [
            walked(number, 1000.0 * who, speed) for who, speed in enumerate(speeds) if number not in gone[who]
        ]
        veil.see(looked(number * STEP, there))
    for number in range(2, 27):
        boxes = hidden(veil.regions(number * STEP))
        for who, speed in enumerate(speeds):
            assert covers(boxes, walked(number, 1000.0 * who, speed))


def _thinned(numbers: set[int]) -> set[int]:
    """No more than two in a row."""
    kept: set[int] = set()
    for number in sorted(numbers):
        if not {number - 1, number - 2} <= kept:
            kept.add(number)
    return kept


@given(speed=st.floats(-4, 4), first=st.integers(1, 3))
def test_a_face_that_is_seen_late_was_hidden_before(speed: float, first: int) -> None:
    veil = Veil(high=HIGH)
    for number in range(8):
        veil.see(looked(number * STEP, [walked(number, 500, speed)] if number >= first else []))
    for number in range(8):
        assert covers(hidden(veil.regions(number * STEP)), walked(number, 500, speed))


def test_a_fast_walker_seen_once_so_far_is_hidden_in_the_pictures_just_before() -> None:
    veil = Veil(high=HIGH)
    veil.see(looked(0.0, []))
    veil.see(looked(0.1, [walked(1, 500, 3.0)]))
    assert covers(hidden(veil.regions(0.0)), walked(0, 500, 3.0))


def test_a_face_that_is_seen_no_more_stays_hidden_for_a_while_and_not_for_ever() -> None:
    veil = Veil(high=HIGH)
    for number in range(5):
        veil.see(looked(number * STEP, [[100, 100, SIDE, SIDE]]))
    last = 4 * STEP
    assert covers(hidden(veil.regions(last + LINGER - 0.01)), [100, 100, SIDE, SIDE])
    assert len(hidden(veil.regions(last + LINGER + 0.01))) == 0


def test_what_was_once_and_with_doubt_taken_for_a_face_is_hidden_only_briefly() -> None:
    veil = Veil(high=HIGH)
    veil.see(looked(1.0, [[100, 100, SIDE, SIDE]], score=HIGH / 3))
    assert len(hidden(veil.regions(1.0))) == 1
    assert len(hidden(veil.regions(1.0 + ONCE))) == 1
    assert len(hidden(veil.regions(1.0 + ONCE + 0.01))) == 0


def test_beyond_the_most_that_can_be_followed_each_face_is_hidden_where_it_is_seen() -> None:
    veil = Veil(high=HIGH)
    boxes = [[60.0 * (n % 40), 60.0 * (n // 40), 20.0, 20.0] for n in range(800)]
    veil.see(looked(0.0, boxes))
    regions = veil.regions(0.0)
    assert len(regions) == 800
    assert all(region.seen for region in regions)


def test_boxes_that_are_no_numbers_are_left_out() -> None:
    veil = Veil(high=HIGH)
    veil.see(looked(0.0, [[100, 100, SIDE, SIDE]]))
    assert len(veil.regions(0.0)) == 1


# ---- who is shown ----------------------------------------------------------------------------------------


def shown(veil: Veil, at: float, *cleared: int) -> list[Region]:
    return [region for region in veil.regions(at, {TrackId(track) for track in cleared}) if region.clear]


def test_only_the_track_with_a_standing_alert_is_shown() -> None:
    veil = Veil(high=HIGH)
    for number in range(5):
        veil.see(looked(number * STEP, [[100, 100, SIDE, SIDE], [400, 100, SIDE, SIDE]], 7, 8))
    (one,) = shown(veil, 0.2, 7)
    assert one.track == 7
    assert one.box.tolist() == [100, 100, SIDE, SIDE]
    assert covers(hidden(veil.regions(0.2, {TrackId(7)})), [400, 100, SIDE, SIDE])
    assert not covers(hidden(veil.regions(0.2, {TrackId(7)})), [100, 100, SIDE, SIDE])
    assert shown(veil, 0.2) == []


def test_a_face_that_recognition_does_not_follow_is_never_shown() -> None:
    """One outside the zone, or seen by the second look alone."""
    veil = Veil(high=HIGH)
    for number in range(5):
        veil.see(looked(number * STEP, [[100, 100, SIDE, SIDE]], None))
    assert shown(veil, 0.2, 7) == []


@given(st.lists(st.sampled_from([None, 7, 8]), min_size=5, max_size=5))
def test_a_face_that_recognition_has_followed_by_two_tracks_is_not_shown(tracks: list[int | None]) -> None:
    """Who of two people it was, is in doubt."""
    veil = Veil(high=HIGH)
    for number, track in enumerate(tracks):
        veil.see(looked(number * STEP, [[100, 100, SIDE, SIDE]], track))
    for number in range(5):
        for region in shown(veil, number * STEP, 7):
            assert set(tracks) <= {None, 7}
            assert region.track == 7


def test_who_stands_before_an_alerted_person_stays_hidden() -> None:
    veil = Veil(high=HIGH)
    veil.see(looked(0.0, [[100, 100, SIDE, SIDE], [130, 100, SIDE, SIDE]], 7, 8))
    assert covers(hidden(veil.regions(0.0, {TrackId(7)})), [130, 100, SIDE, SIDE])


def test_where_an_alerted_face_was_not_seen_nothing_is_shown() -> None:
    """Somebody else may stand there by then."""
    veil = Veil(high=HIGH)
    for number in (0, 1, 3, 9):
        veil.see(looked(number * STEP, [[100, 100, SIDE, SIDE]], 7))
    assert len(shown(veil, 0.2, 7)) == 1
    assert shown(veil, 0.5, 7) == []
    assert shown(veil, 1.0, 7) == []


def test_after_a_cut_nobody_goes_on() -> None:
    veil = Veil(high=HIGH)
    veil.see(looked(0.0, [[100, 100, SIDE, SIDE]], 7))
    veil.cut()
    veil.see(looked(0.1, [[100, 100, SIDE, SIDE]], None))
    assert shown(veil, 0.1, 7) == []


# ---- two looks -------------------------------------------------------------------------------------------


def test_what_only_the_second_look_has_seen_is_added_and_has_no_track() -> None:
    first = looked(0.0, [[100, 100, SIDE, SIDE]], 7)
    both = together(first, found([[104, 98, SIDE, SIDE], [300, 100, SIDE, SIDE]], 0.3))
    assert both.found.boxes.tolist() == [[100, 100, SIDE, SIDE], [300, 100, SIDE, SIDE]]
    assert both.tracks == [7, None]


def test_two_looks_that_see_nobody_see_nobody() -> None:
    both = together(looked(0.0, []), Detections.none())
    assert len(both.found) == 0
    assert both.tracks == []
    assert len(together(looked(0.0, []), found([[1, 1, 9, 9]])).found) == 1
