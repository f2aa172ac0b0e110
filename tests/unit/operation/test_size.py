"""Under pressure frames are searched smaller, step by step, before fewer of them are; larger with room."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lfrd.operation.governor import GONE, Governor, Sample, Seen
from lfrd.operation.size import PATIENCE, PATIENCE_MOST, SETTLE, SHORT, STEP, WHOLE, Size, sizes

CORES = 2
SIDES = (960, 768, 640)


class Box:
    """A governor whose load a test sets: `late` frames are too much; busy is a share of the cores' time."""

    def __init__(self, sides: Sequence[int] = SIDES) -> None:
        self.governor = Governor(6.25, CORES)
        self.size = Size(sides)
        self.at = 100.0
        self._processor = 0.0
        self._due = 0

    def after(self, seconds: float, *, late: bool = False, busy: float) -> int:
        for _ in range(round(seconds * 2)):
            self.at += 0.5
            self._processor += 0.5 * CORES * busy
            self._due += 3
            seen = [Seen(self._due, 0, 1.0 if late else 0.05)]
            self.governor.update(Sample(self.at, self._due, 0.0, self._processor, seen))
            self.size.update(self.at, self.governor)
        return self.size.side

    def until_side(self, side: int, *, late: bool = False, busy: float) -> float:
        """Seconds that it takes, of `PATIENCE_MOST` and some more at the most."""
        began = self.at
        while self.size.side != side:
            self.after(0.5, late=late, busy=busy)
            assert self.at - began < PATIENCE_MOST + 60, self.size.side
        return self.at - began

    def until_top(self, *, busy: float) -> None:
        while self.governor.ceiling < self.governor.top:
            self.after(0.5, busy=busy)


# ---- which sizes ----------------------------------------------------------------------------------------


def test_between_the_default_sizes_lies_one_more() -> None:
    assert sizes(960, 640) == (960, 768, 640)


def test_where_the_least_size_is_not_smaller_there_is_one_size() -> None:
    assert sizes(640, 640) == sizes(640, 960) == (640,)


@given(st.integers(160, 4096), st.integers(160, 4096))
@example(270, 192)  # what lies between would be 192 as well
def test_sizes_fall_from_the_full_one_to_the_least_in_steps_that_are_alike(full: int, least: int) -> None:
    made = sizes(full, least)
    assert made[0] == full
    assert made[-1] == min(full, least)
    assert all(larger > smaller for larger, smaller in itertools.pairwise(made))
    assert all(side % WHOLE == 0 for side in made[1:-1])
    rounded = WHOLE / min(full, least)  # a size between may lie half of it off, at either end of a step
    assert all(larger / smaller < STEP**1.5 * (1 + rounded) for larger, smaller in itertools.pairwise(made))


# ---- smaller --------------------------------------------------------------------------------------------


def test_a_box_with_room_searches_at_full_size() -> None:
    assert Box().after(60, busy=0.9) == 960


def test_a_little_less_than_the_top_is_no_reason() -> None:
    box = Box()
    while box.governor.ceiling == box.governor.top:
        box.after(0.5, late=True, busy=0.95)
    assert box.governor.ceiling > SHORT * box.governor.top
    assert box.size.side == 960


def test_a_box_with_too_much_to_do_searches_one_size_smaller_and_stays_so_while_the_cores_are_busy() -> None:
    box = Box()
    box.until_side(768, late=True, busy=0.95)
    assert box.after(300, busy=0.85) == 768
    assert box.governor.ceiling == box.governor.top


def test_where_that_is_not_enough_it_searches_smaller_still() -> None:
    box = Box()
    box.until_side(768, late=True, busy=0.95)
    assert SETTLE <= box.until_side(640, late=True, busy=0.95) < 2 * SETTLE


def test_a_ceiling_that_rises_is_waited_for() -> None:
    box = Box()
    box.until_side(768, late=True, busy=0.95)
    box.after(SETTLE - 1, late=True, busy=0.95)  # lower still
    box.after(2, busy=0.8)
    assert box.governor.ceiling < 0.7 * box.governor.top
    while box.governor.ceiling < SHORT * box.governor.top:
        assert box.after(0.5, busy=0.8) == 768


@pytest.mark.parametrize(("cameras", "side"), [(7, 960), (8, 960), (9, 768), (10, 640), (16, 640)])
def test_a_box_that_is_expected_to_have_too_much_to_do_begins_smaller(cameras: int, side: int) -> None:
    governor = Governor(6.25, CORES, cameras=cameras)
    size = Size(SIDES)
    assert size.update(100.0, governor) == side
    assert size.update(100.5, governor) == side


def test_it_begins_with_the_ceiling_that_the_smaller_size_makes_room_for() -> None:
    governor = Governor(6.25, CORES, cameras=10)
    expected = governor.ceiling
    Size(SIDES).update(100.0, governor)
    assert SHORT * governor.top <= governor.ceiling < governor.top
    assert governor.ceiling > 1.2 * expected
    Size((960,)).update(100.0, governor := Governor(6.25, CORES, cameras=10))
    assert governor.ceiling == expected


def test_what_the_first_seconds_take_besides_is_no_reason_to_search_smaller() -> None:
    box = Box()
    assert box.after(SETTLE, late=True, busy=0.95) == 960
    assert box.after(30, busy=0.7) == 960


def test_the_least_size_is_never_left_for_a_smaller_one() -> None:
    box = Box()
    assert box.after(120, late=True, busy=0.95) == 640
    assert Box(sides=(640,)).after(120, late=True, busy=0.95) == 640


def test_what_was_too_much_at_one_size_says_nothing_of_the_other() -> None:
    """Near a ceiling that was too high the governor is patient; with smaller frames it need not be."""
    box = Box()
    box.until_side(768, late=True, busy=0.95)
    began = box.at
    box.until_top(busy=0.8)
    assert box.at - began < 10


# ---- larger ---------------------------------------------------------------------------------------------


def pressed_box() -> Box:
    """One that searches at the least size, as often as it may."""
    box = Box()
    box.until_side(640, late=True, busy=0.95)
    box.until_top(busy=0.5)
    return box


def test_larger_sizes_come_back_one_by_one_when_there_has_been_room_for_a_while() -> None:
    box = pressed_box()
    assert box.until_side(768, busy=0.5) == pytest.approx(PATIENCE, abs=2)
    assert box.until_side(960, busy=0.5) == pytest.approx(PATIENCE, abs=2)


def test_room_for_the_next_size_is_more_than_half_of_the_cores() -> None:
    """One step takes a tenth to a fifth more of their time; both together would not fit."""
    box = pressed_box()
    box.until_side(768, busy=0.78)
    assert box.after(300, busy=0.84) == 768


def test_the_while_begins_anew_when_less_is_analysed() -> None:
    box = pressed_box()
    assert box.after(PATIENCE - 3, busy=0.5) == 640
    while box.governor.ceiling == box.governor.top:
        box.after(0.5, late=True, busy=0.5)
    box.until_top(busy=0.5)
    assert box.after(PATIENCE - 3, busy=0.5) == 640
    assert box.after(5, busy=0.5) == 768


def test_a_busy_second_does_not_count() -> None:
    box = pressed_box()
    box.after(PATIENCE / 2, busy=0.5)
    box.after(1, busy=0.95)
    assert box.until_side(768, busy=0.5) < PATIENCE / 2 + 2


def test_a_size_that_was_too_much_is_tried_again_after_pauses_that_grow() -> None:
    box = pressed_box()
    pauses = []
    for _ in range(7):
        pauses.append(box.until_side(768, busy=0.7))
        box.until_side(640, late=True, busy=0.95)
        box.until_top(busy=0.7)
    doubled = [min(PATIENCE_MOST, PATIENCE * 2**number) for number in range(7)]
    assert pauses == pytest.approx(doubled, abs=10)


def test_after_a_vain_try_it_goes_back_to_where_it_came_from() -> None:
    box = pressed_box()
    box.until_side(768, busy=0.5)
    box.until_side(960, busy=0.5)
    while box.size.side == 960:
        box.after(0.5, late=True, busy=0.95)
    assert box.size.side == 768


def test_when_the_load_has_gone_nothing_that_was_in_vain_counts() -> None:
    box = pressed_box()
    for _ in range(3):
        box.until_side(768, busy=0.7)
        box.until_side(640, late=True, busy=0.95)
        box.until_top(busy=0.7)
    assert box.until_side(768, busy=0.8 * GONE * 0.7) < 2 * PATIENCE


def test_a_size_that_was_held_for_long_was_not_tried_in_vain() -> None:
    box = pressed_box()
    for _ in range(2):
        box.until_side(768, busy=0.7)
        box.until_side(640, late=True, busy=0.95)
        box.until_top(busy=0.7)
    box.until_side(768, busy=0.7)
    box.after(PATIENCE_MOST, busy=0.85)
    box.until_side(640, late=True, busy=0.95)
    box.until_top(busy=0.7)
    assert box.until_side(768, busy=0.7) == pytest.approx(PATIENCE, abs=10)


def test_where_the_load_has_gone_each_size_comes_back_soon_whatever_was_tried_in_vain() -> None:
    box = Box()
    box.until_side(640, late=True, busy=0.95)
    for _ in range(4):
        box.until_side(768, busy=0.8)
        box.until_side(640, late=True, busy=0.95)
    assert box.until_side(960, busy=0.3) < 3 * PATIENCE
