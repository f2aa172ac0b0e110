"""The whole way under real TLS: from a phone that trusts nobody here to one that is signed in and on post."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from lfrd import wire
from lfrd.certificates.fingerprint import digest_of, rows
from lfrd.certificates.keeping import read_authority, read_box
from lfrd.types import Role
from tests.conftest import unavailable
from tests.desk import desk
from tests.journeys.browser import chromium
from tests.journeys.desk_page import at_the_desk
from tests.journeys.process import Server, Site, lfrd, of, passing, reach
from tests.journeys.visitor import photograph
from tests.ports import free_port

pytestmark = pytest.mark.journey


@pytest.fixture
def site(tmp_path: Path, builtin: Path) -> Site:
    site = Site(tmp_path, builtin)
    secure(site)
    return site


def secure(site: Site, *cameras: dict[str, object]) -> None:
    site.configure(*cameras, web={"allow_plain_http": False}, tls={"onboarding_port": free_port()})


def door(server: Server) -> str:
    """The address of the page for new phones, as the log has it."""
    return next(str(event["onboarding"]) for event in server.events() if event["event"] == "listening")


async def test_an_alert_reaches_a_phone_that_trusts_nobody_but_the_sites_authority(
    site: Site, astronaut: Path
) -> None:
    clip = passing(site.folder / "clip.mp4", astronaut)
    secure(site, {"name": "Gate", "source": str(clip), "loop": True})
    site.watch_for(**{"M-2041": astronaut})
    async with site.running() as server:
        assert server.url.startswith("https://127.0.0.1:")
        phone = await server.phone("PC Adams")
        assert phone.cookie.startswith("__Host-lfrd=")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await reach(phone, lambda: bool(of(phone, "alert")))
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            async with httpx.AsyncClient() as stranger:
                await stranger.get(server.url)


async def test_the_first_start_makes_the_authority_and_the_next_one_keeps_it(site: Site) -> None:
    tls = site.folder / "tls"
    async with site.running():
        first = {path.name: path.read_bytes() for path in tls.iterdir()}
        assert {oct(path.stat().st_mode & 0o777) for path in tls.iterdir()} == {"0o600"}
    async with site.running():
        assert {path.name: path.read_bytes() for path in tls.iterdir()} == first
    with site.database() as db:
        made = [row[0] for row in db.execute("SELECT what FROM audit WHERE what LIKE '%_made'")]
    assert made == ["authority_made", "certificate_made"]


async def test_openssl_takes_the_chain_for_every_name_and_no_other_certificate_by_the_authority(
    site: Site,
) -> None:
    """The authority that a phone trusts is of no use against any other site, also to whoever has its key."""
    if shutil.which("openssl") is None:
        unavailable("needs openssl")
    async with site.running() as server:
        given = (await _get(f"{door(server)}/lfrd-authority.crt")).content
    box = read_box(site.folder / "tls")
    assert box is not None
    (site.folder / "authority.crt").write_bytes(given)
    (site.folder / "box.crt").write_bytes(box.certificate_pem())
    check_with_openssl(site.folder)


def check_with_openssl(folder: Path) -> None:
    def openssl(command: str) -> str:
        """What it says on both streams."""
        done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True)
        return done.stdout + done.stderr

    openssl("openssl x509 -inform DER -in authority.crt -out ca.pem")
    verify = "openssl verify -x509_strict -purpose sslserver -CAfile ca.pem"
    for name in ("-verify_ip 127.0.0.1", "-verify_ip ::1", "-verify_hostname localhost"):
        assert openssl(f"{verify} {name} box.crt") == "box.crt: OK\n"
    for name in ("DNS:www.example.org", "IP:198.51.100.7"):
        openssl(
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out f.csr "
            f"-subj /CN=forged; printf 'subjectAltName={name}\\nextendedKeyUsage=serverAuth\\n' > f.ext; "
            "openssl x509 -req -in f.csr -CA tls/authority.pem -CAkey tls/authority.pem -days 2 "
            "-extfile f.ext -out f.crt"
        )
        assert "permitted subtree violation" in openssl(f"{verify} f.crt")


async def test_a_renewed_certificate_is_served_without_a_restart_and_connections_stand(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lfrd tls renew` beside a running server."""
    (site.folder / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'run' in sys.argv:\n"
        "    import lfrd.web.presented as presented\n"
        "    presented.LOOK_SECONDS = 0.2\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site.folder))
    async with site.running() as server:
        phone = await server.phone("PC Adams")
        before = await _shown(server)
        async with phone.connected():
            renewed = await lfrd("tls", "renew", "--config", site.config)
            assert renewed.code == 0, renewed.err
            async with asyncio.timeout(60):
                while await _shown(server) == before:
                    await asyncio.sleep(0.1)
            box = read_box(site.folder / "tls")
            assert box is not None
            assert await _shown(server) == box.digest
            await phone.say(wire.Beat())
            await reach(phone, lambda: bool(phone.pulses or phone.states))


async def _shown(server: Server) -> str:
    """The digest of the certificate that a new connection gets."""
    port = int(server.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=server.trust)
    shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
    der = shown.getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    assert der is not None
    return digest_of(der)


async def _get(address: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(address)


# ---- in a browser ----------------------------------------------------------------------------------------


async def test_a_new_phone_learns_to_trust_the_box_and_is_led_to_sign_in(site: Site) -> None:
    """Before: the page says so, and the box cannot be opened. Then the authority is installed, as a person
    does it in the settings; the same page notices, and what it leads to is a secure context."""
    home = site.folder / "home"
    async with site.running() as server:
        page_for_new = door(server)
        async with chromium(home=home) as browser:
            page = await (await browser.new_context()).new_page()
            await page.goto(page_for_new)
            await expect(page.get_by_text("does not trust the box yet")).to_be_visible()
            authority = read_authority(site.folder / "tls")
            assert authority is not None
            for row in rows(authority.digest):
                await expect(page.get_by_text(row)).to_be_visible()
            await photograph(page, "onboarding-new")
            with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
                await page.goto(server.url)
        trusted(home, (await _get(f"{page_for_new}/lfrd-authority.crt")).content)
        invitation = await site.invitation("PC Adams")
        async with chromium(home=home) as browser:
            context = await browser.new_context()
            page = await context.new_page()
            problems: list[str] = []
            page.on("console", lambda message: problems.append(message.text))
            await page.goto(page_for_new)
            await expect(page.get_by_text("This phone trusts the box")).to_be_visible()
            await photograph(page, "onboarding-trusted")
            await page.get_by_role("link", name="Open the sign-in page").click()
            await expect(page.get_by_label("Collar number")).to_be_visible()
            assert await page.evaluate("window.isSecureContext")
            await signs_in(await context.new_page(), context, invitation)
            assert not [each for each in problems if "Security" in each]


async def test_the_desk_shows_first_the_code_to_trust_and_then_the_one_that_lets_in(tmp_path: Path) -> None:
    async with (
        desk(tmp_path, tls=True) as there,
        chromium("--ignore-certificate-errors") as browser,
        at_the_desk(browser, there, Role.OPERATOR) as operator,
    ):
        await operator.go("onboarding", "Phones: bring a new one")
        authority = read_authority(tmp_path / "tls")
        assert authority is not None
        for row in rows(authority.digest):
            await operator.reads(row)
        codes = operator.page.get_by_role("img", name="QR code")
        await expect(codes).to_have_count(1)  # no invitation before it is asked for
        assert await scanned(codes.first) == "http://127.0.0.1:8080"
        await operator.shot("onboarding")
        await operator.press("Make the invitation")
        await operator.reads("Invitation for PC 4127 Adams")
        await expect(codes).to_have_count(2)
        assert (await scanned(codes.nth(1))).startswith(f"{there.url}/#join=")
        await operator.shot("onboarding-invited")
        await operator.press("Another phone")
        await expect(codes).to_have_count(1)


async def scanned(picture: Locator) -> str:
    """The text of a QR code on the screen."""
    shot = cv2.imdecode(np.frombuffer(await picture.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert shot is not None
    for size in (1.0, 0.75, 1.5, 2.0):
        text = cv2.QRCodeDetector().detectAndDecode(cv2.resize(shot, None, fx=size, fy=size))[0]
        if text:
            return str(text)
    return ""


async def signs_in(page: Page, context: BrowserContext, invitation: str) -> None:
    await page.goto(invitation)
    await page.get_by_label("Collar number").fill("PC Adams")
    await page.get_by_role("button", name="Join", exact=True).click()
    await expect(page.get_by_role("button", name="Go on post")).to_be_visible()
    (cookie,) = await context.cookies()
    assert cookie["name"] == "__Host-lfrd"
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
    assert await page.evaluate("document.cookie") == ""
    scope = await page.evaluate("navigator.serviceWorker.ready.then((worker) => worker.scope)")
    assert scope.startswith("https://")
    assert await page.evaluate(
        "navigator.wakeLock.request('screen').then((lock) => { lock.release(); return lock.type })"
    ) == "screen"  # fmt: skip


def trusted(home: Path, authority: bytes) -> None:
    """Put the authority among those that this person's browser trusts."""
    if shutil.which("certutil") is None:
        unavailable("needs certutil: apt install libnss3-tools")
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True, exist_ok=True)
    database = f"sql:{store}"
    if not (store / "cert9.db").exists():
        subprocess.run(["certutil", "-N", "-d", database, "--empty-password"], check=True)
    file = home / "authority.crt"
    file.write_bytes(authority)
    subprocess.run(["certutil", "-A", "-d", database, "-t", "C,,", "-n", "lfrd", "-i", str(file)], check=True)
