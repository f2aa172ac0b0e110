"""Somebody with a browser: what they press and read on a page, its faults, and pictures of it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

from playwright.async_api import Locator, Page, expect

SIZES = {"phone": (390, 844), "desk": (1440, 900)}
"""Of windows: width and height in CSS pixels."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Visitor:
    """Somebody before one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []  # faults of the page itself, and of its security policy
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda m: self.problems.append(m.text) if "Security" in m.text else None)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def press(self, name: str) -> None:
        await self.button(name).click()

    async def reads(self, text: str | re.Pattern[str]) -> None:
        await expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()


def shots() -> Path | None:
    """The folder that LFRD_SHOTS names for pictures of pages; without one none are taken."""
    folder = os.environ.get("LFRD_SHOTS")
    return Path(folder) if folder else None


async def photograph(
    page: Page, name: str, sizes: Mapping[str, tuple[int, int]] = SIZES, *, cut: Collection[str] = ()
) -> None:
    """The page in each of these sizes, light and dark, as NAME-SIZE-SCHEME.png in the folder of `shots`.

    cut: the sizes of which only what the screen shows at once is taken, and not the whole page. Afterwards
    the window is as large as it was.
    """
    if not (folder := shots()):
        return
    own = page.viewport_size
    for size, (width, height) in sizes.items():
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            await page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=size not in cut)
    if own is not None:
        await page.set_viewport_size(own)
