"""Somebody at the desk: the real pages in a real browser, over the stores of `tests.desk`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from lfrd.types import Role
from tests.desk import PASSWORD, PEOPLE, Desk
from tests.journeys.visitor import SIZES, Visitor, photograph

WALL = {"wall": (1920, 1080)}


class Person(Visitor):
    """Somebody at the desk, with a browser of their own."""

    def __init__(self, page: Page, there: Desk) -> None:
        super().__init__(page)
        self.there = there
        self.dialog = page.get_by_role("dialog")

    async def sign_in(self, role: Role) -> None:
        await self.page.goto(f"{self.there.url}/desk")
        await self.page.get_by_label("Name").fill(PEOPLE[role][0])
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.press("Sign in")
        await self.heading("Overview")

    async def heading(self, name: str) -> None:
        await expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()

    async def go(self, address: str, heading: str) -> None:
        await self.page.goto(f"{self.there.url}/desk#{address}")
        await self.heading(heading)

    async def saves(self, name: str) -> str:
        """What the browser stores when the button of that name is pressed."""
        async with self.page.expect_download() as begun:
            await self.press(name)
        return contents(Path(await (await begun.value).path()))

    async def shot(self, name: str, *, wall: bool = False) -> None:
        """The whole page in four forms, where LFRD_SHOTS names a folder for them. wall: as on a wall screen
        too, as much as it shows at once."""
        await photograph(self.page, f"desk-{name}", SIZES | (WALL if wall else {}), cut=WALL)


def contents(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@asynccontextmanager
async def at_the_desk(browser: Browser, there: Desk, role: Role) -> AsyncIterator[Person]:
    """Signed in. At the end the page has met no fault."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    person = Person(await context.new_page(), there)
    await person.sign_in(role)
    yield person
    assert person.problems == []
    await context.close()
