"""Fifty phones at once, three of them real pages: each is told every event once and in order."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from websockets.exceptions import ConnectionClosed

from lfrd import wire
from tests.journeys.officer_page import scene
from tests.journeys.process import PATIENCE
from tests.journeys.street import CAMERAS, Street
from tests.journeys.thumb import Thumb, thumb
from tests.phone import Phone

pytestmark = pytest.mark.journey

FIFTY = 50
PAGES = 3


async def signed_in(there: Street, count: int) -> list[Phone]:
    """Without HTTP: more than may join at once from one address."""
    url, officers = there.served.bound.url, there.served.office.records.officers
    return [
        Phone(url, f"lfrd={await officers.join(await there.served.invite(), name)}", name)
        for name in (f"Officer {number}" for number in range(1, count + 1))
    ]


@asynccontextmanager
async def standing(*phones: Phone) -> AsyncIterator[None]:
    """Connected, on post, with heartbeats and receipts; cut off at the end without a farewell."""
    async with contextlib.AsyncExitStack() as stack:
        for phone in phones:
            await stack.enter_async_context(phone.connected())
            await phone.say(wire.OnPost())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for phone in phones for work in (reading(phone), beating(phone))]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()


async def reading(phone: Phone) -> None:
    with contextlib.suppress(ConnectionClosed):
        await phone.until(lambda: False)


async def beating(phone: Phone) -> None:
    assert phone.welcome is not None
    with contextlib.suppress(ConnectionClosed):
        while True:
            await asyncio.sleep(phone.welcome.heartbeat_seconds)
            await phone.say(wire.Beat())


async def told(phones: Sequence[Phone], seq: int) -> None:
    """Wait until all of them have come so far."""
    async with asyncio.timeout(PATIENCE):
        while any(not phone.events or phone.events[-1].seq < seq for phone in phones):
            await asyncio.sleep(0.05)


async def filed(there: Street, count: int, start: int) -> int:
    """So many people are seen; the newest event's number."""
    for number in range(start, start + count):
        await there.file(f"M-{number}", CAMERAS[number % 2])
    return there.served.office.hub.latest


async def officers_pages(there: Street, browser: Browser, count: int) -> list[Thumb]:
    names = [f"PC Page {number}" for number in range(1, count + 1)]
    return [await thumb(browser, await there.invitation(), name) for name in names]


async def test_fifty_phones_are_told_each_event_once_and_in_order_though_a_fifth_is_cut_off_in_between(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as (there, browser):
        phones = await signed_in(there, FIFTY - PAGES)
        pages = await officers_pages(there, browser, PAGES)
        steady, cut = phones[10:], phones[:10]
        async with standing(*steady):
            async with standing(*cut):
                await told(phones, await filed(there, 4, start=100))
                assert len(there.duty.present()) == FIFTY
            there.link.cut()  # the pages as well
            for page in pages:
                await page.reads(re.compile("No connection for .* — you get no alerts"))
            await told(steady, await filed(there, 4, start=200))
            assert all(len(phone.events) == 4 for phone in cut)
            there.link.mend()
            for page in pages:
                await page.hears_of_a_network()
            async with standing(*cut):
                latest = await filed(there, 4, start=300)
                await told(phones, latest)
                for page in pages:
                    await page.page.wait_for_function("seq => lfrdTest.receipts.at(-1) >= seq", arg=latest)
                stored = await there.served.office.records.alerts.after(0, 1000)
                assert len(stored) == 12
                assert all(phone.events == stored for phone in phones)
                for page in pages:
                    assert await page.receipts() == [event.seq for event in stored]
                    await expect(page.page.locator(".entries li")).to_have_count(12)
                    assert page.problems == []


async def test_of_fifty_phones_those_that_have_fallen_silent_are_named_and_no_other(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phones = await signed_in(there, FIFTY - 1)
        (page,) = await officers_pages(there, browser, 1)
        silent, steady = phones[:3], phones[3:]
        names = {phone.name for phone in silent}
        async with standing(*steady):
            async with standing(*silent):
                await told(phones, await filed(there, 1, start=100))
            async with asyncio.timeout(PATIENCE):
                while set(there.duty.unreachable()) != names:
                    assert set(there.duty.unreachable()) <= names
                    await asyncio.sleep(0.1)
            await page.press("Leave to others")
            for name in names:
                row = page.page.get_by_role("listitem").filter(has_text=re.compile(rf"{name}(?!\d)"))
                await expect(row.first).to_contain_text("Phone not reached")
