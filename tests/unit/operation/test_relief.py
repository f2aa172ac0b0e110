"""A camera is spared frames that no other is made from while the box is short of time and enough are left."""

from __future__ import annotations

from lfrd.operation.relief import SETTLED, Relief


class Stream:
    """A camera at 25 frames a second, of which relief leaves some."""

    def __init__(self, left: float) -> None:
        self.relief = Relief()
        self._left = left
        self._at = 100.0

    def on(self, ceiling: float, *, pressed: bool, seconds: float = 10.0) -> bool:
        """Whether it is relieved after so many seconds."""
        for _ in range(round(seconds * 2)):
            self._at += 0.5
            fps = self._left if self.relief.on else 25.0
            self.relief.update(self._at, fps, ceiling, pressed=pressed)
        return self.relief.on


def test_it_is_relieved_while_the_box_has_too_much_to_do() -> None:
    stream = Stream(13.0)
    assert not stream.on(10.0, pressed=False)
    assert stream.on(8.0, pressed=True)
    assert stream.on(10.0, pressed=True)
    assert not stream.on(10.0, pressed=False)


def test_a_camera_that_gives_little_more_than_is_analysed_is_not() -> None:
    assert not Stream(13.0).on(13.0, pressed=True)


def test_what_is_left_serves_the_ceiling_or_it_is_ended_and_remembered() -> None:
    stream = Stream(7.0)
    assert stream.on(8.0, pressed=True, seconds=SETTLED), "it is tried, as nobody knows before"
    assert not stream.on(8.0, pressed=True, seconds=1.0)
    assert not stream.on(8.0, pressed=True, seconds=60.0)
    assert not stream.on(6.9, pressed=True), "too near to try again"
    assert stream.on(6.0, pressed=True)


def test_it_ends_as_the_ceiling_rises_above_what_is_left() -> None:
    stream = Stream(7.0)
    assert stream.on(5.0, pressed=True)
    assert stream.on(7.0, pressed=True)
    assert not stream.on(7.1, pressed=True, seconds=0.5)


def test_a_camera_that_is_not_live_is_not_tried() -> None:
    relief = Relief()
    assert not relief.update(100.0, 0.0, 2.0, pressed=True)
