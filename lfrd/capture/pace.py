"""A recording's own speed: waits until a frame's media time has come."""

from __future__ import annotations

from collections.abc import Callable


class Pace:
    """clock: monotonic seconds. wait: sleeps for so many seconds, True if it was interrupted meanwhile."""

    def __init__(self, clock: Callable[[], float], wait: Callable[[float], bool]) -> None:
        self._clock = clock
        self._wait = wait
        self._began: float | None = None  # by `clock`, when media time was 0

    def reach(self, media: float) -> bool:
        """Wait until media time `media` (seconds). False if it was interrupted: stop.

        What comes too late is not waited for and not skipped: the recording then runs behind.
        """
        now = self._clock()
        if self._began is None:
            self._began = now - media
        left = self._began + media - now
        return not (left > 0 and self._wait(left))

    def due(self, media: float) -> float:
        """When media time `media` had to be reached, by `clock`: after `reach`."""
        assert self._began is not None, "asked before the first frame"
        return self._began + media
