"""A camera of which too few frames are analysed is said to be degraded, and not at every moment otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.operation.load import AGAIN, WINDOW, Load, Shortfall


def fed(given: float, analysed: float, seconds: float = 20, *, load: Load | None = None) -> Shortfall | None:
    """After some seconds at so many frames a second, of which 4 are wanted and 10 may be analysed."""
    load = load or Load(4.0, 10.0)
    short = None
    for second in range(round(seconds) + 1):
        short = load.update(float(second), round(given * second), round(analysed * second))
    return short


def test_nothing_is_said_before_a_whole_window_has_been_seen() -> None:
    assert fed(25, 1, WINDOW - 1) is None


def test_fewer_than_are_wanted_are_told_with_what_is_wanted() -> None:
    assert fed(25, 2) == Shortfall(2.0, 4.0)


@pytest.mark.parametrize("analysed", [10, 5, 4, 3.9])
def test_as_many_as_are_wanted_are_enough_however_many_come(analysed: float) -> None:
    assert fed(25, analysed) is None


def test_a_camera_that_gives_less_is_content_when_all_of_it_is_analysed() -> None:
    assert fed(1, 1) is None
    assert fed(2, 2) is None
    assert fed(2, 1) == Shortfall(1.0, 2.0)


def test_a_frame_under_way_is_no_shortfall() -> None:
    load = Load(4.0, 10.0)
    for second in range(20):
        assert load.update(float(second), second, max(0, second - 1)) is None


def test_a_box_that_catches_up_is_no_longer_degraded() -> None:
    load = Load(4.0, 10.0)
    given = analysed = 0
    said = []
    for second in range(40):
        given, analysed = given + 25, analysed + (2 if second < 20 else 10)
        said.append(load.update(float(second), given, analysed) is not None)
    assert said[19]
    assert not said[39]


def test_who_was_short_is_so_until_it_is_plainly_enough() -> None:
    def after(then: float) -> Shortfall | None:
        load = Load(4.0, 10.0)
        analysed = 0.0
        for second in range(60):
            analysed += 3 if second < 20 else then
            short = load.update(float(second), 25 * second, int(analysed))
        return short

    assert after(4.0) is not None
    assert after(4.0 * AGAIN) is None


def test_where_all_that_may_be_analysed_is_wanted_it_can_be_enough_again() -> None:
    load = Load(4.0, 4.0)
    for second in range(60):
        short = load.update(float(second), 25 * second, 2 * min(second, 20) + 4 * max(0, second - 20))
    assert short is None


def test_more_is_not_wanted_than_may_be_analysed() -> None:
    load = Load(4.0, 2.0)  # a segment that was frozen before there was a least rate
    for second in range(20):
        assert load.update(float(second), 25 * second, 2 * second) is None


def test_being_asked_often_hides_nothing() -> None:
    load, short = Load(4.0, 10.0), None
    for number in range(2000):  # a hundred times a second
        short = load.update(number / 100, number // 4, number // 50)
    assert short is not None
    assert short.analysed == pytest.approx(2.0, abs=0.2)
    assert len(load._samples) < 20


def test_a_camera_without_frames_is_not_degraded() -> None:
    assert fed(0, 0) is None


def test_what_was_before_a_reset_does_not_count() -> None:
    load = Load(4.0, 10.0)
    for second in range(20):
        load.update(float(second), 25 * second, 0)
    load.reset()
    assert load.update(20.0, 500, 0) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=200))
def test_a_shortfall_is_one(steps: list[tuple[int, int]]) -> None:
    load = Load(4.0, 10.0)
    given = analysed = 0
    for second, (came, done) in enumerate(steps):
        given, analysed = given + came, analysed + min(came, done)
        short = load.update(float(second), given, analysed)
        assert short is None or short.analysed < AGAIN * 4.0
        assert short is None or short.wanted <= 4.0
