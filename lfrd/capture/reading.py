"""A recording's frames for one consumer who wants them all: decoded ahead in a thread, none dropped."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator

from lfrd.capture.source import Source
from lfrd.types import Frame

CLOSING_SECONDS = 2.0
"""How long the thread may take to end after the consumer has stopped, before it is left behind."""


async def frames_of(source: Source, limit: int = 4) -> AsyncGenerator[Frame, None]:
    """Every frame of a source, opened and closed here; decoding runs at most `limit` frames ahead.

    The consumer owns each frame and releases it. Raises what the source raises, after its good frames.
    Close it (contextlib.aclosing) where the iteration may be left early: the thread ends with it, and the
    frames that nobody took are released.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    hand_over = _HandOver(source, limit)
    try:
        while (frame := await hand_over.take()) is not None:
            yield frame
    finally:
        await hand_over.close()


class _HandOver:
    def __init__(self, source: Source, limit: int) -> None:
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._free = threading.Semaphore(limit)  # places for frames that the consumer has not taken
        self._ready: deque[Frame] = deque()
        self._lock = threading.Lock()  # guards _ready together with _stopped
        self._stopped = False  # the consumer has gone
        self._news = asyncio.Event()  # a frame, or the end
        self._over = False  # the thread has closed the source
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"read {source.camera}", daemon=True)
        self._thread.start()

    async def take(self) -> Frame | None:
        while True:
            self._news.clear()
            over = self._over  # read before the frames: what came before the end is still given out
            with self._lock:
                frame = self._ready.popleft() if self._ready else None
            if frame is not None:
                self._free.release()
                return frame
            if over:
                if self._error is not None:
                    raise self._error
                return None
            await self._news.wait()

    async def close(self) -> None:
        with self._lock:
            self._stopped = True
            left, self._ready = list(self._ready), deque()
        self._source.stop()
        self._free.release()
        for frame in left:
            frame.release()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                while not self._over:
                    self._news.clear()
                    if not self._over:
                        await self._news.wait()
                self._thread.join()  # it has nothing left to do: no wait worth the name

    def _run(self) -> None:
        try:
            with self._source:
                for frame in self._source:
                    self._free.acquire()
                    with self._lock:
                        if self._stopped:
                            frame.release()
                            return
                        self._ready.append(frame)
                    self._tell()
        except BaseException as error:
            self._error = error
        finally:
            self._over = True
            self._tell()

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the consumer has gone with it
            self._loop.call_soon_threadsafe(self._news.set)
