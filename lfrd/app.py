"""The composition root: what a site is made of, in the order in which it is acquired and given back."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import asdict, astuple, dataclass

import structlog

from lfrd import __version__, memory
from lfrd.assembly import Office, make_office, working
from lfrd.audit import kinds
from lfrd.cameras import problems
from lfrd.conducting import Conductor
from lfrd.config import Placed
from lfrd.errors import LfrdError
from lfrd.inference import opened
from lfrd.metrics import Metrics
from lfrd.models import library
from lfrd.operation.board import Status
from lfrd.preview.previews import Previews
from lfrd.readiness import facts, pack_in_use
from lfrd.records import Records, records
from lfrd.stills import Stills
from lfrd.store.failure import require_room
from lfrd.types import SYSTEM
from lfrd.vision.pack import Pack
from lfrd.web.onboarding import onboarding
from lfrd.web.presented import looked_after, presented
from lfrd.web.server import static_folder
from lfrd.web.serving import Bound, probe, serving

log = structlog.get_logger(__name__)

LEAST_ROOM = 16 << 20
"""Bytes that must be free on the data folder's disk at the start: what SQLite's log may grow to, and some two
hundred alerts."""
Progress = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Opens a progress bar with a title; told (done, total)."""


@dataclass(frozen=True)
class Site:
    """A running site, for those who start one: `run`, `demo` and the tests."""

    bound: Bound
    door: Bound | None
    """The page by which new phones come to trust the box (`web.onboarding`)."""
    office: Office
    conductor: Conductor
    pack: Pack
    metrics: Metrics
    previews: Previews

    @property
    def records(self) -> Records:
        return self.office.records


@asynccontextmanager
async def running(placed: Placed, progress: Progress, *, pack: Pack | None = None) -> AsyncIterator[Site]:
    """A site that serves for as long as the context is open. Raises LfrdErrors, alone or in a group."""
    settings = placed.config
    hardening = _harden()
    certificate, made = presented(placed, time.time())
    context = None if certificate is None else certificate.context
    probe(placed)
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(records(placed))
        require_room(kept.db.path, LEAST_ROOM)
        for body in made:
            await kept.audit.record(body, SYSTEM)
        if kept.finished:
            log.warning(
                "destructions_finished", deployments=len(kept.finished), because="a crash broke them off"
            )
        await kept.watchlists.importing.purge()
        for ended in await kept.deployments.close_overdue():
            log.warning("deployment_ended_while_the_server_was_down", name=ended.name)
        pack = pack or await _open_pack(placed, progress)
        inference = await stack.enter_async_context(opened(pack, library.networks, settings.inference))
        metrics = Metrics()
        previews = stack.enter_context(Previews(settings, inference, kept.alerts.view, kept.clock.now))
        # The two know one another: the office shows what the conductor runs, which reports to the office.
        conductors: list[Conductor] = []
        office = await make_office(
            placed,
            kept,
            status=lambda: conductors[0].status() if conductors else Status(),
            facts=lambda plan, deployment: facts(
                placed, plan, deployment, kept.watchlists, pack, kept.clock.now
            ),
            still=lambda camera: stills.take(camera),
            watch=previews.watch,
            static=static_folder(),
            certificate=certificate,
            metrics=metrics.render,
            health=lambda board: problems(board.state),
        )
        conductor = Conductor(
            placed=placed,
            records=kept,
            pack=pack,
            inference=inference,
            alerts=office.alerts,
            duty=office.duty,
            metrics=metrics,
            on_change=office.board.refresh,
            lines=office.services.lending.lines,
            previews=previews,
        )
        conductors.append(conductor)
        stack.enter_context(office.hub.subscribed(previews.alerts_changed))
        stills = Stills(
            placed,
            inference,
            kept.deployments,
            conductor.glances,
            kept.clock.now,
            lines=office.services.lending.lines,
        )
        await conductor.look()
        office.board.refresh()  # the first phone is told of the cameras and the deployment too
        metrics.watch(
            lambda: [eye.reading() for eye in conductor.eyes], lambda: office.phones.statistics().connected
        )
        metrics.watch_pictures(
            lambda: {
                "watched": astuple(office.services.viewers.statistics()),
                "lent": astuple(office.services.lending.statistics()),
            }
        )
        if office.services.wake_ups.enabled:
            metrics.watch_wake_ups(office.services.wake_ups.counts)
        await kept.audit.record(kinds.ServerStarted(__version__, asdict(hardening)), SYSTEM)
        async with working(office) as group:
            looking = group.create_task(previews.run(), name="previews")
            conducting = group.create_task(conductor.run(), name="conductor")
            try:
                async with (
                    looked_after(certificate, group, kept.audit.record, kept.clock.now),
                    serving(office.app, placed, group, context) as bound,
                    onboarding(placed, certificate, bound, static_folder(), group) as door,
                ):
                    log.info("listening", address=bound.url, onboarding=door and door.url)
                    yield Site(bound, door, office, conductor, pack, metrics, previews)
            finally:
                conductor.stop()
                await conducting
                looking.cancel()
                await asyncio.gather(office.services.viewers.end_all(), office.services.lending.end_all())
                await kept.audit.record(kinds.ServerStopped(), SYSTEM)


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
            if site.pack.name == library.BUILTIN:
                because = "it finds few people: see docs/accuracy.md"
                log.warning("builtin_pack_is_for_trying_out", because=because)
            await stop.wait()
            log.info("stopping")
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        log.info("stopped_while_starting")


def _harden() -> memory.Hardening:
    hardening = memory.harden()
    for line in hardening.lacks():
        log.warning("hardening", lacks=line)
    return hardening


async def _open_pack(placed: Placed, progress: Progress) -> Pack:
    """The pack that `inference.pack` names, built first where it is `builtin` and not there yet."""
    with progress("Opening the model pack") as report:
        found = await pack_in_use(placed, lambda share, _what: report(round(share * 100), 100))
    if isinstance(found, LfrdError):
        raise found
    return found
