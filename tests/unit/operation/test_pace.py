"""Faces a minute by a counter and a sliding window."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.operation.pace import LEAST, WINDOW, Pace


def test_nothing_is_said_before_a_few_seconds_have_passed() -> None:
    pace = Pace()
    assert pace.read(100, 0) is None
    assert pace.read(100 + LEAST - 0.1, 3) is None
    assert pace.read(100 + LEAST, 3) == pytest.approx(3 * 60 / LEAST)


def test_what_lies_before_the_window_counts_no_more() -> None:
    pace = Pace()
    for second in range(181):
        said = pace.read(second, 10 * min(second, 60))  # ten a second for a minute, then nobody
    assert said == 0


def test_a_counter_that_begins_anew_begins_the_window_anew() -> None:
    pace = Pace()
    pace.read(0, 500)
    pace.read(30, 600)
    assert pace.read(31, 2) is None
    assert pace.read(41, 12) == pytest.approx(60)


@given(st.lists(st.tuples(st.floats(0.01, 20), st.integers(0, 30)), min_size=1, max_size=60))
def test_the_pace_is_what_the_kept_readings_show(steps: list[tuple[float, int]]) -> None:
    times = list(itertools.accumulate(step[0] for step in steps))
    totals = list(itertools.accumulate(step[1] for step in steps))
    pace = Pace()
    kept: list[tuple[float, int]] = []
    for at, total in zip(times, totals, strict=True):
        said = pace.read(at, total)
        if not kept or at - kept[-1][0] >= 1.0:
            kept.append((at, total))
        edge = max((one for one in kept if one[0] <= at - WINDOW), default=kept[0])
        if at - edge[0] < LEAST:
            assert said is None
        else:
            assert said == pytest.approx((total - edge[1]) * 60 / (at - edge[0]))
