"""Posts in real time: takes, heartbeats and departures as they come, lapses as the clock passes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from lfrd.operation.posts import Posts


class Duty:
    """An asyncio shell around `Posts`. `run()` must stand in the app's TaskGroup: it notices lapses.

    `clock` is monotonic, so that setting the machine's time back keeps no camera running.
    """

    def __init__(self, posts: Posts, clock: Callable[[], float] = time.monotonic) -> None:
        self._posts = posts
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []  # called after each change
        self._sessions: frozenset[str] = frozenset()  # on post, as the listeners last heard
        self._wanted = asyncio.Event()  # set while cameras are wanted
        self._unwanted = asyncio.Event()  # set while they are not
        self._unwanted.set()
        self._lapse = float("inf")  # monotonic; nobody lapses before, whoever is heard meanwhile
        self._rescheduled = asyncio.Event()  # wakes `run` when the next lapse may have come nearer

    def on_change(self, listener: Callable[[], None]) -> None:
        """`listener` is called in the loop whenever somebody has come on post or left it."""
        self._listeners.append(listener)

    def take(self, session: str, officer: str) -> None:
        self._posts.take(session, officer, self._clock())
        self._settle()

    def heard(self, session: str) -> bool:
        """False if the session is not on post (any more); it must take its post again."""
        now = self._clock()
        on_post = self._posts.heard(session, now)
        # Each phone says so every few seconds. It puts its own lapse off and changes nothing else, so that
        # nobody can have come or gone before the next lapse that is known; `run` looks again then.
        if not on_post or now >= self._lapse:
            self._settle()
        return on_post

    def off(self, session: str) -> None:
        self._posts.off(session, self._clock())
        self._settle()

    def is_on(self, session: str) -> bool:
        return self._posts.is_on(session, self._clock())

    def sessions(self) -> frozenset[str]:
        """The sessions on post."""
        return self._posts.sessions(self._clock())

    def present(self) -> list[str]:
        return self._posts.present(self._clock())

    def unreachable(self) -> list[str]:
        """Names of the officers on post whose phones have missed two heartbeats."""
        return self._posts.unreachable(self._clock())

    def silences(self) -> dict[str, float]:
        """By session on post, or off it lately for want of being heard: seconds since it was last heard."""
        return self._posts.silences(self._clock())

    def cameras_wanted(self) -> bool:
        return self._posts.cameras_wanted(self._clock())

    async def wanted(self) -> None:
        """Returns as soon as cameras may run."""
        await self._wanted.wait()

    async def unwanted(self) -> None:
        """Returns as soon as cameras must stop."""
        await self._unwanted.wait()

    async def run(self) -> None:
        while True:
            self._rescheduled.clear()
            wait = self._lapse - self._clock()
            try:
                async with asyncio.timeout(None if wait == float("inf") else max(0.0, wait)):
                    await self._rescheduled.wait()
            except TimeoutError:
                self._settle()

    def _settle(self) -> None:
        """Brings the events up to date and tells the listeners if somebody came or went."""
        lapse = self._posts.next_change(self._clock())
        self._lapse = float("inf") if lapse is None else lapse
        self._rescheduled.set()
        if self.cameras_wanted():
            self._wanted.set()
            self._unwanted.clear()
        else:
            self._wanted.clear()
            self._unwanted.set()
        sessions = self._posts.sessions(self._clock())
        if sessions != self._sessions:
            self._sessions = sessions
            for listener in self._listeners:
                listener()
