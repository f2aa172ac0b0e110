"""What a live picture's tests share: a box with a camera, an officer's page, eyes for what it is shown."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import av
import cv2
import numpy as np
from playwright.async_api import Browser, Locator, expect

from lfrd import config
from lfrd.app import Site
from lfrd.audit import kinds
from lfrd.models import library
from lfrd.networks.onnx_runtime import Network
from lfrd.types import F32, U8, Detections
from lfrd.vision.alignment import align
from lfrd.vision.pack import make_detector, make_recogniser
from lfrd.vision.picture import Picture
from tests.deployed import deployed, invited
from tests.journeys.browser import chromium
from tests.journeys.officer_page import Phone
from tests.journeys.process import PATIENCE
from tests.phone import Phone as Headless
from tests.watcher import Watcher, watcher

CAMERA = "High Street 1"
RATE = 8
"""Frames analysed a second, and so pictures at the most."""


class LivePicture:
    """A `<camera-preview>` on a page, wherever the page has put it."""

    def __init__(self, element: Locator) -> None:
        self.element = element

    async def is_in(self, state: str) -> None:
        await expect(self.element).to_have_attribute("state", state, timeout=30_000)

    async def says(self, text: str) -> None:
        await expect(self.element).to_contain_text(text)

    async def frames(self) -> int:
        """Pictures decoded so far."""
        script = "e => e.video.getVideoPlaybackQuality().totalVideoFrames"
        return int(await self.element.evaluate(script))

    async def decodes(self, more: int) -> None:
        """Until so many more have been."""
        target = await self.frames() + more
        async with asyncio.timeout(PATIENCE):
            while await self.frames() < target:
                await asyncio.sleep(0.05)

    async def pixels(self) -> U8:
        """What the browser shows now, BGR: drawn from the video, without what stands above it."""
        found = await self.element.evaluate(
            """e => {
                const canvas = document.createElement("canvas");
                [canvas.width, canvas.height] = [e.video.videoWidth, e.video.videoHeight];
                canvas.getContext("2d").drawImage(e.video, 0, 0);
                return canvas.toDataURL("image/png").split(",")[1];
            }"""
        )
        return cast(U8, cv2.imdecode(np.frombuffer(base64.b64decode(found), np.uint8), cv2.IMREAD_COLOR))

    async def moves(self) -> None:
        """Until some pixel is another than now, by more than a codec does."""
        first = await self.pixels()
        async with asyncio.timeout(PATIENCE):
            while np.abs(first.astype(int) - await self.pixels()).max() < 60:
                await self.decodes(1)

    async def painted(self) -> int:
        """Pixels of the drawing above the picture that are not empty."""
        return int(
            await self.element.evaluate(
                """e => {
                    const { width, height } = e.canvas;
                    const { data } = e.canvas.getContext("2d").getImageData(0, 0, width, height);
                    return data.filter((value, at) => at % 4 === 3 && value).length;
                }"""
            )
        )

    async def is_boxed(self) -> None:
        """Until boxes are drawn."""
        async with asyncio.timeout(PATIENCE):
            while not await self.painted():
                await self.decodes(1)

    async def is_let_go_of(self) -> bool:
        """Whether the page holds no stream any more."""
        return await self.element.evaluate("e => e.video.srcObject") is None


class Officer:
    """Somebody on post, with a picture that stands alone on their page, as any page of ours may place it."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.page = phone.page
        self.picture = LivePicture(self.page.locator("camera-preview"))

    async def watches(self, camera: str = CAMERA, *, boxes: bool = False) -> None:
        await self.page.evaluate(
            """async ([camera, boxes]) => {
                await import("/preview.js");
                const element = document.createElement("camera-preview");
                element.setAttribute("camera", camera);
                element.toggleAttribute("boxes", boxes);
                document.querySelector("#screen").prepend(element);
            }""",
            [camera, boxes],
        )

    async def hides(self, hidden: bool) -> None:
        """As a phone does whose screen is locked, or whose owner looks at another page."""
        await self.page.evaluate(
            """hidden => {
                Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )


@dataclass
class Scene:
    site: Site
    browser: Browser
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    """Of officers: nobody joins with a name that somebody has."""

    @asynccontextmanager
    async def phone(self, name: str = "PC 4127 Adams") -> AsyncIterator[Phone]:
        """An officer's page, on post. It meets no fault until the block is left."""
        async with await self.browser.new_context(viewport={"width": 390, "height": 844}) as context:
            phone = Phone(await context.new_page())
            invitation = f"{self.site.bound.url}/#join={await invited(self.site)}"
            await phone.join(invitation, f"{name} {next(self._numbers)}")
            await phone.press("Go on post")
            await phone.reads("You are on post")
            yield phone
            assert phone.problems == []

    @asynccontextmanager
    async def officer(self, name: str) -> AsyncIterator[Officer]:
        async with self.phone(name) as phone:
            yield Officer(phone)

    @asynccontextmanager
    async def watching(self, *names: str) -> AsyncIterator[list[Officer]]:
        """Officers who see the picture, and nobody else does."""
        async with AsyncExitStack() as stack:
            await self.nobody_watches()  # any more: a page that has gone is noticed a moment later
            officers = [await stack.enter_async_context(self.officer(name)) for name in names]
            for officer in officers:
                await officer.watches()
                await officer.picture.is_in("live")
            yield officers

    @asynccontextmanager
    async def light(self, name: str, *, boxes: bool = False) -> AsyncIterator[Watcher]:
        """One who watches without a browser, over the same routes; it has seen its first picture."""
        name = f"{name} {next(self._numbers)}"
        phone = await Headless.join(self.site.bound.url, await invited(self.site), name)
        session = await self.site.records.officers.session(phone.cookie.partition("=")[2])
        assert session is not None
        self.site.office.duty.take(session.id, name)
        async with watcher(boxes=boxes) as page, phone.http() as client:
            body = {"camera": CAMERA, "sdp": await page.offer()}
            async with asyncio.timeout(PATIENCE):
                while (answer := await client.post("/api/preview", json=body)).status_code == 409:
                    await asyncio.sleep(0.1)  # the camera starts with the first officer on post
            assert answer.status_code == 200, answer.text
            await page.take(answer.json()["sdp"])
            await page.picture()
            yield page
        self.site.office.duty.off(session.id)

    @property
    def encoded(self) -> int:
        """Pictures that the box has encoded since the start, for all who watch."""
        return self.site.previews.statistics().encoded

    async def audited(self, *kind: type[kinds.Body]) -> list[kinds.AnyBody]:
        async with self.site.records.db.read() as tx:
            rows = await tx.rows("SELECT body FROM audit ORDER BY seq")
        return [body for row in rows if isinstance(body := kinds.decode(row["body"]), kind)]

    async def nobody_watches(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.site.office.services.viewers.sessions():
                await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(folder: Path, pack: Path, listed: Path, clip: Path, **tables: Any) -> AsyncIterator[Scene]:
    """listed: who is on the watchlist; clip: what the camera sees, again and again."""
    settings = config.parse(
        {
            "web": {"host": "127.0.0.1", "port": 0, "allow_plain_http": True},
            "post": {"grace_seconds": 600},
            "analysis": {"rate": RATE, "max_side": 640},
            "cameras": [{"name": CAMERA, "source": str(clip), "loop": True}],
        }
        | tables
    )
    async with chromium() as browser, deployed(folder, settings, pack, {"M-2041": listed}) as site:
        yield Scene(site, browser)


class Found(NamedTuple):
    picture: U8
    faces: Detections


class Eyes:
    """The real detector and recogniser, to look at what others are shown."""

    def __init__(self, folder: Path) -> None:
        pack = library.open_pack(str(folder), folder.parent)
        networks = library.networks(pack)
        runners = {role: Network(pack.files[role], data, "cpu", 1) for role, data in networks.items()}
        self._recogniser = make_recogniser(pack.manifest, runners.pop("recogniser"))
        self._detector = make_detector(pack.manifest, runners)
        self._least = pack.manifest.detector.score

    def faces(self, picture: U8) -> Found | None:
        found = self._detector.detect(picture, self._least)
        return Found(picture, found) if len(found) else None

    def templates(self, found: Found) -> F32:
        """float32 [n, dim], rows of length 1."""
        looked = Picture(found.picture, planar=False)
        size, points = self._recogniser.size, self._recogniser.template_points
        return self._recogniser.embed(align(looked, found.faces.points, points, size))


def frames_of(clip: Path) -> list[U8]:
    with av.open(str(clip)) as source:
        return [cast(U8, frame.to_ndarray(format="bgr24")) for frame in source.decode(video=0)]
