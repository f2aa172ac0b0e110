"""Whether frames are searched at their full or at a smaller size when the box has too much to do. Pure.

A face of 40 to 60 pixels is missed more often at the smaller size; a passer-by who is looked at half as often
is missed more often still (docs/performance.md). So size goes first, and the ceiling of frames only then.
"""

from __future__ import annotations

from lfrd.operation.governor import Governor

SHORT = 0.8
"""Share of the top below which the ceiling has to be for the smaller size."""
SPARE = 0.55
"""Share of the cores' time below which the full size, which takes up to twice the time, is tried again."""
SPARE_SECONDS = 20.0
"""For so long, with the ceiling at the top."""


class Size:
    """Fed every half second or so, after the governor."""

    def __init__(self) -> None:
        self.small = False
        self._spare_since: float | None = None

    def update(self, at: float, governor: Governor) -> bool:
        """Whether frames are to be searched at the smaller size from now on. at: seconds."""
        spare = self.small and governor.ceiling >= governor.top and governor.busy < SPARE
        if not spare:
            self._spare_since = None
        elif self._spare_since is None:
            self._spare_since = at
        was = self.small
        if self._spare_since is not None and at - self._spare_since >= SPARE_SECONDS:
            self.small = False
            self._spare_since = None
        elif governor.ceiling < SHORT * governor.top:
            self.small = True
        if self.small != was:
            governor.forget()
        return self.small
