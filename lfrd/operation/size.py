"""At which size frames are searched when the box has too much to do. Pure.

A face of 40 to 60 pixels is missed more often at a smaller size; a passer-by who is looked at half as often
is missed more often still (docs/performance.md). So size goes first, step by step, and the ceiling of frames
only as far as the size cannot help.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lfrd.operation.governor import BUSY, GONE, Governor

STEP = 1.25
"""From one size to the next, about. A search takes two thirds of the time then; less would save little, since
searching is but a part of the work."""
WHOLE = 96
"""Pixels of which the sizes between are multiples: a third of the view is then whole cells of the detector's
coarsest map, 32 pixels each, and nothing is padded across."""
SHORT = 0.8
"""Share of the top below which the ceiling has to be for a smaller size."""
SETTLE = 4.0
"""Seconds after a change for which the ceiling may be on its way, and after each rise of it."""
SEARCHING = 1 / 4
"""Share of the process's time that goes with the pixels that are searched: of street cameras' 0.19 at 640
pixels, 0.31 at 960 (docs/performance.md). Where it is more, a larger size is tried in vain, and that is
remembered."""
MEMORY = 10.0
"""Seconds over which the share of the cores' time is averaged."""
PATIENCE = 20.0
"""Seconds with room before a larger size is tried; doubled with each try in vain, up to the following."""
PATIENCE_MOST = 320.0
"""A size that was held for so long was not tried in vain."""


def sizes(full: int, least: int) -> tuple[int, ...]:
    """Pixels of the longer side at which frames may be searched, largest first; `full` alone where `least` is
    no less."""
    if least >= full:
        return (full,)
    steps = max(1, round(math.log(full / least, STEP)))
    ideal = (full * (least / full) ** (step / steps) for step in range(1, steps))
    between = {WHOLE * round(side / WHOLE) for side in ideal}
    return (full, *sorted((side for side in between if least < side < full), reverse=True), least)


class Size:
    """Fed every half second or so, after the governor, which judges each size anew.

    A size that was tried and was too much is tried again after a pause that grows each time, or when the load
    has plainly gone: so under a load that stays the same the size settles.
    """

    def __init__(self, sides: Sequence[int]) -> None:
        """sides: pixels of the longer side, largest first."""
        self._sides = tuple(sides)
        self._place = 0  # in `_sides`
        self._ceiling = math.inf  # as it was the last time
        self._busy = 1.0  # share of the cores' time, of late; all of it before it is known
        self._seen_at: float | None = None
        self._moved_at = -math.inf  # when the size changed or the ceiling last rose
        self._room_since: float | None = None  # and the ceiling at the top
        self._tried_at = -math.inf  # when the size last became larger
        self._busy_then = 0.0  # share of the cores' time before the last try
        self._patience = PATIENCE

    @property
    def side(self) -> int:
        """Pixels of the longer side at which frames are to be searched."""
        return self._sides[self._place]

    def update(self, at: float, governor: Governor) -> int:
        """`side` from now on. at: seconds."""
        if self._seen_at is None:
            self._begin(at, governor)
        else:
            self._busy += min(1.0, (at - self._seen_at) / MEMORY) * (governor.busy - self._busy)
        self._seen_at = at
        if governor.ceiling > self._ceiling:
            self._moved_at = at
        self._ceiling = governor.ceiling
        if self._is_short(at, governor):
            self._shrink(at)
        elif self._has_room(at, governor):
            self._grow(at)
        else:
            return self.side
        self._moved_at, self._room_since = at, None
        governor.forget()
        return self.side

    def _begin(self, at: float, governor: Governor) -> None:
        """Where the governor expects too much, with as large a size as that can be met with."""
        expected = governor.ceiling / governor.top  # at the full size
        while expected < SHORT and self._place < len(self._sides) - 1:
            self._place += 1
            expected *= self._dearer
        governor.ceiling = governor.top * min(1.0, expected)
        self._moved_at = at

    def _is_short(self, at: float, governor: Governor) -> bool:
        """Whether the ceiling is low, and does not rise at this size."""
        is_last = self._place == len(self._sides) - 1
        return not is_last and governor.ceiling < SHORT * governor.top and at - self._moved_at >= SETTLE

    def _has_room(self, at: float, governor: Governor) -> bool:
        """Whether the next larger size has promised to fit for long enough."""
        is_idle = self._place > 0 and self._busy * self._dearer < BUSY
        if not is_idle or governor.ceiling < governor.top:
            self._room_since = None
            return False
        if self._room_since is None:
            self._room_since = at
        gone = self._busy < GONE * self._busy_then  # the load is plainly less than when it was tried
        return at - self._room_since >= (PATIENCE if gone else self._patience)

    @property
    def _dearer(self) -> float:
        """How much more of the cores' time the next larger size is expected to take."""
        return 1 + SEARCHING * ((self._sides[self._place - 1] / self.side) ** 2 - 1)

    def _shrink(self, at: float) -> None:
        in_vain = at - self._tried_at < PATIENCE_MOST
        self._patience = min(PATIENCE_MOST, 2 * self._patience) if in_vain else PATIENCE
        self._place += 1

    def _grow(self, at: float) -> None:
        if self._busy < GONE * self._busy_then:
            self._patience = PATIENCE
        self._tried_at, self._busy_then = at, self._busy
        self._place -= 1
