"""A recording's media time: from 0, never backwards, across loops and splices."""

from __future__ import annotations

LONGEST_GAP = 60.0
"""Seconds. A greater step forward between two frames is a splice of two recordings, not a wait."""


class Timeline:
    """Turns the time stamps of a container into media time, in seconds.

    The first frame is at 0. Where stamps are missing, stand still, run backwards or leap (exports that join
    several recordings do all of it, and so does a loop), the next frame follows one period after the last.
    """

    def __init__(self, period: float) -> None:
        self._period = period  # seconds between frames where the stamps do not say
        self._offset: float | None = None  # media time minus stamp; None before the first stamp
        self._last: float | None = None  # media time of the last frame

    def at(self, stamp: float | None) -> float:
        """Media time of the next frame; `stamp` is its time in the container, in seconds, if it has one."""
        following = 0.0 if self._last is None else self._last + self._period
        if stamp is None:
            now = following
        elif self._offset is None:
            now = following
            self._offset = now - stamp
        else:
            now = stamp + self._offset
            if self._last is not None and not self._last < now <= self._last + LONGEST_GAP:
                now = following
                self._offset = now - stamp
        self._last = now
        return now
