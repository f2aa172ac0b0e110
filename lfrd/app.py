"""The composition root: what a site is made of, in the order in which it is acquired and given back."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from lfrd import memory
from lfrd.cameras import Eye, problems, run_by_duty, status_of
from lfrd.config import Config, Placed, Web
from lfrd.decision.repeats import Repeats
from lfrd.errors import SettingError
from lfrd.metrics import Metrics
from lfrd.models import library
from lfrd.operation.alerts import Alerts
from lfrd.operation.alerts import Finding as Report
from lfrd.operation.board import Board
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.operation.hub import Hub
from lfrd.operation.posts import Posts
from lfrd.operation.receipts import Receipts
from lfrd.pipeline import Finding
from lfrd.store.alerts import AlertLog, unanswered
from lfrd.store.database import Database
from lfrd.store.deployments import Deployment, Deployments, Terms
from lfrd.store.failure import require_room
from lfrd.store.officers import Officers, Session
from lfrd.vision.pack import Pack
from lfrd.watching import Watch, watching
from lfrd.web.phones import Phones
from lfrd.web.server import make_app, static_folder
from lfrd.web.services import Services
from lfrd.web.serving import Bound, probe, reachable, serving

log = structlog.get_logger(__name__)

DATABASE = "lfrd.sqlite3"
CARRIED_SECONDS = 86400.0
"""Unanswered alerts of earlier deployments are told for a day: rule 23 lets none live longer."""
LEAST_ROOM = 16 << 20
"""Bytes that must be free on the data folder's disk at the start: what SQLite's log may grow to, and some two
hundred alerts."""
Progress = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Opens a progress bar with a title; told (done, total)."""


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
    _harden()
    probe(placed)
    if not settings.watchlist.folder:
        raise SettingError("watchlist.folder", "is empty; nobody is sought")
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.open(placed.data / DATABASE))
        require_room(db.path, LEAST_ROOM)
        watch = await _enrolled(stack, placed, pack or await _open_pack(placed, progress), progress)
        deployment, alert_log = await _deployed(db, settings, watch)
        hub = Hub(alert_log, latest=await alert_log.latest())
        repeats = Repeats(settings.decision.repeat_seconds)
        alerts = Alerts(alert_log, hub, repeats, deployment.id)
        await alerts.restore(time.time() - settings.decision.repeat_seconds)
        officers = Officers(db, time.time)
        duty = Duty(Posts(settings.post.grace_seconds))
        fault = Fault()
        metrics = Metrics()
        phones = Phones(officers, fault, duty)
        receipts = Receipts(alert_log, fault)

        async def tell(finding: Finding) -> None:
            await _report(finding, alerts, watch, metrics)

        pipeline = watch.pipeline(settings, tell, metrics)
        eyes: list[Eye] = []
        board = Board(lambda: status_of(eyes), duty)
        eyes += [Eye(camera, placed, pipeline, board.refresh) for camera in settings.cameras]
        board.refresh()  # the first phone is told of the cameras too
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
                deployment=_called(deployment),
                static=static_folder(),
                metrics=metrics.render,
                health=lambda: problems(board.state),
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
                background.append(group.create_task(eye.supervisor.run(), name=f"camera {eye.name}"))
                background.append(group.create_task(eye.run(), name=f"journey {eye.name}"))
            background.append(group.create_task(run_by_duty(eyes, duty), name="no officer, no camera"))
            try:
                async with serving(app, placed, group) as bound:
                    log.info("listening", address=bound.url, cameras=len(eyes))
                    yield Site(bound, officers, alerts, alert_log, duty, tuple(eyes), watch, metrics, phones)
            finally:
                for task in background:
                    task.cancel()


async def serve(placed: Placed, progress: Progress, listening: Callable[[str], object]) -> None:
    """`lfrd run`: until SIGINT or SIGTERM, which also break off a start that takes long.

    listening: told the address once phones may come.
    """
    stop = asyncio.Event()
    starting = asyncio.current_task()

    def asked() -> None:
        if not stop.is_set() and starting is not None:
            starting.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)
    try:
        async with running(placed, progress) as site:
            starting = None
            listening(site.bound.url)
            if site.watch.pack.name == library.BUILTIN:
                because = "it finds few people: see docs/accuracy.md"
                log.warning("builtin_pack_is_for_trying_out", because=because)
            await stop.wait()
            log.info("stopping")
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        log.info("stopped_while_starting")


async def invite_officer(placed: Placed, name: str, valid_seconds: float, address: str | None) -> str:
    """A one-time link for an officer's phone. Works while the server runs. Raises SettingError where the
    address that the phone is to open is not known."""
    base = _address(placed.config.web) if address is None else address
    if not base.startswith(("https://", "http://")):
        raise SettingError("--address", f"'{base}' must begin with https:// or http://")
    async with Database.open(placed.data / DATABASE, beside=True) as db:
        code = await Officers(db, time.time).invite(name, 1, valid_seconds)
    return join_link(base, code)


def _address(web: Web) -> str:
    if not web.port:
        raise SettingError("web.port", "is 0, and only the server knows which port it got; give --address")
    return Bound(reachable(web.host), web.port, bool(web.certificate)).url


async def signed_in(placed: Placed) -> list[Session]:
    """The phones that are signed in. Works while the server runs."""
    async with Database.open(placed.data / DATABASE, beside=True) as db:
        return await Officers(db, time.time).sessions()


async def revoke_officer(placed: Placed, name: str) -> int:
    """End all sessions of an officer: a server that runs closes them within a second. How many there were."""
    async with Database.open(placed.data / DATABASE, beside=True) as db:
        return await Officers(db, time.time).revoke_all(name)


def join_link(address: str, code: str) -> str:
    """The code stands behind the #: browsers never send that part, so it is in no server's log."""
    return f"{address.rstrip('/')}/#join={code}"


def _harden() -> None:
    hardening = memory.harden()
    if not hardening.overwrites_freed:
        log.warning("freed_memory_is_not_overwritten", reason="the C library is not glibc")
    if not hardening.no_core_dumps:
        log.warning("core_dumps_are_possible", reason="the system does not let a process forbid them")


async def _enrolled(stack: AsyncExitStack, placed: Placed, pack: Pack, progress: Progress) -> Watch:
    """The pack in use and the watchlist in memory, until the stack is left. Raises SettingError where nobody
    could be found."""
    settings = placed.config
    with progress("Enrolling the watchlist") as report:
        watch = await stack.enter_async_context(
            watching(pack, placed.path(settings.watchlist.folder), settings, report)
        )
    for line in watch.enrolment.lines():
        log.warning("picture_refused", picture=line)
    if not len(watch.enrolment.gallery):
        raise SettingError(
            "watchlist.folder",
            "none of its pictures can be used, so nobody would be found; `lfrd watchlist check` says why",
        )
    return watch


async def _deployed(db: Database, settings: Config, watch: Watch) -> tuple[Deployment, AlertLog]:
    """The deployment that goes on, or begins because its terms are others, and its alerts."""
    deployment, resumed = await Deployments(db, time.time).resume_or_begin(
        settings.site.name, _terms(settings, watch)
    )
    carried = await unanswered(db, deployment.id, time.time() - CARRIED_SECONDS)
    if carried:
        log.warning("alerts_of_an_earlier_deployment_wait_for_an_answer", alerts=len(carried))
    log.info(
        "deployment",
        name=deployment.name,
        resumed=resumed,
        nominals=deployment.n,
        threshold=round(watch.threshold.score, 4),
        because=watch.threshold.source,
    )
    return deployment, AlertLog(db, deployment.id, time.time, carried)


async def _open_pack(placed: Placed, progress: Progress) -> Pack:
    name = placed.config.inference.pack
    if name == library.BUILTIN:
        with progress("Building the builtin model pack") as report:
            return await asyncio.to_thread(
                library.ensure_builtin, placed.data, lambda share, _what: report(round(share * 100), 100)
            )
    folder = placed.path(name)
    return await asyncio.to_thread(
        library.open_pack, str(folder) if (folder / "pack.toml").exists() else name, placed.data
    )


def _called(deployment: Deployment) -> str:
    """Its name and when it began: phones tell two deployments of one name apart by it."""
    return f"{deployment.name}, {time.strftime('%d %b %H:%M', time.localtime(deployment.began_at))}"


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
    now = time.monotonic()
    captured = finding.captured_at if finding.live else now
    event = await alerts.report(
        Report(
            nominal=finding.nominal,
            score=finding.score,
            threshold=finding.threshold,
            camera=finding.camera,
            track=finding.track,
            seen_at=time.time() - max(0.0, now - captured),
            captured_monotonic=captured,
            quality={
                "eye_distance": round(finding.quality.eye_distance, 1),
                "sharpness": round(finding.quality.sharpness, 1),
                "yaw": round(finding.quality.yaw, 3),
                "pitch": round(finding.quality.pitch, 3),
            },
            worth=finding.quality.worth,
            shots=finding.shots,
            box=finding.box,
            probe_jpeg=finding.probe_jpeg,
            candidate_jpeg=watch.enrolment.pictures[finding.nominal],
        )
    )
    if event is None:
        return
    if event.what == "alert":
        metrics.alert_latency.observe(time.monotonic() - captured)
    metrics.alerts.labels(finding.camera, event.what).inc()
    log.info(event.what, alert=event.alert.id, camera=finding.camera, score=round(finding.score, 3))
