"""The clock that cannot be set back: the latest moment ever seen is kept, and time only goes on from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import structlog

from lfrd.audit.kinds import ClockSetBack
from lfrd.store.audit import append
from lfrd.store.database import Database
from lfrd.types import SYSTEM

SLACK_SECONDS = 5.0
"""A clock that is kept by NTP moves back by less; what is more was set back."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

log = structlog.get_logger(__name__)


def since_boot() -> float:
    """Seconds since the machine started, those asleep included where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def boot_id() -> str:
    """Names this start of the machine; '' where the system gives none, and then the clock is all there is."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Ratchet:
    """Unix seconds that never go back: the greatest of what the wall clock shows, of what was ever seen, and
    of the first moment plus what the monotonic clock has counted since.

    A clock set back is overruled, and a deadline comes as it would have. One set forward is believed, since
    it only ends things earlier; set right again, it counts as set back. Between two processes in one start
    of the machine the count goes on; across a restart of the machine only the kept moment is a floor.
    """

    def __init__(
        self,
        db: Database,
        floor: float,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        boot: str,
    ) -> None:
        self._db = db
        self._wall = wall
        self._monotonic = monotonic
        self._boot = boot
        self._begun = monotonic()
        self._base = max(floor, wall())  # the moment at `_begun`
        self._latest = self._base

    @classmethod
    async def opened(
        cls,
        db: Database,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = since_boot,
        boot: str | None = None,
    ) -> Self:
        """Go on from the moment that the database has seen. A clock set back is recorded at once.

        boot: names the start of the machine that `monotonic` counts from; the system's own if None.
        """
        boot = boot_id() if boot is None else boot
        async with db.read() as tx:
            row = await tx.row("SELECT clock, boot, uptime FROM site")
        floor = 0.0
        if row is not None:
            passed = monotonic() - row["uptime"] if boot and boot == row["boot"] else 0.0
            floor = row["clock"] + max(0.0, passed)
        ratchet = cls(db, floor, wall, monotonic, boot)
        await ratchet.save()
        return ratchet

    def now(self) -> float:
        """Unix seconds, never less than before."""
        counted = self._base + self._monotonic() - self._begun
        self._latest = max(self._latest, counted, self._wall())
        return self._latest

    @property
    def set_back(self) -> float:
        """Seconds by which the wall clock is behind now; 0 within what NTP does."""
        behind = self.now() - self._wall()
        return behind if behind > SLACK_SECONDS else 0.0

    async def save(self) -> None:
        """Keep the moment, and record a clock that has been set back further than the audit has it.

        Called every few seconds while the server runs: what lies between is lost only where the machine
        restarts too. Before `Keys.adopt` has made the site's row there is nothing to keep it in."""
        async with self._db.write() as tx:
            kept = await tx.row("SELECT clock, set_back FROM site")
            if kept is None:
                return
            ahead = kept["clock"] - self.now()  # of another process, which saw a later clock
            if ahead > 0:
                self._base += ahead
            now, back = self.now(), self.set_back
            await tx.execute(
                "UPDATE site SET clock = ?, boot = ?, uptime = ?, set_back = ?",
                *(now, self._boot, self._monotonic(), back),
            )
            further = back > kept["set_back"] + SLACK_SECONDS
            if further:
                await append(tx, now, SYSTEM, ClockSetBack(round(back, 1)))
        if further:
            log.warning("clock_set_back", seconds=round(back, 1), because="deadlines stay where they were")
