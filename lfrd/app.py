"""The composition root: what a site is made of, in the order in which it is acquired and given back."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog

from lfrd import memory
from lfrd.capture.source import Source, make_source
from lfrd.capture.supervisor import CameraStatus, CameraSupervisor
from lfrd.config import Camera, Config, Placed, camera_password
from lfrd.decision.repeats import Repeats
from lfrd.errors import SettingError
from lfrd.flow import Closed, Latest
from lfrd.metrics import Metrics, Reading
from lfrd.models import library
from lfrd.operation.alerts import Alerts
from lfrd.operation.alerts import Finding as Report
from lfrd.operation.board import Board, Status
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.operation.hub import Hub
from lfrd.operation.load import Load
from lfrd.operation.posts import Posts
from lfrd.operation.receipts import Receipts
from lfrd.pipeline import Finding, Journey
from lfrd.store.alerts import AlertLog
from lfrd.store.database import Database
from lfrd.store.deployments import Deployments, Terms
from lfrd.store.officers import Officers
from lfrd.types import CameraId, CameraState, Frame
from lfrd.vision.pack import Pack
from lfrd.watching import Watch, watching
from lfrd.web.phones import Phones
from lfrd.web.server import make_app, static_folder
from lfrd.web.services import Services
from lfrd.web.serving import Bound, check, serving
from lfrd.wire import CameraView

log = structlog.get_logger(__name__)

DATABASE = "lfrd.sqlite3"
Progress = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Opens a progress bar with a title; told (done, total)."""


class Eye:
    """One camera of the running site: who fetches its frames, and the journey that they make."""

    def __init__(self, camera: Camera, supervisor: CameraSupervisor, journey: Journey) -> None:
        self.camera = camera
        self.supervisor = supervisor
        self.journey = journey
        self.load = Load()  # whether analysis keeps up with what is due

    def view(self) -> CameraView:
        status = self.supervisor.status
        lag = self.journey.counts.lag if status.state is CameraState.LIVE else None
        return CameraView(self.camera.name, status.state.value, status.problem, lag)

    def reading(self) -> Reading:
        counts = self.supervisor.statistics()
        return Reading(
            self.camera.name,
            self.supervisor.status.state,
            counts.decoded,
            counts.skipped,
            counts.dropped,
            counts.corrupt,
        )

    def degraded(self, at: float) -> str:
        """Why this camera is not fully looked at, or nothing."""
        if self.supervisor.status.state is not CameraState.LIVE:
            self.load.reset()
            return ""
        counts = self.supervisor.statistics()
        share = self.load.update(at, counts.decoded - counts.skipped, self.journey.counts.analysed)
        if share is None or share >= 0.7:
            return ""
        return f"{self.camera.name}: {share:.0%} of its frames are analysed"


@dataclass(frozen=True)
class Site:
    """A running site, for those who start one: `run`, `demo` and the tests."""

    bound: Bound
    officers: Officers
    alerts: Alerts
    log: AlertLog
    duty: Duty
    eyes: tuple[Eye, ...]
    watch: Watch
    metrics: Metrics
    phones: Phones


@asynccontextmanager
async def running(placed: Placed, progress: Progress, *, pack: Pack | None = None) -> AsyncIterator[Site]:
    """A site that serves for as long as the context is open. Raises LfrdErrors, alone or in a group."""
    settings = placed.config
    hardening = memory.harden()
    if not hardening.overwrites_freed:
        log.warning("freed_memory_is_not_overwritten", reason="the C library is not glibc")
    check(settings.web)
    if not settings.watchlist.folder:
        raise SettingError("watchlist.folder", "is empty; nobody is sought")
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.open(placed.data / DATABASE))
        if pack is None:
            pack = await _open_pack(placed, progress)
        with progress("Enrolling the watchlist") as report:
            watch = await stack.enter_async_context(
                watching(pack, placed.path(settings.watchlist.folder), settings, report)
            )
        for line in watch.enrolment.lines():
            log.warning("picture_refused", picture=line)
        deployment, resumed = await Deployments(db, time.time).resume_or_begin(
            settings.site.name, _terms(settings, watch)
        )
        log.info(
            "deployment",
            name=deployment.name,
            resumed=resumed,
            nominals=deployment.n,
            threshold=round(watch.threshold.score, 4),
            because=watch.threshold.source,
        )
        alert_log = AlertLog(db, deployment.id, time.time)
        hub = Hub(alert_log, latest=await alert_log.latest())
        repeats = Repeats(settings.decision.repeat_seconds)
        alerts = Alerts(alert_log, hub, repeats, deployment.id)
        await alerts.restore(time.time() - settings.decision.repeat_seconds)
        officers = Officers(db, time.time)
        duty = Duty(Posts(settings.post.grace_seconds))
        fault = Fault()
        metrics = Metrics()
        phones = Phones(officers, fault)
        receipts = Receipts(alert_log, fault)

        async def tell(finding: Finding) -> None:
            await _report(finding, alerts, watch, metrics)

        pipeline = watch.pipeline(settings, tell, metrics)
        eyes: list[Eye] = []

        def status() -> Status:
            now = time.monotonic()
            return Status(
                cameras=tuple(eye.view() for eye in eyes),
                degraded="; ".join(text for eye in eyes if (text := eye.degraded(now))),
                faces_seen=sum(eye.journey.counts.tracks for eye in eyes),
            )

        board = Board(status, duty)
        for camera in settings.cameras:
            supervisor = CameraSupervisor(
                camera, _opener(camera, placed), on_change=lambda status: _camera_news(status, board)
            )
            journey = pipeline.journey(CameraId(camera.name), camera.eye_distance_pixels)
            eyes.append(Eye(camera, supervisor, journey))
        metrics.watch(lambda: [eye.reading() for eye in eyes], lambda: phones.statistics().connected)
        app = make_app(
            Services(
                alerts=alerts,
                log=alert_log,
                officers=officers,
                duty=duty,
                board=board,
                hub=hub,
                receipts=receipts,
                phones=phones,
                fault=fault,
                config=settings,
                deployment=deployment.name,
                static=static_folder(),
                metrics=metrics.render,
                health=lambda: _problems(status()),
            )
        )
        async with asyncio.TaskGroup() as group:
            background = [
                group.create_task(fault.watch(), name="fault"),
                group.create_task(alerts.run(), name="alerts"),
                group.create_task(receipts.run(), name="receipts"),
                group.create_task(duty.run(), name="duty"),
                group.create_task(board.run(), name="board"),
                group.create_task(phones.run(), name="phones"),
            ]
            for eye in eyes:
                background.append(group.create_task(eye.supervisor.run(), name=f"camera {eye.camera.name}"))
                background.append(group.create_task(_journey(eye), name=f"journey {eye.camera.name}"))
            background.append(group.create_task(_cameras_by_duty(eyes, duty), name="no officer, no camera"))
            try:
                async with serving(app, placed, group) as bound:
                    log.info("listening", address=bound.url, cameras=len(eyes))
                    yield Site(bound, officers, alerts, alert_log, duty, tuple(eyes), watch, metrics, phones)
            finally:
                for task in background:
                    task.cancel()


async def serve(placed: Placed, progress: Progress) -> None:
    """`lfrd run`: until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(placed, progress) as site:
        print(f"lfrd: listening on {site.bound.url}", flush=True)
        print("lfrd: `lfrd invite NAME` lets an officer's phone in", flush=True)
        await stop.wait()
        log.info("stopping")


async def invite_officer(placed: Placed, name: str, valid_seconds: float, address: str | None) -> str:
    """A one-time link for an officer's phone. Works while the server runs."""
    web = placed.config.web
    base = address or Bound(web.host, web.port, bool(web.certificate)).url
    async with Database.open(placed.data / DATABASE, beside=True) as db:
        code = await Officers(db, time.time).invite(name, 1, valid_seconds)
    return join_link(base, code)


def join_link(address: str, code: str) -> str:
    """The code stands behind the #: browsers never send that part, so it is in no server's log."""
    return f"{address.rstrip('/')}/#join={code}"


async def _open_pack(placed: Placed, progress: Progress) -> Pack:
    name = placed.config.inference.pack
    if name == "builtin":
        with progress("Building the builtin model pack") as report:
            return await asyncio.to_thread(
                library.ensure_builtin, placed.data, lambda share, _what: report(round(share * 100), 100)
            )
    folder = placed.path(name)
    return await asyncio.to_thread(
        library.open_pack, str(folder) if (folder / "pack.toml").exists() else name, placed.data
    )


def _terms(settings: Config, watch: Watch) -> Terms:
    frozen: dict[str, Any] = {
        "analysis": msgspec.to_builtins(settings.analysis),
        "tracking": msgspec.to_builtins(settings.tracking),
        "decision": msgspec.to_builtins(settings.decision),
    }
    return Terms(
        threshold=watch.threshold.score,
        model=watch.pack.manifest.digest,
        settings=frozen,
        nominals=frozenset(watch.enrolment.gallery.nominals),
    )


async def _report(finding: Finding, alerts: Alerts, watch: Watch, metrics: Metrics) -> None:
    """From the pipeline's clock to the wall's, with the watchlist's picture beside the live one."""
    event = await alerts.report(
        Report(
            nominal=finding.nominal,
            score=finding.score,
            threshold=finding.threshold,
            camera=finding.camera,
            track=finding.track,
            seen_at=time.time() - max(0.0, time.monotonic() - finding.captured_at),
            captured_monotonic=finding.captured_at,
            quality={
                "eye_distance": round(finding.quality.eye_distance, 1),
                "sharpness": round(finding.quality.sharpness, 1),
                "yaw": round(finding.quality.yaw, 3),
                "pitch": round(finding.quality.pitch, 3),
            },
            shots=finding.shots,
            box=finding.box,
            probe_jpeg=finding.probe_jpeg,
            candidate_jpeg=watch.enrolment.pictures[finding.nominal],
        )
    )
    if event is not None:
        metrics.alerts.labels(finding.camera, event.what).inc()
        metrics.alert_latency.observe(time.monotonic() - finding.captured_at)
        log.info(event.what, alert=event.alert.id, camera=finding.camera, score=round(finding.score, 3))


def _opener(camera: Camera, placed: Placed) -> Callable[[], Source]:
    """Makes the camera's source anew at each try. A missing password is known before anything starts."""
    camera_password(camera, placed)
    return lambda: make_source(camera, placed, rate=placed.config.analysis.rate)


def _camera_news(status: CameraStatus, board: Board) -> None:
    log.info("camera", camera=status.camera, state=status.state.value, problem=status.problem)
    board.refresh()


def _problems(status: Status) -> tuple[str, ...]:
    """What /healthz answers 503 for: cameras that should be live and are not, and overload."""
    failing = {CameraState.RETRYING, CameraState.STALLED}
    found = [f"camera {c.name}: {c.state} {c.problem}".rstrip() for c in status.cameras if c.state in failing]
    return (*found, *([status.degraded] if status.degraded else ()))


async def _cameras_by_duty(eyes: list[Eye], duty: Duty) -> None:
    """Rule 3: cameras run only while an officer is on post."""
    while True:
        await duty.wanted()
        log.info("cameras_start", cameras=len(eyes))
        for eye in eyes:
            eye.supervisor.start()
        await duty.unwanted()
        log.info("cameras_stop", cameras=len(eyes))
        for eye in eyes:
            eye.supervisor.stop()


async def _journey(eye: Eye) -> None:
    await eye.journey.run(_all_of(eye.supervisor.frames), live=True)


async def _all_of(frames: Latest[Frame]) -> AsyncIterator[Frame]:
    while True:
        try:
            yield await frames.take()
        except Closed:
            return
