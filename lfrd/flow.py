"""What stands between two hops of a journey: `Latest` (newest wins), `Bounded` (the sender waits), pauses."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FlowStatistics:
    """Counts since the start. `waiting` is what stands in the buffer now."""

    put: int
    taken: int
    dropped: int
    waiting: int
    limit: int


class Closed(Exception):
    """The other side has closed the flow; nothing more will come or be taken."""


class Latest(Generic[T]):
    """One place. A decoder's thread puts, a task takes; what was not taken in time is replaced and counted.

    `put` may be called from any thread and never waits. `discard` is called with each replaced item, in the
    putting thread, so that buffers go back to their pool at once.
    """

    def __init__(self, discard: Callable[[T], object] = lambda item: None) -> None:
        self._loop = asyncio.get_running_loop()
        self._discard = discard  # receives every item that nobody took
        self._lock = threading.Lock()  # guards the fields below, held for a few instructions only
        self._emptied = threading.Condition(self._lock)  # for a thread that would rather wait than drop
        self._item: T | None = None
        self._put = self._taken = self._dropped = 0
        self._error: BaseException | None = None  # why the flow was closed
        self._closed = False
        self._arrived = asyncio.Event()

    def put(self, item: T) -> None:
        with self._lock:
            if self._closed:
                replaced: T | None = item
            else:
                replaced, self._item = self._item, item
                self._put += 1
            if replaced is not None:
                self._dropped += 1
            wake = not self._closed and replaced is None
        if replaced is not None:
            self._discard(replaced)
        if wake:
            self._signal()

    def close(self, error: BaseException | None = None) -> None:
        """End the flow from any thread; the taker sees `error`, or Closed, after the last item."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._error = error
            self._emptied.notify_all()
        self._signal()

    def _signal(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:  # the loop is closed: nobody is left to take
            with self._lock:
                item, self._item = self._item, None
            if item is not None:
                self._discard(item)

    def wait_empty(self, timeout: float) -> bool:
        """Block the calling thread until nothing waits here, for at most `timeout` seconds. For sources that
        lose nothing by waiting, such as a recording; whether it is empty, or closed, now."""
        with self._emptied:
            return self._emptied.wait_for(lambda: self._item is None or self._closed, timeout)

    async def take(self) -> T:
        """The newest item, waiting for one. Raises the flow's error, or Closed, when it has ended."""
        while True:
            with self._lock:
                item, self._item = self._item, None
                if item is not None:
                    self._taken += 1
                    self._emptied.notify_all()
                    return item
                if self._closed:
                    raise self._error if self._error is not None else Closed
                self._arrived.clear()
            await self._arrived.wait()

    def clear(self) -> None:
        """Discard what waits, without ending the flow."""
        with self._lock:
            item, self._item = self._item, None
            if item is not None:
                self._dropped += 1
            self._emptied.notify_all()
        if item is not None:
            self._discard(item)

    def statistics(self) -> FlowStatistics:
        with self._lock:
            return FlowStatistics(self._put, self._taken, self._dropped, int(self._item is not None), 1)


class Bounded(Generic[T]):
    """A short queue between two tasks of one loop; `put` waits while it is full. First in, first out."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        self._limit = limit
        self._items: deque[T] = deque()
        self._put = self._taken = 0
        self._closed = False
        self._changed = asyncio.Condition()

    async def put(self, item: T) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or len(self._items) < self._limit)
            if self._closed:
                raise Closed
            self._items.append(item)
            self._put += 1
            self._changed.notify_all()

    async def take(self) -> T:
        """The oldest item; Closed when the flow has ended and is empty."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or bool(self._items))
            if not self._items:
                raise Closed
            item = self._items.popleft()
            self._taken += 1
            self._changed.notify_all()
            return item

    async def close(self) -> None:
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def statistics(self) -> FlowStatistics:
        return FlowStatistics(self._put, self._taken, 0, len(self._items), self._limit)


async def with_pauses(
    items: AsyncIterator[T],
    idle: Callable[[], float] | None,
    discard: Callable[[T], object] = lambda item: None,
) -> AsyncGenerator[T | None, None]:
    """The items, and None once for each time that none came for `idle()` seconds; never where that is None.

    discard: called with an item that comes in the very moment in which nobody takes it any more. Close it
    (contextlib.aclosing).
    """
    iterator = aiter(items)
    waiting: asyncio.Future[T] | None = None
    try:
        paused = False
        while True:
            waiting = waiting or asyncio.ensure_future(anext(iterator))
            done, _ = await asyncio.wait([waiting], timeout=None if paused or idle is None else idle())
            if not done:
                paused = True
                yield None
                continue
            finished, waiting = waiting, None
            try:
                item = finished.result()
            except StopAsyncIteration:
                return
            paused = False
            yield item
    finally:
        if waiting is not None:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                discard(await waiting)
