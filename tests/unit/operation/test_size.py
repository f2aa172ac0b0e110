"""Under pressure frames are searched smaller before fewer of them are, and at full size again with room."""

from __future__ import annotations

from lfrd.operation.governor import Governor, Sample, Seen
from lfrd.operation.size import SPARE_SECONDS, Size

CORES = 2


class Box:
    """A governor whose load a test sets: `late` frames are too much; busy is a share of the cores' time."""

    def __init__(self) -> None:
        self.governor = Governor(6.25, CORES)
        self.size = Size()
        self.at = 100.0
        self._processor = 0.0
        self._due = 0

    def after(self, seconds: float, *, late: bool, busy: float) -> bool:
        for _ in range(round(seconds * 2)):
            self.at += 0.5
            self._processor += 0.5 * CORES * busy
            self._due += 3
            seen = [Seen(self._due, 0, 1.0 if late else 0.05)]
            self.governor.update(Sample(self.at, self._due, 0.0, self._processor, seen))
            self.size.update(self.at, self.governor)
        return self.size.small


def test_a_box_with_room_searches_at_full_size() -> None:
    assert not Box().after(60, late=False, busy=0.9)


def test_a_box_with_too_much_to_do_searches_smaller_and_stays_so_while_the_cores_are_busy() -> None:
    box = Box()
    assert box.after(10, late=True, busy=0.95)
    assert box.after(120, late=False, busy=0.7)
    assert box.governor.ceiling == box.governor.top


def test_a_little_less_than_the_top_is_no_reason() -> None:
    box = Box()
    while box.governor.ceiling == box.governor.top:
        box.after(0.5, late=True, busy=0.95)
    assert box.governor.ceiling > 0.8 * box.governor.top
    assert not box.size.small


def test_the_full_size_comes_back_when_there_has_been_room_for_a_while() -> None:
    box = Box()
    box.after(10, late=True, busy=0.95)
    while box.governor.ceiling < box.governor.top:
        box.after(0.5, late=False, busy=0.3)
    assert box.after(SPARE_SECONDS - 1, late=False, busy=0.3)
    assert box.after(1, late=False, busy=0.8)  # the while begins anew
    assert box.after(SPARE_SECONDS - 1, late=False, busy=0.3)
    assert not box.after(3, late=False, busy=0.3)


def test_what_was_too_much_at_one_size_says_nothing_of_the_other() -> None:
    """Near a ceiling that was too high the governor is patient; with smaller frames it need not be."""
    box = Box()
    while not box.size.small:
        box.after(0.5, late=True, busy=0.95)
    began = box.at
    while box.governor.ceiling < box.governor.top:
        box.after(0.5, late=False, busy=0.8)
    assert box.at - began < 10
