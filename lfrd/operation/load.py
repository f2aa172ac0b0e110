"""Whether analysis keeps up: the share of due frames that were analysed lately."""

from __future__ import annotations

from collections import deque

WINDOW = 5.0
"""Seconds over which the share is taken."""


class Load:
    """Fed running totals of one camera, about once a second; remembers the last `WINDOW` seconds of them."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int, int]] = deque(maxlen=64)  # (time, due, analysed)

    def reset(self) -> None:
        self._samples.clear()

    def update(self, at: float, due: int, analysed: int) -> float | None:
        """due, analysed: totals since the start. The share 0..1, or None until a window has been seen."""
        self._samples.append((at, due, analysed))
        while len(self._samples) > 2 and self._samples[1][0] <= at - WINDOW:
            self._samples.popleft()
        then, due_then, analysed_then = self._samples[0]
        if at - then < WINDOW or due <= due_then:
            return None
        return min(1.0, (analysed - analysed_then) / (due - due_then))
