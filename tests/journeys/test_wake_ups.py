"""A phone that sleeps is woken: the page subscribes, the box asks the push service, the worker calls.

Headless Chromium has no push service. So the browser's answer to `PushManager.subscribe` is made up, with an
address at a real push service on the loopback, and what that service takes is handed to the service worker by
the browser's debugging protocol, as Chrome does with a message from Google's.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Worker, expect

from lfrd.config import Push
from tests.journeys.browser import chromium
from tests.journeys.officer_page import Phone
from tests.journeys.street import Street, street
from tests.push_service import CONTACT, HOST, PushService, push_service

pytestmark = pytest.mark.journey

SUBSCRIBES = """
{
  let kept = null;
  const made = (options) => ({
    endpoint: ENDPOINT, options: {applicationServerKey: options.applicationServerKey.buffer},
    unsubscribe: async () => { kept = null; return true; },
  });
  PushManager.prototype.subscribe = async (options) => {
    if (!options.userVisibleOnly || options.applicationServerKey.length !== 65) throw new Error("refused");
    return (kept = made(options));
  };
  PushManager.prototype.getSubscription = async () => kept;
}
"""
"""As Chrome answers where it reaches Google's service."""


@dataclass
class Scene:
    there: Street
    service: PushService
    browser: Browser

    async def officer(self, name: str = "PC 4127 Adams") -> tuple[Phone, BrowserContext]:
        """Signed in, and not on post yet."""
        context = await self.browser.new_context(viewport={"width": 390, "height": 844})
        await context.grant_permissions(["notifications"])
        await context.add_init_script(SUBSCRIBES.replace("ENDPOINT", json.dumps(self.service.endpoint())))
        phone = Phone(await context.new_page())
        await phone.join(await self.there.invitation(name=name), name)
        return phone, context


@asynccontextmanager
async def scene(folder: Path, *, grace: float = 20.0, push: Push | None = None) -> AsyncIterator[Scene]:
    on = Push(enabled=True, contact=CONTACT, services=[HOST])
    async with (
        push_service() as service,
        chromium() as browser,
        street(folder, grace=grace, push=push or on, ways=service.ways) as there,
    ):
        yield Scene(there, service, browser)


async def worker_of(context: BrowserContext) -> Worker:
    if not context.service_workers:
        return await context.wait_for_event("serviceworker")
    return context.service_workers[0]


async def deliver(page: Page) -> None:
    """A push message without contents, as the browser gets it from its maker's service."""
    session = await page.context.new_cdp_session(page)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def told(event: dict[str, Any]) -> None:
        for registration in event["registrations"]:
            if not found.done():
                found.set_result(registration["registrationId"])

    session.on("ServiceWorker.workerRegistrationUpdated", told)
    await session.send("ServiceWorker.enable")
    origin = re.sub(r"(https?://[^/]+).*", r"\1", page.url)
    await session.send(
        "ServiceWorker.deliverPushMessage", {"origin": origin, "registrationId": await found, "data": ""}
    )


async def notices(worker: Worker) -> list[dict[str, str]]:
    found: list[dict[str, str]] = await worker.evaluate(
        """async () => (await self.registration.getNotifications())
             .map(({title, body, tag, data}) => ({title, body, tag, data}))"""
    )
    return found


async def shown(worker: Worker) -> dict[str, str]:
    """The one notification, once it is there."""
    async with asyncio.timeout(20):
        while not (found := await notices(worker)):
            await asyncio.sleep(0.05)
    (notice,) = found
    return notice


async def turned_on(scene: Scene, phone: Phone) -> None:
    await phone.press("Turn wake-ups on")
    await phone.reads(re.compile("^Wake-ups are on"))
    await scene.service.count(1)


async def test_a_phone_that_sleeps_is_woken_by_an_alert_and_a_tap_shows_it(tmp_path: Path) -> None:
    async with scene(tmp_path, grace=600) as at:
        phone, context = await at.officer()
        await phone.reads(re.compile("^Wake-ups are off"))
        await phone.shot("wake-ups-off")
        await turned_on(at, phone)
        await phone.shot("wake-ups-on")
        await phone.press("Go on post")
        await phone.reads("You are on post")
        worker = await worker_of(context)
        # The officer locks the phone: its browser lets the page go, and the service worker stays.
        await phone.page.goto("about:blank")
        alert = await at.there.file("M-2041", name="Jo Doe")
        await at.service.count(2)
        wake_up = at.service.taken[1]
        assert wake_up.problems == []
        assert wake_up.body == b""

        other = await context.new_page()  # any page of the browser: the debugging protocol needs one
        await other.goto(at.there.url + "/icon.svg")
        await deliver(other)
        notice = await shown(worker)
        assert notice == {"title": "Something needs you", "body": "Open lfrd.", "tag": "alert", "data": None}

        opened: str = await worker.evaluate(
            """async () => {
              const [notification] = await self.registration.getNotifications();
              const opened = new Promise((done) => {
                self.clients.openWindow = async (address) => done(String(address)); // wants a real finger
              });
              self.dispatchEvent(new NotificationEvent("notificationclick", {notification}));
              return opened;
            }"""
        )
        assert opened == at.there.url + "/"
        assert await notices(worker) == []
        await phone.page.goto(opened)
        await phone.shows(alert)  # the post still stands: its grace is longer than any machine takes for this
        assert phone.problems == []


async def test_a_wake_up_while_the_page_is_in_view_leaves_no_notification_and_makes_it_look(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as at:
        phone, context = await at.officer()
        await turned_on(at, phone)
        worker = await worker_of(context)
        await phone.page.bring_to_front()
        await deliver(phone.page)
        await phone.reads(re.compile("^A wake-up last reached this phone at"))
        async with asyncio.timeout(20):
            while await notices(worker):
                await asyncio.sleep(0.05)
        await phone.shot("wake-ups-woken")


async def test_turning_off_and_signing_out_leave_no_address_behind(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        wake_ups = at.there.served.office.services.wake_ups
        phone, _ = await at.officer()
        await turned_on(at, phone)
        assert len(await wake_ups.on()) == 1
        await phone.press("Turn wake-ups off")
        await phone.reads(re.compile("^Wake-ups are off"))
        assert await wake_ups.on() == frozenset()
        await phone.press("Turn wake-ups on")
        await phone.reads(re.compile("^Wake-ups are on"))
        await phone.press("Sign out")
        await phone.page.get_by_role("group", name="Sign out").get_by_role("button", name="Sign out").click()
        await phone.reads("You have left. This phone keeps no pictures.")
        assert await wake_ups.on() == frozenset()
        await phone.page.wait_for_function(
            "navigator.serviceWorker.ready.then((r) => r.pushManager.getSubscription()).then((s) => !s)"
        )


async def test_a_page_that_begins_again_mends_what_the_server_has_lost(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        office = at.there.served.office
        phone, _ = await at.officer()
        await turned_on(at, phone)
        (session,) = await office.services.wake_ups.on()
        await office.records.addresses.forget(session, "gone")
        at.there.link.cut()
        at.there.link.mend()
        await phone.hears_of_a_network()
        async with asyncio.timeout(20):
            while not await office.services.wake_ups.on():
                await asyncio.sleep(0.05)
        await phone.reads(re.compile("^Wake-ups are on"))


async def test_where_a_phone_cannot_be_woken_the_page_says_why_and_what_to_do(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        for number, (change, says) in enumerate(
            {
                "Object.defineProperty(Notification, 'permission', {value: 'denied'})": (
                    "notifications, which are blocked"
                ),
                "delete window.PushManager": "This browser cannot be woken",
                "delete window.PushManager; "
                "Object.defineProperty(navigator, 'userAgent', {value: 'iPhone'})": "is on its home screen",
            }.items()
        ):
            context = await at.browser.new_context(viewport={"width": 390, "height": 844})
            await context.add_init_script(change)
            phone = Phone(await context.new_page())
            await phone.join(await at.there.invitation(), f"PC {number + 5} Baker")
            await phone.reads(re.compile(says))
            instead = phone.page.get_by_text("Keep lfrd open and the screen on while you are on post.")
            await instead.scroll_into_view_if_needed()
            await expect(phone.button("Turn wake-ups on")).to_have_count(0)
            await phone.shot(f"wake-ups-never-{number}")


async def test_a_phone_without_a_way_to_its_makers_service_is_told_so(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        phone, _ = await at.officer()
        fails = "() => Promise.reject(new DOMException('', 'AbortError'))"
        await phone.page.evaluate(f"void (PushManager.prototype.subscribe = {fails})")
        await phone.press("Turn wake-ups on")
        await phone.reads(re.compile("could not reach its maker's push service"))
        await phone.shot("wake-ups-no-service")


async def test_a_site_without_wake_ups_says_what_that_means(tmp_path: Path) -> None:
    async with scene(tmp_path, push=Push()) as at:
        phone, _ = await at.officer()
        await phone.reads(re.compile("^Wake-ups are off at this site"))
        await expect(phone.button("Turn wake-ups on")).to_have_count(0)
        await phone.shot("wake-ups-site-off")
        assert at.service.taken == []
