"""Worker threads that do the most urgent piece of work first."""

from __future__ import annotations

import asyncio
import enum
import heapq
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple, ParamSpec, TypeVar

STEPS_BEHIND = 4
"""By so many steps of niceness workers stand behind the event loop and the decoders. The loop holds the
interpreter's lock for moments that everybody waits for: put off by threads that compute without it, it holds
up alerts. In turns with nine street cameras 95 of 100 came within 213 and 147 ms instead of 245 and 196, and
as many frames were analysed (docs/performance.md)."""

P = ParamSpec("P")
T = TypeVar("T")


class Urgency(enum.IntEnum):
    """What goes before what, the most urgent first: whatever stands nearest to an officer's phone. Within
    one urgency, first come, first served: that is fair between cameras, each of which has few pieces at a
    time."""

    ALERT = 0
    VERDICT = 1
    FACES = 2
    FRAME = 3
    """Faces are looked for in a frame: nearly all of the work."""


@dataclass(frozen=True, slots=True)
class WorkersStatistics:
    """Totals since the start, frames only. waited: seconds that frames stood before a worker took them."""

    frames: int
    waited: float


class _Piece(NamedTuple):
    """One piece of work, in the order in which it is taken."""

    urgency: Urgency
    number: int
    asked_at: float
    future: Future[Any]
    work: Callable[[], Any]


class Workers:
    """As many threads as are asked for, from the first moment on, until `close`.

    The standard library's pool serves everybody in turn: with ten cameras a face would wait behind ten
    frames, its search behind ten more, and the alert's picture again.
    """

    def __init__(self, count: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._lock = threading.Lock()  # guards the fields below
        self._asked = threading.Condition(self._lock)
        self._pieces: list[_Piece] = []  # a heap; bounded by those who ask, who wait for their answers
        self._frames = 0
        self._waited = 0.0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"worker {number}", daemon=True)
            for number in range(1, count + 1)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, urgency: Urgency, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns or raises. A piece whose asker is cancelled is not begun any more."""
        return await asyncio.wrap_future(self.submit(urgency, lambda: function(*args, **kwargs)))

    def submit(self, urgency: Urgency, work: Callable[[], T]) -> Future[T]:
        """Raises RuntimeError once closed."""
        future: Future[T] = Future()
        with self._asked:
            if self._closed:
                raise RuntimeError("the workers have ended")
            heapq.heappush(self._pieces, _Piece(urgency, next(self._numbers), self._clock(), future, work))
            self._asked.notify()
        return future

    def statistics(self) -> WorkersStatistics:
        with self._lock:
            return WorkersStatistics(self._frames, self._waited)

    def close(self) -> None:
        """End when what has been begun is done; what waits is cancelled."""
        with self._asked:
            self._closed = True
            left, self._pieces = self._pieces, []
            self._asked.notify_all()
        for piece in left:
            piece.future.cancel()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        _step_behind()
        while (piece := self._next()) is not None:
            if piece.future.set_running_or_notify_cancel():
                try:
                    result = piece.work()
                except BaseException as error:
                    piece.future.set_exception(error)
                else:
                    piece.future.set_result(result)
                    del result
            del piece  # it holds a frame, or a face: not until the next one comes

    def _next(self) -> _Piece | None:
        with self._asked:
            self._asked.wait_for(lambda: self._pieces or self._closed)
            if self._closed:
                return None
            piece = heapq.heappop(self._pieces)
            if piece.urgency is Urgency.FRAME:
                self._frames += 1
                self._waited += self._clock() - piece.asked_at
            return piece


def _step_behind() -> None:
    """Lower this thread's priority by `STEPS_BEHIND`. Only Linux knows priorities of threads."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + STEPS_BEHIND)
