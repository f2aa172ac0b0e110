"""The size at which frames are searched settles under a load that stays, and follows it; on a simulated box.

The box is one of docs/performance.md: street cameras, 24 ms a look at full size, half of that for searching.
"""

from __future__ import annotations

import itertools

import pytest

from lfrd.operation.size import PATIENCE_MOST, sizes
from tests.unit.operation.simulated_box import STEP, Box

SIDES = sizes(960, 640)


def box_of(cameras: int, *, others: float = 0.0, searching: float = 0.53) -> Box:
    box = Box(0.0235, decode=0.0035, top=6.25, others=others, sides=SIDES, searching=searching)
    box.add(cameras)
    return box


def changes(sides: list[int]) -> int:
    return sum(one != other for one, other in itertools.pairwise(sides))


@pytest.mark.parametrize(("cameras", "side"), [(7, 960), (9, 768), (11, 640), (16, 640)])
def test_it_settles_at_the_largest_size_at_which_cameras_are_looked_at_often_enough(
    cameras: int, side: int
) -> None:
    box = box_of(cameras)
    box.run(120)
    before = len(box.searched)
    ceilings = box.run(600)
    assert set(box.searched[before:]) == {side}
    if cameras < 11:
        assert set(ceilings) == {box.top}


@pytest.mark.parametrize("searching", [0.2, 0.53, 0.9])
@pytest.mark.parametrize("cameras", [8, 10])
def test_it_settles_wherever_the_time_goes(cameras: int, searching: float) -> None:
    """What a size is expected to cost is a guess, and the box judges it."""
    box = box_of(cameras, searching=searching)
    box.run(120)
    before = len(box.searched)
    box.run(600)
    assert changes(box.searched[before:]) <= 2


def test_a_size_that_only_seems_to_fit_is_tried_less_and_less_often() -> None:
    """The process knows nothing of what the other processes on the box take."""
    box = box_of(6, others=0.35)
    box.run(600)
    ceilings = box.run(1200)
    late = box.searched[-len(ceilings) :]
    assert late.count(768) > 0.95 * len(late)
    assert changes(late) <= 2 * (1 + 1200 / PATIENCE_MOST)
    assert sum(ceilings) / len(ceilings) > 0.97 * box.top


def test_it_recovers_from_a_few_bad_seconds_within_a_minute_and_a_half() -> None:
    box = box_of(7)
    box.run(60)
    box.others = 0.6
    box.run(4)
    assert box.searched[-1] < 960
    box.others = 0.0
    box.run(90)
    assert box.searched[-1] == 960
    assert box.ceiling.rate == box.top


def test_it_follows_cameras_that_leave() -> None:
    box = box_of(12)
    box.run(60)
    assert box.searched[-1] == 640
    for camera in box.cameras[6:]:
        camera.off = True
    box.run(90)
    assert box.searched[-1] == 960
    assert box.ceiling.rate == box.top


def test_a_crowd_that_comes_and_goes_every_ten_seconds_does_not_make_it_swing() -> None:
    box = box_of(8)
    quiet, busy = 0.018, 0.030  # seconds a look: templates are half of it
    for number in range(60):
        box.cost = busy if number % 2 else quiet
        box.run(10)
    minutes = len(box.searched) * STEP / 60
    assert changes(box.searched) < minutes
