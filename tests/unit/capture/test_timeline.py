from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lfrd.capture.timeline import LONGEST_GAP, Timeline


def test_media_time_begins_at_zero_whatever_the_first_stamp_is() -> None:
    timeline = Timeline(0.04)
    assert [timeline.at(stamp) for stamp in (1.5, 1.75, 2.0)] == [0.0, 0.25, 0.5]


def test_frames_without_stamps_follow_at_the_period() -> None:
    timeline = Timeline(0.5)
    assert [timeline.at(None) for _ in range(3)] == [0.0, 0.5, 1.0]


def test_a_loop_goes_on_where_the_recording_ended() -> None:
    timeline = Timeline(0.5)
    assert [timeline.at(stamp) for stamp in (0.0, 0.5, 0.0, 0.5)] == [0.0, 0.5, 1.0, 1.5]


def test_a_splice_of_two_recordings_is_one_period() -> None:
    timeline = Timeline(0.5)
    stamps = (0.0, 0.5, 0.25, 0.75, 0.75 + LONGEST_GAP + 1)
    assert [timeline.at(stamp) for stamp in stamps] == [0.0, 0.5, 1.0, 1.5, 2.0]


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=50), st.floats(0.01, 1))
def test_media_time_always_goes_forward(stamps: list[float | None], period: float) -> None:
    timeline = Timeline(period)
    times = [timeline.at(stamp) for stamp in stamps]
    assert all(a < b for a, b in itertools.pairwise(times))
