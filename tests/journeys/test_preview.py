"""Live pictures in a real browser: they move, faces in them are blurred, and they end when they must."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import expect

from lfrd.audit import kinds
from lfrd.preview import channel
from tests.journeys.live_picture import CAMERA, RATE, Eyes, Scene, frames_of, opened
from tests.journeys.process import PATIENCE, passing
from tests.journeys.test_leaks import Held, returns_to
from tests.journeys.test_no_outbound import Network as Counted
from tests.journeys.test_no_outbound import network
from tests.journeys.visitor import SIZES, photograph
from tests.watcher import Watcher

__all__ = ["network"]

pytestmark = pytest.mark.journey

MOST = 10
"""Who may watch at once."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    return passing(tmp_path_factory.mktemp("clips") / "passing.mp4", astronaut)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(
    tmp_path_factory: pytest.TempPathFactory, builtin: Path, admiral: Path, clip: Path
) -> AsyncIterator[Scene]:
    """One box for all tests, with somebody on post throughout; nobody who passes is on its list. It lives in
    a task of its own: its groups of tasks must end where they began."""
    ready: asyncio.Future[Scene] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def live() -> None:
        folder = tmp_path_factory.mktemp("box")
        async with opened(folder, builtin, admiral, clip, preview={"viewers": MOST}) as scene:
            scene.site.office.duty.take("whoever stays", "PC 1")
            ready.set_result(scene)
            await over.wait()

    life = asyncio.create_task(live())
    ends: set[asyncio.Future[Any]] = {life, ready}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        await life
    yield ready.result()
    over.set()
    await life


async def test_the_picture_moves_in_the_browser_and_says_that_it_is_live(scene: Scene) -> None:
    async with scene.watching("PC 4127 Adams") as (officer,):
        await officer.picture.moves()
        await officer.picture.says("Live")
        await officer.picture.says("Faces without an alert are blurred")
        figure = officer.page.get_by_role("figure", name=f"Live picture of {CAMERA}")
        await expect(figure).to_have_count(1)
        await photograph(officer.page, "preview-live", cut=SIZES)


async def test_a_picture_that_leaves_the_page_is_watched_no_more_and_both_are_in_the_audit(
    scene: Scene,
) -> None:
    before = len(await scene.audited(kinds.PreviewWatched))
    async with scene.watching("PC 4127 Adams") as (officer,):
        assert len(await scene.audited(kinds.PreviewWatched)) == before + 1
        await officer.picture.element.evaluate("e => e.remove()")
        await scene.nobody_watches()
        assert len(await scene.audited(kinds.PreviewLeft)) == before + 1


async def test_no_face_of_somebody_on_no_list_can_be_recognised_in_the_browsers_pixels(
    scene: Scene, builtin: Path, clip: Path
) -> None:
    eyes = Eyes(builtin)
    clear = [found for picture in frames_of(clip)[::3] if (found := eyes.faces(picture))]
    known = eyes.templates(max(clear, key=lambda found: float(found.faces.scores.max())))[0]
    alike = [float((eyes.templates(found) @ known).max()) for found in clear]
    assert np.median(alike) > 0.9, "the clip's own faces are found and are one person's"
    async with scene.watching("PC 4127 Adams") as (officer,):
        somebody, similar = 0, [0.0]
        for _ in range(40):
            await officer.picture.decodes(1)
            picture = await officer.picture.pixels()
            somebody += bool(picture.std(axis=(0, 1)).max() > 10)
            if found := eyes.faces(picture):
                similar += list(eyes.templates(found) @ known)
        assert somebody >= 10, "the person stood in the pictures that were looked at"
        assert max(similar) < 0.5 * float(np.median(alike)) + 0.5, similar


async def test_boxes_are_drawn_when_they_are_asked_for_and_go_when_they_are_not(scene: Scene) -> None:
    async with scene.watching("PC 4127 Adams") as (officer,):
        picture = officer.picture
        await picture.decodes(RATE)
        assert await picture.painted() == 0
        for _ in range(2):
            await picture.element.evaluate("e => e.toggleAttribute('boxes', true)")
            await picture.is_boxed()
            await photograph(officer.page, "preview-boxes", cut=SIZES)
            await picture.element.evaluate("e => e.toggleAttribute('boxes', false)")
            await picture.decodes(5)
            assert await picture.painted() == 0


async def test_ten_watch_one_encoder_a_late_one_sees_a_picture_at_once_and_one_too_many_is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene.watching("PC 0", "PC 1") as officers, AsyncExitStack() as stack:
        light = [await stack.enter_async_context(scene.light(f"PC 1{number}")) for number in range(7)]
        with monkeypatch.context() as patched:
            patched.setattr(channel, "KEY_SECONDS", 600.0)
            begun = scene.encoded
            late = await stack.enter_async_context(scene.light("PC 999"))
            waited = scene.encoded - begun
        assert waited < 300 * RATE, "a key frame was made for the late one before its time"
        assert len(scene.site.office.services.viewers.sessions()) == MOST
        begun = scene.encoded
        seen = await asyncio.gather(*(counted(page, 16) for page in [*light, late]))
        encoded = scene.encoded - begun
        assert min(seen) == 16
        assert 12 <= encoded < 8 * 16, "each picture was encoded once, and not once for each who sees it"
        await officers[0].picture.decodes(1)
        async with scene.officer("PC 11") as eleventh:
            await eleventh.watches()
            await eleventh.picture.is_in("full")
            await eleventh.picture.says("Too many are watching")
            await photograph(eleventh.page, "preview-full", cut=SIZES)


async def counted(page: Watcher, most: int) -> int:
    """Pictures that arrive, up to so many."""
    for _ in range(most):
        await page.picture()
    return most


async def test_the_picture_goes_when_the_officer_leaves_the_post_and_says_why(scene: Scene) -> None:
    async with scene.watching("PC 1", "PC 2") as (staying, leaving):
        await leaving.phone.press("Leave post")
        await leaving.page.locator("button.danger", has_text="Leave post").click()
        await leaving.picture.is_in("post")
        assert await leaving.picture.is_let_go_of()
        await photograph(leaving.page, "preview-off-post", cut=SIZES)
        await staying.picture.decodes(3)
        await staying.picture.is_in("live")


async def test_a_lost_connection_is_begun_anew(scene: Scene) -> None:
    async with scene.watching("PC 4127 Adams") as (officer,):
        viewers = scene.site.office.services.viewers
        begun = len(await scene.audited(kinds.PreviewWatched))
        (session,) = viewers.sessions()
        viewers.hang_up(session)
        await officer.picture.is_in("connecting")
        await officer.picture.is_in("live")
        assert len(await scene.audited(kinds.PreviewWatched)) == begun + 1


async def test_a_hidden_page_watches_nothing_until_it_is_seen_again(scene: Scene) -> None:
    async with scene.watching("PC 4127 Adams") as (officer,):
        await officer.hides(True)
        await officer.picture.is_in("hidden")
        await scene.nobody_watches()
        await officer.hides(False)
        await officer.picture.is_in("live")


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


async def test_a_browser_without_h264_is_told_that_it_needs_another(scene: Scene) -> None:
    async with scene.officer("PC 4127 Adams") as officer:
        await officer.page.evaluate(WITHOUT_H264)
        await officer.watches()
        await officer.picture.is_in("codec")
        await photograph(officer.page, "preview-codec", cut=SIZES)


async def test_those_who_watch_and_go_leave_nothing_behind(scene: Scene) -> None:
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


async def test_nothing_of_a_picture_is_stored_by_the_browser(scene: Scene) -> None:
    async with scene.watching("PC 4127 Adams") as (officer,):
        await officer.picture.decodes(3)
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


async def test_a_live_picture_sends_nothing_to_anybody_but_its_browser(
    network: Counted, tmp_path: Path
) -> None:
    """By an offer that names strangers, multicast's names among them; in a network that counts packets."""
    here = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'in'}")
    async with asyncio.timeout(PATIENCE):
        tries = await asyncio.to_thread(network.run, *here, f"{PEERS}::{STRANGERS}", WATCHED)
    assert tries.processes >= 1
    own = "192.0.2.1"
    assert [line for line in tries.noted if own in line], "the two ends did not speak over the network"
    assert [line for line in tries.noted if own not in line] == []
    assert tries.packets == 0


PEERS = "tests/unit/webrtc/test_peers.py"
STRANGERS = "test_strangers_that_an_offer_names_are_not_sent_to"
WATCHED = "tests/unit/web/test_preview.py::test_an_officer_on_post_sees_the_picture_move"
