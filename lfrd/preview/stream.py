"""One camera's packets to everybody who watches it: none waits for another, and nothing queues."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from av.packet import Packet

from lfrd.flow import Closed
from lfrd.preview.reel import Boxes

PLACES: Final = 3
"""Packets that a viewer may be behind: two come at once after a hitch. Beyond that it waits for the next key
frame, because what lies between cannot be left out."""


@dataclass(frozen=True, slots=True)
class WatchingStatistics:
    taken: int
    skipped: int
    """Packets that this viewer did not get: it was behind, or there was no key frame yet."""
    waiting: int
    limit: int


class Watching:
    """One viewer's place at a camera's stream. Used in the event loop's thread."""

    def __init__(self, ask: Callable[[], object] = lambda: None) -> None:
        """ask: called where this viewer needs a key frame before its time."""
        self._ask = ask
        self._packets: deque[Packet[Any]] = deque()
        self._arrived = asyncio.Event()
        self._begun = False  # it has, or holds, a key frame, and everything since
        self._closed = False
        self._boxes: Boxes | None = None
        self._taken = self._skipped = 0

    async def packet(self) -> Packet[Any]:
        """The next access unit: H.264 Annex B, Constrained Baseline, pts in 1/90000 s; the first is a key
        frame. Many share it: nobody changes it. Raises Closed when the camera stops, or `close` was called.
        """
        while not self._packets:
            if self._closed:
                raise Closed
            self._arrived.clear()
            await self._arrived.wait()
        self._taken += 1
        return self._packets.popleft()

    def boxes(self) -> Boxes | None:
        """Of the newest picture; None before the first."""
        return self._boxes

    def put(self, packet: Packet[Any], boxes: Boxes) -> None:
        self._boxes = boxes
        if packet.is_keyframe:
            self._skipped += len(self._packets)
            self._packets.clear()
            self._begun = True
        elif len(self._packets) >= PLACES:
            self._skipped += len(self._packets)
            self._packets.clear()
            self._begun = False
        if not self._begun:
            self._skipped += 1
            return
        self._packets.append(packet)
        self._arrived.set()

    def again(self) -> None:
        """Begin anew, with a key frame asked for now: of a viewer whose connection has only just come about,
        and for whom what has been waiting is of the past."""
        self._skipped += len(self._packets)
        self._packets.clear()
        self._begun = False
        self._ask()

    def close(self) -> None:
        """Nothing more comes, and what has come is not given out. Safe to call twice."""
        self._closed, self._boxes = True, None
        self._packets.clear()
        self._arrived.set()

    def statistics(self) -> WatchingStatistics:
        return WatchingStatistics(self._taken, self._skipped, len(self._packets), PLACES)


class Stream:
    """Those who watch one camera. Used in the event loop's thread."""

    def __init__(self) -> None:
        self._watchings: list[Watching] = []
        self.joined = 0
        """How often somebody has begun: each needs a key frame. Read in the studio's thread."""

    def __len__(self) -> int:
        return len(self._watchings)

    def join(self) -> Watching:
        watching = Watching(self._begin)
        self._watchings.append(watching)
        self._begin()
        return watching

    def _begin(self) -> None:
        self.joined += 1

    def leave(self, watching: Watching) -> None:
        """Also of one that has left, or was closed."""
        watching.close()
        if watching in self._watchings:
            self._watchings.remove(watching)

    def put(self, packet: Packet[Any], boxes: Boxes) -> None:
        for watching in self._watchings:
            watching.put(packet, boxes)

    def close(self) -> None:
        """The camera stops: everybody who watches is told."""
        while self._watchings:
            self._watchings.pop().close()
