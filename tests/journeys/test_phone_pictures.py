"""The two pictures of an alert under an officer's fingers, enlarged and compared; and that none stays."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.async_api import Browser, BrowserContext, CDPSession, Locator, async_playwright, expect

from lfrd import wire
from tests import office
from tests.conftest import unavailable
from tests.journeys import browser as chrome
from tests.journeys.officer_page import Phone, on_post, scene
from tests.journeys.street import CAMERAS, Street, street

pytestmark = pytest.mark.journey

SHORT = replace(office.PLAN, expire_seconds=4.0)
ENLARGE = f"Live picture from {CAMERAS[0]}: enlarge"
LOADS = """url => new Promise((done) => {
  Object.assign(new Image(), {onload: () => done(true), onerror: () => done(false), src: url});
})"""
"""Whether an address of a picture, a blob's too, can still be opened by the page."""


class Glass:
    """Fingers upon a page, by way of the browser's own protocol; places in CSS pixels of the viewport."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session

    @staticmethod
    async def of(phone: Phone) -> Glass:
        return Glass(await phone.page.context.new_cdp_session(phone.page))

    async def touch(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        await self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    async def pinch(self, x: float, y: float, start: float, end: float) -> None:
        """Two fingers beside a place, whose distance from it changes."""
        await self.touch("touchStart", (x - start, y))
        await self.touch("touchStart", (x - start, y), (x + start, y))
        for step in range(1, 6):
            reach = start + (end - start) * step / 5
            await self.touch("touchMove", (x - reach, y), (x + reach, y))
        await self.touch("touchEnd")

    async def drag(self, x: float, y: float, across: float, down: float) -> None:
        await self.touch("touchStart", (x, y))
        for step in range(1, 6):
            await self.touch("touchMove", (x + across * step / 5, y + down * step / 5))
        await self.touch("touchEnd")


@asynccontextmanager
async def alerted(folder: Path) -> AsyncIterator[tuple[Street, Phone, wire.AlertView]]:
    """An officer on post whose phone shows an alert, and takes touches."""
    async with scene(folder) as (there, browser):
        phone = await _touched(browser, there)
        alert = await there.file("M-2041", name="Alex Sample")
        await phone.shows(alert)
        await phone.buttons_live()
        yield there, phone, alert


async def _touched(browser: Browser, there: Street) -> Phone:
    context = await browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    phone = Phone(await context.new_page())
    await phone.join(await there.invitation(), "PC 4127 Adams")
    await phone.press("Go on post")
    await phone.reads("You are on post")
    return phone


def _picture(phone: Phone, side: str) -> Locator:
    return phone.card.locator(f"figure.{side} img")


async def _scales(phone: Phone) -> tuple[float, float, float]:
    """Magnification, and the shift across and down in CSS pixels; the same of both pictures."""
    both = [
        await _picture(phone, side).evaluate(
            "img => { const m = new DOMMatrix(getComputedStyle(img).transform); return [m.a, m.e, m.f]; }"
        )
        for side in ("live", "list")
    ]
    assert both[0] == pytest.approx(both[1], abs=0.01), "both pictures are magnified alike"
    scale, across, down = both[0]
    return scale, across, down


async def _middle(place: Locator) -> tuple[float, float]:
    box = await place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def test_two_fingers_magnify_both_pictures_and_one_button_shows_them_whole(tmp_path: Path) -> None:
    async with alerted(tmp_path) as (_, phone, _alert):
        glass = await Glass.of(phone)
        before = await phone.button("I take it").bounding_box()
        x, y = await _middle(phone.card.locator(".live .frame"))
        await glass.pinch(x, y, 20, 60)
        scale, across, down = await _scales(phone)
        assert scale == pytest.approx(3, rel=0.1)
        assert across == pytest.approx(0, abs=3)
        assert down == pytest.approx(0, abs=3)
        assert await phone.page.evaluate("visualViewport.scale") == 1, "the page itself is not magnified"
        await expect(phone.card.locator(".pair.large")).to_have_count(0)
        assert await phone.button("I take it").bounding_box() == before
        await phone.shot("zoomed")
        await phone.press("Whole pictures")
        assert await _scales(phone) == (1, 0, 0)
        await expect(phone.button("Whole pictures")).to_be_hidden()


async def test_one_finger_moves_what_is_magnified_and_never_beyond_its_edge(tmp_path: Path) -> None:
    async with alerted(tmp_path) as (_, phone, _alert):
        glass = await Glass.of(phone)
        frame = phone.card.locator(".list .frame")
        x, y = await _middle(frame)
        await glass.drag(x, y, 30, 0)
        assert await _scales(phone) == (1, 0, 0), "the whole picture does not move"
        await glass.pinch(x, y, 20, 40)
        scale, across, _ = await _scales(phone)
        await glass.drag(x, y, 30, -20)
        assert await _scales(phone) == pytest.approx((scale, across + 30, -20), abs=2)
        for _ in range(6):
            await glass.drag(x, y, -80, 0)
        box = await frame.bounding_box()
        assert box is not None
        assert (await _scales(phone))[1] == pytest.approx(-box["width"] * (scale - 1) / 2, abs=1)


async def test_a_tap_enlarges_a_picture_the_next_flips_it_and_the_way_back_is_a_large_button(
    tmp_path: Path,
) -> None:
    async with alerted(tmp_path) as (_, phone, _alert):
        small = await phone.card.locator(".live .frame").bounding_box()
        await phone.page.get_by_role("button", name=ENLARGE).tap()
        live, wanted = _picture(phone, "live"), _picture(phone, "list")
        await expect(live).to_be_visible()
        await expect(wanted).to_be_hidden()
        place = await live.bounding_box()
        assert small is not None
        assert place is not None
        assert place["width"] * place["height"] > 3 * small["width"] * small["height"]
        await phone.shot("large")
        await _after_a_pause(phone)
        await phone.page.locator(".flip").tap()
        await expect(wanted).to_be_visible()
        await expect(live).to_be_hidden()
        assert await wanted.bounding_box() == place, "the one stands exactly where the other stood"
        await expect(phone.card.get_by_text("This is not an identification.")).to_be_visible()
        back = phone.button("Both pictures")
        box = await back.bounding_box()
        assert box is not None
        assert box["height"] >= 56
        assert box["width"] >= 160
        await back.tap()
        await expect(live).to_be_visible()
        await expect(wanted).to_be_visible()
        assert await phone.card.locator(".live .frame").bounding_box() == small
        assert phone.problems == []


async def _after_a_pause(phone: Phone) -> None:
    """The next tap is no second half of a double one: taps are told apart by the time of their events."""
    at = await phone.page.evaluate("performance.now()")
    await phone.page.wait_for_function("at => performance.now() - at > 400", arg=at)


async def test_a_double_tap_shows_the_same_picture_whole(tmp_path: Path) -> None:
    async with alerted(tmp_path) as (_, phone, _alert):
        await phone.page.get_by_role("button", name=ENLARGE).tap()
        await phone.press("Larger")
        await phone.press("Larger")
        assert (await _scales(phone))[0] == pytest.approx(2.25)
        await _after_a_pause(phone)
        await phone.page.locator(".flip").evaluate(
            "flip => { const tap = {detail: 1, bubbles: true};"
            " for (const _ of [1, 2]) flip.dispatchEvent(new MouseEvent('click', tap)); }"
        )
        assert await _scales(phone) == (1, 0, 0)
        await expect(_picture(phone, "live")).to_be_visible()


async def test_the_keyboard_enlarges_magnifies_moves_flips_and_comes_back(tmp_path: Path) -> None:
    async with alerted(tmp_path) as (_, phone, _alert):
        keys = phone.page.keyboard
        enlarge = phone.page.get_by_role("button", name=ENLARGE)
        await keys.press("Tab")
        await expect(enlarge).to_be_focused()
        await keys.press("Enter")
        flip = phone.page.get_by_role(
            "button", name=f"Live picture from {CAMERAS[0]}: show the other picture"
        )
        await expect(flip).to_be_focused()
        await keys.press("+")
        await keys.press("+")
        await keys.press("ArrowLeft")
        scale, across, _ = await _scales(phone)
        assert scale == pytest.approx(2.25)
        assert across > 0
        await keys.press("-")
        assert (await _scales(phone))[0] == pytest.approx(1.5)
        await keys.press("Enter")
        await expect(
            phone.page.get_by_role("button", name="Watchlist picture of M-2041: show the other picture")
        ).to_be_focused()
        await expect(phone.card.locator(".pair [role=status]")).to_have_text("Watchlist picture of M-2041")
        await keys.press("0")
        assert await _scales(phone) == (1, 0, 0)
        await keys.press("Enter")
        await keys.press("Escape")
        await expect(enlarge).to_be_focused()
        await expect(_picture(phone, "list")).to_be_visible()


async def test_what_the_officer_decides_is_a_tap_away_while_a_picture_is_large(tmp_path: Path) -> None:
    async with alerted(tmp_path) as (there, phone, alert):
        await phone.page.get_by_role("button", name=ENLARGE).tap()
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.reads(re.compile("Recorded: viable"))
        await expect(phone.card.locator(".pair.large")).to_be_visible()
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable")]


async def test_another_alert_in_front_begins_with_both_pictures_whole(tmp_path: Path) -> None:
    async with alerted(tmp_path) as (there, phone, _alert):
        await phone.page.get_by_role("button", name=ENLARGE).tap()
        await phone.press("Larger")
        second = await there.file("M-0877", CAMERAS[1])
        await phone.press(f"Show {second.nominal}, {second.camera}")
        await phone.shows(second)
        assert await _scales(phone) == (1, 0, 0)


# ---- and nothing stays ----------------------------------------------------------------------------------


async def test_an_expired_alert_clears_its_pictures_until_they_are_asked_for(tmp_path: Path) -> None:
    async with scene(tmp_path, plan=SHORT) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        held = await phone.card.locator("figure img").evaluate_all("all => all.map((one) => one.src)")
        await phone.reads(re.compile("^Expired: seen too long ago"))
        await phone.reads("Expired: cleared from this phone")
        assert [await phone.page.evaluate(LOADS, picture) for picture in held] == [False, False]
        await phone.shot("cleared")
        await phone.card.get_by_role("button", name="Load picture").first.click()
        await phone.shows(alert)
        await phone.press("Back to post")
        await expect(phone.page.locator("img[src]")).to_have_count(0)


async def test_a_new_sighting_brings_the_pictures_of_an_expired_alert_back(tmp_path: Path) -> None:
    async with scene(tmp_path, plan=SHORT) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await phone.reads("Expired: cleared from this phone")
        await there.file(alert.nominal, CAMERAS[1])
        await phone.reads(re.compile(rf"^Seen again at {CAMERAS[1]}, \d s ago$"))
        await phone.shows(alert)


async def test_pictures_travel_with_headers_that_forbid_keeping_them(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        answers = []
        phone.page.on("response", lambda answer: answers.append(answer) if "/alerts/" in answer.url else None)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        assert len(answers) == 2
        for answer in answers:
            assert "no-store" in (await answer.header_value("cache-control") or "")
            assert not answer.from_service_worker


async def test_after_signing_out_no_picture_and_no_name_is_left_in_the_pages_memory(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        session = await phone.page.context.new_cdp_session(phone.page)
        alert = await there.file("M-2041", name="Marmaduke Sample")
        await phone.shows(alert)
        assert await _alive(session, "Blob") + await _alive(session, "HTMLImageElement") > 0
        assert "Marmaduke" in await _heap(session)
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.press("Back to post")
        await _signs_out(phone)
        assert await _alive(session, "Blob") == 0
        assert await phone.page.locator("img[src]").count() == 0
        heap = await _heap(session)
        for trace in ("Marmaduke", alert.id, alert.nominal):
            assert trace not in heap


async def _signs_out(phone: Phone) -> None:
    await phone.press("Sign out")
    await phone.page.get_by_role("group", name="Sign out").get_by_role("button", name="Sign out").click()
    await phone.reads("You have left. This phone keeps no pictures.")


async def _alive(session: CDPSession, kind: str) -> int:
    """How many objects of a kind the page still holds, after the browser has collected what is garbage."""
    prototype = await session.send("Runtime.evaluate", {"expression": f"{kind}.prototype"})
    found = await session.send("Runtime.queryObjects", {"prototypeObjectId": prototype["result"]["objectId"]})
    count = await session.send(
        "Runtime.callFunctionOn",
        {
            "objectId": found["objects"]["objectId"],
            "functionDeclaration": "function () { return this.length; }",
            "returnByValue": True,
        },
    )
    number: int = count["result"]["value"]
    return number


async def _heap(session: CDPSession) -> str:
    """Every string that the page's scripts hold, and the rest of their heap, as the browser writes it."""
    parts: list[str] = []

    def take(chunk: dict[str, str]) -> None:
        parts.append(chunk["chunk"])

    await session.send("HeapProfiler.collectGarbage")
    session.on("HeapProfiler.addHeapSnapshotChunk", take)
    await session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    session.remove_listener("HeapProfiler.addHeapSnapshotChunk", take)
    return "".join(parts)


async def test_no_byte_of_a_picture_is_in_the_browsers_folder_on_disk(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    async with street(tmp_path / "site") as there, _kept_browser(profile) as context:
        phone = Phone(await context.new_page())
        await phone.join(await there.invitation(), "PC 4127 Adams")
        await phone.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        await phone.press("Go on post")
        await phone.reads("You are on post")
        alert = await there.file("M-2041", name="Marmaduke Sample")
        await phone.shows(alert)
        await phone.page.get_by_role("button", name=ENLARGE).click()
        await phone.press("Both pictures")
        # What the search would find, were it there: a page can put bytes on this disk.
        control = secrets.token_bytes(32)
        await phone.page.evaluate(
            "async bytes => (await caches.open('x')).put('/x', new Response(new Uint8Array(bytes)))",
            list(control),
        )
        await phone.press("I take it")
        await phone.press("Viable")
    files = {
        path: path.read_bytes() for path in profile.rglob("*") if path.is_file() and not path.is_symlink()
    }
    assert any(control in data for data in files.values()), "the search finds what a page stores"
    marks = [
        picture[at : at + 24] for picture in there.pictures for at in (len(picture) // 2, len(picture) - 60)
    ]
    for mark in [*marks, b"Marmaduke", "Marmaduke".encode("utf-16-le"), alert.id.encode()]:
        assert [path.name for path, data in files.items() if mark in data] == []


@asynccontextmanager
async def _kept_browser(profile: Path) -> AsyncIterator[BrowserContext]:
    """A browser with a folder of its own on disk, as a phone's has; it is written out when the block ends."""
    installed = next(filter(None, map(shutil.which, chrome.BROWSERS)), None)
    if installed is None:
        unavailable("needs a browser: apt install chromium")
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path=installed, args=chrome.ARGUMENTS, viewport={"width": 390, "height": 844}
        )
        try:
            yield context
        finally:
            await context.close()
