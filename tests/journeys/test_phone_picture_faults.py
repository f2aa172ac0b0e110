"""Pictures that come broken: the officer reads so, tries again, and no byte of them stays."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Request, Route, expect

from tests.journeys.officer_page import Phone, scene

pytestmark = pytest.mark.journey

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
BROKEN = {
    "an answer that broke off inside its headers": ({}, b""),
    "an answer without a body": ({"content-type": "image/jpeg"}, b""),
    "a body shorter than its length": ({"content-type": "image/jpeg", "content-length": "4000"}, JPEG),
    "what is no picture": ({"content-type": "text/html"}, b"<p>Sign in to this network"),
    "what cannot be decoded": ({"content-type": "image/jpeg"}, JPEG),
}
SPY = """
  globalThis.held = new Set();
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (blob) => { const url = createObjectURL.call(URL, blob); held.add(url); return url; };
  URL.revokeObjectURL = (url) => { held.delete(url); revokeObjectURL.call(URL, url); };
"""
"""Notes which object URLs stand; they are made and revoked all the same."""


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_broken_picture_is_said_in_words_and_comes_when_asked_for_again(
    fault: str, tmp_path: Path
) -> None:
    headers, body = BROKEN[fault]
    asked: list[str] = []

    async def broken(route: Route, request: Request) -> None:
        asked.append(request.url)
        await route.fulfill(status=200, headers=headers, body=body)

    async with scene(tmp_path) as (there, browser):
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.add_init_script(SPY)
        phone = Phone(page)
        await phone.join(await there.invitation(), "PC 4127 Adams")
        await page.route("**/alerts/**", broken)
        await phone.press("Go on post")
        await phone.reads("You are on post")
        alert = await there.file("M-2041")
        for side in ("live", "list"):
            figure = phone.card.locator(f"figure.{side}")
            await expect(figure).to_contain_text("The picture could not be shown: try again")
            await expect(figure.locator("img")).to_be_hidden()
        assert await page.evaluate("held.size") == 0
        assert len(asked) >= 2
        await phone.shot_as_it_is(f"broken-{re.sub('[^a-z]+', '-', fault)}")
        await page.unroute("**/alerts/**")
        await phone.card.get_by_role("button", name="Load picture").first.click()
        await phone.shows(alert)
        await phone.press("Leave to others")
        await phone.press("Sign out")
        await page.get_by_role("group", name="Sign out").get_by_role("button", name="Sign out").click()
        await phone.reads("You have left. This phone keeps no pictures.")
        assert await page.evaluate("held.size") == 0
        assert phone.problems == []
