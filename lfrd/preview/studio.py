"""The one thread that makes all live pictures, and gives way to recognition."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Final

import structlog

from lfrd.preview.channel import Channel

log = structlog.get_logger(__name__)

NICE: Final = 10
"""Of the thread, beyond the process's own: where a core is wanted by both, recognition gets nine tenths."""


class Studio:
    """The thread begins with the first channel, rests while nobody watches, and ends with `close`."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._due = False  # a channel has something to do
        self._closed = False
        self._channels: tuple[Channel, ...] = ()  # replaced, never changed
        self._thread: threading.Thread | None = None
        self.failures = 0
        """Times that a channel's work failed: it begins anew with the next glimpse."""

    def wake(self) -> None:
        """From any thread: some channel has something to do."""
        with self._news:
            self._due = True
            self._news.notify()

    def add(self, channel: Channel) -> None:
        self._channels = (*self._channels, channel)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="preview", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread, and wipe what it has. Blocks for as long as one picture takes."""
        with self._news:
            self._closed = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        _give_way()
        try:
            while self._wait():
                for channel in self._channels:
                    self._develop(channel)
        finally:
            for channel in self._channels:
                channel.wipe()

    def _wait(self) -> bool:
        """Rest until there is something to do. False at the end."""
        with self._news:
            self._news.wait_for(lambda: self._due or self._closed)
            self._due = False
            return not self._closed

    def _develop(self, channel: Channel) -> None:
        """A failure is this picture's news: recognition goes on, and nothing unveiled leaves."""
        try:
            channel.develop()
        except Exception as error:
            self.failures += 1
            channel.wipe()
            log.error("preview_failed", camera=channel.feed.camera, problem=type(error).__name__)


def _give_way() -> None:
    """On Linux niceness belongs to a thread; elsewhere it would slow the whole process, and is left alone."""
    with contextlib.suppress(AttributeError, OSError):
        if os.uname().sysname == "Linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + NICE)
