"""Whether a camera is looked at often enough: how many of its frames were analysed lately."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

WINDOW = 5.0
"""Seconds that are looked back on."""
SPACING = 0.5
"""Least seconds between two samples kept: whoever asks more often does not shorten the window."""
AGAIN = 1.15
"""Who has been told that it is too few is told otherwise only when it is so many times enough: a camera at
the edge would be announced every second."""


class Shortfall(NamedTuple):
    """Frames a second that were analysed, and those that were wanted."""

    analysed: float
    wanted: float


class Load:
    """Fed running totals of one camera, once a second or oftener; remembers `WINDOW` seconds of them."""

    def __init__(self, least: float, most: float) -> None:
        """least: frames a second that are wanted, of a camera that gives as many. most: that are analysed of
        any camera."""
        self._least = min(least, most)
        self._most = most
        self._short = False  # whether it was too few the last time
        self._samples: deque[tuple[float, int, int]] = deque()  # (time, given, analysed); spans WINDOW

    def reset(self) -> None:
        self._samples.clear()
        self._short = False

    def update(self, at: float, given: int, analysed: int) -> Shortfall | None:
        """given, analysed: frames, totals since the start. None while enough are analysed, and until a window
        has been seen."""
        if not self._samples or at - self._samples[-1][0] >= SPACING:
            self._samples.append((at, given, analysed))
        while len(self._samples) > 2 and self._samples[1][0] <= at - WINDOW:
            self._samples.popleft()
        then, given_then, analysed_then = self._samples[0]
        seconds = at - then
        if seconds < WINDOW:
            return None
        came, done = given - given_then, analysed - analysed_then
        enough = min(self._least * AGAIN, self._most) if self._short else self._least
        # One frame may be under way at either end of the window.
        self._short = done + 1 < min(enough * seconds, came)
        return Shortfall(done / seconds, min(self._least, came / seconds)) if self._short else None
