"""A burst of alerts while a thumb is on its way: what is in front stays as it is and can be tapped."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journeys.officer_page import scene
from tests.journeys.street import CAMERAS
from tests.journeys.thumb import thumb

pytestmark = pytest.mark.journey

BURST = 10
NOTE_DEAD = """button => {
  globalThis.lfrdDead = 0;
  new MutationObserver(() => {
    const buttons = [...document.querySelectorAll("#card button")];
    const now = buttons.find((b) => b.textContent.trim() === "I take it");
    if (!now || now.disabled || now.classList.contains("guarded") || now.closest(".guarded")) lfrdDead += 1;
  }).observe(document.getElementById("card"), { subtree: true, childList: true, attributes: true });
}"""


async def test_other_alerts_that_arrive_do_not_make_the_buttons_of_the_one_in_front_dead(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await thumb(browser, await there.invitation(), "PC 4127 Adams")
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await expect(phone.button("I take it")).to_be_enabled()
        await phone.buttons_live()
        await phone.button("I take it").evaluate(NOTE_DEAD)
        for number in range(BURST):
            await there.file(f"M-3{number}", CAMERAS[number % 2])
        await phone.reads(f"{BURST} more waiting")
        assert await phone.page.evaluate("lfrdDead") == 0
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        assert (await there.view(alert)).claimed_by == "PC 4127 Adams"
        assert phone.problems == []
