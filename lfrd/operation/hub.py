"""Stored events to every phone: encoded once, read by each at its own pace, nothing queued for anybody."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from lfrd import wire


class EventLog(Protocol):
    """What the hub reads: the store's numbered log."""

    async def after(self, seq: int, limit: int) -> list[wire.Event]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One event as it goes over the wire; the same text for all phones. erased: it tells that an alert was
    deleted, and nothing else of it."""

    seq: int
    text: str
    erased: bool = False


@dataclass(frozen=True, slots=True)
class HubStatistics:
    subscribers: int
    """Connections that are woken by an event."""
    published: int
    gaps: int
    """Events whose number did not follow the one before: the ring was dropped, phones read the store."""
    held: int
    """Events in the ring now."""
    limit: int
    from_ring: int
    """Lines handed out from memory, counted once a phone."""
    from_log: int
    """Lines that had to be read from the store."""


class Hub:
    """Fan-out of events that are already stored.

    A connection keeps one number, the last event that it has sent, and reads what comes after it. A slow
    phone therefore costs its number and nothing else. The newest `limit` events stand encoded in a ring; a
    phone that is further behind reads pages of the log.

    The ring holds every stored event after `_floor`. Should a number be missing when an event is published
    (its publisher was cut off between storing and publishing), the ring starts anew behind the gap and the
    phones find the missing one in the log: nothing depends on each event's having been published.
    """

    def __init__(self, log: EventLog, latest: int, *, limit: int = 256) -> None:
        """`latest`: the newest number already in the log."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        self._log = log
        self._limit = limit
        self._latest = latest  # the newest number that phones may ask for
        self._floor = latest  # what has a greater number stands in the ring
        self._ring: deque[Line] = deque()
        self._wakes: list[Callable[[], None]] = []  # one a subscriber
        self._listeners: list[Callable[[wire.Event], None]] = []  # told of each event before the phones are
        self._published = self._gaps = self._from_ring = self._from_log = 0

    @property
    def latest(self) -> int:
        return self._latest

    @contextmanager
    def subscribed(self, wake: Callable[[], None]) -> Iterator[None]:
        """`wake` is called, in the loop, after each publication; it must only set a flag."""
        self._wakes.append(wake)
        try:
            yield
        finally:
            self._wakes.remove(wake)

    def on_publish(self, listener: Callable[[wire.Event], None]) -> None:
        """`listener` is called, in the loop, with each event, before anybody is woken for it."""
        self._listeners.append(listener)

    def publish(self, event: wire.Event) -> None:
        """Only for an event that is stored. One that was published already is ignored."""
        if event.seq <= self._latest:
            return
        gap = event.seq != self._latest + 1
        self._gaps += gap
        if gap or event.what == "erased":  # what is deleted in the store must not stay here either
            self._ring.clear()
            self._floor = event.seq - 1
        self._ring.append(_line(event))
        if len(self._ring) > self._limit:
            self._floor = self._ring.popleft().seq
        self._latest = event.seq
        self._published += 1
        for listener in self._listeners:
            listener(event)
        for wake in self._wakes:
            wake()

    async def after(self, seq: int, limit: int) -> list[Line]:
        """At most `limit` lines with a number above `seq`, in order; none if the phone has caught up."""
        if seq >= self._floor:
            start = bisect.bisect_right(self._ring, seq, key=lambda line: line.seq)
            lines = [self._ring[index] for index in range(start, min(start + limit, len(self._ring)))]
            self._from_ring += len(lines)
            return lines
        found = await self._log.after(seq, limit)
        # What is stored and not published yet waits until those have heard of it who are told before phones.
        lines = [_line(event) for event in found if event.seq <= self._latest]
        self._from_log += len(lines)
        return lines

    def clear(self) -> None:
        """Forget what is held in memory: to be called after events were erased from the log."""
        self._ring.clear()
        self._floor = self._latest

    def statistics(self) -> HubStatistics:
        return HubStatistics(
            len(self._wakes),
            self._published,
            self._gaps,
            len(self._ring),
            self._limit,
            self._from_ring,
            self._from_log,
        )


def _line(event: wire.Event) -> Line:
    return Line(event.seq, wire.encode(event).decode(), event.what == "erased")
