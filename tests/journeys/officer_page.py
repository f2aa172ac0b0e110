"""An officer with a phone: the real page in a real browser, against the server of `street`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, Route, expect

from lfrd import wire
from lfrd.policy.plan import Plan
from tests import office
from tests.journeys.browser import chromium
from tests.journeys.street import Street, street
from tests.journeys.visitor import SIZES, Visitor, photograph, shots

PREVIEW = """
  customElements.define("camera-preview", class extends HTMLElement {
    static observedAttributes = ["camera"];
    attributeChangedCallback() { if (this.isConnected) this.connectedCallback(); }
    connectedCallback() { document.documentElement.dataset.watched = this.getAttribute("camera"); }
    disconnectedCallback() { delete document.documentElement.dataset.watched; }
  });
"""
"""In the place of static/preview.js, whose own journeys are in test_preview: what the page does with it."""


@asynccontextmanager
async def scene(
    folder: Path, *, grace: float = 20.0, plan: Plan = office.PLAN
) -> AsyncIterator[tuple[Street, Browser]]:
    async with chromium() as browser, street(folder, grace=grace, plan=plan) as there:
        yield there, browser


class Phone(Visitor):
    """An officer's thumb and eyes on one page."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.card = page.locator("#card")

    async def shows(self, alert: wire.AlertView) -> None:
        """The card is open for this alert, and both of its pictures are decoded."""
        await expect(self.card.locator(".reference")).to_have_text(alert.nominal)
        for side in ("live", "list"):
            image = self.card.locator(f"figure.{side} img")
            await expect(image).to_be_visible()
            await expect(image).to_have_js_property("naturalWidth", 240)

    async def join(self, invitation: str, name: str) -> None:
        await self.page.goto(invitation)
        await self.page.get_by_label("Collar number").fill(name)
        await self.press("Join")
        await expect(self.button("Go on post")).to_be_enabled()

    async def hears_of_a_network(self) -> None:
        """What a browser tells its pages when a network is back: they need not wait out their pause."""
        await self.page.evaluate("dispatchEvent(new Event('online'))")

    async def buttons_live(self) -> None:
        """The moment is over for which new buttons are dead: what is disabled now stays so."""
        await expect(self.page.locator(".guarded")).to_have_count(0)

    async def shot_as_it_is(self, name: str) -> None:
        """A picture of the screen in its present size, where LFRD_SHOTS names a folder."""
        if folder := shots():
            await self.page.screenshot(path=folder / f"{name}.png")

    async def shot(self, name: str) -> None:
        """A picture of the screen in four forms, where LFRD_SHOTS names a folder for them."""
        if shots():
            await self.buttons_live()
        await photograph(self.page, name, cut=SIZES)


async def on_post(
    browser: Browser, there: Street, name: str = "PC 4127 Adams", *, named: bool = False
) -> Phone:
    """named: by an invitation in the officer's own name, and not by one for whoever holds it."""
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    phone = Phone(await context.new_page())
    await phone.join(await there.invitation(name=name if named else None), name)
    await phone.shot("ready")
    await phone.press("Go on post")
    await phone.reads("You are on post")
    return phone


async def previewed(page: Page) -> list[str]:
    """Where this page asks for what shows live pictures it gets `PREVIEW`. The addresses asked for, as they
    come; its context has no service worker."""
    asked: list[str] = []

    async def preview(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body=PREVIEW, content_type="text/javascript")

    await page.route(re.compile(r"/preview\.js$"), preview)
    return asked
