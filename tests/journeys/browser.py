"""The system's browser, for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright, expect

from tests.conftest import unavailable

BROWSERS = ("chromium", "chromium-browser", "google-chrome")  # as scripts/system-packages looks for them
PLAIN_HOST = "box.test"
"""A name for 127.0.0.1 that browsers do not trust as they trust it: a plain HTTP address in a network."""
ARGUMENTS = [
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

expect.set_options(timeout=30_000)  # of a machine that does other work beside it: no test is about this time


class _Kept:
    """The browser that the tests of one worker share: a second to start saved on each of them. What a test
    opens in it is a context of its own, with its own storage, and is closed with the test."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._browser: Browser | None = None

    async def open(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            await self.close()
            self._browser = await self._stack.enter_async_context(_started())
        return self._browser

    async def close(self) -> None:
        self._browser = None
        await self._stack.aclose()


kept = _Kept()


@asynccontextmanager
async def chromium(*more: str, home: Path | None = None) -> AsyncIterator[Browser]:
    """The system's browser; one of its own with further arguments or a home. Where there is none, the test is
    skipped, or fails if all must run. home: the folder of a person who has told it whom to trust."""
    if more or home is not None:
        async with _started(*more, home=home) as browser:
            yield browser
        return
    _installed()
    browser = await kept.open()
    before = set(browser.contexts)
    try:
        yield browser
    finally:
        for context in set(browser.contexts) - before:
            await context.close()


def _installed() -> str:
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    if installed is None:
        unavailable(f"needs a browser: apt install chromium (looked for {', '.join(BROWSERS)})")
    return installed


@asynccontextmanager
async def _started(*more: str, home: Path | None = None) -> AsyncIterator[Browser]:
    installed = _installed()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=installed,
            args=[*ARGUMENTS, *more],
            env=None if home is None else {**os.environ, "HOME": str(home)},
        )
        try:
            yield browser
        finally:
            await browser.close()
