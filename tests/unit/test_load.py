"""A box that does not keep up says so, by the share of due frames that it analyses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lfrd.operation.load import WINDOW, Load


def fed(due: int, analysed: int, seconds: int) -> float | None:
    """The share after some seconds in which so many frames were due and analysed a second."""
    load, share = Load(), None
    for second in range(seconds + 1):
        share = load.update(float(second), due * second, analysed * second)
    return share


def test_nothing_is_said_before_a_whole_window_has_been_seen() -> None:
    assert fed(10, 1, int(WINDOW) - 1) is None


def test_the_share_is_that_of_the_window() -> None:
    assert fed(10, 10, 20) == 1.0
    assert fed(10, 4, 20) == 0.4


def test_a_box_that_catches_up_is_no_longer_degraded() -> None:
    load = Load()
    due = analysed = 0
    for second in range(40):
        due, analysed = due + 10, analysed + (2 if second < 20 else 10)
        share = load.update(float(second), due, analysed)
    assert share == 1.0


def test_being_asked_often_hides_nothing() -> None:
    load, share = Load(), None
    for number in range(2000):  # a hundred times a second
        share = load.update(number / 100, number // 10, number // 40)
    assert share is not None
    assert 0.2 < share < 0.3
    assert len(load._samples) < 20


def test_a_camera_without_due_frames_is_not_degraded() -> None:
    assert fed(0, 0, 20) is None


def test_what_was_before_a_reset_does_not_count() -> None:
    load = Load()
    for second in range(20):
        load.update(float(second), 10 * second, 0)
    load.reset()
    assert load.update(20.0, 200, 0) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=200))
def test_the_share_lies_between_nothing_and_all(steps: list[tuple[int, int]]) -> None:
    load = Load()
    due = analysed = 0
    for second, (more_due, more_analysed) in enumerate(steps):
        due, analysed = due + more_due, analysed + more_analysed
        share = load.update(float(second), due, analysed)
        assert share is None or 0.0 <= share <= 1.0
