"""A box for the tests: a real store, the services on it, and the real server on the loopback."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lfrd import wire
from lfrd.config import Config, Post, Push, Site, Web, Webrtc
from lfrd.operation.alerts import Finding
from lfrd.operation.board import Status
from lfrd.push.line import Ways
from lfrd.types import Box as FaceBox
from lfrd.types import CameraId, CameraState, DeploymentId, NominalId, TrackId
from lfrd.web.services import Services
from lfrd.web.viewers import Watch, watch_nothing
from tests import office
from tests.phone import Phone

# Not pictures of anybody: the store and the server hand on bytes, whatever they show.
PROBE, CANDIDATE = b"\xff\xd8probe\xff\xd9", b"\xff\xd8candidate\xff\xd9"


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
    served: office.Served
    _tracks: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def phone(self, name: str, *, named: bool = False) -> Phone:
        """named: by an invitation in the officer's own name, and not by one for whoever holds it."""
        code = await self.served.invite(name if named else None)
        return await Phone.join(self.url, code, name)

    async def signed_in(self, name: str) -> Phone:
        """The same without HTTP, for more phones than may join at once from one address."""
        code = await self.served.invite()
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
            category="wanted on warrant",
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
    watch: Watch = watch_nothing,
    webrtc: Webrtc | None = None,
    push: Push | None = None,
    ways: Ways | None = None,
) -> AsyncIterator[Box]:
    """The box while the block runs; opened again on the same folder it goes on where it was."""
    settings = Config(
        site=Site(data="data"),
        web=web or Web(host="127.0.0.1", allow_plain_http=True, port=0),
        post=Post(heartbeat_seconds=1.0, grace_seconds=grace_seconds),
        webrtc=webrtc or Webrtc(),
        push=push or Push(),
    )
    clock = Clock()
    cameras = (wire.CameraView("gate", CameraState.LIVE, lag=0.1),)
    status = [Status(cameras, deployment=office.shown(DeploymentId("d1")))]
    async with office.served(
        folder,
        settings,
        status=lambda: status[-1],
        static=page(folder),
        monotonic=clock,
        metrics=metrics,
        health=health,
        watch=watch,
        ways=ways,
    ) as served:
        yield Box(served.office.services, served.bound.url, clock, status, served)
