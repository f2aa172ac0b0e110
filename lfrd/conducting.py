"""The deployment that is open, run: its list in memory, its cameras by duty, its end, and what is recorded.

One loop for the life of the server. It looks whether a deployment is open, puts it in force (the watchlist
unsealed, the cameras ready), and takes it out of force when it is closed, suspended, amended, revoked or
over, whoever says so: the desk, a command beside the server, or the clock. Nothing is decoded outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import structlog

from lfrd import wire
from lfrd.audit import kinds
from lfrd.cameras import Eye, Governing, status_of
from lfrd.capture.lines import Lines
from lfrd.capture.rate import Ceiling
from lfrd.config import Config, Placed
from lfrd.errors import NotAllowed, SettingError
from lfrd.gallery.index import Gallery, GalleryHolder
from lfrd.glances import Glances
from lfrd.inference import Inference
from lfrd.metrics import Metrics
from lfrd.operation.accounts import Accounts, Reading
from lfrd.operation.alerts import Alerts, InForce
from lfrd.operation.board import Status
from lfrd.operation.duty import Duty
from lfrd.pipeline import Report
from lfrd.policy.life import SUSPENDED_FOR
from lfrd.policy.limits import Control
from lfrd.preview.previews import Previews
from lfrd.readiness import false_alerts, frozen, require_frozen_model
from lfrd.records import Records
from lfrd.reporting import Reporter, Sought
from lfrd.store.deployment_rows import PauseReason
from lfrd.store.deployments import Deployment, Segment
from lfrd.store.entries import Listed
from lfrd.types import SYSTEM, CameraId, CameraState, Stage
from lfrd.vision.pack import Pack
from lfrd.watching import pipeline_of

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
"""How often it is looked whether anything has changed: a revocation takes effect within twice that."""
TICK_SECONDS = 1.0
"""How often the cameras' states are counted."""
TELL_SECONDS = 30.0
"""How often the audit is told what the cameras did."""
DEGRADED_SECONDS = 10.0
"""With no camera live for so long, though officers are on post, the deployment is paused as degraded."""

PAUSED: Final[dict[PauseReason, str]] = {
    "no_officer": "no officer is on post",
    "degraded": f"no camera has been live for {DEGRADED_SECONDS:g} s",
}
"""Why a deployment is paused, in words."""

Work: TypeAlias = Coroutine[Any, Any, None]


@dataclass(frozen=True)
class Running:
    """What runs while a segment of a deployment is in force."""

    deployment: Deployment
    segment: Segment
    eyes: tuple[Eye, ...]
    governing: Governing
    accounts: Accounts
    control: Control
    seen_before: int
    """Faces seen in this deployment before this process, or this segment, began."""

    @property
    def faces_seen(self) -> int:
        return self.seen_before + sum(eye.journey.counts.tracks for eye in self.eyes)


class Conductor:
    """`run()` stands in the app's TaskGroup. A failing store ends it, and with it the process."""

    def __init__(
        self,
        *,
        placed: Placed,
        records: Records,
        pack: Pack,
        inference: Inference,
        alerts: Alerts,
        duty: Duty,
        metrics: Metrics,
        on_change: Callable[[], object],
        lines: Lines | None = None,
        previews: Previews | None = None,
    ) -> None:
        """on_change: called in the loop when what `status` says may be another. lines: of phones that are
        cameras. previews: told which cameras run, and given what their live pictures are made of."""
        self._placed = placed
        self._records = records
        self._pack = pack
        self._inference = inference
        self._alerts = alerts
        self._duty = duty
        self._metrics = metrics
        self._on_change = on_change
        self._lines = lines
        self._previews = previews
        self._deployment: Deployment | None = None  # the open one, as last looked at
        self._segment: Segment | None = None  # its newest
        self._running: Running | None = None  # what is in force now
        self._stopping = asyncio.Event()
        self._version = -1  # of the database, when it was last looked at
        self._reading = asyncio.Lock()  # held by whoever reads it: what was read earlier comes no later
        self._wake = asyncio.Event()  # somebody came on post or left it, or a camera's state is another
        self._read = 0  # number of the last audit record that the control limits were fed with
        self._seen = 0  # faces seen, by those records
        duty.on_change(self._wake.set)

    # ---- what others ask -------------------------------------------------------------------------------

    @property
    def eyes(self) -> tuple[Eye, ...]:
        """The cameras of the deployment in force; none while none is."""
        return () if self._running is None else self._running.eyes

    @property
    def segment_number(self) -> int | None:
        """Of the segment in force; None while none is."""
        return None if self._running is None else self._running.segment.number

    def glances(self, camera: CameraId) -> Glances | None:
        """Where a running camera's next frame can be copied; None for one that does not run."""
        for eye in self.eyes:
            if eye.name == camera and eye.runs:
                return eye.journey.glances
        return None

    def status(self) -> Status:
        """What phones and the desk are told of the box."""
        running = self._running
        if running is None:
            off = tuple(wire.CameraView(c.name, CameraState.OFF.value) for c in self._placed.config.cameras)
            return Status(cameras=off, deployment=self._view())
        status = status_of(running.eyes)
        return Status(
            cameras=status.cameras,
            degraded=status.degraded,
            faces_seen=running.faces_seen,
            paces=status.paces,
            deployment=self._view(),
        )

    def _view(self) -> wire.DeploymentView | None:
        """What phones and the desk show of the open deployment."""
        deployment, segment = self._deployment, self._segment
        if deployment is None or segment is None:
            return None
        why = deployment.reason
        if deployment.stage is Stage.PAUSED:
            why = next((words for reason, words in PAUSED.items() if reason == why), why)
        elif deployment.stage is Stage.SUSPENDED:
            why = SUSPENDED_FOR.get(why, why)
        return wire.DeploymentView(
            id=deployment.id,
            name=deployment.name,
            place=deployment.plan.place,
            stage=deployment.stage.value,
            why=why,
            ends_at=deployment.plan.ends_at or 0.0,
            threshold=segment.threshold,
            n=segment.n,
            false_alerts=false_alerts(self._pack, segment.model, segment.threshold, segment.pictures),
        )

    def stop(self) -> None:
        """Take the deployment out of force and let `run` end; it stays open, for the next start to resume."""
        self._stopping.set()

    # ---- the loop --------------------------------------------------------------------------------------

    async def run(self) -> None:
        while not self._stopping.is_set():
            await self.look()
            deployment, segment = self._deployment, self._segment
            if deployment is None or segment is None or deployment.stage is Stage.SUSPENDED:
                await self._until_another(deployment, segment)
                continue
            try:
                async with self._in_force(deployment, segment) as running:
                    await self._conduct(running)
            except* NotAllowed as refused:
                # Revoked while it was being put in force: there is nothing to unseal any more.
                log.info("not_put_in_force", name=deployment.name, reason=str(refused.exceptions[0]))
                await self._until_another(deployment, segment)
            await self._records.audit.record(kinds.MemoryWiped(deployment.id), SYSTEM)

    async def _until_another(self, deployment: Deployment | None, segment: Segment | None) -> None:
        """Return when another deployment, stage or segment is to be in force, or the server stops."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._stopping.wait()
            await self.look()
            if _key(self._deployment, self._segment) != _key(deployment, segment):
                return

    async def look(self) -> None:
        """Bring the open deployment up to date, and close it when its time is up."""
        if self._deployment is not None and self._deployment.is_over(self._records.clock.now()):
            for ended in await self._records.deployments.close_overdue():
                log.info("deployment_ended", name=ended.name)
        version = await self._records.db.version()
        if version != self._version:
            self._version = version
            await self._read_deployment()

    async def _read_deployment(self) -> None:
        kept = self._records.deployments
        async with self._reading:
            before = self._deployment
            deployment = await kept.current()
            segments = [] if deployment is None else await kept.segments(deployment.id)
            self._deployment, self._segment = deployment, segments[-1] if segments else None
            if deployment != before:
                self._on_change()

    # ---- in force --------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _in_force(self, deployment: Deployment, segment: Segment) -> AsyncIterator[Running]:
        """The watchlist unsealed in memory and the cameras ready, until the block is left; then wiped."""
        require_frozen_model(self._pack, self._placed.config, deployment.name, segment)
        listed = await self._records.watchlists.listed(deployment.id, faces=False)
        holder = GalleryHolder(_gallery(listed, self._inference.dim))
        try:
            report = Reporter(
                alerts=self._alerts,
                watchlists=self._records.watchlists,
                metrics=self._metrics,
                deployment=deployment.id,
                sought={one.reference: _sought(one) for one in listed},
                clock=self._records.clock.now,
                resumed=self._resumed,
            )
            terms = frozen(self._placed.config, segment.settings)
            ceiling = Ceiling(terms.analysis.rate)
            eyes = self._eyes(holder, segment, terms, report, ceiling)
            sides = terms.analysis.max_side, terms.analysis.least_side
            governing = Governing(eyes, ceiling, self._inference, self._metrics, sides=sides)
            control = Control(deployment.plan.accepted_false_alerts, deployment.plan.blue_tpir)
            accounts = Accounts(deployment.id, segment.number, time.monotonic())
            self._read = self._seen = 0
            await self._follow_audit(deployment, control)
            repeat_seconds = terms.decision.repeat_seconds
            await self._alerts.open(
                InForce.of(deployment.id, segment.number, deployment.plan, repeat_seconds)
            )
            self._running = Running(deployment, segment, eyes, governing, accounts, control, self._seen)
            self._on_change()
            log.info("in_force", name=deployment.name, segment=segment.number, nominals=segment.n)
            yield self._running
        finally:
            self._running = None
            await self._alerts.close()
            holder.close()
            self._on_change()
            log.info("out_of_force", name=deployment.name)

    def _eyes(
        self, holder: GalleryHolder, segment: Segment, settings: Config, report: Report, ceiling: Ceiling
    ) -> tuple[Eye, ...]:
        """settings: with what the segment has frozen, whatever config.toml says by now."""
        pipeline = pipeline_of(
            self._pack, self._inference, holder, segment.threshold, settings, report, self._metrics
        )
        known = {camera.name: camera for camera in settings.cameras}
        for planned in segment.cameras:
            if planned.name not in known:
                raise SettingError(
                    "cameras",
                    f"lacks '{planned.name}', which the open deployment uses: put it back, or close the "
                    "deployment",
                )
        return tuple(
            Eye(
                known[planned.name],
                self._placed,
                pipeline,
                self._camera_changed,
                planned,
                self._lines,
                None if self._previews is None else self._previews.feed(CameraId(planned.name)),
                ceiling=ceiling,
                place=number / len(segment.cameras),
            )
            for number, planned in enumerate(segment.cameras)
        )

    def _camera_changed(self) -> None:
        self._wake.set()
        self._on_change()

    async def _conduct(self, running: Running) -> None:
        """Run the cameras until something else is to be in force."""
        async with asyncio.TaskGroup() as group:
            work: list[tuple[str, Work]] = [
                ("mind", self._mind(running)),
                ("govern", running.governing.run()),
            ]
            for eye in running.eyes:
                work.append((f"camera {eye.name}", eye.supervisor.run()))
                work.append((f"journey {eye.name}", eye.run()))
            tasks = [group.create_task(one, name=name) for name, one in work]
            try:
                await self._until_another(running.deployment, running.segment)
            finally:
                for eye in running.eyes:
                    self._no_preview(eye)
            for task in tasks:
                task.cancel()
        running.accounts.note(_readings(running.eyes), time.monotonic(), wanted=False)
        for counted in running.accounts.take():
            await self._records.audit.record(counted, SYSTEM)

    async def _mind(self, running: Running) -> None:
        """Cameras by duty (rule 3), pauses, what the audit is told, and the control limits (rule 29)."""
        on = False  # whether the cameras have been started
        told = live_at = time.monotonic()
        while True:
            self._wake.clear()
            wanted, now = self._duty.cameras_wanted(), time.monotonic()
            if wanted and not on:
                live_at = now
                await self._pause(None)  # before the first frame: an alert exists only while it is active
            if wanted != on:
                log.info("cameras_start" if wanted else "cameras_stop", cameras=len(running.eyes))
                for eye in running.eyes:
                    (eye.supervisor.start if wanted else eye.supervisor.stop)()
                on = wanted
            self._tell_previews(running)
            readings = _readings(running.eyes)
            if any(reading.live for reading in readings):
                live_at = now
            degraded = now - live_at >= DEGRADED_SECONDS
            await self._pause("no_officer" if not wanted else "degraded" if degraded else None)
            for news in running.accounts.note(readings, now, wanted=wanted):
                await self._records.audit.record(news, SYSTEM)
            if now - told >= TELL_SECONDS:
                told = now
                for counted in running.accounts.take():
                    await self._records.audit.record(counted, SYSTEM)
            await self._keep_within_limits(running)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()

    def _tell_previews(self, running: Running) -> None:
        """Whoever watches a camera that has been stopped, or has come to its end, is told."""
        for eye in running.eyes:
            if not eye.runs:
                self._no_preview(eye)
            elif self._previews is not None:
                self._previews.start(CameraId(eye.name))

    def _no_preview(self, eye: Eye) -> None:
        if self._previews is not None:
            self._previews.stop(CameraId(eye.name))

    async def _resumed(self) -> bool:
        """Whether the deployment is active, brought back from a pause if need be."""
        if self._running is None or not self._duty.cameras_wanted():
            return False
        await self._pause(None)
        return self._deployment is not None and self._deployment.stage is Stage.ACTIVE

    async def _pause(self, reason: PauseReason | None) -> None:
        """Bring the deployment's stage in line: paused for this reason, or active where there is none."""
        deployment = self._deployment
        if deployment is None:
            return
        paused = deployment.reason if deployment.stage is Stage.PAUSED else None
        if paused == reason:
            return
        # One that was closed or suspended a moment ago, by somebody else, stays so: `look` notices.
        with contextlib.suppress(NotAllowed):
            if reason:
                await self._records.deployments.pause(deployment.id, reason, PAUSED[reason])
            else:
                await self._records.deployments.resume(deployment.id)
        await self._read_deployment()

    async def _keep_within_limits(self, running: Running) -> None:
        await self._follow_audit(running.deployment, running.control)
        breach = running.control.breach
        if breach is None:
            return
        log.warning("suspended", reason=breach.reason, detail=breach.detail)
        with contextlib.suppress(NotAllowed):
            await self._records.deployments.suspend(
                running.deployment.id, SYSTEM, breach.reason, breach.detail
            )

    async def _follow_audit(self, deployment: Deployment, control: Control) -> None:
        """Feed the control limits with what the audit has been told since the last time: what they judge is
        what anybody can recompute from it, before a restart and after."""
        while page := await self._records.audit.records(after=self._read, deployment=deployment.id):
            for record in page:
                self._read = record.seq
                body = kinds.decode(record.body)
                control.feed(body, record.actor)
                if isinstance(body, kinds.Counted):
                    self._seen += body.faces_seen


def _key(deployment: Deployment | None, segment: Segment | None) -> tuple[str, bool, int] | None:
    """What must stay the same for a deployment to stay in force, or out of it: pausing does not matter."""
    if deployment is None or segment is None:
        return None
    return deployment.id, deployment.stage is Stage.SUSPENDED, segment.number


def _gallery(listed: list[Listed], dim: int) -> Gallery:
    try:
        return Gallery({one.reference: one.templates for one in listed}, dim=dim)
    finally:
        for one in listed:
            one.templates.fill(0)


def _sought(listed: Listed) -> Sought:
    return Sought(listed.name, listed.category, listed.instruction, listed.image_date, listed.blue)


def _readings(eyes: tuple[Eye, ...]) -> list[Reading]:
    return [eye.account() for eye in eyes]
