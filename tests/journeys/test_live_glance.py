"""A glance at the street from an alert's card: when it is offered, what it shows, and what ends it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.async_api import Browser, expect

from lfrd.types import CONSOLE
from tests import office
from tests.journeys.officer_page import Phone, previewed, scene
from tests.journeys.street import CAMERAS, Street

pytestmark = pytest.mark.journey

SIZES = [
    (390, 844, 100),
    (360, 640, 100),
    (320, 568, 100),
    (640, 360, 100),
    (390, 844, 200),
    (360, 640, 200),
]
"""CSS pixels, width and height, and the text's size in per cent."""
DECIDING = ("Viable", "Not viable", "Can't tell", "Give back")


class Glancing(Phone):
    """An officer's page whose live pictures are stood in for; asked: the addresses of their script."""

    asked: list[str]

    def look(self, camera: str = CAMERAS[0]) -> str:
        return f"Live picture of {camera}"

    def back(self, camera: str = CAMERAS[0]) -> str:
        return f"Back to the pictures from the live picture of {camera}"

    async def watches(self, camera: str = CAMERAS[0]) -> None:
        await expect(self.page.locator(f"html[data-watched='{camera}']")).to_have_count(1)
        await expect(self.card.locator("camera-preview")).to_have_count(1)
        await expect(self.card.locator(".pair figure").first).to_be_hidden()

    async def watches_nobody(self) -> None:
        await expect(self.page.locator("html[data-watched]")).to_have_count(0)
        await expect(self.page.locator("camera-preview")).to_have_count(0)

    async def is_offered_none(self) -> None:
        await expect(self.card.locator(".glance-button")).to_be_hidden()


@asynccontextmanager
async def glancing(browser: Browser, there: Street, name: str = "PC 4127 Adams") -> AsyncIterator[Glancing]:
    """On post. The page meets no fault until the block is left."""
    context = await browser.new_context(viewport={"width": 390, "height": 844}, service_workers="block")
    phone = Glancing(await context.new_page())
    phone.asked = await previewed(phone.page)
    await phone.join(await there.invitation(), name)
    await phone.press("Go on post")
    await phone.reads("2 cameras live")
    yield phone
    assert phone.problems == []
    await context.close()


async def test_the_pair_gives_way_to_the_live_picture_and_comes_back_as_it_was(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser), glancing(browser, there) as phone:
        alert = await there.file("M-2041")
        await phone.shows(alert)
        asked: list[str] = []
        phone.page.on("request", lambda request: asked.append(request.url))
        live = phone.card.locator("figure.live img")
        address = await live.get_attribute("src")
        await expect(phone.button(phone.look())).to_have_attribute("aria-expanded", "false")
        assert phone.asked == []

        await phone.press(phone.look())
        await phone.watches()
        await expect(phone.card.locator("camera-preview")).to_have_attribute("boxes", "")
        await expect(phone.button(phone.back())).to_have_attribute("aria-expanded", "true")
        await phone.press(phone.back())
        await phone.watches_nobody()
        await phone.shows(alert)
        assert await live.get_attribute("src") == address
        assert len(phone.asked) == 1
        assert [url for url in asked if "/alerts/" in url] == [], "the pictures were in memory"

        await phone.press(phone.look())
        await phone.watches()
        await phone.page.keyboard.press("Escape")
        await phone.watches_nobody()
        await phone.shows(alert)


async def test_it_is_as_large_as_a_picture_that_fills_the_screen(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser), glancing(browser, there) as phone:
        await phone.shows(await there.file("M-2041"))
        small = await phone.card.locator(".pair").bounding_box()
        await phone.card.locator(".pair .touch:visible").first.click()
        await phone.press(phone.look())
        await phone.watches()
        large = await phone.card.locator(".glance").bounding_box()
        assert small is not None
        assert large is not None
        assert large["height"] > 1.5 * small["height"]
        await phone.press(phone.back())
        await expect(phone.button("Both pictures")).to_be_visible()
        assert await phone.card.locator(".pair").bounding_box() == large


async def test_it_is_where_the_person_was_seen_last(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser), glancing(browser, there) as phone:
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await phone.press(phone.look())
        await phone.watches()
        await there.file(alert.nominal, CAMERAS[1])
        await phone.watches(CAMERAS[1])
        await expect(phone.card.locator(".glance .name")).to_have_text(f"Live: {CAMERAS[1]}")
        await phone.press(phone.back(CAMERAS[1]))
        await expect(phone.button(phone.look(CAMERAS[1]))).to_be_visible()


async def test_it_stays_while_an_officer_takes_decides_and_engages_and_goes_with_the_alert(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as (there, browser), glancing(browser, there) as phone:
        await phone.shows(await there.file("M-2041"))
        await phone.press(phone.look())
        for name, said in (
            ("I take it", "You have it. Compare, then decide."),
            ("Viable", re.compile("Recorded: viable")),
            ("Engage", "You are speaking to them"),
        ):
            await phone.press(name)
            await phone.reads(said)
            await phone.watches()
        await phone.press("Confirmed true it is the person sought")
        await phone.reads("Closed: confirmed true — PC 4127 Adams")
        await phone.is_offered_none()
        await phone.watches_nobody()
        await expect(phone.card).to_be_hidden()
        assert len(phone.asked) == 1


async def test_it_ends_when_the_alert_expires(tmp_path: Path) -> None:
    plan = replace(office.PLAN, expire_seconds=4.0)
    async with scene(tmp_path, plan=plan) as (there, browser), glancing(browser, there) as phone:
        await phone.shows(await there.file("M-2041"))
        await phone.press(phone.look())
        await phone.watches()
        await phone.reads(re.compile("Expired: seen too long ago"))
        await phone.is_offered_none()
        await phone.watches_nobody()
        await expect(phone.card.locator(".glance-note")).to_have_text("")


async def test_another_alert_on_the_card_begins_with_its_pictures(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser), glancing(browser, there) as phone:
        first = await there.file("M-2041")
        await phone.shows(first)
        second = await there.file("M-0877", CAMERAS[1])
        await phone.press(phone.look())
        await phone.watches()
        await phone.press(f"Show {second.nominal}, {second.camera}")
        await phone.watches_nobody()
        await phone.shows(second)
        await phone.press(phone.look(CAMERAS[1]))
        await phone.watches(CAMERAS[1])
        await phone.press("Leave to others")
        await phone.shows(first)
        await phone.watches_nobody()
        await phone.press("Leave to others")
        await expect(phone.card).to_be_hidden()
        assert phone.look() not in await phone.card.inner_html()


async def test_it_ends_in_words_with_the_camera_the_post_and_the_connection(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser), glancing(browser, there) as phone:
        alert = await there.file("M-2041")
        await phone.shows(alert)
        status = phone.card.locator(".glance-note")
        live = there.status[0]

        await phone.press(phone.look())
        await phone.watches()
        there.camera_fails(CAMERAS[0], "no answer from the camera")
        await expect(status).to_have_text("The live picture is closed: Camera not live")
        await phone.is_offered_none()
        await phone.watches_nobody()
        await phone.shows(alert)
        await phone.shot("glance-lost")
        await expect(phone.card.get_by_role("heading", level=1)).to_be_focused()
        there.status[0] = live
        there.served.office.board.refresh()
        await expect(phone.button(phone.look())).to_be_visible()
        await expect(status).to_have_text("")

        await phone.press(phone.look())
        await phone.watches()
        for session in await there.served.office.records.officers.sessions():
            there.duty.off(session.id)
        await phone.watches_nobody()  # the page takes the post again by itself
        await phone.press(phone.look())
        await phone.watches()
        there.link.cut()
        await expect(status).to_have_text("The live picture is closed: No connection")
        await phone.is_offered_none()
        await phone.watches_nobody()
        await phone.shows(alert)


async def test_it_is_offered_for_what_waits_or_is_ones_own_and_to_officers_on_post_only(
    tmp_path: Path,
) -> None:
    async with (
        scene(tmp_path) as (there, browser),
        glancing(browser, there, "PC Adams") as adams,
        glancing(browser, there, "PC Begum") as begum,
    ):
        there.camera_fails(CAMERAS[1], "no answer from the camera")
        alert = await there.file("M-2041")
        for phone in (adams, begum):
            await phone.shows(alert)
            await expect(phone.button(phone.look())).to_be_visible()
        await begum.press(begum.look())
        await begum.watches()
        await adams.press("I take it")
        await begum.reads("PC Adams has it")
        await begum.is_offered_none()
        await begum.watches_nobody()
        await adams.press("Not viable")
        await adams.press("Wrong age")
        await adams.reads(re.compile("Recorded: not viable"))
        await adams.is_offered_none()  # the server hides the person again
        await adams.press("Back to post")

        without = await there.file("M-1510", CAMERAS[1])
        await adams.shows(without)
        await adams.is_offered_none()
        await adams.press("Leave to others")
        volunteer = await there.file("M-0877", blue=True)
        await adams.shows(volunteer)
        await adams.is_offered_none()  # nor is a volunteer shown to anybody
        assert adams.asked == []


async def test_it_ends_when_the_page_is_left_and_when_the_session_does(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser), glancing(browser, there) as phone:
        await phone.shows(await there.file("M-2041"))
        await phone.press(phone.look())
        await phone.watches()
        await phone.page.evaluate(
            """Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
            delete document.visibilityState"""
        )
        await phone.watches_nobody()
        await phone.press(phone.look())
        await phone.watches()
        officers = there.served.office.records.officers
        for session in await officers.sessions():
            await officers.revoke(session.id, CONSOLE)
        await phone.reads("Your access to this deployment has ended. Ask the operator for a new QR code.")
        await phone.watches_nobody()
        assert CAMERAS[0] not in await phone.card.inner_html()


async def test_a_script_that_does_not_come_is_said_in_the_place_of_the_picture(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser), glancing(browser, there) as phone:
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await phone.page.unroute_all()
        await phone.page.route(re.compile(r"/preview\.js"), lambda route: route.abort())
        await phone.press(phone.look())
        await phone.reads("The picture cannot be shown on this phone.")
        await phone.press(phone.back())
        await phone.shows(alert)


@pytest.mark.parametrize(("width", "height", "text"), SIZES)
async def test_nothing_moves_when_the_live_picture_comes_and_goes(
    tmp_path: Path, width: int, height: int, text: int
) -> None:
    async with scene(tmp_path) as (there, browser), glancing(browser, there) as phone:
        await phone.page.set_viewport_size({"width": width, "height": height})
        await phone.page.evaluate("size => document.documentElement.style.fontSize = size", f"{text}%")
        await phone.shows(await there.file("M-2041", name="Alexandra Sample-Featherstone"))
        await phone.press("I take it")
        await phone.reads("You have it. Compare, then decide.")
        await phone.buttons_live()
        actions = [phone.button(name) for name in DECIDING]
        before = [await action.bounding_box() for action in actions]
        pressed = await phone.button(phone.look()).bounding_box()
        pair = phone.card.locator(".pair")
        assert pressed is not None
        assert min(pressed["width"], pressed["height"]) >= 44
        assert pressed["x"] >= 0
        assert pressed["x"] + pressed["width"] <= width
        await phone.shot_as_it_is(f"glance-offered-{width}x{height}-{text}")

        await phone.press(phone.look())
        await phone.watches()
        assert await phone.button(phone.back()).bounding_box() == pressed
        assert [await action.bounding_box() for action in actions] == before
        assert await phone.card.locator(".glance").bounding_box() == await pair.bounding_box()
        await expect(phone.card.locator(".glance")).to_be_in_viewport()
        await phone.shot_as_it_is(f"glance-open-{width}x{height}-{text}")
        await phone.press(phone.back())
        assert await phone.button(phone.look()).bounding_box() == pressed
        assert [await action.bounding_box() for action in actions] == before
