"""The first load of a phone that has never been here: small, from this box alone, and soon of use."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.journeys.officer_page import Phone, scene

pytestmark = pytest.mark.journey

LIMIT = 100_000
"""Bytes from the server, headers, icons and the service worker's own copies included."""


async def test_a_first_load_asks_no_other_host_and_stays_below_its_limit_up_to_the_post(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as (there, browser):
        context = await browser.new_context(viewport={"width": 390, "height": 844})
        asked: list[str] = []  # of the page and of its service worker
        context.on("request", lambda request: asked.append(request.url))
        phone = Phone(await context.new_page())
        phone.page.on("websocket", lambda socket: asked.append(socket.url))
        invitation = await there.invitation()
        await phone.page.goto(invitation)
        await expect(phone.page.get_by_label("Collar number")).to_be_focused()
        await phone.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        loaded = there.link.received
        await phone.page.get_by_label("Collar number").fill("PC 4127 Adams")
        await phone.press("Join")
        await phone.press("Go on post")
        await phone.reads("You are on post")
        home = urlsplit(invitation).netloc
        elsewhere = [url for url in asked if urlsplit(url).scheme != "blob" and urlsplit(url).netloc != home]
        assert elsewhere == []
        assert 20_000 < loaded < LIMIT
        assert there.link.received < LIMIT, "joining and going on post load nothing large"


async def test_a_second_load_takes_the_pages_files_from_the_phone(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        page = await browser.new_page()
        await page.goto(await there.invitation())
        await page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        await expect(page.get_by_label("Collar number")).to_be_focused()
        first = there.link.received
        await page.reload()
        await expect(page.get_by_label("Collar number")).to_be_visible()
        assert there.link.received - first < first / 2
