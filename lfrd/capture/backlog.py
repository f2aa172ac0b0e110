"""How far behind its camera a live stream is read. Pure.

A decoder that is too slow lets coded pictures pile up in the socket, where nobody sees them: each frame would
look new when it leaves the decoder, and an officer would be sent after somebody who has long gone. What tells
is the stream's own time stamps, which go on as the camera saw, against the clock.
"""

from __future__ import annotations

FRESH = 0.5
"""Share of the time between two frames: what had to be waited for so long has just come, and nothing stands
behind it."""
LONGEST_STEP = 10.0
"""Seconds between two stamps; a greater one, or one backwards, is the camera's clock being set."""


class Backlog:
    """One connection's. Only what piles up here is seen: what a network holds back is late for everybody."""

    def __init__(self) -> None:
        self._stamp: float | None = None  # of the frame before
        self._least = 0.0  # clock minus stamp of a frame that was read as soon as it came
        self._behind = 0.0

    def behind(self, stamp: float | None, at: float, waited: float) -> float:
        """Seconds, 0 and up, that a frame has stood before it was read.

        stamp: its time in the stream, seconds, where it has one. at: when it was decoded, by a clock that
        does not go back. waited: the longest that the reader had to wait for a packet since the frame before.
        """
        if stamp is None:
            return self._behind
        offset = at - stamp
        if self._stamp is None:
            self._least = offset
        else:
            step = stamp - self._stamp
            if not 0 < step <= LONGEST_STEP:
                self._least = offset - self._behind
            elif waited >= FRESH * step:
                self._least = offset
            else:
                self._least = min(self._least, offset)
        self._stamp = stamp
        self._behind = offset - self._least
        return self._behind
