"""How long to wait before the next try: each failure doubles the pause, up to a limit."""

from __future__ import annotations

import random
from collections.abc import Callable

JITTER = 0.2
"""Each pause is up to this share longer, so that cameras behind one switch do not come back in step."""


class Backoff:
    """first, longest: seconds. chance: 0..1, as random.random gives it."""

    def __init__(self, first: float, longest: float, chance: Callable[[], float] = random.random) -> None:
        self._first = first
        self._longest = max(first, longest)
        self._chance = chance
        self._failures = 0  # in a row

    def failed(self) -> float:
        """The seconds to wait after one more failure."""
        # 2 ** 32 exceeds every limit; without the bound a year of failures would make a number of megabytes.
        pause = min(self._first * 2.0 ** min(self._failures, 32), self._longest)
        self._failures += 1
        return pause * (1 + JITTER * self._chance())

    def worked(self) -> None:
        self._failures = 0
