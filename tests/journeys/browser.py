"""The system's browser, for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

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


@asynccontextmanager
async def chromium(*more: str, home: Path | None = None) -> AsyncIterator[Browser]:
    """The system's browser, with further arguments. Where there is none, the test is skipped, or fails if all
    must run. home: the folder of a person who has told it whom to trust."""
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    if installed is None:
        unavailable(f"needs a browser: apt install chromium (looked for {', '.join(BROWSERS)})")
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
