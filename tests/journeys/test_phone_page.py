"""The officer's page in a real browser against the real server: from the invitation to the stored decision."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from lfrd import wire
from lfrd.web.server import static_folder
from tests.journeys.street import CAMERAS, Street, street

pytestmark = pytest.mark.journey

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
).split()
SIZES = {"phone": (390, 844), "desk": (1440, 900)}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"needs Debian's chromium at {CHROMIUM}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def scene(folder: Path, *, grace: float = 20.0) -> AsyncIterator[tuple[Street, Browser]]:
    async with chromium() as browser, street(folder, grace=grace) as there:
        yield there, browser


class Phone:
    """An officer's thumb and eyes on one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.card = page.locator("#card")
        self.problems: list[str] = []  # faults of the page itself, and of its security policy
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda m: self.problems.append(m.text) if "Security" in m.text else None)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def press(self, name: str) -> None:
        await self.button(name).click()

    async def reads(self, text: str | re.Pattern[str]) -> None:
        await expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    async def shows(self, alert: wire.AlertView) -> None:
        """The card is open for this alert, and both of its pictures are decoded."""
        await expect(self.card.locator(".nominal strong")).to_have_text(alert.nominal)
        for side in ("live", "list"):
            image = self.card.locator(f"figure.{side} img")
            await expect(image).to_be_visible()
            await expect(image).to_have_js_property("naturalWidth", 240)

    async def join(self, invitation: str, name: str) -> None:
        await self.page.goto(invitation)
        await self.page.get_by_label("Collar number").fill(name)
        await self.press("Join")
        await expect(self.button("Go on post")).to_be_enabled()

    async def shot(self, name: str) -> None:
        """A picture of the screen in four forms, where LFRD_SHOTS names a folder for them."""
        if not (folder := os.environ.get("LFRD_SHOTS")):
            return
        for size, (width, height) in SIZES.items():
            await self.page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                await self.page.emulate_media(color_scheme=scheme)
                await self.page.screenshot(path=Path(folder) / f"{name}-{size}-{scheme}.png")
        await self.page.set_viewport_size({"width": 390, "height": 844})


async def on_post(browser: Browser, there: Street, name: str = "PC 4127 Adams") -> Phone:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    phone = Phone(await context.new_page())
    await phone.join(await there.invitation(), name)
    await phone.shot("ready")
    await phone.press("Go on post")
    await phone.reads("You are on post")
    return phone


async def test_an_officer_joins_goes_on_post_and_decides(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = Phone(await browser.new_page(viewport={"width": 390, "height": 844}))
        await phone.page.goto(await there.invitation())
        await phone.shot("join")
        assert "join" not in phone.page.url
        await phone.page.get_by_label("Collar number").fill("PC 4127 Adams")
        await phone.press("Join")
        await phone.reads("No officer on post")
        await phone.press("Go on post")
        await phone.reads("2 cameras live")
        await phone.shot("post")

        alert = await there.file("M-2041")
        await phone.shows(alert)
        await expect(phone.page.get_by_role("alertdialog")).to_have_accessible_name(
            "Possible match — you decide"
        )
        await phone.reads(re.compile(r"Seen at High Street 1, [1-9]\d* s ago"))
        await phone.reads("Score 0.71: 0.11 over the threshold of 0.60")
        await expect(phone.page).to_have_title("(1) Possible match — lfrd")
        await phone.shot("alert")
        await phone.press("I take it")
        await phone.shot("mine")
        await phone.press("Viable")
        await phone.reads(re.compile(r"Recorded: viable, \d+ s"))
        await phone.shot("recorded")
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable", "")]
        await phone.press("Back to post")
        await phone.reads("viable — PC 4127 Adams")
        assert phone.problems == []


async def test_what_makes_the_comparison_harder_is_said(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await there.file("M-0877", score=0.61, eye_distance=18.0, sharpness=21.0)
        await phone.reads("Live face is small")
        await phone.reads("Live picture is blurred")
        await phone.reads(re.compile("only just$"))


async def test_a_second_officer_sees_who_has_the_alert(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        adams = await on_post(browser, there, "PC Adams")
        begum = await on_post(browser, there, "PC Begum")
        alert = await there.file("M-2041")
        await adams.shows(alert)
        await begum.shows(alert)
        await adams.press("I take it")
        await begum.reads("PC Adams has it")
        await expect(begum.button("I take it")).to_be_disabled()
        await begum.shot("theirs")
        await begum.press("Back to post")
        await adams.press("Viable")
        await begum.reads("viable — PC Adams")


async def test_a_cut_connection_is_said_and_resumed_without_loss_or_double(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        first = await there.file("M-2041")
        await phone.shows(first)
        there.link.cut()
        await phone.reads(re.compile("No connection for .* — you get no alerts"))
        await expect(phone.button("I take it")).to_be_disabled()
        await phone.shot("lost")
        second = await there.file("M-1510", CAMERAS[1])
        there.link.mend()
        await phone.press("Try now")
        await phone.reads("1 more waiting")
        await phone.shows(first)
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.press("Next alert (1 waiting)")
        await phone.shows(second)
        await phone.press("Leave to others")
        await expect(phone.page.locator(".entries li")).to_have_count(2)
        await phone.reads("2 cameras live")


async def test_a_decision_made_without_connection_goes_out_when_it_is_back(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        there.link.cut()
        await phone.reads(re.compile("No connection"))
        await phone.press("Viable")
        await phone.reads(re.compile("Not sent yet"))
        assert await there.stored() == []
        there.link.mend()
        await phone.press("Try now")
        await phone.reads(re.compile("Recorded: viable"))
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable", "")]


async def test_a_post_that_lapsed_during_a_cut_is_taken_again(tmp_path: Path) -> None:
    async with scene(tmp_path, grace=1.0) as (there, browser):
        phone = await on_post(browser, there)
        there.link.cut()
        await there.duty.unwanted()
        await phone.reads("No connection: you may be off post")
        there.link.mend()
        await phone.press("Try now")
        await phone.reads("You are on post")


async def test_not_viable_needs_a_reason(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        first, second = await there.file("M-2041"), None
        await phone.press("I take it")
        await phone.press("Not viable")
        await phone.shot("reasons")
        assert await there.stored() == []
        await phone.press("Wrong age")
        await phone.reads(re.compile("Recorded: not viable"))
        await expect(phone.card).to_be_hidden()

        second = await there.file("M-1510")
        await phone.press("I take it")
        await phone.press("Can't tell")
        await phone.press("Other…")
        await phone.press("Record")
        await phone.reads("Say why, in a few words.")
        await phone.page.get_by_label("Reason in your words").fill("Umbrella in front")
        await phone.press("Record")
        await phone.reads(re.compile("Recorded: can't tell"))
        assert await there.stored() == [
            (first.id, "PC 4127 Adams", "not_viable", "Wrong age"),
            (second.id, "PC 4127 Adams", "insufficient", "Umbrella in front"),
        ]


async def test_new_alerts_wait_beside_the_one_in_hand_and_move_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        first = await there.file("M-2041")
        await phone.shows(first)
        await expect(phone.button("I take it")).to_be_enabled()
        await expect(phone.card).to_contain_text("No other alert waiting")
        before = await phone.button("I take it").bounding_box()
        second = await there.file("M-0877", CAMERAS[1])
        third = await there.file("M-1510", CAMERAS[1])
        assert (await there.file(first.nominal, CAMERAS[1])).id == first.id  # the same person, seen again
        await phone.reads("2 more waiting")
        await phone.reads(re.compile("Seen again at Market Square"))
        await phone.shows(first)
        assert await phone.button("I take it").bounding_box() == before
        await phone.shot("several")
        await phone.press(f"Show {second.nominal}, {second.camera}")
        await phone.shows(second)
        await phone.press("Leave to others")
        await phone.shows(third)


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
        assert kept["local"] == kept["session"] == kept["databases"] == []
        assert {"/", "/app.js", "/sw.js"} & set(kept["cached"]) == {"/", "/app.js"}
        assert not [path for path in kept["cached"] if re.match(r"/(api/|alerts/|ws$)", path)]
        gone = "url => fetch(url).then(() => 'there', () => 'gone')"
        assert await phone.page.evaluate(gone, picture) == "gone"
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
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "insufficient", "Face covered")]


async def _tab_to(phone: Phone, target: Locator) -> None:
    for _ in range(20):
        if await target.evaluate("button => button === document.activeElement"):
            return
        await phone.page.keyboard.press("Tab")
    pytest.fail("the Tab key does not reach the button")


@pytest.mark.parametrize(("width", "height", "text"), [(320, 568, 100), (390, 844, 200), (320, 640, 200)])
async def test_small_screens_and_large_text_hide_no_action(
    tmp_path: Path, width: int, height: int, text: int
) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.page.set_viewport_size({"width": width, "height": height})
        await phone.page.evaluate("size => document.documentElement.style.fontSize = size", f"{text}%")
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await expect(phone.button("I take it")).to_be_in_viewport(ratio=1)
        for name in ("I take it", "Not viable"):
            box = await phone.button(name).bounding_box()
            assert box is not None
            assert box["height"] >= 64
            assert 0 <= box["x"] and box["x"] + box["width"] <= width
            await phone.press(name)
        wide = await phone.page.evaluate(
            "[...document.querySelectorAll('#stage, #card, .look, .actions, .stack')]"
            ".filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.className || part.id)"
        )
        assert wide == []


async def test_an_invitation_serves_once_and_says_so(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        invitation = await there.invitation()
        await Phone(await browser.new_page()).join(invitation, "PC Adams")
        late = Phone(await browser.new_page())
        await late.page.goto(invitation)
        await late.page.get_by_label("Collar number").fill("PC Begum")
        await late.press("Join")
        await late.reads("This invitation is used up or has expired. Ask the operator for a new QR code.")


async def test_a_revoked_phone_goes_back_to_the_invitation(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        (session,) = await there.officers.sessions()
        await there.officers.revoke(session.id)
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


def test_the_first_load_stays_below_100_kilobytes() -> None:
    files = [path for path in static_folder().iterdir() if path.name != "icon-512.png"]
    assert sum(path.stat().st_size for path in files) < 100_000
