"""Live pictures in a real browser: they move, faces in them are blurred, and they end when they must."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import av
import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from lfrd import config
from lfrd.app import Site
from lfrd.audit import kinds
from lfrd.inference import Network
from lfrd.models import library
from lfrd.types import F32, U8, Actor, Detections, OfficerId, Role
from lfrd.vision.alignment import align
from lfrd.vision.pack import make_detector, make_recogniser
from lfrd.vision.picture import Picture
from tests.deployed import deployed, invited
from tests.journeys.browser import chromium
from tests.journeys.officer_page import SIZES, Phone
from tests.journeys.process import PATIENCE, passing
from tests.journeys.test_leaks import Held, returns_to
from tests.journeys.test_no_outbound import Network as Counted
from tests.journeys.test_no_outbound import network
from tests.phone import Phone as Headless
from tests.watcher import Watcher, watcher

__all__ = ["network"]

pytestmark = pytest.mark.journey

CAMERA = "High Street 1"
RATE = 8


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    return passing(tmp_path_factory.mktemp("clips") / "passing.mp4", astronaut)


@dataclass
class Scene:
    site: Site
    browser: Browser

    async def officer(self, name: str = "PC 4127 Adams", *, on_post: bool = True) -> Officer:
        context = await self.browser.new_context(viewport={"width": 390, "height": 844})
        page = await context.new_page()
        phone = Phone(page)
        await phone.join(f"{self.site.bound.url}/#join={await invited(self.site)}", name)
        if on_post:
            await phone.press("Go on post")
            await phone.reads("You are on post")
        return Officer(phone)

    @asynccontextmanager
    async def light(self, name: str, *, boxes: bool = False) -> AsyncIterator[Watcher]:
        """One who watches without a browser, over the same routes; it has seen its first picture."""
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

    @property
    def encoded(self) -> int:
        """Pictures that the box has encoded since the start, for all who watch."""
        return self.site.previews.statistics().encoded

    async def off_post(self, officer: Officer) -> None:
        await officer.phone.press("Leave post")
        await officer.page.locator("button.danger", has_text="Leave post").click()

    async def audited(self, *kind: type[kinds.Body]) -> list[kinds.AnyBody]:
        async with self.site.records.db.read() as tx:
            rows = await tx.rows("SELECT body FROM audit ORDER BY seq")
        return [body for row in rows if isinstance(body := kinds.decode(row["body"]), kind)]

    async def nobody_watches(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.site.office.services.viewers.statistics().watching:
                await asyncio.sleep(0.02)


class Officer:
    """A page with a live picture on it."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.page: Page = phone.page
        self.picture = self.page.locator("camera-preview")

    async def watches(self, camera: str = CAMERA, *, boxes: bool = False) -> None:
        """The element alone on the page, as any page of ours may place it."""
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

    async def is_in(self, state: str) -> None:
        await expect(self.picture).to_have_attribute("state", state, timeout=20_000)

    async def frames(self) -> int:
        """Pictures decoded so far."""
        script = "e => e.video.getVideoPlaybackQuality().totalVideoFrames"
        return int(await self.picture.evaluate(script))

    async def decodes(self, more: int) -> None:
        """Until so many more have been."""
        target = await self.frames() + more
        async with asyncio.timeout(PATIENCE):
            while await self.frames() < target:
                await asyncio.sleep(0.05)

    async def pixels(self) -> U8:
        """What the browser shows now, BGR: drawn from the video, without what stands above it."""
        found = await self.picture.evaluate(
            """e => {
                const canvas = document.createElement("canvas");
                [canvas.width, canvas.height] = [e.video.videoWidth, e.video.videoHeight];
                canvas.getContext("2d").drawImage(e.video, 0, 0);
                return canvas.toDataURL("image/png").split(",")[1];
            }"""
        )
        return cast(U8, cv2.imdecode(np.frombuffer(base64.b64decode(found), np.uint8), cv2.IMREAD_COLOR))

    async def painted(self) -> int:
        """Pixels of the drawing above the picture that are not empty."""
        return int(
            await self.picture.evaluate(
                """e => {
                    const { width, height } = e.canvas;
                    const { data } = e.canvas.getContext("2d").getImageData(0, 0, width, height);
                    return data.filter((value, at) => at % 4 === 3 && value).length;
                }"""
            )
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

    async def shot(self, name: str) -> None:
        if not (folder := os.environ.get("LFRD_SHOTS")):
            return
        for size, (width, height) in SIZES.items():
            await self.page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                await self.page.emulate_media(color_scheme=cast(Any, scheme))
                await self.page.screenshot(path=Path(folder) / f"{name}-{size}-{scheme}.png")
        await self.page.set_viewport_size({"width": 390, "height": 844})


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


async def counted(page: Watcher, most: int) -> int:
    """Pictures that arrive, up to so many."""
    for _ in range(most):
        await page.picture()
    return most


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


async def test_the_picture_moves_in_the_browser_and_says_that_it_is_live(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        officer = await scene.officer()
        await officer.watches()
        await officer.is_in("live")
        first = await officer.pixels()
        await officer.decodes(12)
        async with asyncio.timeout(PATIENCE):
            while np.abs(first.astype(int) - await officer.pixels()).max() < 60:
                await officer.decodes(1)
        await expect(officer.picture).to_contain_text("Live")
        await expect(officer.picture).to_contain_text("Faces without an alert are blurred")
        assert await officer.page.get_by_role("figure", name=f"Live picture of {CAMERA}").count() == 1
        await officer.shot("preview-live")
        await officer.picture.evaluate("e => e.remove()")
        await scene.nobody_watches()
        assert len(await scene.audited(kinds.PreviewWatched)) == 1
        assert len(await scene.audited(kinds.PreviewLeft)) == 1
        assert officer.phone.problems == []


async def test_no_face_of_somebody_on_no_list_can_be_recognised_in_the_browsers_pixels(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    eyes = Eyes(builtin)
    clear = [found for picture in frames_of(clip) if (found := eyes.faces(picture))]
    known = eyes.templates(max(clear, key=lambda found: float(found.faces.scores.max())))[0]
    alike = [float((eyes.templates(found) @ known).max()) for found in clear]
    assert np.median(alike) > 0.9, "the clip's own faces are found and are one person's"
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        officer = await scene.officer()
        await officer.watches()
        await officer.is_in("live")
        somebody, similar = 0, [0.0]
        for _ in range(40):
            await officer.decodes(1)
            picture = await officer.pixels()
            somebody += bool(picture.std(axis=(0, 1)).max() > 10)
            if found := eyes.faces(picture):
                similar += list(eyes.templates(found) @ known)
        assert somebody >= 10, "the person stood in the pictures that were looked at"
        assert max(similar) < 0.5 * float(np.median(alike)) + 0.5, similar


async def test_boxes_are_drawn_when_they_are_asked_for_and_go_when_they_are_not(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        officer = await scene.officer()
        await officer.watches()
        await officer.is_in("live")
        await officer.decodes(10)
        assert await officer.painted() == 0
        for _ in range(2):
            await officer.picture.evaluate("e => e.toggleAttribute('boxes', true)")
            async with asyncio.timeout(PATIENCE):
                while not await officer.painted():
                    await officer.decodes(1)
            await officer.shot("preview-boxes")
            await officer.picture.evaluate("e => e.toggleAttribute('boxes', false)")
            await officer.decodes(5)
            assert await officer.painted() == 0


async def test_ten_watch_one_encoder_and_a_late_one_sees_a_picture_at_once(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene, AsyncExitStack() as stack:
        officers = [await scene.officer(f"PC {number}") for number in range(2)]
        for officer in officers:
            await officer.watches()
            await officer.is_in("live")
        light = [await stack.enter_async_context(scene.light(f"PC 1{number}")) for number in range(7)]
        begun = scene.encoded
        late = await stack.enter_async_context(scene.light("PC 999"))
        assert scene.encoded - begun <= RATE, "a key frame was made for the late one before its time"
        assert scene.site.office.services.viewers.statistics().watching == 10
        begun = scene.encoded
        seen = await asyncio.gather(*(counted(page, 16) for page in [*light, late]))
        encoded = scene.encoded - begun
        assert min(seen) == 16
        assert 12 <= encoded <= 40, "each picture was encoded once, and not once for each of ten"
        await officers[0].decodes(1)


async def test_the_picture_goes_when_the_officer_leaves_the_post_and_says_why(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        staying, leaving = await scene.officer("PC 1"), await scene.officer("PC 2")
        for officer in (staying, leaving):
            await officer.watches()
            await officer.is_in("live")
        await scene.off_post(leaving)
        await leaving.is_in("post")
        assert await leaving.picture.evaluate("e => e.video.srcObject") is None
        await leaving.shot("preview-off-post")
        await staying.decodes(3)
        await staying.is_in("live")


async def test_a_camera_that_stops_is_said_to_be_off(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        officer = await scene.officer()
        await officer.watches()
        await officer.is_in("live")
        operator = Actor(OfficerId("desk"), "The operator", Role.OPERATOR)
        current = await scene.site.records.deployments.current()
        assert current is not None
        await scene.site.records.deployments.suspend(current.id, operator, "ordered")
        await officer.is_in("off")
        await officer.shot("preview-off")
        assert await officer.picture.evaluate("e => e.video.srcObject") is None


async def test_a_lost_connection_is_begun_anew(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        officer = await scene.officer()
        await officer.watches()
        await officer.is_in("live")
        viewers = scene.site.office.services.viewers
        (session,) = viewers.sessions()
        viewers.hang_up(session)
        await officer.is_in("connecting")
        await officer.is_in("live")
        assert viewers.statistics().begun == 2


async def test_a_hidden_page_watches_nothing_until_it_is_seen_again(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        officer = await scene.officer()
        await officer.watches()
        await officer.is_in("live")
        await officer.hides(True)
        await officer.is_in("hidden")
        await scene.nobody_watches()
        await officer.hides(False)
        await officer.is_in("live")


async def test_a_box_that_lets_nobody_watch_says_so(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip, preview={"viewers": 0}) as scene:
        officer = await scene.officer()
        await officer.watches()
        await officer.is_in("full")
        await expect(officer.picture).to_contain_text("Too many are watching")
        await officer.shot("preview-full")


WITHOUT_H264 = """() => {
    const add = RTCPeerConnection.prototype.addTransceiver;
    RTCPeerConnection.prototype.addTransceiver = function (...rest) {
        const made = add.apply(this, rest);
        const { codecs } = RTCRtpReceiver.getCapabilities("video");
        made.setCodecPreferences(codecs.filter((codec) => codec.mimeType === "video/VP8"));
        return made;
    };
}"""
"""A browser that was built without the licence."""


async def test_a_browser_without_h264_is_told_that_it_needs_another(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        officer = await scene.officer()
        await officer.page.evaluate(WITHOUT_H264)
        await officer.watches()
        await officer.is_in("codec")
        await officer.shot("preview-codec")


async def test_those_who_watch_and_go_leave_nothing_behind(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        async with scene.light("PC 1"):  # keeps the camera and its encoder running
            async with scene.light("PC 2"):
                pass
            before = Held.now()
            for number in range(5):
                async with scene.light(f"PC 1{number}", boxes=True):
                    pass
            await returns_to(before)
        await scene.nobody_watches()
        assert scene.site.previews.viewers == 0


async def test_nothing_of_a_picture_is_stored_by_the_browser(
    tmp_path: Path, builtin: Path, admiral: Path, clip: Path
) -> None:
    async with opened(tmp_path, builtin, admiral, clip) as scene:
        officer = await scene.officer()
        await officer.watches()
        await officer.is_in("live")
        await officer.decodes(3)
        kept = await officer.page.evaluate(
            """async () => ({
                caches: (await Promise.all((await caches.keys()).map(async (name) =>
                    (await (await caches.open(name)).keys()).map(({ url }) => url)))).flat(),
                databases: (await indexedDB.databases()).map((database) => database.name),
                local: localStorage.length,
                session: sessionStorage.length,
            })"""
        )
        assert kept["databases"] == ["lfrd-device"]
        assert not [url for url in kept["caches"] if "/api/" in url]
        assert (kept["local"], kept["session"]) == (0, 0)


def test_a_live_picture_sends_nothing_to_anybody_but_its_browser(network: Counted, tmp_path: Path) -> None:
    """By an offer that names strangers, multicast's names among them; in a network that counts packets."""
    here = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'in'}")
    tries = network.run(*here, f"tests/unit/webrtc/test_peers.py::{STRANGERS}", WATCHED)
    assert tries.processes >= 1
    own = "192.0.2.1"
    assert [line for line in tries.noted if own in line], "the two ends did not speak over the network"
    assert [line for line in tries.noted if own not in line] == []
    assert tries.packets == 0


STRANGERS = "test_strangers_that_an_offer_names_are_not_sent_to"
WATCHED = "tests/unit/web/test_preview.py::test_an_officer_on_post_sees_the_picture_move"
