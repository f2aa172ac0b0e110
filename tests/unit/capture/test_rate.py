from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.capture.rate import Rate


def test_every_third_frame_of_thirty_a_second_is_due_at_a_rate_of_ten() -> None:
    rate = Rate(10)
    assert [n for n in range(300) if rate.due(n / 30)] == list(range(0, 300, 3))


def test_a_camera_that_jitters_loses_no_frame_at_its_own_rate() -> None:
    rate = Rate(30)
    jitter = (0.0, 0.006, -0.006, 0.003)
    assert all(rate.due(n / 30 + jitter[n % 4]) for n in range(100))


def test_the_phase_does_not_drift_with_the_frames_that_fill_it() -> None:
    rate = Rate(10)
    taken = [at for n in range(3000) if rate.due(at := n * 1001 / 30000)]
    assert len(taken) == pytest.approx(taken[-1] * 10, abs=1.5)


def test_a_clock_that_jumps_back_begins_a_new_phase() -> None:
    rate = Rate(1)
    assert rate.due(1000.0)
    assert rate.due(5000.0)
    assert rate.due(2.0)
    assert not rate.due(2.5)
    assert rate.due(3.0)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200).map(sorted), st.floats(0.1, 60))
def test_no_more_than_the_rate_is_due_over_any_longer_time(times: list[float], wanted: float) -> None:
    rate = Rate(wanted)
    taken = [at for at in times if rate.due(at)]
    assert len(taken) <= (times[-1] - times[0]) * wanted + 1.25 + 1e-6


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="rate must be positive"):
        Rate(0)
