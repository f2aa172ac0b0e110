"""Between the journey and the studio: newest wins for pixels, and nothing is kept for nobody."""

from __future__ import annotations

import numpy as np
import pytest

from lfrd.preview.feed import MOST_WAITING, Feed, Glimpse
from lfrd.types import U8, CameraId, Detections


def glimpse(at: float, pixels: U8 | None = None) -> Glimpse:
    return Glimpse(at, (64, 36), Detections.none(), [], {}, False, pixels)


def clear() -> U8:
    return np.full((36, 64, 3), 200, np.uint8)


def feed() -> Feed:
    return Feed(CameraId("street"), 640, lambda: None)


def test_nothing_is_wanted_while_nobody_watches() -> None:
    one = feed()
    assert one.wanted(0.0, busy=False) is None
    one.watch(True)
    assert one.wanted(0.0, busy=False) == (640, True)
    one.watch(False)
    assert one.wanted(0.0, busy=False) is None


def test_while_a_copy_waits_only_the_faces_of_the_next_frames_are_wanted() -> None:
    one = feed()
    one.watch(True)
    one.put(glimpse(0.0, clear()))
    assert one.wanted(0.0, busy=False) == (640, False)
    one.put(glimpse(0.1))
    for taken in one.take():
        taken.wipe()
    assert one.wanted(0.0, busy=False) == (640, True)


def test_while_recognition_is_busy_a_picture_is_wanted_only_now_and_then() -> None:
    one = feed()
    one.watch(True)
    asked = [one.wanted(number / 10, busy=True) for number in range(50)]
    wanted = [number for number, each in enumerate(asked) if each is not None and each.pixels]
    assert wanted == [0, 20, 40]
    spare = one.wanted(5.0, busy=False)
    assert spare is not None
    assert spare.pixels
    again = one.wanted(0.0, busy=True)  # a recording that begins again
    assert again is not None
    assert again.pixels


@pytest.mark.parametrize(("watched", "wanted"), [(1, [0, 20, 40, 60, 80]), (3, [0, 60]), (20, [0, 80])])
def test_cameras_that_are_watched_share_what_a_busy_recognition_leaves(
    watched: int, wanted: list[int]
) -> None:
    one = Feed(CameraId("street"), 640, lambda: None, lambda: watched)
    one.watch(True)
    asked = [one.wanted(number / 10, busy=True) for number in range(100)]
    assert [number for number, each in enumerate(asked) if each is not None and each.pixels] == wanted


def test_the_newest_copy_wins_and_the_older_one_s_faces_are_kept() -> None:
    one, older, newer = feed(), clear(), clear()
    one.watch(True)
    one.put(glimpse(0.0, older))
    one.put(glimpse(0.1, newer))
    assert not older.any()
    taken = one.take()
    assert [each.at for each in taken] == [0.0, 0.1]
    assert taken[0].pixels is None
    assert taken[1].pixels is newer
    assert one.statistics().dropped == 1


def test_what_waits_is_bounded_and_wiped_when_nobody_watches_any_more() -> None:
    one, pixels = feed(), clear()
    one.watch(True)
    for number in range(2 * MOST_WAITING):
        one.put(glimpse(number))
    one.put(glimpse(99.0, pixels))
    assert len(one.take()) == MOST_WAITING
    one.put(glimpse(100.0, pixels))
    one.watch(False)
    assert not pixels.any()
    assert one.take() == []


def test_a_glimpse_that_comes_when_nobody_watches_is_wiped() -> None:
    one, pixels = feed(), clear()
    one.put(glimpse(0.0, pixels))
    assert not pixels.any()
    assert one.take() == []


def test_when_no_frame_comes_for_long_nothing_is_kept_and_what_was_gathered_is_over() -> None:
    one, pixels = feed(), clear()
    one.watch(True)
    visit = one.visit
    one.put(glimpse(0.0, pixels))
    one.rest()
    assert not pixels.any()
    assert one.visit == visit + 1
    assert one.watched


def test_each_time_that_somebody_begins_to_watch_counts_once() -> None:
    one = feed()
    for on in (True, True, False, True):
        one.watch(on)
    assert one.visit == 2
