"""Wi-Fi in a street, in the middle of an alert: silent, slow, broken; nothing is lost and nothing doubled."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from lfrd import wire
from tests.journeys.officer_page import scene
from tests.journeys.radio import Radio
from tests.journeys.street import CAMERAS, Street
from tests.journeys.thumb import Thumb, thumb

pytestmark = pytest.mark.journey

DEAF = re.compile("No connection for .* — you get no alerts")


@asynccontextmanager
async def under(folder: Path) -> AsyncIterator[tuple[Street, Radio, str, Browser]]:
    """A street whose phones are reached over the air, and its address there."""
    async with scene(folder) as (there, browser), Radio.to(there.served.bound.port) as (radio, address):
        yield there, radio, address, browser


async def officer(there: Street, address: str, browser: Browser) -> Thumb:
    return await thumb(browser, f"{address}/#join={await there.served.invite()}", "PC 4127 Adams")


@asynccontextmanager
async def alerted(folder: Path) -> AsyncIterator[tuple[Street, Radio, Thumb, wire.AlertView]]:
    """An officer on post, over the air, who has an alert. At the end the phone was told all, each once."""
    async with under(folder) as (there, radio, address, browser):
        phone = await officer(there, address, browser)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        yield there, radio, phone, alert
        await assert_told_once(phone, there)


@asynccontextmanager
async def undecided(folder: Path) -> AsyncIterator[tuple[Street, Radio, Thumb, wire.AlertView]]:
    """The same: the officer has taken the alert, and may say what it was."""
    async with alerted(folder) as (there, radio, phone, alert):
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        yield there, radio, phone, alert


async def comes_back(radio: Radio, phone: Thumb) -> None:
    """The air clears, what was held is lost, and the phone finds out."""
    radio.cut()
    radio.mend()
    await phone.hears_of_a_network()


async def log(there: Street) -> list[wire.Event]:
    return await there.served.office.records.alerts.after(0, 1000)


async def count(there: Street, what: str) -> int:
    return sum(event.what == what for event in await log(there))


async def doubts(phone: Thumb) -> None:
    """The phone has reason to ask whether anybody is there, and finds out within its two seconds."""
    await phone.hears_of_a_network()
    await phone.reads(DEAF)


async def assert_told_once(phone: Thumb, there: Street) -> None:
    """The page has receipted every stored event, each once, in order."""
    latest = (await log(there))[-1].seq
    await expect(phone.page.locator("body")).to_be_visible()
    await phone.page.wait_for_function("latest => lfrdTest.receipts.at(-1) >= latest", arg=latest)
    assert await phone.receipts() == [event.seq for event in await log(there)]
    assert phone.problems == []


async def test_a_silent_link_is_noticed_its_age_is_said_and_what_it_missed_comes_once(
    tmp_path: Path,
) -> None:
    async with alerted(tmp_path) as (there, radio, phone, first):
        radio.fade()
        # Nobody tells the page: its own heartbeats do, within two of them.
        deaf = phone.page.get_by_text(DEAF).filter(visible=True).first
        await expect(deaf).to_be_visible(timeout=60_000)
        await phone.buttons_live()
        await expect(phone.button("I take it")).to_be_disabled()
        second = await there.file("M-1510", CAMERAS[1])
        await comes_back(radio, phone)
        await phone.reads("1 more waiting")
        await phone.shows(first)
        await phone.press("Leave to others")
        await phone.shows(second)
        await phone.press("Leave to others")
        assert len(await phone.alerts()) == 2


async def test_a_claim_whose_answer_was_lost_is_still_the_officers_own(tmp_path: Path) -> None:
    async with alerted(tmp_path) as (there, radio, phone, alert):
        await expect(phone.button("I take it")).to_be_enabled()
        radio.fade(up=False)
        await phone.press("I take it")
        await doubts(phone)
        assert (await there.view(alert)).claimed_by == "PC 4127 Adams"
        await comes_back(radio, phone)
        await phone.press("Viable")
        await phone.reads(re.compile("Recorded: viable"))
        assert await count(there, "claimed") == 1
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable")]


async def test_a_claim_that_never_arrived_is_not_taken_for_granted_and_another_officer_may_have_it(
    tmp_path: Path,
) -> None:
    async with under(tmp_path) as (there, radio, address, browser):
        adams = await officer(there, address, browser)
        begum = await thumb(browser, await there.invitation(), "PC Begum")
        alert = await there.file("M-2041")
        await adams.shows(alert)
        await begum.shows(alert)
        await expect(adams.button("I take it")).to_be_enabled()
        radio.fade()
        await adams.press("I take it")
        await begum.press("I take it")
        await doubts(adams)
        await comes_back(radio, adams)
        await adams.reads("PC Begum has it")
        await adams.buttons_live()
        await expect(adams.button("I take it")).to_be_disabled()
        assert await count(there, "claimed") == 1
        await assert_told_once(adams, there)


async def test_a_decision_whose_answer_was_lost_is_recorded_once_and_shown(tmp_path: Path) -> None:
    async with undecided(tmp_path) as (there, radio, phone, alert):
        radio.fade(up=False)
        await phone.press("Viable")
        await doubts(phone)
        await comes_back(radio, phone)
        await phone.reads(re.compile("Recorded: viable"))
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable")]


async def test_a_decision_that_never_arrived_is_sent_again_by_itself(tmp_path: Path) -> None:
    async with undecided(tmp_path) as (there, radio, phone, alert):
        radio.fade()
        await phone.press("Viable")
        await doubts(phone)
        assert await there.stored() == []
        await comes_back(radio, phone)
        await phone.reads(re.compile("Recorded: viable"))
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable")]


async def test_pictures_that_are_slow_or_break_off_hide_no_fact_and_come_by_themselves(
    tmp_path: Path,
) -> None:
    async with under(tmp_path) as (there, radio, address, browser):
        phone = await officer(there, address, browser)
        await radio.let_pictures("wait")
        alert = await there.file("M-2041")
        await phone.reads("Loading…")
        await phone.reads("Score 0.71: 0.11 over the threshold of 0.60")
        await expect(phone.card.locator(".reference")).to_have_text(alert.nominal)
        await radio.let_pictures("break")
        await expect(phone.card.get_by_role("button", name="Load picture").first).to_be_visible()
        await expect(phone.button("I take it")).to_be_enabled()
        await radio.let_pictures("come")
        await phone.shows(alert)
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.reads(re.compile("Recorded: viable"))
        await assert_told_once(phone, there)


async def test_the_browser_that_says_it_is_offline_is_believed_only_until_it_is_back(
    tmp_path: Path,
) -> None:
    async with alerted(tmp_path) as (there, radio, phone, _):
        await phone.page.context.set_offline(True)
        radio.cut()  # emulation leaves a WebSocket that stands alone
        await phone.reads(DEAF)
        second = await there.file("M-1510", CAMERAS[1])
        await phone.page.context.set_offline(False)
        await phone.reads("1 more waiting")
        await phone.press("Leave to others")
        await phone.shows(second)


async def test_a_phone_that_slept_through_alerts_has_them_once_when_it_wakes(tmp_path: Path) -> None:
    async with alerted(tmp_path) as (there, _, phone, first):
        devtools = await phone.page.context.new_cdp_session(phone.page)
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        slept = [await there.file(f"M-30{n}", CAMERAS[n % 2]) for n in range(3)]
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
        await phone.reads("3 more waiting")
        await phone.shows(first)
        for alert in reversed(slept):
            await phone.press("Leave to others")
            await phone.shows(alert)
