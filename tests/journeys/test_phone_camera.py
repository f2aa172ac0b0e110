"""A phone as a camera, whole: Chromium with a fake lens, the page, the server, an officer's alert."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from prometheus_client.parser import text_string_to_metric_families

from lfrd import config, wire
from lfrd.app import Site
from lfrd.audit import kinds
from lfrd.store.sessions import Session
from lfrd.types import CONSOLE, Actor, CameraId, Role
from tests.conftest import ROOT
from tests.deployed import deployed, invited
from tests.journeys.browser import chromium
from tests.journeys.process import PATIENCE, lfrd, of, passing, reach, see
from tests.journeys.visitor import Visitor, photograph
from tests.phone import Phone

pytestmark = pytest.mark.journey

CAMERA = "Van roof"
PASSWORD = "seven tall herons wade"
"""Of people who exist in these tests only."""


@pytest.fixture(scope="module")
def lens(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    """What the fake lens sees, again and again: the person on the list passes."""
    folder = tmp_path_factory.mktemp("lens")
    with av.open(str(passing(folder / "passing.mp4", astronaut))) as clip:
        return raw_video(folder / "lens.y4m", clip.decode(video=0))


def raw_video(path: Path, frames: object) -> Path:
    """YUV4MPEG2, which Chromium's fake lens plays."""
    first = True
    with path.open("wb") as out:
        for frame in frames:  # type: ignore[attr-defined]
            if first:
                out.write(f"YUV4MPEG2 W{frame.width} H{frame.height} F12:1 Ip A1:1 C420jpeg\n".encode())
                first = False
            out.write(b"FRAME\n" + frame.to_ndarray(format="yuv420p").tobytes())
    return path


@asynccontextmanager
async def lensed(lens: Path) -> AsyncIterator[Browser]:
    async with chromium(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={lens}",
    ) as browser:
        yield browser


@dataclass
class Scene:
    site: Site
    officer: Phone
    browser: Browser

    async def engineer(self, name: str) -> Actor:
        officers = self.site.records.officers
        id = await officers.add(name, Role.ENGINEER, "", CONSOLE)
        await officers.set_password(id, PASSWORD, CONSOLE)
        return Actor(id, name, Role.ENGINEER)

    async def decoded(self) -> float:
        async with httpx.AsyncClient(base_url=self.site.bound.url) as client:
            text = (await client.get("/metrics")).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "lfrd_frames_decoded_total"
        )

    async def audited(self, kind: type[kinds.CameraLent] | type[kinds.CameraReturned]) -> list[object]:
        records = await self.site.records.audit.records(limit=10_000)
        return [body for body in (kinds.decode(record.body) for record in records) if isinstance(body, kind)]


@asynccontextmanager
async def scene(folder: Path, builtin: Path, astronaut: Path, lens: Path) -> AsyncIterator[Scene]:
    settings = config.parse(
        {
            "web": {"host": "127.0.0.1", "port": 0, "allow_plain_http": True},
            "post": {"grace_seconds": 600},
            "analysis": {"rate": 6, "max_side": 640},
            "cameras": [{"name": CAMERA, "source": "phone", "retry_seconds": 0.2}],
        }
    )
    async with deployed(folder, settings, builtin, {"M-2041": astronaut}) as site:
        officer = await Phone.join(site.bound.url, await invited(site), "PC Adams")
        async with officer.connected(), lensed(lens) as browser:
            yield Scene(site, officer, browser)


class Engineer(Visitor):
    """An engineer with a phone, on the page /camera."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.state = page.locator(".state")

    async def stands_at(self, text: str) -> None:
        """What the page says of the picture that is sent, or is not."""
        await expect(self.state).to_contain_text(text, timeout=30_000)

    async def shot(self, name: str) -> None:
        """The whole page in four forms, where LFRD_SHOTS names a folder for them."""
        await photograph(self.page, f"camera-{name}")


async def signed_in(there: Scene, name: str) -> Engineer:
    await there.engineer(name)
    context = await there.browser.new_context(viewport={"width": 390, "height": 844}, permissions=["camera"])
    engineer = Engineer(await context.new_page())
    await engineer.page.goto(f"{there.site.bound.url}/camera")
    await engineer.page.get_by_label("Name").fill(name)
    await engineer.page.get_by_label("Password").fill(PASSWORD)
    await engineer.shot("sign-in")
    await engineer.press("Sign in")
    await expect(engineer.button("Start")).to_be_visible()
    return engineer


async def until(done: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await done():
            await asyncio.sleep(0.05)


async def test_a_phone_is_a_camera_while_somebody_is_on_post_and_its_alert_arrives(
    tmp_path: Path, builtin: Path, astronaut: Path, lens: Path
) -> None:
    async with scene(tmp_path, builtin, astronaut, lens) as there:
        engineer, officer = await signed_in(there, "Eve Marsh"), there.officer
        await engineer.shot("ready")
        await engineer.press("Start")
        await engineer.stands_at("Nobody is on post")
        await engineer.shot("waiting")
        assert await there.decoded() == 0
        assert await there.audited(kinds.CameraLent) == []

        await officer.say(wire.OnPost())
        await engineer.stands_at("this phone is the camera")
        await reach(officer, lambda: bool(of(officer, "alert")))
        assert of(officer, "alert")[0].alert.nominal == "M-2041"
        assert of(officer, "alert")[0].alert.camera == CAMERA
        await expect(engineer.page.get_by_text("640 × 360")).to_be_visible(timeout=30_000)
        await engineer.shot("sending")

        await officer.say(wire.OffPost())
        await engineer.stands_at("Nobody is on post")
        await see(officer, **{CAMERA: "off"})
        before = await there.decoded()
        await until(lambda: _is_not(there.site.office.services.lending.holder(CameraId(CAMERA)), ""))
        assert len(await there.audited(kinds.CameraReturned)) == 1
        assert await there.decoded() == before > 0

        await officer.say(wire.OnPost())
        await engineer.stands_at("this phone is the camera")
        await see(officer, **{CAMERA: "live"})
        assert await there.decoded() > before

        await engineer.press("Stop")
        await engineer.stands_at("nothing is sent")
        await reach(officer, lambda: "stopped by hand" in officer.state().cameras[0].problem)
        assert engineer.problems == []


async def test_a_second_phone_waits_for_the_first_and_a_revoked_one_stops_at_once(
    tmp_path: Path, builtin: Path, astronaut: Path, lens: Path
) -> None:
    async with scene(tmp_path, builtin, astronaut, lens) as there:
        first, second = await signed_in(there, "Eve Marsh"), await signed_in(there, "Sam Reed")
        await there.officer.say(wire.OnPost())
        await first.press("Start")
        await first.stands_at("this phone is the camera")
        await second.press("Start")
        await second.stands_at("Eve Marsh sends this camera's picture")
        await second.shot("taken")

        officers = there.site.records.officers
        (session,) = [one for one in await officers.sessions() if one.name == "Eve Marsh"]
        lending = there.site.office.services.lending
        holder = lending.holder(CameraId(CAMERA))
        assert holder is not None
        assert holder.id == session.id
        await officers.revoke(session.id, CONSOLE)
        await until(lambda: _is_not(lending.holder(CameraId(CAMERA)), session.id))
        await expect(first.page.get_by_text("Your session has ended")).to_be_visible(timeout=30_000)
        await first.shot("ended")

        await second.stands_at("this phone is the camera")
        await see(there.officer, **{CAMERA: "live"})

        async def lent_twice() -> bool:
            return len(await there.audited(kinds.CameraLent)) == 2

        await until(lent_twice)
        assert first.problems == second.problems == []


@pytest.mark.parametrize("own", [False, True], ids=["the astronaut", "people of one's own"])
async def test_a_laptop_is_the_camera_of_the_demonstration(
    packs: Path, lens: Path, astronaut: Path, tmp_path: Path, own: bool
) -> None:
    """As a developer does it: one command, the page with its code, a password, Start."""
    shutil.copyfile(astronaut, tmp_path / "neighbour.png")
    people: tuple[str | Path, ...] = ("--watchlist", tmp_path) if own else ()
    listed = "neighbour" if own else "astronaut"
    options = ("--webcam", *people, "--http", "--port", "0", "--json", "--data", packs)
    async with told_by("demo", *options) as events, lensed(lens) as browser:
        listening, lendable = await anext(events), await anext(events)
        assert (listening["event"], lendable["event"]) == ("listening", "lendable")
        assert lendable["listed"] == [listed]
        assert bool(lendable["portrait"]) is not own
        address, _, code = listening["link"].partition("/#join=")
        officer = await Phone.join(address, code, "PC Adams")
        context = await browser.new_context(permissions=["camera"])
        engineer = Engineer(await context.new_page())
        await engineer.page.goto(lendable["link"])
        await engineer.page.get_by_label("New password").fill(PASSWORD)
        await engineer.page.get_by_label("again").fill(PASSWORD)
        await engineer.page.locator("button[type=submit]").click()
        await engineer.press("Start")
        await engineer.stands_at("Nobody is on post")
        async with officer.connected():
            await officer.say(wire.OnPost())
            await reach(officer, lambda: bool(of(officer, "alert")))
            assert of(officer, "alert")[0].alert.nominal == listed
        assert engineer.problems == []


@pytest.mark.parametrize("wrong", [("--watchlist", "people"), ("--webcam", "--once")])
async def test_the_demonstration_says_which_options_do_not_go_together(wrong: tuple[str, ...]) -> None:
    ended = await lfrd("demo", *wrong)
    assert ended.code == 2
    assert wrong[0] in ended.err


async def _is_not(holder: Session | None, session: str) -> bool:
    """Whether that session holds the camera no more; any session, where none is named."""
    return holder is None or (bool(session) and holder.id != session)


@asynccontextmanager
async def told_by(*arguments: str | Path) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """What a command prints, a JSON document a line; it is stopped at the end and has ended well."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lfrd", *map(str, arguments)), stdin=DEVNULL, stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    out = process.stdout

    async def events() -> AsyncIterator[dict[str, Any]]:
        async for line in out:
            yield json.loads(line)

    try:
        yield events()
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
