"""A box for the tests: a real store, the services on it, and the real server on the loopback."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lfrd import wire
from lfrd.config import Config, Post, Web
from lfrd.decision.repeats import Repeats
from lfrd.operation.alerts import Alerts, Finding
from lfrd.operation.board import Board, Status
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.operation.hub import Hub
from lfrd.operation.posts import Posts
from lfrd.operation.receipts import Receipts
from lfrd.store.alerts import AlertLog
from lfrd.store.database import Database
from lfrd.store.deployments import Deployments, Terms
from lfrd.store.officers import Officers
from lfrd.types import Box as FaceBox
from lfrd.types import CameraId, CameraState, NominalId, TrackId
from lfrd.web.phones import Phones
from lfrd.web.server import make_app
from lfrd.web.services import Services
from lfrd.web.serving import serving
from tests.phone import Phone

# Not pictures of anybody: the store and the server hand on bytes, whatever they show.
PROBE, CANDIDATE = b"\xff\xd8probe\xff\xd9", b"\xff\xd8candidate\xff\xd9"
NOBODY = frozenset({NominalId("N-1")})


class Clock:
    """Time that a test moves, on top of the real one."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._stopped: float | None = None

    def stop(self) -> None:
        """From now on only the test moves it: what is counted in real seconds depends on no machine."""
        self._stopped = time.monotonic()

    def __call__(self) -> float:
        return (time.monotonic() if self._stopped is None else self._stopped) + self.ahead


@dataclass
class Box:
    services: Services
    url: str
    clock: Clock
    status: list[Status]
    """What the box says about itself: the last one counts."""
    _tracks: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def phone(self, name: str) -> Phone:
        code = await self.services.officers.invite(None, 1, 60)
        return await Phone.join(self.url, code, name)

    async def signed_in(self, name: str) -> Phone:
        """The same without HTTP, for more phones than may join at once from one address."""
        code = await self.services.officers.invite(None, 1, 60)
        return Phone(self.url, f"lfrd={await self.services.officers.join(code, name)}", name)

    async def alert(self, nominal: str = "", camera: str = "gate") -> wire.Event:
        """Somebody on the list walks by; another nominal each time, unless one is named."""
        event = await self.services.alerts.report(self.finding(nominal, camera))
        assert event is not None
        return event

    def finding(self, nominal: str = "", camera: str = "gate") -> Finding:
        track = next(self._tracks)
        return Finding(
            nominal=NominalId(nominal or f"N-{track}"),
            score=0.7,
            threshold=0.5,
            camera=CameraId(camera),
            track=TrackId(track),
            seen_at=time.time(),
            captured_monotonic=time.monotonic(),
            quality={"eye_distance": 40.0, "sharpness": 100.0, "yaw": 0.0, "pitch": 0.0},
            worth=30.0,
            shots=5,
            box=FaceBox(10, 20, 80, 100),
            probe_jpeg=PROBE,
            candidate_jpeg=CANDIDATE,
        )


def page(folder: Path) -> Path:
    """A page's folder with one file of each kind."""
    static = folder / "static"
    static.mkdir(exist_ok=True)
    for name, text in {
        "index.html": "<!doctype html><title>lfrd</title>",
        "app.js": "export {};",
        "app.css": "body { margin: 0 }",
        "sw.js": "self.onfetch = null;",
        "manifest.webmanifest": "{}",
        ".hidden": "not for anybody",
    }.items():
        (static / name).write_text(text)
    return static


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    web: Web | None = None,
    grace_seconds: float = 20.0,
    metrics: Callable[[], bytes] = lambda: b"lfrd_up 1\n",
    health: Callable[[], tuple[str, ...]] = lambda: (),
) -> AsyncIterator[Box]:
    """The box while the block runs; opened again on the same folder it goes on where it was."""
    config = Config(web=web or Web(port=0), post=Post(heartbeat_seconds=1.0, grace_seconds=grace_seconds))
    clock = Clock()
    status = [Status((wire.CameraView("gate", CameraState.LIVE, lag=0.1),))]
    async with Database.open(folder / "data" / "lfrd.db") as db:
        terms = Terms(threshold=0.5, model="test", settings={}, nominals=NOBODY)
        deployment, _ = await Deployments(db, time.time).resume_or_begin("test", terms)
        log, officers = AlertLog(db, deployment.id, time.time), Officers(db, time.time)
        hub = Hub(log, await log.latest())
        alerts = Alerts(log, hub, Repeats(config.decision.repeat_seconds), deployment.id)
        await alerts.restore(time.time() - config.decision.repeat_seconds)
        fault = Fault()
        duty = Duty(Posts(grace_seconds), clock)
        services = Services(
            alerts=alerts,
            log=log,
            officers=officers,
            duty=duty,
            board=Board(lambda: status[-1], duty),
            hub=hub,
            receipts=Receipts(log, fault),
            phones=Phones(officers, fault, duty),
            fault=fault,
            config=config,
            deployment=deployment.name,
            static=page(folder),
            metrics=metrics,
            health=health,
            monotonic=clock,
        )
        async with asyncio.TaskGroup() as group:
            runs = (alerts, duty, services.board, services.receipts, services.phones)
            tasks = [group.create_task(part.run()) for part in runs]
            tasks.append(group.create_task(fault.watch()))
            async with serving(make_app(services), config.at(folder), group) as bound:
                yield Box(services, bound.url, clock, status)
            for task in tasks:
                task.cancel()
