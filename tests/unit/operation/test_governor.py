"""The ceiling of analysed frames settles at what a box can do, and follows it; on a box that is simulated."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.operation.governor import CALM, DRAIN, FLOOR, GRACE, WINDOW, Governor, Sample, Seen
from tests.unit.operation.simulated_box import STEP, Box

OVERLOADS = [
    pytest.param(0.010, 16, 0.0, id="16-fast"),
    pytest.param(0.018, 10, 0.0, id="10"),
    pytest.param(0.030, 10, 0.0, id="10-slow"),
    pytest.param(0.030, 16, 0.0, id="16-slow"),
    pytest.param(0.018, 16, 0.3, id="16-beside-others"),
    pytest.param(0.060, 3, 0.3, id="3-slow-beside-others"),
]
"""Seconds a frame, cameras, share of the cores that other processes take."""


def swing(ceilings: list[float]) -> float:
    return (max(ceilings) - min(ceilings)) * len(ceilings) / sum(ceilings)


@pytest.mark.parametrize(("cost", "cameras", "others"), OVERLOADS)
@pytest.mark.parametrize("together", [True, False])
def test_from_above_it_settles_near_what_the_box_can_do(
    cost: float, cameras: int, others: float, together: bool
) -> None:
    box = Box(cost, others=others)
    box.add(cameras, together=together)
    box.run(60)
    before = [camera.analysed for camera in box.cameras]
    ceilings = box.run(60)
    rates = [(camera.analysed - n) / 60 for camera, n in zip(box.cameras, before, strict=True)]
    assert swing(ceilings) < 0.2
    assert 0.8 * box.capacity < sum(rates) / cameras <= box.capacity
    assert max(rates) - min(rates) < 0.1, "all cameras have the same"
    assert box.governor.pressed


@pytest.mark.parametrize(("cost", "cameras", "others"), OVERLOADS)
def test_from_below_it_settles_there_too(cost: float, cameras: int, others: float) -> None:
    box = Box(cost, others=others)
    box.add(cameras)
    box.run(30)
    fast, box.cost = box.cost, 10 * box.cost  # far too much for a while
    box.run(30)
    assert box.ceiling.rate < 0.5 * box.top
    box.cost = fast
    box.run(90)
    ceilings = box.run(60)
    assert swing(ceilings) < 0.2
    assert 0.8 * box.capacity < sum(ceilings) / len(ceilings) <= 1.05 * box.capacity


def test_what_is_due_is_analysed_and_waits_little_once_it_has_settled() -> None:
    box = Box(0.018)
    box.add(10)
    box.run(60)
    overtaken, waited, frames = sum(c.overtaken for c in box.cameras), box.waited, box.frames
    box.run(60)
    assert sum(c.overtaken for c in box.cameras) == overtaken
    assert (box.waited - waited) / (box.frames - frames) < 0.04


def test_a_box_that_can_do_it_all_is_left_alone() -> None:
    box = Box(0.018)
    box.add(6)
    assert set(box.run(120)) == {box.top}
    assert not box.governor.pressed


def test_cameras_that_were_switched_on_together_do_not_lower_it() -> None:
    box = Box(0.010)
    box.add(12)
    assert set(box.run(60)) == {box.top}


def test_it_recovers_when_cameras_leave_and_the_pressure_is_over_a_while_later() -> None:
    box = Box(0.030)
    box.add(16)
    box.run(60)
    assert box.ceiling.rate < 3
    for camera in box.cameras[4:]:
        camera.off = True
    assert FLOOR < box.run(5)[-1] < box.top
    assert box.governor.pressed
    assert box.run(CALM)[-1] == box.top
    box.run(CALM)
    assert not box.governor.pressed


def test_it_recovers_when_the_other_processes_leave() -> None:
    box = Box(0.018, others=0.6)
    box.add(10)
    box.run(120)
    assert box.ceiling.rate < 3
    box.others = 0.0
    ceilings = box.run(180)
    assert ceilings[-1] > 0.8 * box.capacity


def test_a_box_that_is_hopelessly_behind_stays_at_the_floor() -> None:
    box = Box(0.5)
    box.add(16)
    ceilings = box.run(60)
    assert min(ceilings) == ceilings[-1] == FLOOR


def test_as_many_workers_as_cameras_are_governed_though_nothing_waits_for_a_worker() -> None:
    box = Box(0.4)
    box.add(2)
    box.run(60)
    assert box.waited == pytest.approx(0.0)
    assert 0.8 * box.capacity < box.ceiling.rate < 1.2 * box.capacity


def test_one_camera_that_is_slow_by_itself_takes_nothing_from_the_others() -> None:
    box = Box(0.005)
    box.add(5)
    box.cameras[2].extra = 0.3
    assert set(box.run(60)) == {box.top}


def test_a_slow_camera_is_left_alone() -> None:
    box = Box(0.030)
    box.add(12)
    box.add(1, fps=1.0)
    box.run(60)
    slow = box.cameras[-1]
    assert slow.due >= 59
    assert slow.overtaken == 0


# ---- single signs ---------------------------------------------------------------------------------------


class Fed:
    """A governor of a box with two cores and three cameras at ten frames a second each."""

    def __init__(self, top: float = 10.0) -> None:
        self.governor = Governor(top, 2)
        self._at = 100.0
        self._frames, self._waited, self._processor = 0, 0.0, 0.0
        self._due, self._overtaken = [0, 0, 0], [0, 0, 0]

    def ceiling(
        self,
        seconds: float,
        *,
        wait: float = 0.0,
        busy: float = 0.5,
        lags: tuple[float | None, ...] = (0.1, 0.1, 0.1),
        overtaken: tuple[int, ...] = (0, 0, 0),
    ) -> float:
        """After so many seconds in which this was seen. overtaken: of the five frames of a step."""
        for _ in range(round(seconds / STEP)):
            self._at += STEP
            self._frames += 15
            self._waited += 15 * wait
            self._processor += 2 * busy * STEP
            self._due = [due + 5 for due in self._due]
            self._overtaken = [sum(pair) for pair in zip(self._overtaken, overtaken, strict=True)]
            seen = [Seen(*one) for one in zip(self._due, self._overtaken, lags, strict=True)]
            self.governor.update(Sample(self._at, self._frames, self._waited, self._processor, seen))
        return self.governor.ceiling


@pytest.mark.parametrize(
    "sign",
    [
        {"wait": 0.05},
        {"lags": (0.6, 0.7, 0.1)},
        {"overtaken": (1, 1, 0)},
    ],
    ids=["frames-wait", "frames-are-late", "frames-are-overtaken"],
)
def test_each_sign_that_half_of_the_cameras_show_lowers_it(sign: dict[str, Any]) -> None:
    fed = Fed()
    assert fed.ceiling(5.0) == 10.0
    assert fed.ceiling(WINDOW, **sign) == pytest.approx(8.5)
    assert fed.governor.pressed


@pytest.mark.parametrize(
    "sign", [{"lags": (9.0, 0.1, None)}, {"lags": (None, None, None)}, {"overtaken": (0, 0, 5)}]
)
def test_a_sign_of_one_camera_alone_does_not(sign: dict[str, Any]) -> None:
    fed = Fed()
    assert fed.ceiling(20.0, **sign) == 10.0


def test_the_first_seconds_are_not_judged() -> None:
    """Networks see each shape of picture for the first time then."""
    fed = Fed()
    fed.ceiling(STEP)
    assert fed.ceiling(GRACE, wait=9.0) == fed.governor.top
    assert fed.ceiling(WINDOW, wait=0.05) == fed.governor.top
    assert fed.ceiling(WINDOW, wait=0.05) < fed.governor.top


def test_what_comes_before_the_first_frame_is_neither_judged_nor_room() -> None:
    governor = Governor(6.25, 2, cameras=14)
    began = governor.ceiling
    for at in range(60):
        assert governor.update(Sample(at, 0, 0.0, 0.0, [Seen(0, 0, None)] * 14)) == began
    for at in range(60, 60 + int(GRACE)):
        assert governor.update(Sample(at, at, 9.0 * at, 2.0 * at, [Seen(at, 0, 9.0)] * 14)) == began


def test_what_stood_there_before_is_done_before_it_is_judged_again() -> None:
    fed = Fed()
    fed.ceiling(STEP + GRACE + WINDOW)
    lowered = fed.ceiling(WINDOW, wait=0.05)
    assert fed.ceiling(DRAIN, wait=9.0) == lowered
    assert fed.ceiling(DRAIN + WINDOW, wait=0.05) < lowered


def test_it_is_not_raised_while_the_cores_are_busy_though_nothing_waits() -> None:
    fed = Fed()
    fed.ceiling(5.0, wait=0.2)
    lowered = fed.ceiling(30.0, busy=0.95)
    assert fed.ceiling(30.0, busy=0.95) == lowered
    assert fed.ceiling(30.0, busy=0.5) > lowered


def test_what_is_too_much_again_and_again_is_tried_ever_more_rarely() -> None:
    fed = Fed()

    def lowered(seconds: float) -> int:
        """How often, in a box that can do seven frames a second."""
        times = 0
        for _ in range(round(seconds / STEP)):
            before = fed.governor.ceiling
            times += fed.ceiling(STEP, wait=0.05 if before > 7 else 0.0) < before
        return times

    first = lowered(120)
    lowered(240)
    assert 1 <= lowered(120) <= 2 < first


def test_between_little_and_much_it_stays() -> None:
    fed = Fed()
    fed.ceiling(5.0, wait=0.2)
    settled = fed.ceiling(DRAIN + 2 * WINDOW, wait=0.025)
    assert fed.ceiling(60.0, wait=0.025) == settled < 10.0


def test_the_floor_is_not_above_the_top() -> None:
    fed = Fed(top=0.5)
    assert fed.ceiling(30.0, wait=1.0) == 0.5


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.integers(0, 300), st.floats(0, 100), st.floats(0, 9), st.floats(0, 9)),
        max_size=60,
    ),
    st.floats(0.1, 120),
)
def test_whatever_it_sees_it_stays_between_the_floor_and_the_top(
    steps: list[tuple[float, int, float, float, float]], top: float
) -> None:
    governor = Governor(top, 2)
    at = waited = processor = 0.0
    frames = due = 0
    for seconds, more, wait, busy, lag in steps:
        at, frames, due = at + seconds, frames + more, due + 2 * more
        waited, processor = waited + wait, processor + busy
        ceiling = governor.update(Sample(at, frames, waited, processor, [Seen(due, due - frames, lag)]))
        assert min(FLOOR, top) <= ceiling <= top
        assert governor.pressed or ceiling == top


@pytest.mark.parametrize(
    ("cameras", "begins", "pressed"),
    [(1, 6.25, False), (7, 6.25, False), (10, 4.375, True), (99, FLOOR, True)],
)
def test_with_many_cameras_to_a_core_the_ceiling_begins_where_a_box_of_two_cores_was_found(
    cameras: int, begins: float, pressed: bool
) -> None:
    governor = Governor(6.25, 2, cameras)
    assert (governor.ceiling, governor.pressed) == (begins, pressed)


@pytest.mark.parametrize(("busy", "seconds"), [(0.3, 5), (0.6, 5), (0.8, 11)])
def test_cameras_that_cost_little_are_soon_looked_at_as_often_as_the_top_says(
    busy: float, seconds: float
) -> None:
    governor = Governor(6.25, 2, 10)
    at, due = 0.0, 0
    while governor.ceiling < 6.25:
        at, due = at + 0.5, due + 2
        governor.update(Sample(at, 10 * due, 0.0, 2 * busy * at, [Seen(due, 0, 0.05)] * 10))
    assert at <= seconds
