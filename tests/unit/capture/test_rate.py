from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.capture.rate import Ceiling, Rate, Share


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


# ---- under a ceiling ------------------------------------------------------------------------------------


def steps(times: list[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(times)]


@given(st.floats(0.5, 25), st.floats(0, 0.999))
def test_a_camera_under_a_ceiling_gives_that_many_frames_evenly(rate: float, place: float) -> None:
    share = Share(Ceiling(rate), place)
    times = [at for n in range(60 * 50) if share.due(at := 1000 + n / 50)]
    assert len(times) == pytest.approx(60 * rate, abs=2)
    assert all(abs(step - 1 / rate) < 0.0201 for step in steps(times[1:]))


def test_a_change_of_the_ceiling_moves_no_frame_out_of_its_turn() -> None:
    ceiling = Ceiling(10)
    share = Share(ceiling, 0.3)
    rates, times = {500: 2.0, 1000: 7.0, 1500: 10.0}, []
    for n in range(40 * 50):
        at = 1000.0 + n / 50
        if n in rates:
            ceiling.change(at, rates[n])
        if share.due(at):
            times.append((at, ceiling.slots(at)))
    assert len(times) == pytest.approx(10 * (10 + 2 + 7 + 10), abs=3)
    # A frame comes every 0.02 s, and a slot is filled by one of it: between two of them lies one slot.
    assert all(abs(step - 1) <= 0.21 for step in steps([slots for _, slots in times[1:]]))


def test_a_ceiling_that_moves_all_the_time_still_gives_what_it_stands_at() -> None:
    ceiling = Ceiling(10)
    shares = [Share(ceiling, place / 10) for place in range(10)]
    counts, due = [0] * 10, 0.0
    for n in range(60 * 25):
        at = n / 25
        if n % 12 == 0:
            ceiling.change(at, 2 + n % 7)
        due += ceiling.rate / 25
        for place, share in enumerate(shares):
            counts[place] += share.due(at)
    assert all(count == pytest.approx(due, abs=2) for count in counts)


@given(st.floats(1, 12), st.integers(2, 20))
def test_cameras_that_came_together_are_not_due_together(rate: float, cameras: int) -> None:
    ceiling = Ceiling(rate)
    shares = [Share(ceiling, number / cameras) for number in range(cameras)]
    due = [sum(share.due(n / 25) for share in shares) for n in range(250)]
    assert max(due[25:]) <= cameras * rate / 25 + 2


@given(st.floats(0, 1), st.floats(0.1, 1.0), st.floats(-0.005, 0.005))
def test_a_camera_that_is_as_fast_as_the_ceiling_or_slower_loses_nothing(
    place: float, share: float, jitter: float
) -> None:
    due = Share(Ceiling(10), place).due
    lost = sum(not due(1000 + n / (10 * share) + jitter * (-1) ** n) for n in range(300))
    assert lost <= 2


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200).map(sorted), st.floats(0.1, 60), st.floats(0, 1))
def test_no_more_than_the_ceiling_is_due_over_any_longer_time(
    times: list[float], rate: float, place: float
) -> None:
    share = Share(Ceiling(rate), place)
    taken = [at for at in times if share.due(at)]
    assert len(taken) <= (times[-1] - times[0]) * rate + 3.25 + 1e-6


def test_a_clock_that_jumps_back_does_not_silence_a_camera_under_a_ceiling() -> None:
    share = Share(Ceiling(1))
    assert share.due(5000.0)
    assert share.due(2.0)
    assert not share.due(2.5)
    assert share.due(3.0)


def test_a_decoders_thread_sees_a_change_whole() -> None:
    ceiling = Ceiling(1.0)
    turn = [(100.0, 3.0), (0.0, 4.0), (100.0, 2.0), (0.0, 1.0)]  # after which all is as it was
    seen: set[float] = set()
    done = threading.Event()

    def decode() -> None:
        while not done.is_set():
            seen.add(ceiling.slots(50.0))

    thread = threading.Thread(target=decode)
    thread.start()
    for _ in range(3000):
        for at, rate in turn:
            ceiling.change(at, rate)
    done.set()
    thread.join()
    assert seen <= {50.0, -50.0, 0.0, 100.0}


def test_a_ceiling_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="rate must be positive"):
        Ceiling(0)
