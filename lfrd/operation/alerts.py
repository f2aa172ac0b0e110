"""The one place where alerts are filed, claimed and adjudicated: first stored, then published."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from lfrd import wire
from lfrd.decision.repeats import Known, Repeats, Sighting
from lfrd.errors import NotAllowed
from lfrd.flow import Bounded, Closed, FlowStatistics
from lfrd.operation.hub import Hub
from lfrd.store.alerts import AlertLog, NewAlert
from lfrd.types import AlertId, Box, CameraId, Decision, DeploymentId, NominalId, OfficerId, TrackId

BETTER = 1.5
"""A live picture replaces the one that phones show if it is worth this many times as much."""
REMEMBERED = 256
"""Alerts whose picture may still be improved; of older ones it stays as it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The pipeline's verdict that a track may be a nominal.

    score, threshold: cosine similarity, -1..1. seen_at: Unix seconds of the decisive frame;
    captured_monotonic: the same instant on the process's monotonic clock. quality: of the shot that is shown
    (eye_distance in pixels, sharpness, yaw, pitch); worth: its rank among shots, larger is better. shots: how
    many agreed. box: the face in the full-size frame. The pictures are JPEG files, hidden in the repr.
    """

    nominal: NominalId
    score: float
    threshold: float
    camera: CameraId
    track: TrackId
    seen_at: float
    captured_monotonic: float
    quality: dict[str, float]
    worth: float
    shots: int
    box: Box
    probe_jpeg: bytes = field(repr=False)
    candidate_jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AlertsStatistics:
    filed: int
    sightings: int
    known: int
    """Findings of a track that has made its alert or sighting already."""
    refused: int
    """Requests of officers that were not carried out."""
    newest_delay: float | None
    """Seconds from the decisive frame's capture to the stored alert, of the last one; None before it."""
    longest_delay: float | None
    requests: FlowStatistics


@dataclass(frozen=True, slots=True)
class _Request:
    work: Callable[[], Awaitable[wire.Event | None]]
    answer: asyncio.Future[wire.Event | None]


class Alerts:
    """Requests are carried out one after the other by `run()`, which stands in the app's TaskGroup.

    One after the other, so that two cameras that see the same nominal at the same instant make one alert and
    one sighting, and events are published in the order of their numbers. In a task of its own, so that a
    phone which drops its connection in the middle of a claim leaves no event stored and unpublished. A
    failing store ends `run()`, and with it the process.
    """

    def __init__(
        self,
        log: AlertLog,
        hub: Hub,
        repeats: Repeats,
        deployment: DeploymentId,
        *,
        limit: int = 256,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """limit: requests that may wait; further ones make their senders wait."""
        self._log = log
        self._hub = hub
        self._repeats = repeats
        self._deployment = deployment
        self._monotonic = monotonic
        self._requests: Bounded[_Request] = Bounded(limit)
        self._shown: dict[AlertId, float] = {}  # worth of the picture that phones show, of the newest alerts
        self._filed = self._sightings = self._known = self._refused = 0
        self._newest_delay: float | None = None
        self._longest_delay: float | None = None

    async def restore(self, since: float) -> None:
        """After a restart: go on counting those seen since (Unix seconds) as repeats of their alerts."""
        for nominal, alert, seen_at in await self._log.recent_nominals(since):
            self._repeats.restore(nominal, alert, seen_at)

    async def report(self, finding: Finding) -> wire.Event | None:
        """Makes an alert of it, or a sighting of an alert that stands; None where neither is new.

        Returns when it is stored. Raises StoreError where it cannot be, and Closed after the end.
        """
        return await self._ask(lambda: self._report(finding))

    async def claim(self, alert: AlertId, officer: OfficerId) -> wire.Event:
        """The first claim wins. Raises NotAllowed: 'unknown_alert' or 'claimed'."""
        event = await self._ask(lambda: self._log.claim(alert, officer))
        assert event is not None
        return event

    async def adjudicate(
        self, alert: AlertId, officer: OfficerId, decision: Decision, reason: str = ""
    ) -> wire.Event:
        """Raises NotAllowed: 'unknown_alert', 'claimed', 'adjudicated' or 'reason_missing'."""
        event = await self._ask(lambda: self._log.adjudicate(alert, officer, decision, reason))
        assert event is not None
        return event

    async def run(self) -> None:
        request: _Request | None = None
        try:
            while True:
                request = await self._requests.take()
                try:
                    event = await request.work()
                except NotAllowed as error:
                    self._refused += 1
                    _fail(request, error)
                else:
                    if event is not None:
                        self._hub.publish(event)
                    if not request.answer.done():  # its sender may have gone
                        request.answer.set_result(event)
        except Closed:
            return
        except Exception as error:
            assert request is not None
            _fail(request, error)
            raise
        finally:
            await self._refuse_the_rest(request)

    async def _refuse_the_rest(self, current: _Request | None) -> None:
        await self._requests.close()
        if current is not None:
            _fail(current, Closed())
        try:
            while True:
                _fail(await self._requests.take(), Closed())
        except Closed:
            return

    async def _ask(self, work: Callable[[], Awaitable[wire.Event | None]]) -> wire.Event | None:
        answer: asyncio.Future[wire.Event | None] = asyncio.get_running_loop().create_future()
        await self._requests.put(_Request(work, answer))
        return await answer

    async def _report(self, finding: Finding) -> wire.Event | None:
        verdict = self._repeats.file(finding.nominal, finding.camera, finding.track, finding.seen_at)
        if isinstance(verdict, Known):
            self._known += 1
            return await self._improve(verdict.alert, finding)
        if isinstance(verdict, Sighting):
            try:
                event = await self._log.sighting(
                    verdict.alert, finding.camera, finding.seen_at, finding.score, finding.track
                )
            except NotAllowed:
                pass  # the alert has been deleted since: this is a new one, and must not be lost
            else:
                self._sightings += 1
                return event
        event = await self._log.file(_as_alert(self._deployment, finding))
        self._repeats.attach(finding.nominal, AlertId(event.alert.id))
        self._show(AlertId(event.alert.id), finding.worth)
        self._filed += 1
        delay = max(0.0, self._monotonic() - finding.captured_monotonic)
        self._newest_delay = delay
        self._longest_delay = max(delay, self._longest_delay or 0.0)
        return event

    async def _improve(self, alert: AlertId, finding: Finding) -> wire.Event | None:
        """An alert is raised on the first few shots, when the person is still far away: a clearly better
        picture that comes while the officer decides is worth having."""
        if finding.worth < BETTER * self._shown.get(alert, math.inf):
            return None
        try:
            event = await self._log.improve(
                alert, finding.probe_jpeg, finding.quality, finding.score, finding.shots
            )
        except NotAllowed:
            return None  # deleted since: there is nothing to improve
        self._show(alert, finding.worth)
        return event

    def _show(self, alert: AlertId, worth: float) -> None:
        self._shown[alert] = worth
        while len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]

    def statistics(self) -> AlertsStatistics:
        return AlertsStatistics(
            self._filed,
            self._sightings,
            self._known,
            self._refused,
            self._newest_delay,
            self._longest_delay,
            self._requests.statistics(),
        )


def _fail(request: _Request, error: Exception) -> None:
    if not request.answer.done():
        request.answer.set_exception(error)


def _as_alert(deployment: DeploymentId, finding: Finding) -> NewAlert:
    return NewAlert(
        deployment=deployment,
        nominal=finding.nominal,
        camera=finding.camera,
        score=finding.score,
        threshold=finding.threshold,
        seen_at=finding.seen_at,
        quality=finding.quality,
        shots=finding.shots,
        box=finding.box,
        probe_jpeg=finding.probe_jpeg,
        candidate_jpeg=finding.candidate_jpeg,
    )
