"""Officers' pages in a real browser, for the phone bench: signed in, on post, and timed from inside."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lfrd.errors import LfrdError, MissingError
from lfrd.web.proof import TIME_HEADER

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCREEN = 390, 844
"""CSS pixels of the phone that is stood for."""
READINGS = 40
"""Readings of two clocks: the tightest ones count."""
STUCK_SECONDS = 20.0
"""A picture that has not come for so long is given up, and said."""

PROBE = Path(__file__).with_name("phone_probe.js")


@dataclass(frozen=True, slots=True)
class Painted:
    """One alert as one page saw it. Unix seconds: seen_at and created_at by the server's clock, the others by
    this process's: received over the WebSocket, both pictures fetched, both painted."""

    alert: str
    seen_at: float
    created_at: float
    received: float
    fetched: float
    painted: float


@dataclass(frozen=True, slots=True)
class FirstLoad:
    """Of a browser that has never been here. bytes: on the wire, headers included, as the browser counts
    them. interactive_ms: from the navigation to the form that has the focus. hosts: that were asked."""

    requests: int
    bytes: int
    interactive_ms: float
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offset:
    """What another clock shows more than this process's, seconds, to within +- error."""

    ahead: float
    error: float


class OfficersPage:
    """One page, on post."""

    def __init__(self, page: Page, first: FirstLoad) -> None:
        self.first = first
        self.painted: list[Painted] = []
        self.given_up = 0  # alerts whose pictures did not come
        self._page = page
        self._since = 0.0  # when the alert was first seen open that is awaited now, monotonic; 0 for none

    async def clock(self) -> Offset:
        """The browser's, which gives `received` and `painted`."""

        async def read() -> float:
            return float(await self._page.evaluate("lfrdBench.now()")) / 1e3

        return await compared(read)

    async def collect(self, offset: Offset, began: float) -> None:
        """Take what has been measured of alerts stored since `began`, and put every card away, so that the
        next alert finds none open."""
        for record in await self._page.evaluate("lfrdBench.take()"):
            if record["created_at"] < began:
                continue
            times = {name: record[name] / 1e3 - offset.ahead for name in ("received", "fetched", "painted")}
            self.painted.append(
                Painted(record["alert"], seen_at=record["seen_at"], created_at=record["created_at"], **times)
            )
        seen = await self._page.evaluate("lfrdBench.seen()")
        if seen["open"]:
            self._since = self._since or time.monotonic()
            if time.monotonic() - self._since < STUCK_SECONDS:
                return
            self.given_up += 1
            await self._page.evaluate("lfrdBench.drop()")
        self._since = 0.0
        aside = self._page.locator("#card").get_by_role("button", name="Leave to others", exact=True)
        if await aside.is_visible() and await aside.is_enabled():
            await aside.click()

    async def came(self) -> int:
        """Alerts that this page was told of."""
        return int((await self._page.evaluate("lfrdBench.seen()"))["came"])


async def compared(read: Callable[[], Awaitable[float]], resolution: float = 0.0) -> Offset:
    """Compare another clock (Unix seconds) with this process's. Each reading lies between the question and
    the answer, so that each bounds the difference on both sides. resolution: seconds that `read` cuts off."""
    low, high = -float("inf"), float("inf")
    for _ in range(READINGS):
        before = time.time()
        shown = await read()
        after = time.time()
        low, high = max(low, shown - after), min(high, shown + resolution - before)
    return Offset((low + high) / 2, abs(high - low) / 2)


async def server_clock(address: str, trust: ssl.SSLContext | None) -> Offset:
    """The server's, by the time that every answer carries, which is in milliseconds. trust: None over plain
    HTTP."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if trust is None:
        connection = http.client.HTTPConnection(host, parts.port, timeout=30)
    else:
        connection = http.client.HTTPSConnection(host, parts.port, timeout=30, context=trust)

    def ask() -> float:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        return int(answer.headers[TIME_HEADER]) / 1e3

    try:
        return await compared(lambda: asyncio.to_thread(ask), resolution=1e-3)
    finally:
        connection.close()


@asynccontextmanager
async def pages_on_post(address: str, codes: Sequence[str], key: str) -> AsyncIterator[list[OfficersPage]]:
    """A page for each invitation, each in a profile of its own. key: SHA-256 of the box's public key, in
    Base64, "" over plain HTTP. Raises MissingError without a browser."""
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(_browser(key))
        yield [await _on_post(browser, address, code, f"Page {n}") for n, code in enumerate(codes, 1)]


def require_browser() -> str | None:
    """The installed browser's path; None for playwright's own. Raises MissingError without playwright."""
    if find_spec("playwright") is None:
        raise MissingError("the phone bench drives a browser: pip install playwright, apt install chromium")
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@asynccontextmanager
async def _browser(key: str) -> AsyncIterator[Browser]:
    path = require_browser()
    from playwright.async_api import Error, async_playwright

    arguments = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    if key:
        # This key alone is taken without an authority that the system trusts: nothing is installed for it.
        arguments.append(f"--ignore-certificate-errors-spki-list={key}")
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox refuses to start as root
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        except Error as error:
            what = str(error).strip().splitlines()[0]
            raise MissingError(f"no browser starts ({what}); apt install chromium") from None
        try:
            yield browser
        finally:
            await browser.close()


async def _on_post(browser: Browser, address: str, code: str, name: str) -> OfficersPage:
    from playwright.async_api import Error

    width, height = SCREEN
    context = await browser.new_context(
        viewport={"width": width, "height": height}, has_touch=True, is_mobile=True
    )
    page = await context.new_page()
    await page.add_init_script(path=PROBE)
    counted: dict[str, Any] = {"requests": 0, "bytes": 0, "hosts": set()}
    devtools = await context.new_cdp_session(page)
    await devtools.send("Network.enable")

    def asked(event: dict[str, Any]) -> None:
        counted["requests"] += 1
        counted["hosts"].add(urlsplit(event["request"]["url"]).hostname or "")

    devtools.on("Network.requestWillBeSent", asked)
    devtools.on(
        "Network.loadingFinished",
        lambda event: counted.update(bytes=counted["bytes"] + int(event["encodedDataLength"])),
    )
    try:
        await page.goto(f"{address}/#join={code}", wait_until="networkidle")
        interactive = float(await page.evaluate("lfrdBench.load()"))
        first = FirstLoad(counted["requests"], counted["bytes"], interactive, tuple(sorted(counted["hosts"])))
        await devtools.detach()
        await page.get_by_label("Collar number").fill(name)
        await page.get_by_role("button", name="Join", exact=True).tap()
        await page.get_by_role("button", name="Go on post", exact=True).tap()
        await page.get_by_text("You are on post").first.wait_for()
    except Error as error:
        raise LfrdError(f"the officer's page did not come as far as its post: {error}") from None
    return OfficersPage(page, first)
