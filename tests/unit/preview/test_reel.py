"""Pictures are held back for a moment and given out with their faces hidden; what is clear is wiped."""

from __future__ import annotations

import numpy as np
import pytest

from lfrd.preview.feed import Glimpse
from lfrd.preview.reel import HELD_SECONDS, LEAD_SECONDS, MOST_HELD, Reel, Veiled
from lfrd.types import U8, AlertId, Detections, TrackId

STEP = 0.1
WIDTH, HEIGHT = 320, 180
FACE = (100.0, 60.0, 40.0, 40.0)
"""In the live picture; the full-size frame is twice as large."""


def found(*boxes: tuple[float, float, float, float], score: float = 0.9) -> Detections:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(rows, np.zeros((len(rows), 5, 2), np.float32), np.full(len(rows), score, np.float32))


def nobody(_: U8) -> Detections:
    return Detections.none()


def noise() -> U8:
    return np.random.default_rng(1).integers(1, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)


class Street:
    """Glimpses of one person who stands still, and what comes of them."""

    def __init__(self, reel: Reel) -> None:
        self.reel = reel
        self.number = 0
        self.copies: list[U8] = []

    def glimpse(self, *, seen: bool = True, pixels: bool = True, track: int | None = 7) -> Glimpse:
        there = found((200.0, 120.0, 80.0, 80.0)) if seen else Detections.none()
        tracks = [None if track is None else TrackId(track)] if seen else []
        copy = noise() if pixels else None
        if copy is not None:
            self.copies.append(copy)
        at = self.number * STEP
        self.number += 1
        alerts = {TrackId(7): AlertId("a")}
        return Glimpse(at, (2 * WIDTH, 2 * HEIGHT), there, tracks, alerts, False, copy)

    def pass_by(self, seen: str, cleared: frozenset[TrackId] = frozenset()) -> list[Veiled]:
        """A letter a picture: x where the person is seen."""
        made: list[Veiled] = []
        for letter in seen:
            made += self.reel.put(self.glimpse(seen=letter == "x"), cleared)
        return made


def is_hidden(veiled: Veiled) -> bool:
    """Four squares across: hardly any pixel differs from its neighbour."""
    x, y, w, h = (int(value) for value in FACE)
    part = veiled.pixels[y : y + h, x : x + w].astype(int)
    return float(np.mean(np.abs(np.diff(part, axis=1)).sum(axis=2) > 0)) < 0.2


def test_a_picture_is_given_out_when_what_came_after_it_is_known() -> None:
    street = Street(Reel(nobody, high=0.6))
    made = street.pass_by("x" * 12)
    ats = [round(veiled.at, 6) for veiled in made]
    assert ats[0] >= LEAD_SECONDS - 1e-6
    assert ats == [round(number * STEP, 6) for number in range(3, 12 - round(HELD_SECONDS / STEP))]
    assert all(is_hidden(veiled) for veiled in made)


def test_a_face_that_is_first_seen_late_was_hidden_in_the_pictures_before() -> None:
    made = Street(Reel(nobody, high=0.6)).pass_by("......xxxxxx")
    by_time = {round(veiled.at / STEP): is_hidden(veiled) for veiled in made}
    assert by_time == {3: True, 4: True, 5: True, 6: True, 7: True, 8: True}


def test_the_second_look_hides_what_recognition_has_not_seen() -> None:
    reel = Reel(lambda pixels: found(FACE, score=0.25), high=0.6)
    assert all(is_hidden(veiled) for veiled in Street(reel).pass_by("." * 12))


def test_a_cleared_track_is_shown_and_hidden_from_the_moment_it_is_not() -> None:
    street = Street(Reel(nobody, high=0.6))
    shown = street.pass_by("x" * 12, frozenset({TrackId(7)}))
    assert shown
    assert not any(is_hidden(veiled) for veiled in shown)
    assert all(veiled.clear == {7} and veiled.boxes[0].alerted for veiled in shown)
    then = street.pass_by("x")
    assert [is_hidden(veiled) for veiled in then] == [True]
    assert then[0].clear == frozenset()


def test_boxes_are_told_in_shares_of_the_picture() -> None:
    (mark,) = Street(Reel(nobody, high=0.6)).pass_by("x" * 12)[0].boxes
    assert mark.track == 7
    assert [round(value, 4) for value in mark[1:5]] == [0.3125, 0.3333, 0.125, 0.2222]
    assert not mark.alerted


def test_the_faces_of_frames_whose_pixels_were_dropped_count() -> None:
    street = Street(Reel(nobody, high=0.6))
    made: list[Veiled] = []
    for number in range(14):
        made += street.reel.put(street.glimpse(pixels=number % 3 == 0, seen=number % 3 != 0), frozenset())
    assert len(made) == 3
    assert all(is_hidden(veiled) for veiled in made)


def test_what_is_not_given_out_is_wiped() -> None:
    street = Street(Reel(nobody, high=0.6))
    given = {id(veiled.pixels) for veiled in street.pass_by("x" * 8)}
    street.reel.wipe()
    assert given
    assert all(id(copy) in given or not copy.any() for copy in street.copies)


def test_what_is_held_is_bounded_where_no_later_frame_ever_counts() -> None:
    """A camera whose frames all come within a moment."""
    street = Street(Reel(nobody, high=0.6))
    for number in range(3 * MOST_HELD):
        one = street.glimpse()
        one.at = number * 1e-4
        assert list(street.reel.put(one, frozenset())) == []
    assert sum(bool(copy.any()) for copy in street.copies) <= MOST_HELD


def test_a_slow_camera_s_picture_waits_for_two_later_looks() -> None:
    street = Street(Reel(nobody, high=0.6))
    made: list[float] = []
    for number in range(5):
        one = street.glimpse()
        one.at = 0.5 * number
        made += [veiled.at for veiled in street.reel.put(one, frozenset())]
    assert made == [0.5, 1.0]


def test_a_recording_that_starts_again_begins_anew() -> None:
    street = Street(Reel(nobody, high=0.6))
    street.pass_by("x" * 5)
    old = list(street.copies)
    street.number = 0
    made = street.pass_by("." * 3)
    assert made == []
    assert not any(copy.any() for copy in old)


def test_a_camera_that_changes_its_size_begins_anew() -> None:
    street = Street(Reel(nobody, high=0.6))
    street.pass_by("x" * 5)
    one = street.glimpse()
    one.pixels = np.full((90, 160, 3), 9, np.uint8)
    assert list(street.reel.put(one, frozenset())) == []
    assert not any(copy.any() for copy in street.copies[:5])


def test_a_look_that_fails_leaves_no_clear_pixel_behind() -> None:
    def fails(_: U8) -> Detections:
        raise RuntimeError("no more memory")

    street = Street(Reel(fails, high=0.6))
    one = street.glimpse()
    with pytest.raises(RuntimeError):
        list(street.reel.put(one, frozenset()))
    assert not street.copies[0].any()
