"""A deployment's course in time: its stage, and how long it was active, paused, suspended or interrupted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeVar

from lfrd.audit.figures import Halt, Halted, Outage, Times
from lfrd.types import Stage

_Kept = TypeVar("_Kept", Halt, Outage)

MOST = 1000
"""Halts, and outages, that are listed one by one; more are only counted."""


@dataclass(slots=True)
class _Open:
    """A halt that still lasts."""

    kind: Halted
    since: float
    reason: str
    detail: str


@dataclass(slots=True)
class Course:
    """Fed with what the records tell, in their order; times are Unix seconds and never go back."""

    server_is_off: bool = False  # it has said that it stops, and has not started since
    stage: Stage = Stage.DRAFT
    started_at: float | None = None
    ended_at: float | None = None
    segment: int = 0  # the one that runs
    halts: list[Halt] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    left_out: int = 0
    _seconds: defaultdict[tuple[int, str], float] = field(default_factory=lambda: defaultdict(float))
    _since: float = 0.0  # accounted for until here
    _alive: float = 0.0  # when the server last showed that it ran
    _halt: _Open | None = None
    _down: dict[str, float] = field(default_factory=dict)  # cameras that have failed: since when

    @property
    def is_open(self) -> bool:
        return self.started_at is not None and self.ended_at is None

    def started(self, at: float) -> None:
        self.stage, self.started_at = Stage.ACTIVE, at
        self._since = self._alive = at
        self._interrupt_if_off(at)

    def segment_began(self, number: int, at: float) -> None:
        self._account(at)
        self.segment = number
        self._alive = max(self._alive, at)

    def halted(self, stage: Stage, kind: Halted, at: float, reason: str, detail: str) -> None:
        self._account(at)
        self._end_halt(at)
        self.stage = stage
        self._halt = _Open(kind, at, reason, detail)

    def resumed(self, at: float) -> None:
        """Active again, after a pause or on a renewed authorisation."""
        self._account(at)
        self._end_halt(at)
        self.stage = Stage.ACTIVE
        self._alive = at
        self._interrupt_if_off(at)

    def ended(self, at: float) -> None:
        if self.is_open:
            self._account(at)
            self._end_halt(at)
            for camera in list(self._down):
                self.camera_back(camera, at)
            self.ended_at = at
        self.stage = Stage.CLOSED

    def seen_alive(self, at: float) -> None:
        """A record that only a running server writes."""
        self._alive = max(self._alive, at)

    def server_stopped(self, at: float) -> None:
        self.server_is_off = True
        if self.is_open and self.stage is Stage.ACTIVE:
            self._account(at)
            self._interrupt_if_off(at)

    def server_started(self, at: float) -> None:
        """Where no end was recorded, it had broken off: since its last sign of life nobody was looked for."""
        if self.is_open and self.stage is Stage.ACTIVE:
            if not self.server_is_off:
                self._account(self._alive)
                self._halt = _Open("interrupted", self._alive, "server_broke_off", "")
            self._account(at)
            self._end_halt(at)
            self._alive = at
        self.server_is_off = False

    def camera_failed(self, camera: str, at: float) -> None:
        self._down.setdefault(camera, at)

    def camera_back(self, camera: str, at: float) -> None:
        since = self._down.pop(camera, None)
        if since is not None:
            self._keep(self.outages, Outage(camera, since, at))

    def until(self, at: float) -> None:
        """The last that is known: what still lasts is accounted for, and listed without an end."""
        if not self.is_open:
            return
        self._account(at)
        if self._halt is not None:
            open_ = self._halt
            self._keep(self.halts, Halt(open_.kind, open_.since, None, open_.reason, open_.detail))
        for camera, since in self._down.items():
            self._keep(self.outages, Outage(camera, since, None))

    def times(self, segment: int | None = None) -> Times:
        """Of one segment, or of the whole."""
        wanted = {number for number, _ in self._seconds} if segment is None else {segment}
        kinds = ("active", "paused", "suspended", "interrupted")
        return Times(*(sum(self._seconds.get((number, kind), 0.0) for number in wanted) for kind in kinds))

    def _account(self, at: float) -> None:
        if self.is_open and at > self._since:
            kind = "active" if self._halt is None else self._halt.kind
            self._seconds[self.segment, kind] += at - self._since
            self._since = at

    def _interrupt_if_off(self, at: float) -> None:
        if self.server_is_off and self._halt is None:
            self._halt = _Open("interrupted", at, "server_stopped", "")

    def _end_halt(self, at: float) -> None:
        if self._halt is not None:
            ended = Halt(self._halt.kind, self._halt.since, at, self._halt.reason, self._halt.detail)
            self._keep(self.halts, ended)
            self._halt = None

    def _keep(self, kept: list[_Kept], one: _Kept) -> None:
        if len(kept) < MOST:
            kept.append(one)
        else:
            self.left_out += 1
