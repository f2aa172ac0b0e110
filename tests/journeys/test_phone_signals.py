"""What reaches an officer who is not looking, and how little a page does that nobody looks at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from lfrd.config import Push
from tests.journeys.browser import chromium
from tests.journeys.officer_page import Phone, on_post, scene
from tests.journeys.street import CAMERAS, Street, street

pytestmark = pytest.mark.journey

SPIES = """
  window.told = { buzzes: [], tones: [], locks: [], states: [] };
  Navigator.prototype.vibrate = function (pattern) { told.buzzes.push(pattern); return true; };
  const begin = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (at) {
    told.tones.push(this.frequency.value);
    told.states.push(this.context.state);
    return begin.call(this, at);
  };
  const { request } = WakeLock.prototype;
  WakeLock.prototype.request = async function (kind) {
    const lock = await request.call(this, kind);
    told.locks.push(lock);
    return lock;
  };
"""
"""Writes down what the page asks of the phone's speaker, motor and screen; all of it still happens."""
ALARM = [1245, 1865, 1245, 1865]
LOST = [660, 440]


async def _listened_to(there: Street, page: Page) -> Phone:
    await page.add_init_script(SPIES)
    phone = Phone(page)
    await phone.join(await there.invitation(), "PC 4127 Adams")
    await phone.press("Go on post")
    await phone.reads("You are on post")
    return phone


async def _told(phone: Phone, what: str) -> Any:
    return await phone.page.evaluate(f"told.{what}")


async def test_an_alert_sounds_and_vibrates_again_and_again_until_it_is_silenced(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await _listened_to(there, await browser.new_page())
        assert await _told(phone, "tones") == []
        await phone.shows(await there.file("M-2041"))
        await phone.page.wait_for_function("() => told.tones.length >= 8")
        assert (await _told(phone, "tones"))[:4] == ALARM
        assert set(await _told(phone, "states")) == {"running"}
        assert (await _told(phone, "buzzes"))[0] == [350, 120, 350, 120, 700]
        await phone.press("Silence")
        assert (await _told(phone, "buzzes"))[-1] == 0
        rung = len(await _told(phone, "tones"))
        await phone.page.wait_for_function("at => performance.now() - at > 3000", arg=await _now(phone))
        assert len(await _told(phone, "tones")) == rung


async def _now(phone: Phone) -> float:
    now: float = await phone.page.evaluate("performance.now()")
    return now


async def test_another_alert_calls_once_while_one_is_in_hand_and_a_lost_link_falls(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await _listened_to(there, await browser.new_page())
        first = await there.file("M-2041")
        await phone.shows(first)
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        before = len(await _told(phone, "tones"))
        await there.file("M-1510", CAMERAS[1])
        await phone.reads("1 more waiting")
        assert (await _told(phone, "tones"))[before:] == ALARM[:2]
        there.link.cut()
        await phone.page.wait_for_function("() => told.tones.at(-1) === 440")
        assert (await _told(phone, "tones"))[-2:] == LOST


async def test_the_screen_is_kept_awake_on_post_and_let_go_after_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await _listened_to(there, await browser.new_page())
        await phone.reads("Screen stays on")
        assert [lock["type"] for lock in await _told(phone, "locks.map(({type}) => ({type}))")] == ["screen"]
        await phone.press("Leave post")
        await phone.page.locator(".post").get_by_role("button", name="Leave post").click()
        await phone.reads("You are not on post: alerts are not shown to you")
        await phone.page.wait_for_function("() => told.locks.every((lock) => lock.released)")


async def test_a_phone_whose_sound_is_off_says_so_until_it_is_touched(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.reads("Sound is on")
        await phone.page.reload()
        await phone.reads("Sound is off until you touch the screen")
        await phone.press("Turn sound on")
        await phone.reads("Sound is on")
        await expect(phone.page.get_by_text("Sound is off until")).to_have_count(0)


async def test_a_page_at_rest_paints_its_age_and_nothing_else(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.reads("Screen stays on")
        await phone.reads("2 cameras live")
        await phone.page.evaluate(PAINTED)
        await phone.page.wait_for_function("() => ages >= 4")
        assert await phone.page.evaluate("others") == []


PAINTED = """() => {
  window.ages = 0;
  window.others = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
      if (element.matches(".age")) ages += 1;
      else others.push(element.className || element.tagName);
    }
  }).observe(document.documentElement, {
    subtree: true, childList: true, characterData: true, attributes: true,
  });
}"""


async def test_a_page_that_nobody_sees_paints_nothing_by_the_second(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.shows(await there.file("M-2041"))
        await phone.press("Silence")
        await phone.buttons_live()
        await phone.page.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'hidden'})")
        await phone.page.evaluate(PAINTED)
        await phone.page.wait_for_function("at => performance.now() - at > 2500", arg=await _now(phone))
        assert await phone.page.evaluate("[ages, others]") == [0, []]


# ---- notifications: one choice --------------------------------------------------------------------------

ANSWERS = """
  let permission = "default";
  Object.defineProperty(Notification, "permission", { get: () => permission });
  Notification.requestPermission = async () => (permission = "ANSWER");
"""
"""As a browser whose officer is asked, and answers so."""
WAKES = Push(enabled=True, contact="mailto:lfr@force.test", services=["push.test"])
CHOICE = re.compile("^Turn (notifications|wake-ups) (on|off)$")


async def _asked(there: Street, browser: Browser, change: str) -> Phone:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    await context.add_init_script(change)
    phone = Phone(await context.new_page())
    await phone.join(await there.invitation(), "PC 4127 Adams")
    return phone


async def test_where_the_site_wakes_no_phone_one_choice_remains_and_its_state_is_said(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await _asked(there, browser, ANSWERS.replace("ANSWER", "granted"))
        await phone.reads(re.compile("^Wake-ups are off at this site"))
        await phone.reads(re.compile("^Notifications are off: you hear of no alert"))
        await expect(phone.page.get_by_role("button", name=CHOICE)).to_have_count(1)
        await phone.press("Turn notifications on")
        await phone.reads(re.compile("^Notifications are on: one comes when an alert waits"))
        await expect(phone.page.get_by_role("button", name=CHOICE)).to_have_count(0)
        await phone.shot("notifications-on")


async def test_where_the_officer_refuses_notifications_the_way_to_allow_them_is_said(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await _asked(there, browser, ANSWERS.replace("ANSWER", "denied"))
        await phone.press("Turn notifications on")
        await phone.reads(re.compile("^Notifications are blocked for this page. Allow them in the browser's"))
        await expect(phone.page.get_by_role("button", name=CHOICE)).to_have_count(0)


async def test_where_phones_are_woken_that_is_the_one_choice(tmp_path: Path) -> None:
    async with chromium() as browser, street(tmp_path, push=WAKES) as there:
        phone = await _asked(there, browser, ANSWERS.replace("ANSWER", "granted"))
        await phone.reads("Wake-ups are off: a locked phone hears of no alert.")
        await expect(phone.page.get_by_role("button", name=CHOICE)).to_have_text(["Turn wake-ups on"])


@pytest.mark.parametrize(
    ("push", "says"),
    [(None, "^Wake-ups are off at this site"), (WAKES, "^This browser cannot be woken")],
    ids=["a site that wakes no phone", "a site that does"],
)
async def test_a_browser_without_a_service_worker_is_offered_nothing_it_cannot_do(
    push: Push | None, says: str, tmp_path: Path
) -> None:
    without = "delete Navigator.prototype.serviceWorker;" + ANSWERS.replace("ANSWER", "granted")
    async with chromium() as browser, street(tmp_path, push=push) as there:
        phone = await _asked(there, browser, without)
        await phone.reads(re.compile(says))
        await phone.reads("Keep lfrd open and the screen on while you are on post.")
        await expect(phone.page.get_by_role("button", name=CHOICE)).to_have_count(0)
        assert phone.problems == []
