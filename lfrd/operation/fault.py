"""One place where a failure that must end the process is reported, and one task that ends it."""

from __future__ import annotations

import asyncio


class Fault:
    """The way out for a task whose errors nobody awaits, such as a phone's connection.

    One that meets a failing store reports it here; `watch()`, which stands in the app's TaskGroup, raises
    it, and so everything is closed in order and the supervisor starts the process anew.
    """

    def __init__(self) -> None:
        self._error: Exception | None = None  # the first one reported
        self._reported = asyncio.Event()

    def report(self, error: Exception) -> None:
        """Only the first error is kept: those after it are its consequences."""
        if self._error is None:
            self._error = error
        self._reported.set()

    @property
    def error(self) -> Exception | None:
        return self._error

    async def watch(self) -> None:
        await self._reported.wait()
        assert self._error is not None
        raise self._error
