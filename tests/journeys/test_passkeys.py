"""A browser's own key and a passkey, in a real browser with an authenticator that Chromium plays."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import BrowserContext, Page

from lfrd.audit import kinds
from lfrd.types import Role
from lfrd.web.server import static_folder
from tests.journeys.browser import chromium
from tests.unit.web.staff import PASSWORD, Staff, staffed

pytestmark = pytest.mark.journey

ASK = """async ([method, path, body, proven]) => {
  const device = await import("/device.js");
  const options = { method };
  if (method !== "GET") {
    options.headers = { "content-type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await (proven ? device.provedFetch : fetch)(path, options);
  return { status: answer.status, said: await answer.json() };
}"""
"""Asks the server as the pages do."""

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Desk:
    """Somebody's browser at the desk."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page

    async def ask(
        self, method: str, path: str, body: object = None, *, proven: bool = True
    ) -> dict[str, Any]:
        answer: dict[str, Any] = await self.page.evaluate(ASK, [method, path, body or {}, proven])
        return answer

    async def key(self) -> str:
        key = await self.page.evaluate("""async () => (await import("/device.js")).deviceKey()""")
        return str(key)

    async def sign_in(self) -> None:
        body = {"name": "Olu", "password": PASSWORD, "device_key": await self.key()}
        answer = await self.ask("POST", "/api/sign-in", body, proven=False)
        assert answer["status"] == 200, answer
        assert answer["said"]["bound"] is True


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[tuple[Staff, Desk]]:
    """The page of the test's own, with the real static/device.js, at a name as passkeys need it."""
    async with chromium() as browser, staffed(folder) as staff:
        shutil.copy(static_folder() / "device.js", folder / "static")
        await staff.person(Role.OPERATOR, "Olu")
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(staff.url.replace("127.0.0.1", "localhost"))
        yield staff, Desk(context, page)


async def test_a_browser_proves_each_request_and_its_cookie_alone_opens_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, olu):
        await olu.sign_in()
        assert (await olu.ask("GET", "/api/me?a=%20b&c"))["said"]["officer"] == "Olu"
        assert (await olu.ask("GET", "/api/me", proven=False))["said"]["code"] == "proof"
        (cookie,) = await olu.context.cookies()
        stolen = {"cookie": f"{cookie['name']}={cookie['value']}"}
        async with httpx.AsyncClient(base_url=staff.url, headers=stolen) as thief:
            assert (await thief.get("/api/me")).json()["code"] == "proof"


async def test_the_key_outlives_the_page_and_nothing_reads_its_private_part(tmp_path: Path) -> None:
    async with desk(tmp_path) as (_, olu):
        await olu.sign_in()
        before = await olu.key()
        await olu.page.reload()
        assert await olu.key() == before
        assert (await olu.ask("GET", "/api/me"))["status"] == 200
        read = await olu.page.evaluate(
            """() => new Promise((resolve) => {
              const opening = indexedDB.open("lfrd-device");
              opening.onsuccess = () => {
                const asked = opening.result.transaction("device").objectStore("device").get("key");
                asked.onsuccess = () => crypto.subtle.exportKey("pkcs8", asked.result.privateKey)
                  .then(() => resolve("read"), (error) => resolve(error.name));
              };
            })"""
        )
        assert read == "InvalidAccessError"


async def test_after_signing_out_the_next_session_has_another_key(tmp_path: Path) -> None:
    async with desk(tmp_path) as (_, olu):
        before = await olu.key()
        await olu.page.evaluate("""async () => (await import("/device.js")).forgetDevice()""")
        assert await olu.key() != before


async def test_a_browser_whose_clock_is_wrong_takes_the_servers_time_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, olu):
        await olu.sign_in()
        await olu.page.clock.set_fixed_time(time.time() * 1000 - 86_400_000)
        for _ in range(2):
            assert (await olu.ask("GET", "/api/me"))["status"] == 200
        assert await staff.audited(kinds.Refused) == [kinds.Refused("/api/me", "proof_time")]


async def test_a_passkey_is_added_and_signs_in_in_a_real_browser(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, olu):
        await olu.sign_in()
        devtools = await olu.context.new_cdp_session(olu.page)
        await devtools.send("WebAuthn.enable")
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        options = await olu.ask("POST", "/api/passkeys/new", {"password": PASSWORD})
        assert options["status"] == 200, options
        made = await olu.page.evaluate(
            """async (said) => {
              const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(said);
              return (await navigator.credentials.create({ publicKey })).toJSON();
            }""",
            options["said"],
        )
        assert (await olu.ask("POST", "/api/passkeys", {"credential": made}))["status"] == 200
        assert (await olu.ask("POST", "/api/leave"))["status"] == 200
        assert (await olu.ask("GET", "/api/me"))["status"] == 401
        options = await olu.ask("POST", "/api/passkeys/challenge", proven=False)
        shown = await olu.page.evaluate(
            """async (said) => {
              const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(said);
              return (await navigator.credentials.get({ publicKey })).toJSON();
            }""",
            options["said"],
        )
        body = {"credential": shown, "device_key": await olu.key()}
        answer = await olu.ask("POST", "/api/passkeys/sign-in", body, proven=False)
        assert (answer["status"], answer["said"]["officer"]) == (200, "Olu"), answer
        assert (await olu.ask("GET", "/api/me"))["said"]["bound"] is True
        methods = [body.method for body in await staff.audited(kinds.SignedIn)]  # type: ignore[union-attr]
        assert methods == ["password", "password", "passkey"]
