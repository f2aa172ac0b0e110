"""Faces a minute by a counter that only grows: a sliding window. Pure, the time is passed in."""

from __future__ import annotations

from collections import deque

WINDOW = 60.0
"""Seconds that are looked back on."""
LEAST = 5.0
"""Seconds that must have been seen before anything is said: a minute is not judged by its first face."""
APART = 1.0
"""Seconds between two readings that are kept: what is asked for more often costs no more."""


class Pace:
    """Feed `read` with the counter's total; it says how fast the counter has grown of late.

    Holds WINDOW / APART readings and two at the most.
    """

    def __init__(self) -> None:
        self._readings: deque[tuple[float, int]] = deque()  # (at, total), oldest first

    def read(self, at: float, total: int) -> float | None:
        """Units a minute over the last WINDOW seconds; None before LEAST of them have passed.

        at: seconds of one clock that does not go back. A total below the one before is a counter that began
        anew, and so does the window.
        """
        readings = self._readings
        if readings and (total < readings[-1][1] or at < readings[-1][0]):
            readings.clear()
        if not readings or at - readings[-1][0] >= APART:
            readings.append((at, total))
        while len(readings) > 1 and readings[1][0] <= at - WINDOW:
            readings.popleft()
        since, before = readings[0]
        passed = at - since
        return None if passed < LEAST else (total - before) * 60.0 / passed
