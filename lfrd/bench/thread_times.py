"""Processor time of this process by what its threads are for. Linux only."""

from __future__ import annotations

import threading
from pathlib import Path

from lfrd.errors import LfrdError

TASKS = Path("/proc/self/task")
KINDS = {"capture": "decoders", "worker": "workers", "MainThread": "event loop"}
"""By the first word of a thread's name."""
OTHERS = "others"
"""SQLite's threads, and those that libraries started."""


class ThreadTimes:
    """Counts from when it is made. A thread that has ended counts with what it had at the last `take`."""

    def __init__(self) -> None:
        self._kinds: dict[int, str] = {}  # by the thread's number in the system
        self._newest: dict[int, float] = {}  # seconds since each began
        self.take()
        self._began = dict(self._newest)

    def take(self) -> None:
        """Look at every thread; often enough that those which end have not done much since. Raises
        LfrdError where the system does not tell."""
        self._kinds |= {
            thread.native_id: KINDS.get(thread.name.split(" ")[0], OTHERS)
            for thread in threading.enumerate()
            if thread.native_id is not None
        }
        try:
            tasks = list(TASKS.iterdir())
        except OSError:
            raise LfrdError(f"the bench reads {TASKS}, which is Linux's") from None
        for task in tasks:
            try:
                nanoseconds = int((task / "schedstat").read_text(encoding="ascii").split()[0])
            except (OSError, IndexError):  # it has ended meanwhile
                continue
            self._newest[int(task.name)] = nanoseconds / 1e9

    def seconds(self) -> dict[str, float]:
        """Seconds of processor time, by kind; every kind is there."""
        taken = dict.fromkeys([*KINDS.values(), OTHERS], 0.0)
        for number, seconds in self._newest.items():
            taken[self._kinds.get(number, OTHERS)] += seconds - self._began.get(number, 0.0)
        return taken
