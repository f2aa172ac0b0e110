"""Every page at 390 x 844 and 1440 x 900: no fault, nothing cut or empty, no sideways scrolling, and at a
phone's size nothing too small for a finger.

With LFRD_SHOTS=DIR each is photographed too, light and dark, and DIR/gallery/index.html shows them all. The
faces on them are drawn.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from lfrd.certificates.fingerprint import digest_of, rows
from lfrd.config import Config, Tls, Web
from lfrd.types import CONSOLE, DeploymentId, Role
from lfrd.web.onboarding import onboarding
from lfrd.web.presented import presented
from lfrd.web.server import static_folder
from lfrd.web.serving import Bound
from tests.desk import CAMERAS, PASSWORD, PEOPLE, Desk, desk
from tests.journeys.browser import chromium
from tests.journeys.gallery import Gallery
from tests.journeys.officer_page import Phone, scene
from tests.journeys.street import CAMERAS as STREET
from tests.journeys.street import Street
from tests.ports import free_port

pytestmark = pytest.mark.journey

AGENTS = {
    "iOS": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1",
    "Android": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Mobile Safari/537.36",
}
ROLES = [role for role in PEOPLE if role is not Role.ENGAGEMENT]


def desk_pages(role: Role) -> list[str]:
    """The addresses of the desk's pages for a role, from the page's own table: a new one is looked at too."""
    table = (static_folder() / "desk" / "desk.js").read_text(encoding="utf-8")
    found = re.findall(r'\{ at: "([^"]+)", name: "[^"]+", roles: "([^"]+)"', table)
    assert len(found) > 10, "the table of pages in desk.js is written in another way"
    return [address for address, roles in found if role.value in roles.split()]


FAULTY = """<!doctype html><title>Faulty</title><style>
  .short { height: 20px; overflow: hidden } .narrow { width: 40px; overflow: hidden; white-space: nowrap }
  .aside { position: absolute; left: -30px } .wide { width: 3000px } .frame { overflow: auto; width: 90px }
</style>
<p class="short">One line that is seen<br>and one that is cut at its foot</p>
<p class="narrow">cut at its end</p> <p class="aside">begins outside</p> <p class="wide">wide</p>
<div class="frame"><p style="white-space: nowrap">in a frame that scrolls to it</p></div>
<button style="block-size: 20px">hard to hit</button> <dl><dt>Rank</dt><dd> </dd></dl>
<script>setTimeout(() => { throw new Error("a fault of the page") })</script>"""


async def test_a_look_finds_what_is_cut_too_small_or_empty_and_what_fails_or_is_forbidden() -> None:
    gallery = Gallery("faulty")
    async with chromium() as browser:
        context = await browser.new_context()
        await gallery.watch(context)
        page = await context.new_page()
        allowed = "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        await page.route(
            "**/*",
            lambda route: route.fulfill(
                body=FAULTY, headers={"content-security-policy": allowed}, content_type="text/html"
            ),
        )
        await page.goto("http://box.test/")
        await page.evaluate(
            "Object.assign(document.body.appendChild(new Image()), {src: 'https://elsewhere.test/'})"
        )
        await gallery.look(page, "page")
    said = "\n".join(gallery.faults)
    for text in ("and one that is cut", "cut at its end", "begins outside", "a fault of the page", "img-src"):
        assert text in said
    assert "the page is 30" in said
    assert "phone: too small for a finger: 'hard to hit'" in said
    assert "desk: too small" not in said
    assert "nothing stands under 'Rank'" in said
    for text in ("One line that is seen", "in a frame"):
        assert text not in said


DRAWN = """e => {
  // A street that is drawn, in the real element: this server has no camera.
  const street = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const pen = street.getContext("2d");
  const fill = (colour, ...box) => { pen.fillStyle = colour; pen.fillRect(...box); };
  fill("#8fa3b5", 0, 0, 640, 220);
  fill("#5b5f63", 0, 220, 640, 140);
  for (const [x, y, size] of [[180, 70, 1], [420, 100, 0.8]]) {
    fill("#34383c", x, y + 90 * size, 100 * size, 200 * size);
    fill("#a98", x + 20 * size, y, 60 * size, 80 * size);
  }
  e.stop();
  e.video.srcObject = street.captureStream();
  e.say("live");
  return new Promise((done) => e.video.requestVideoFrameCallback(() => {
    e.draw([[12, 0.3, 0.17, 0.12, 0.26, true]]);
    done();
  }));
}"""


# ---- the phone ------------------------------------------------------------------------------------------


@asynccontextmanager
async def shift(there: Street, browser: Browser, gallery: Gallery) -> AsyncIterator[Phone]:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    await gallery.watch(context)
    phone = Phone(await context.new_page())
    yield phone
    await context.close()


async def test_every_screen_of_the_phone_fits_and_has_no_fault(tmp_path: Path) -> None:
    gallery = Gallery("phone")
    async with scene(tmp_path) as (there, browser), shift(there, browser, gallery) as phone:
        page = phone.page
        await page.goto(there.url)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await gallery.look(page, "01 no invitation")
        await page.goto("about:blank")
        await page.goto(await there.invitation())
        await expect(page.get_by_label("Collar number")).to_be_focused()
        await gallery.look(page, "02 join")
        await page.get_by_label("Collar number").fill("PC 4127 Adams")
        await phone.press("Join")
        await expect(phone.button("Go on post")).to_be_enabled()
        await gallery.look(page, "03 off post")
        await phone.press("Go on post")
        await phone.reads("You are on post")
        await gallery.look(page, "04 on post")

        alert = await there.file("M-2041", name="Alexandra Sample-Featherstone")
        await phone.shows(alert)
        await phone.buttons_live()
        await gallery.look(page, "05 alert")
        await there.file("M-0877", STREET[1], blue=True)
        await there.file("M-1510", STREET[1], score=0.61, eye_distance=18.0, sharpness=21.0)
        await there.file(alert.nominal, STREET[1])
        await phone.reads(re.compile("Seen again at Market Square"))
        await gallery.look(page, "06 several alerts")
        await phone.press(f"Live picture of {STREET[1]}")
        await phone.card.locator("camera-preview").evaluate(DRAWN)
        await gallery.look(page, "06 the live picture")
        await phone.press(f"Back to the pictures from the live picture of {STREET[1]}")
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        await gallery.look(page, "07 to decide")
        await phone.press("Not viable")
        await phone.reads("Wrong age")
        await gallery.look(page, "08 reasons")
        await phone.press("Back")
        await phone.press("Viable")
        await phone.reads(re.compile("Recorded: viable"))
        await phone.buttons_live()
        await gallery.look(page, "09 viable")
        await phone.press("Engage")
        await phone.reads("You are speaking to them")
        await phone.buttons_live()
        await gallery.look(page, "10 engaged")
        await phone.press("Arrest… then choose for what")
        await expect(phone.button("Warrant")).to_be_enabled()
        await gallery.look(page, "11 class of arrest")
        await phone.press("Warrant")
        await phone.reads("Closed: arrest (warrant) — PC 4127 Adams")
        await gallery.look(page, "12 closed")
        await expect(phone.card.locator(".reference")).not_to_have_text(alert.nominal)
        await phone.buttons_live()
        await gallery.look(page, "13 the next alert")
        await expect(phone.button("Leave to others")).to_be_enabled()
        there.link.cut()
        await phone.reads(re.compile("No connection"))
        await gallery.look(page, "14 no connection")
        there.link.mend()
        await phone.hears_of_a_network()
        while await phone.card.is_visible():
            await phone.press("Leave to others")
            await phone.buttons_live()
        await gallery.look(page, "15 history")
        there.stands(stage="suspended", why="false alert rate above its limit")
        await phone.reads("Suspended: false alert rate above its limit")
        await gallery.look(page, "16 suspended")
        newer = Phone(await page.context.new_page())
        await newer.page.goto(there.url)
        await phone.reads("Open in another tab")
        await gallery.look(page, "17 another tab")
        officers = there.served.office.records.officers
        for session in await officers.sessions():
            await officers.revoke(session.id, CONSOLE)
        await newer.reads("Your access to this deployment has ended. Ask the operator for a new QR code.")
        await gallery.look(newer.page, "18 revoked")
    assert gallery.faults == []


# ---- the desk -------------------------------------------------------------------------------------------


async def test_the_desks_way_in_fits_and_has_no_fault(tmp_path: Path) -> None:
    gallery = Gallery("desk")
    async with chromium() as browser, desk(tmp_path) as there:
        context = await browser.new_context()
        await gallery.watch(context)
        page = await context.new_page()
        await page.goto(f"{there.url}/desk")
        await expect(page.get_by_label("Password")).to_be_visible()
        await gallery.look(page, "sign in")
        await there.records.officers.add("Sgt 88 Iqbal", Role.OPERATOR, "Sergeant", CONSOLE)
        code = await there.records.officers.invite("Sgt 88 Iqbal", 1, 600, role=Role.OPERATOR, actor=CONSOLE)
        await page.goto("about:blank")
        await page.goto(f"{there.url}/desk#join={code}")
        await expect(page.get_by_label("New password")).to_be_visible()
        await gallery.look(page, "choose a password")
    assert gallery.faults == []


@pytest.mark.parametrize("role", ROLES)
async def test_every_page_of_the_desk_fits_and_has_no_fault(role: Role, tmp_path: Path) -> None:
    gallery = Gallery(f"desk {role.value}")
    async with chromium() as browser, desk(tmp_path) as there:
        ids = await busy(there)
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        await gallery.watch(context)
        page = await context.new_page()
        await signed_in(page, there, role)
        for address in desk_pages(role):
            await opened(page, there, ids[address] if address in ids else address.replace(":id", ids["open"]))
            await gallery.look(page, address)
        await context.close()
    assert gallery.faults == []


async def signed_in(page: Page, there: Desk, role: Role) -> None:
    await page.goto(f"{there.url}/desk")
    await page.get_by_label("Name").fill(PEOPLE[role][0])
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("heading", level=1, name="Overview")).to_be_visible()


async def busy(there: Desk) -> dict[str, str]:
    """A deployment in its third hour, another being planned, alerts: the addresses that need an id."""
    started = await there.started()
    first = await there.alert()
    await there.alert("W-2042", camera=CAMERAS[1])
    await there.on_post()
    planned: DeploymentId = await there.drafted(name="Next week")
    return {
        "open": started,
        "deployments/:id/plan": f"deployments/{planned}/plan",
        "deployments/:id/zones/:camera": f"deployments/{started}/zones/{CAMERAS[0].replace(' ', '%20')}",
        "alerts/:id": f"alerts/{first.id}",
    }


async def opened(page: Page, there: Desk, address: str) -> None:
    """The desk's page of that address, loaded from the start, with what it asks the server for."""
    await page.goto("about:blank")
    await page.goto(f"{there.url}/desk#{address}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.wait_for_load_state("networkidle")


# ---- a phone as a camera, and a phone that is new -------------------------------------------------------


async def test_the_cameras_page_fits_and_has_no_fault(tmp_path: Path) -> None:
    gallery = Gallery("camera")
    async with chromium() as browser, desk(tmp_path) as there:
        context = await browser.new_context()
        await gallery.watch(context)
        page = await context.new_page()
        await camera_page(page, there)
        await gallery.look(page, "signed out")
        for role, name in ((Role.ENGINEER, "no phone is wanted"), (Role.OPERATOR, "another role")):
            await context.clear_cookies()
            await signed_in(page, there, role)
            await camera_page(page, there)
            await gallery.look(page, name)
    assert gallery.faults == []


async def camera_page(page: Page, there: Desk) -> None:
    await page.goto(f"{there.url}/camera")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.wait_for_load_state("networkidle")


async def test_the_page_that_brings_a_phone_to_trust_the_box_fits_and_has_no_fault(tmp_path: Path) -> None:
    gallery = Gallery("onboarding")
    settings = Config(web=Web(host="127.0.0.1"), tls=Tls(onboarding_port=free_port())).at(tmp_path)
    certificate, _ = presented(settings, time.time())
    assert certificate is not None
    assert certificate.authority is not None
    fingerprint = rows(digest_of(certificate.authority.der))[0]
    main = Bound("127.0.0.1", 9443, True)
    async with (
        chromium() as browser,
        asyncio.TaskGroup() as group,
        onboarding(settings, certificate, main, static_folder(), group) as bound,
    ):
        assert bound is not None
        for name, agent in AGENTS.items():
            context = await browser.new_context(user_agent=agent)
            await gallery.watch(context)
            page = await context.new_page()
            await page.goto(bound.url)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await expect(page.get_by_text(fingerprint).first).to_be_attached()
            await gallery.look(page, name)
            await context.close()
    assert gallery.faults == []
