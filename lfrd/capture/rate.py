"""Which of a camera's frames are analysed: at most so many a second, in a phase that does not drift."""

from __future__ import annotations

import math

EARLY = 0.25
"""Share of a period by which a frame may come early and still fill its slot: cameras jitter by a few
milliseconds, and a frame refused for one of them would leave its slot empty."""
EARLY_STEP = 0.4
"""Also at most this share of the time since the frame before, or the slot would go to the wrong frame of a
camera that is much faster than the rate."""


class Rate:
    """Time cut into slots of 1/rate seconds, counted from the first frame; the first frame of a slot is due.

    So no more than `rate` frames a second pass over any longer time, and a recording gives the same frames
    whenever it is played: of 30 frames a second at a rate of 10, every third.
    """

    def __init__(self, rate: float) -> None:
        if not rate > 0:
            raise ValueError(f"rate must be positive, not {rate}")
        self._rate = rate
        self._phase: float | None = None  # when slot 0 began; None before the first frame
        self._slot = 0  # the last slot that was filled
        self._previous = 0.0  # when the frame before this one was captured

    def due(self, at: float) -> bool:
        """Whether the frame captured `at` (seconds, of one clock) fills a slot that is still empty.

        A clock that jumps back by more than a period begins a new phase, so that it cannot silence a camera.
        """
        step, self._previous = at - self._previous, at
        if self._phase is None:
            self._phase = at
            return True
        early = min(EARLY, max(0.0, step * self._rate * EARLY_STEP))
        slot = math.floor((at - self._phase) * self._rate + early)
        if slot < self._slot - 1:
            self._phase, self._slot = at, 0
            return True
        if slot <= self._slot:
            return False
        self._slot = slot
        return True


class Ceiling:
    """The most frames a second that each live camera of a box may have analysed: one for all of them.

    It counts the slots that have begun so far, at whatever rate they did, so that a change makes them longer
    or shorter and moves none. Changed in the loop's thread, read in the decoders'.
    """

    def __init__(self, rate: float) -> None:
        if not rate > 0:
            raise ValueError(f"rate must be positive, not {rate}")
        # When the present rate began, the slots until then, and the rate: replaced as one, so that no thread
        # reads a part of a change.
        self._course = (0.0, 0.0, rate)

    @property
    def rate(self) -> float:
        return self._course[2]

    def change(self, at: float, rate: float) -> None:
        """Another rate from `at` on (monotonic seconds, as the frames' captured_at)."""
        if rate != self.rate:
            self._course = (at, self.slots(at), rate)

    def slots(self, at: float) -> float:
        """How many slots have begun by `at`, with the part of the one that goes on."""
        since, slots, rate = self._course
        return slots + (at - since) * rate


class Share:
    """What is due of one live camera under a `Ceiling`: the first frame of each slot, as in `Rate`.

    Slots begin at the same moments for all cameras, each camera's at its own `place` in them. Ten cameras
    that were switched on together would otherwise have their frames analysed together, and wait for one
    another, at any rate.
    """

    def __init__(self, ceiling: Ceiling, place: float = 0.0) -> None:
        """place: share of a slot, 0..1."""
        self._ceiling = ceiling
        self._place = place
        self._slot: int | None = None  # the last slot that was filled; None before the first frame
        self._previous = 0.0  # when the frame before this one was captured

    def due(self, at: float) -> bool:
        """As `Rate.due`."""
        step, self._previous = at - self._previous, at
        early = min(EARLY, max(0.0, step * self._ceiling.rate * EARLY_STEP))
        slot = math.floor(self._ceiling.slots(at) - self._place + early)
        if self._slot is None or slot < self._slot - 1:
            self._slot = slot
            return True
        if slot <= self._slot:
            return False
        # These slots do not begin with this camera's frames: of one that is just as fast as the ceiling, two
        # frames may come in one slot and none in the next. The one that was missed may still be filled.
        self._slot = max(self._slot + 1, slot - 1)
        return True


def every(at: float) -> bool:
    """The rate that takes all frames."""
    return True
