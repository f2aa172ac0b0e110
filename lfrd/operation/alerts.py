"""The one place where alerts are filed and acted on: first stored, then published."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lfrd import wire
from lfrd.decision.repeats import Known, Repeats, Sighting
from lfrd.errors import NotAllowed
from lfrd.flow import Bounded, Closed, FlowStatistics
from lfrd.operation.escalation import Escalation, waits
from lfrd.operation.finding import Finding, InForce, as_alert
from lfrd.operation.hub import Hub
from lfrd.store.alerts import AlertLog
from lfrd.types import Actor, AlertId, DeploymentId

__all__ = ["Alerts", "AlertsStatistics", "Finding", "InForce"]

BETTER = 1.5
"""A live picture replaces the one that phones show if it is worth this many times as much."""
REMEMBERED = 256
"""Alerts whose picture may still be improved; of older ones it stays as it is."""
LOOK_SECONDS = 0.5
"""How often it is looked whether an alert is to be escalated, or expires."""


@dataclass(frozen=True, slots=True)
class AlertsStatistics:
    filed: int
    sightings: int
    known: int
    """Findings of a track that has made its alert or sighting already."""
    refused: int
    """Requests of officers that were not carried out."""
    escalated: int
    expired: int
    waiting: int
    """Alerts on which somebody may still be engaged."""
    newest_delay: float | None
    """Seconds from the decisive frame's capture to the stored alert, of the last one; None before it."""
    longest_delay: float | None
    requests: FlowStatistics


@dataclass(frozen=True, slots=True)
class _Request:
    work: Callable[[], Awaitable[wire.Event | None]]
    answer: asyncio.Future[wire.Event | None]


class Alerts:
    """Requests are carried out one after the other by `run()`, which stands in the app's TaskGroup, and so
    does `watch()`, which escalates and expires.

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
        *,
        monotonic: Callable[[], float] = time.monotonic,
        limit: int = 256,
    ) -> None:
        """limit: requests that may wait; further ones make their senders wait."""
        self._log = log
        self._hub = hub
        self._repeats = repeats
        self._monotonic = monotonic
        self._in_force: InForce | None = None  # under which alerts are raised now
        self._before: DeploymentId | None = None  # whose people `repeats` knows
        self._escalation = Escalation()
        self._newest = hub.latest  # the newest event that was told from here
        self._turn = asyncio.Lock()  # held by whoever changes alerts
        self._requests: Bounded[_Request] = Bounded(limit)
        self._shown: dict[AlertId, float] = {}  # worth of the picture that phones show, of the newest alerts
        self._filed = self._sightings = self._known = self._refused = self._escalated = self._expired = 0
        self._newest_delay: float | None = None
        self._longest_delay: float | None = None

    # ---- the deployment --------------------------------------------------------------------------------

    async def open(self, in_force: InForce) -> None:
        """From now on alerts are raised under this deployment and segment.

        Whoever was seen lately under it, before a pause or a restart, is a repeat of their alert.
        """
        async with self._turn:
            if in_force.repeat_seconds is not None:
                self._repeats.seconds = in_force.repeat_seconds
            if in_force.deployment != self._before:
                self._repeats.clear()
                since = self._log.now() - self._repeats.seconds
                for nominal, alert, seen_at in await self._log.recent_nominals(in_force.deployment, since):
                    self._repeats.restore(nominal, alert, seen_at)
                self._before = in_force.deployment
            self._in_force = in_force

    async def close(self) -> None:
        """From now on nothing is raised. What has been raised can still be acted on."""
        async with self._turn:
            self._in_force = None

    # ---- requests --------------------------------------------------------------------------------------

    async def report(self, finding: Finding) -> wire.Event | None:
        """Makes an alert of it, or a sighting of an alert that stands; None where neither is new.

        Returns when it is stored. Raises NotAllowed('no_deployment') where none is in force and active,
        StoreError where it cannot be stored, and Closed after the end.
        """
        return await self._ask(lambda: self._report(finding))

    async def carry_out(self, request: wire.AlertRequest, actor: Actor) -> wire.Event:
        """Do what an officer asks for about one alert, if the rules allow it.

        Sent again, a request returns the event that it has made. Raises NotAllowed with a code of
        `wire.Refused`, and nothing has changed.
        """
        event = await self._ask(lambda: self._act(request, actor))
        assert event is not None
        return event

    # ---- tasks -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        request: _Request | None = None
        try:
            while True:
                request = await self._requests.take()
                await self._serve(request)
                request = None  # a finding's pictures are not held until the next one comes: rule 4
        except Closed:
            return
        except Exception as error:
            assert request is not None
            _fail(request, error)
            raise
        finally:
            await self._refuse_the_rest(request)

    async def _serve(self, request: _Request) -> None:
        """Carry out one request, and publish and answer what it has led to."""
        try:
            async with self._turn:
                event = await request.work()
                if event is not None:
                    await self._publish(event)
        except NotAllowed as error:
            self._refused += 1
            _fail(request, error)
        else:
            if not request.answer.done():  # its sender may have gone
                request.answer.set_result(event)

    async def watch(self) -> None:
        """Escalate and expire what is due, from what the store has at the start."""
        async with self._turn:
            self._escalation.restore(await self._log.open_alerts())
        while True:
            await self.tend()
            await asyncio.sleep(LOOK_SECONDS)

    async def tend(self) -> None:
        """Escalate and expire what is due now."""
        async with self._turn:
            for alert, what in self._escalation.due(self._log.now()):
                acts = self._log.acts
                try:
                    event = await (acts.escalate(alert) if what == "escalate" else acts.expire(alert))
                except NotAllowed:  # deleted since
                    event = None
                if event is None:
                    self._escalation.forget(alert)
                    continue
                self._escalated += what == "escalate"
                self._expired += what == "expire"
                await self._publish(event)

    async def _publish(self, event: wire.Event) -> None:
        if event.seq <= self._newest:  # the answer to a repeated request: everybody has heard of it
            return
        self._newest = event.seq
        self._hub.publish(event)
        await self._mind(event)
        undecided = event.what == "adjudicated" and event.alert.decision == "insufficient"
        if event.what == "closed" or undecided:
            self._repeats.forget(AlertId(event.alert.id))

    async def _mind(self, event: wire.Event) -> None:
        """Bring what waits up to date; one that begins to wait has its own time, whatever is in force now."""
        alert, seconds = AlertId(event.alert.id), 0.0
        if waits(event.alert) and self._escalation.expires_at(alert) is None:
            try:
                seconds = await self._log.escalate_seconds(alert)
            except NotAllowed:  # deleted since
                return
        self._escalation.told(event, seconds)

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

    # ---- acts of officers ------------------------------------------------------------------------------

    async def _act(self, request: wire.AlertRequest, actor: Actor) -> wire.Event:
        acts, alert = self._log.acts, AlertId(request.alert)
        match request:
            case wire.Claim():
                return await acts.claim(alert, actor)
            case wire.Release():
                return await acts.release(alert, actor)
            case wire.Adjudicate(decision=decision, reason=reason):
                return await acts.adjudicate(alert, actor, decision, reason)
            case wire.Withdraw(reason=reason):
                return await acts.withdraw(alert, actor, reason)
            case wire.Engage():
                return await acts.engage(alert, actor)
            case wire.Code(outcome=outcome, arrest_class=arrest_class, correction=correction):
                return await acts.code(alert, actor, outcome, arrest_class, correction)
            case wire.CloseAlert():
                return await acts.close(alert, actor)

    # ---- findings of cameras ---------------------------------------------------------------------------

    async def _report(self, finding: Finding) -> wire.Event | None:
        in_force = self._in_force
        if in_force is None:
            raise NotAllowed("no_deployment", "no deployment is in force: nobody is looked for")
        verdict = self._repeats.file(finding.nominal, finding.camera, finding.track, finding.seen_at)
        if isinstance(verdict, Known):
            self._known += 1
            if not await self._tells_more(verdict.alert, finding):
                improved = await self._improve(verdict.alert, finding)
                return improved or await self._stays(verdict.alert, finding)
            self._repeats.forget(verdict.alert, passages=True)
            verdict = self._repeats.file(finding.nominal, finding.camera, finding.track, finding.seen_at)
        if isinstance(verdict, Sighting):
            event = await self._sighting(verdict.alert, finding)
            if event is not None:
                return event
        event = await self._log.file(as_alert(in_force, finding))
        self._repeats.attach(finding.nominal, AlertId(event.alert.id))
        self._show(AlertId(event.alert.id), finding.worth)
        self._filed += 1
        delay = max(0.0, self._monotonic() - finding.captured_monotonic)
        self._newest_delay = delay
        self._longest_delay = max(delay, self._longest_delay or 0.0)
        return event

    async def _sighting(self, alert: AlertId, finding: Finding) -> wire.Event | None:
        """None where the alert has been deleted or closed since: then this is a new one, and is not lost."""
        try:
            event = await self._log.sighting(
                alert, finding.camera, finding.seen_at, finding.score, finding.track
            )
        except NotAllowed as error:
            if error.code == "no_deployment":
                raise
            return None
        self._sightings += 1
        return event

    async def _stays(self, alert: AlertId, finding: Finding) -> wire.Event | None:
        """Somebody who stays in view is being seen: their alert does not expire. One sighting is told when
        half of its time has passed, so that phones are left alone in between."""
        expires_at = self._escalation.expires_at(alert)
        if self._in_force is None or expires_at is None:
            return None
        if expires_at - self._log.now() > self._in_force.expire_seconds / 2:
            return None
        return await self._sighting(alert, finding)

    async def _tells_more(self, alert: AlertId, finding: Finding) -> bool:
        """Whether officers could not tell, and this picture is clearly better: a new alert asks them again,
        because what was decided on is not exchanged."""
        if not self._is_better(alert, finding):
            return False
        try:
            return (await self._log.view(alert)).decision == "insufficient"
        except NotAllowed:
            return False  # deleted since

    def _is_better(self, alert: AlertId, finding: Finding) -> bool:
        return finding.worth >= BETTER * self._shown.get(alert, math.inf)

    async def _improve(self, alert: AlertId, finding: Finding) -> wire.Event | None:
        """An alert is raised on the first few shots, when the person is still far away: a clearly better
        picture that comes while the officer decides is worth having."""
        if not self._is_better(alert, finding):
            return None
        try:
            event = await self._log.improve(
                alert, finding.probe_jpeg, finding.quality, finding.score, finding.shots
            )
        except NotAllowed:
            return None  # deleted or closed since: there is nothing to improve
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
            self._escalated,
            self._expired,
            len(self._escalation),
            self._newest_delay,
            self._longest_delay,
            self._requests.statistics(),
        )


def _fail(request: _Request, error: Exception) -> None:
    if not request.answer.done():
        request.answer.set_exception(error)
