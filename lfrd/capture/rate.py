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


def every(at: float) -> bool:
    """The rate that takes all frames."""
    return True
