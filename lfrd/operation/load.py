"""Whether analysis keeps up: the share of due frames that were analysed lately."""

from __future__ import annotations

from collections import deque

WINDOW = 5.0
"""Seconds over which the share is taken."""
SPACING = 0.5
"""Least seconds between two samples kept: whoever asks more often does not shorten the window."""


class Load:
    """Fed running totals of one camera, once a second or oftener; remembers `WINDOW` seconds of them."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int, int]] = deque()  # (time, due, analysed); spans WINDOW

    def reset(self) -> None:
        self._samples.clear()

    def update(self, at: float, due: int, analysed: int) -> float | None:
        """due, analysed: totals since the start. The share 0..1, or None until a window has been seen."""
        if not self._samples or at - self._samples[-1][0] >= SPACING:
            self._samples.append((at, due, analysed))
        while len(self._samples) > 2 and self._samples[1][0] <= at - WINDOW:
            self._samples.popleft()
        then, due_then, analysed_then = self._samples[0]
        if at - then < WINDOW or due <= due_then:
            return None
        return min(1.0, (analysed - analysed_then) / (due - due_then))
