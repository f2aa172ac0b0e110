"""A whole server for pages to talk to: the real store, alerts, posts and web application, and no camera."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import msgspec
import numpy as np

from lfrd import wire
from lfrd.config import Config, Post, Push, Site, Web
from lfrd.operation.alerts import Alerts, Finding
from lfrd.operation.board import Status
from lfrd.operation.duty import Duty
from lfrd.policy.plan import Plan
from lfrd.push.line import Ways
from lfrd.store.database import Database
from lfrd.types import AlertId, Box, CameraId, DeploymentId, NominalId, TrackId
from lfrd.web.server import static_folder
from tests import office
from tests.journeys.relay import Relay, Side

CAMERAS = ("High Street 1", "Market Square")


@dataclass
class Street:
    """A running server, and what a camera and an operator would do to it."""

    url: str
    served: office.Served
    link: Link
    status: list[Status]
    """What the box says of itself: one, which a test may exchange."""
    _tracks: Iterator[int] = field(default_factory=itertools.count)

    @property
    def alerts(self) -> Alerts:
        return self.served.office.alerts

    @property
    def db(self) -> Database:
        return self.served.office.records.db

    @property
    def pictures(self) -> tuple[bytes, bytes]:
        """The live picture and the watchlist's of what was filed last, as JPEG files."""
        return self._last.probe_jpeg, self._last.candidate_jpeg

    @property
    def duty(self) -> Duty:
        return self.served.office.duty

    def stands(self, **change: object) -> None:
        """The open deployment as phones are told of it, with these fields of its view exchanged."""
        (status,) = self.status
        assert status.deployment is not None
        view = msgspec.structs.replace(status.deployment, **change)
        self.status[0] = dataclasses.replace(status, deployment=view)
        self.served.office.board.refresh()

    def camera_fails(self, name: str, problem: str) -> None:
        """A camera as phones are told of it when it is tried again."""
        (status,) = self.status
        failed = wire.CameraView(name, "retrying", problem)
        views = tuple(failed if view.name == name else view for view in status.cameras)
        self.status[0] = dataclasses.replace(status, cameras=views)
        self.served.office.board.refresh()

    async def invitation(self, uses: int = 1, name: str | None = None) -> str:
        """An address as the QR code carries it."""
        return f"{self.url}/#join={await self.served.invite(name, uses)}"

    async def file(
        self,
        nominal: str,
        camera: str = CAMERAS[0],
        score: float = 0.71,
        *,
        name: str = "",
        category: str = "wanted on warrant",
        instruction: str = "Arrest; two officers",
        blue: bool = False,
        **quality: float,
    ) -> wire.AlertView:
        """An alert with drawn pictures, stored and published. quality: as in `NewAlert`."""
        seen = {"eye_distance": 46.0, "sharpness": 160.0, "yaw": 0.05, "pitch": 0.02} | quality
        shade = sum(map(ord, nominal))
        self._last = Finding(
            nominal=NominalId(nominal),
            name=name,
            category=category,
            instruction=instruction,
            image_date="2024-05-17",
            blue=blue,
            score=score,
            threshold=0.6,
            camera=CameraId(camera),
            track=TrackId(next(self._tracks)),
            seen_at=time.time() - 1.2,
            captured_monotonic=time.monotonic() - 1.2,
            quality=seen,
            worth=30.0,
            shots=5,
            box=Box(100, 80, 120, 150),
            probe_jpeg=silhouette(shade, blur=seen["sharpness"] < 40),
            candidate_jpeg=silhouette(shade + 40, plain=True),
        )
        event = await self.alerts.report(self._last)
        assert event is not None
        return event.alert

    async def improve(self, alert: wire.AlertView) -> wire.AlertView:
        """The person of an alert comes nearer: a better live picture of the same passage."""
        event = await self.alerts.report(
            dataclasses.replace(self._last, worth=90.0, probe_jpeg=silhouette(7), score=0.83, shots=9)
        )
        assert event is not None
        assert event.alert.id == alert.id
        return event.alert

    async def view(self, alert: wire.AlertView) -> wire.AlertView:
        """The alert as it is stored now."""
        return await self.served.office.records.alerts.view(AlertId(alert.id))

    async def stored(self) -> list[tuple[str, str, str]]:
        """(alert, officer's name, decision) of each adjudication in the database file."""
        async with self.db.read() as tx:
            rows = await tx.rows(
                "SELECT alert, officer.name AS name, decision FROM adjudication "
                "JOIN officer ON officer.id = adjudication.officer ORDER BY at"
            )
        return [(row["alert"], row["name"], row["decision"]) for row in rows]


class Link(Relay):
    """The radio between phones and server, that can be cut and mended."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._up = True
        self.received = 0  # bytes that have come from the server

    def cut(self) -> None:
        """Every connection breaks, and new ones are refused, until `mend`."""
        self._up = False
        super().cut()

    def mend(self) -> None:
        self._up = True

    def admits(self) -> bool:
        return self._up

    async def between(self, phone: Side, server: Side) -> None:
        await asyncio.gather(_pump(phone[0], server[1]), _pump(server[0], phone[1], self._count))

    def _count(self, data: bytes) -> None:
        self.received += len(data)


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    count: Callable[[bytes], None] = lambda data: None,
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            count(data)
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


@asynccontextmanager
async def street(
    folder: Path,
    *,
    grace: float = 20.0,
    plan: Plan = office.PLAN,
    push: Push | None = None,
    ways: Ways | None = None,
    tls: bool = False,
) -> AsyncIterator[Street]:
    """Everything on a port of its own choosing, as the composition root puts it together. tls: under the
    site's own authority."""
    settings = Config(
        site=Site(name="Croydon North", data="data"),
        web=Web(host="127.0.0.1", port=0, allow_plain_http=not tls),
        post=Post(heartbeat_seconds=min(5.0, grace / 2), grace_seconds=grace),
        push=push or Push(),
    )
    status = [_status("off", plan)]
    async with (
        office.served(
            folder, settings, status=lambda: status[0], static=static_folder(), plan=plan, ways=ways
        ) as served,
        asyncio.TaskGroup() as group,
    ):
        cameras = group.create_task(_cameras(served.office.duty, status, plan))
        link = Link(served.bound.port)
        async with link.listening() as port:
            yield Street(f"{'https' if tls else 'http'}://127.0.0.1:{port}", served, link, status)
        cameras.cancel()


def _status(state: str, plan: Plan) -> Status:
    views = tuple(wire.CameraView(name, state, lag=0.2 if state == "live" else None) for name in CAMERAS)
    return Status(views, faces_seen=1_284, deployment=office.shown(DeploymentId("d1"), plan))


async def _cameras(duty: Duty, status: list[Status], plan: Plan) -> None:
    """Cameras that go live when somebody is on post, and off when nobody is."""
    while True:
        await duty.wanted()
        status[0] = _status("live", plan)
        await duty.unwanted()
        status[0] = _status("off", plan)


def silhouette(seed: int, *, blur: bool = False, plain: bool = False) -> bytes:
    """A JPEG file of nobody: head and shoulders as a shape, 240 x 300."""
    random = np.random.default_rng(seed)
    wide, high = 240, 300
    tint = random.integers(90, 200, 3)
    picture = np.empty((high, wide, 3), np.uint8)
    slope = np.linspace(1.15, 0.75, high)[:, None, None]
    picture[:] = np.clip((225 if plain else tint) * slope, 0, 255)
    if not plain:
        for _ in range(9):
            x, y = random.integers(0, wide), random.integers(0, high)
            colour = tuple(int(c) for c in random.integers(60, 220, 3))
            cv2.rectangle(picture, (int(x), int(y)), (int(x + 60), int(y + 110)), colour, -1)
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 9), np.uint8)
    lean = int(random.integers(-10, 11))
    dark, coat = (52, 48, 46), tuple(int(c) for c in random.integers(30, 90, 3))
    cv2.ellipse(picture, (wide // 2, high + 20), (112, 105), 0, 180, 360, coat, -1, cv2.LINE_AA)
    cv2.rectangle(picture, (wide // 2 - 26, 170), (wide // 2 + 26, 230), dark, -1)
    cv2.ellipse(picture, (wide // 2 + lean, 130), (62, 80), 0, 0, 360, dark, -1, cv2.LINE_AA)
    if blur:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 5), np.uint8)
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return jpeg.tobytes()
