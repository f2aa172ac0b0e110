"""The officer's page at its edges: what it keeps, who reaches it, small screens, keyboards, lost sessions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from lfrd.types import CONSOLE
from lfrd.web.server import static_folder
from tests.journeys.officer_page import Phone, on_post, scene

pytestmark = pytest.mark.journey

LIVE_ONLY = {"/sw.js", "/preview.js", "/preview-words.js"}
SCRIPTS = {f"/{path.name}" for path in static_folder().glob("*.js")} - LIVE_ONLY
"""What the page needs to start without a network."""


async def test_nothing_of_an_alert_stays_in_the_browser(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        alert = await there.file("M-2041")
        await phone.shows(alert)
        picture = await phone.card.locator("figure.live img").get_attribute("src")
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.press("Back to post")
        kept = await _stored_in(phone.page.context, phone.page)
        assert kept["local"] == kept["session"] == []
        assert kept["databases"] == ["lfrd-device"]  # the device's key, which nothing can read
        assert set(kept["cached"]) >= SCRIPTS
        assert not [path for path in kept["cached"] if re.match(r"/(api/|alerts/|ws$)", path)]
        load = """url => new Promise((done) => {
          Object.assign(new Image(), {onload: () => done("there"), onerror: () => done("gone"), src: url});
        })"""
        assert await phone.page.evaluate(load, picture) == "gone"
        await phone.press("Sign out")
        await phone.page.get_by_role("group", name="Sign out").get_by_role("button", name="Sign out").click()
        await phone.reads("You have left. This phone keeps no pictures.")
        assert alert.nominal not in await phone.page.content()
        assert "lfrd" not in [cookie.get("name") for cookie in await phone.page.context.cookies()]


async def _stored_in(context: BrowserContext, page: Page) -> dict[str, list[str]]:
    state = await context.storage_state()
    found: dict[str, list[str]] = await page.evaluate(
        """async () => {
          const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
          const requests = (await Promise.all(caches_.map((cache) => cache.keys()))).flat();
          return {
            cached: requests.map((request) => new URL(request.url).pathname),
            session: Object.keys(sessionStorage),
            databases: (await indexedDB.databases()).map((database) => database.name),
          };
        }"""
    )
    return found | {"local": [json.dumps(origin) for origin in state.get("origins", [])]}


async def test_the_whole_way_works_with_the_keyboard_alone(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = Phone(await browser.new_page())
        keyboard = phone.page.keyboard
        await phone.page.goto(await there.invitation())
        await expect(phone.page.get_by_label("Collar number")).to_be_focused()
        await keyboard.type("PC 4127 Adams")
        await keyboard.press("Enter")
        await expect(phone.button("Go on post")).to_be_enabled()
        await _tab_to(phone, phone.button("Go on post"))
        await keyboard.press("Enter")
        await phone.reads("You are on post")
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await keyboard.press("Escape")
        for name in ("I take it", "Can't tell", "Face covered"):
            await expect(phone.button(name)).to_be_enabled()
            await _tab_to(phone, phone.button(name))
            await keyboard.press("Enter")
        await phone.reads(re.compile("Recorded: can't tell"))
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "insufficient")]
        assert (await there.view(alert)).reason == "Face covered"


async def _tab_to(phone: Phone, target: Locator) -> None:
    for _ in range(20):
        if await target.evaluate("button => button === document.activeElement"):
            return
        await phone.page.keyboard.press("Tab")
    pytest.fail("the Tab key does not reach the button")


SMALL = [(320, 568), (360, 640), (390, 844), (640, 360)]
"""CSS pixels, width and height, of phones in use; the last one lies on its side."""
EVIDENCE = (
    ".what", ".live .frame", ".list .frame", ".nominal", ".todo", ".taken", ".seen", ".sighting",
    "#card-score", ".meter", ".time",
)  # fmt: skip
"""What an officer decides by."""


async def test_small_screens_show_the_evidence_without_scrolling(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file(
            "M-2041", score=0.61, name="Alexandra Sample", eye_distance=18.0, sharpness=21.0
        )
        await phone.shows(alert)
        await there.file(alert.nominal, "Market Square")
        await phone.reads(re.compile("Seen again at Market Square"))
        await expect(phone.button("I take it")).to_be_enabled()
        for width, height in SMALL:
            await _turned_to(phone, width, height)
            await _shows_all_of_it(phone, width, height)
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        for width, height in SMALL:
            await _turned_to(phone, width, height)
            await _shows_all_of_it(phone, width, height)


async def _turned_to(phone: Phone, width: int, height: int, text: int = 100) -> None:
    """Another screen. text: the letters' size in per cent."""
    await phone.page.set_viewport_size({"width": width, "height": height})
    await phone.page.evaluate("size => document.documentElement.style.fontSize = size", f"{text}%")
    await phone.page.evaluate("document.querySelector('#card .look').scrollTop = 0")


async def _shows_all_of_it(phone: Phone, width: int, height: int) -> None:
    """Nothing of the evidence is outside the viewport, behind the actions or behind anything else."""
    look = await _edges(phone.card.locator(".look"))
    for part in EVIDENCE:
        place = phone.card.locator(part)
        left, top, right, bottom = await _edges(place)
        assert 0 <= left < right <= width, (part, width, height)
        assert 0 <= top < bottom <= height, (part, width, height)
        assert look[1] <= top < bottom <= look[3], f"{part} has to be scrolled to at {width} x {height}"
        assert await place.evaluate(
            """part => {
              const {left, top, right, bottom} = part.getBoundingClientRect();
              return [left + 4, right - 4].every((x) => [top + 4, bottom - 4].every(
                (y) => part.contains(document.elementFromPoint(x, y))));
            }"""
        ), f"{part} is covered at {width} x {height}"
    live, wanted = [await _edges(phone.card.locator(f".{side} .frame")) for side in ("live", "list")]
    assert live[2] <= wanted[0], "the pictures stand side by side"
    assert live[1] == wanted[1]
    actions = await _edges(phone.card.locator(".actions"))
    assert look[3] <= actions[1] or look[2] <= actions[0]
    for button in await phone.card.locator(".actions button").all():
        left, top, right, bottom = await _edges(button)
        assert bottom - top >= 48
        assert actions[0] <= left < right <= actions[2]
        assert actions[1] <= top < bottom <= actions[3]


SPOKEN_TO = [
    (320, 568, 100),
    (360, 640, 100),
    (390, 844, 100),
    (640, 360, 100),
    (390, 844, 200),
    (360, 640, 200),
]
"""CSS pixels, width and height, and the text's size in per cent."""


async def test_the_score_is_read_whole_while_an_officer_speaks_to_the_person(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041", score=0.61, name="Alexandra Sample-Featherstone")
        await phone.shows(alert)
        await there.file(alert.nominal, "Market Square")
        await phone.reads(re.compile("Seen again at Market Square"))
        for name in ("I take it", "Viable", "Engage"):
            await phone.press(name)
        await phone.reads("You are speaking to them")
        await phone.buttons_live()
        for width, height, text in SPOKEN_TO:
            await _turned_to(phone, width, height, text)
            await phone.shot_as_it_is(f"spoken-to-{width}x{height}-{text}")
            look = await _edges(phone.card.locator(".look"))
            for part in ("#card-score", ".meter"):
                place = phone.card.locator(part)
                if text > 100:  # then the evidence is scrolled, and each part of it fits where it is read
                    await place.scroll_into_view_if_needed()
                _, top, _, bottom = await _edges(place)
                assert look[1] <= top < bottom <= look[3], (
                    f"{part} is covered at {width} x {height}, {text} %"
                )
            if text > 100:
                assert look[3] - look[1] >= 0.2 * height, "there is room to read in"


async def _edges(part: Locator) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in CSS pixels of the viewport."""
    box = await part.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


LARGE_TEXT = [(320, 568, 100), (320, 568, 200), (390, 844, 200), (320, 640, 200), (640, 360, 200)]
"""CSS pixels, width and height, and the text's size in per cent."""


async def test_small_screens_and_large_text_hide_no_action(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.shows(await there.file("M-2041"))
        for name in ("I take it", "Not viable"):
            await expect(phone.button(name)).to_be_enabled()
            for width, height, text in LARGE_TEXT:
                await _turned_to(phone, width, height, text)
                if name == "I take it":  # of the later choices, the last may have to be scrolled to
                    await expect(phone.button(name)).to_be_in_viewport(ratio=1)
                box = await phone.button(name).bounding_box()
                assert box is not None
                assert box["height"] >= 64, (name, width, height, text)
                assert 0 <= box["x"] <= box["x"] + box["width"] <= width, (name, width, height, text)
                await phone.card.locator("#card-score").scroll_into_view_if_needed()
                await expect(phone.card.locator("#card-score")).to_be_in_viewport()
            await phone.press(name)
        for width, height, text in LARGE_TEXT:
            await _turned_to(phone, width, height, text)
            wide = await phone.page.evaluate(
                "[...document.querySelectorAll('#stage, #card, .look, .actions, .stack')].filter((part) => "
                "part.scrollWidth > part.clientWidth).map((part) => part.className || part.id)"
            )
            assert wide == [], (width, height, text)


async def test_an_invitation_serves_once_and_says_so(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        invitation = await there.invitation()
        await Phone(await browser.new_page()).join(invitation, "PC Adams")
        late = Phone(await browser.new_page())
        await late.page.goto(invitation)
        await late.page.get_by_label("Collar number").fill("PC Begum")
        await late.press("Join")
        await late.reads("This invitation is used up or has expired. Ask the operator for a new QR code.")


async def test_an_invitation_in_the_officers_name_needs_none_and_takes_no_other(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        officers = there.served.office.records.officers
        for typed in ("", "PC Begum"):
            code = await there.served.invite("PC 4127 Adams")
            phone = Phone(await (await browser.new_context()).new_page())
            await phone.join(f"{there.url}/#join={code}", typed)
            await phone.reads(re.compile("^PC 4127 Adams"))
        assert {session.name for session in await officers.sessions()} == {"PC 4127 Adams"}


async def test_an_open_invitation_asks_for_the_name_that_is_missing(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = Phone(await browser.new_page())
        await phone.page.goto(await there.invitation())
        await phone.press("Join")
        await phone.reads("This invitation is in nobody's name: enter your collar number.")
        name = phone.page.get_by_label("Collar number")
        await expect(name).to_be_focused()
        await name.fill("PC Begum")
        await phone.press("Join")
        await expect(phone.button("Go on post")).to_be_enabled()


async def test_a_revoked_phone_goes_back_to_the_invitation(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        officers = there.served.office.records.officers
        (session,) = await officers.sessions()
        await officers.revoke(session.id, CONSOLE)
        await phone.reads("Your access to this deployment has ended. Ask the operator for a new QR code.")
        assert (
            await phone.page.locator("img").evaluate_all("images => images.filter((i) => i.src).length") == 0
        )


async def test_the_older_of_two_tabs_says_that_it_gets_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        newer = Phone(await phone.page.context.new_page())
        await newer.page.goto(there.url)
        await phone.reads("Open in another tab")
        await phone.press("Use this one instead")
        await phone.reads("You are on post")
        await newer.reads("Open in another tab")


async def test_a_page_that_is_loaded_again_still_shows_the_alert_in_hand(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        await phone.page.reload()
        await phone.shows(alert)
        await phone.press("Viable")
        await phone.reads(re.compile("Recorded: viable"))


async def test_the_first_load_stays_below_100_kilobytes_on_the_wire(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        page = await browser.new_page()
        await page.goto(await there.invitation())
        await expect(page.get_by_label("Collar number")).to_be_focused()
        await page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        assert 20_000 < there.link.received < 100_000
