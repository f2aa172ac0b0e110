"""How far behind a live stream is read, of cameras and readers that are simulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.capture.backlog import LONGEST_STEP, Backlog

PERIOD = 0.04
CLOCK = 1000.0
"""The reader's clock when the camera took its first frame."""


def read(
    works: Sequence[float],
    *,
    stamps: Callable[[int], float | None] = lambda number: 7.0 + number * PERIOD,
    jitter: Sequence[float] = (0.0,),
) -> list[tuple[float, float]]:
    """What is said of each frame, and how long it had stood in truth, in seconds. works: what the reader does
    with each frame; frame n comes at n PERIODs, plus its jitter."""
    backlog = Backlog()
    now, said = CLOCK, []
    for number, work in enumerate(works):
        came = CLOCK + number * PERIOD + jitter[number % len(jitter)]
        waited = max(0.0, came - now)
        now += waited
        said.append((backlog.behind(stamps(number), now, waited), now - came))
        now += work
    return said


@given(
    st.lists(st.floats(0, 0.038), min_size=30, max_size=60),
    st.lists(st.floats(0, 0.01), min_size=1, max_size=9),
)
def test_a_reader_that_keeps_up_is_never_far_behind(works: list[float], jitter: list[float]) -> None:
    assert all(behind <= 0.05 for behind, _ in read(works, jitter=jitter))


@given(
    st.lists(st.floats(0, 0.3), min_size=1, max_size=80), st.lists(st.floats(0, 0.01), min_size=1, max_size=9)
)
def test_what_has_piled_up_is_known_within_a_frames_time(works: list[float], jitter: list[float]) -> None:
    for behind, stood in read([*[0.001] * 10, *works, *[0.001] * 200], jitter=jitter):
        assert behind >= 0
        assert abs(behind - stood) <= PERIOD


def test_a_backlog_that_has_been_read_is_gone() -> None:
    said = [behind for behind, _ in read([*[0.01] * 5, *[0.5] * 10, *[0.001] * 200])]
    assert max(said) > 4
    assert said[-1] == 0


@pytest.mark.parametrize("pace", [0.5, 2.0])
def test_a_camera_whose_stamps_run_at_a_wrong_pace_is_not_taken_for_a_backlog(pace: float) -> None:
    said = read([0.01] * 1000, stamps=lambda number: pace * number * PERIOD)
    assert all(behind <= PERIOD for behind, _ in said)


@pytest.mark.parametrize("leap", [-3.0, -3600.0, 3.0, LONGEST_STEP + 1, 3600.0])
def test_a_camera_whose_clock_is_set_is_not_taken_for_a_backlog(leap: float) -> None:
    said = read([0.01] * 100, stamps=lambda number: number * PERIOD + leap * (number >= 50))
    assert all(behind <= PERIOD for behind, _ in said)


def test_a_clock_that_is_set_in_the_middle_of_a_backlog_leaves_it_as_it_was() -> None:
    stamps = lambda number: number * PERIOD - 60 * (number >= 8)  # noqa: E731
    said = [behind for behind, _ in read([0.3] * 10, stamps=stamps)]
    assert said[8] == said[7] > 1


def test_frames_without_a_stamp_stand_as_long_as_the_one_before() -> None:
    stamps: Callable[[int], float | None] = lambda number: None if number % 2 else number * PERIOD  # noqa: E731
    said = [behind for behind, _ in read([0.2] * 10, stamps=stamps)]
    assert said[9] == said[8] > 1
    assert Backlog().behind(None, 5.0, 0.0) == 0
