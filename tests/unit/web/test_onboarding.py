"""The page without TLS that brings a phone to trust the box: what it gives, and that it gives no more."""

from __future__ import annotations

import asyncio
import plistlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from lfrd.certificates.fingerprint import digest_of, rows
from lfrd.config import Config, Tls, Web
from lfrd.web.onboarding import onboarding, secure_address
from lfrd.web.presented import Presented, presented
from lfrd.web.rules import ROUTES
from lfrd.web.server import static_folder
from lfrd.web.serving import Bound
from tests.ports import free_port

NOW = 1_790_000_000.0


@dataclass
class Door:
    certificate: Presented
    url: str
    client: httpx.AsyncClient


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Door]:
    settings = Config(web=Web(host="127.0.0.1"), tls=Tls(onboarding_port=free_port()))
    certificate, _ = presented(settings.at(folder), NOW)
    assert certificate is not None
    main = Bound("127.0.0.1", 9443, True)
    async with (
        asyncio.TaskGroup() as group,
        onboarding(settings.at(folder), certificate, main, static_folder(), group) as bound,
    ):
        assert bound is not None
        async with httpx.AsyncClient(base_url=bound.url) as client:
            yield Door(certificate, bound.url, client)


async def test_android_and_computers_get_the_certificate_as_der(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        answer = await door.client.get("/lfrd-authority.crt")
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    assert door.certificate.authority is not None
    assert answer.content == door.certificate.authority.der
    assert (
        x509.load_der_x509_certificate(answer.content).subject
        == door.certificate.authority.certificate.subject
    )


async def test_ios_gets_a_profile_with_the_same_certificate_as_a_root(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        answer = await door.client.get("/lfrd-authority.mobileconfig")
        again = await door.client.get("/lfrd-authority.mobileconfig")
    assert answer.headers["content-type"] == "application/x-apple-aspen-config"
    (payload,) = plistlib.loads(answer.content)["PayloadContent"]
    assert payload["PayloadType"] == "com.apple.security.root"
    assert door.certificate.authority is not None
    assert payload["PayloadContent"] == door.certificate.authority.der
    assert answer.content == again.content  # installed twice it replaces itself


async def test_the_page_says_the_fingerprint_of_what_it_gives(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        facts = (await door.client.get("/facts.json")).json()
        given = (await door.client.get("/lfrd-authority.crt")).content
    assert facts["fingerprint"] == rows(digest_of(given))
    assert facts["secure"] == "https://127.0.0.1:9443"
    assert set(facts) == {"authority", "fingerprint", "secure"}


async def test_nothing_else_is_there(tmp_path: Path) -> None:
    """No route of the box, no file of its other pages, no key, and no other method."""
    paths = {rule.path.replace("{", "").replace("}", "") for rule in ROUTES} - {"/"}
    others = {"/app.js", "/sw.js", "/index.html", "/desk/", "/box.pem", "/authority.pem", "/../tls/box.pem"}
    others |= {"/%2e%2e/index.html", "/onboarding/index.html", "/facts.json/", "/lfrd-authority.key"}
    async with opened(tmp_path) as door:
        for path in paths | others:
            assert (await door.client.get(path)).status_code == 404, path
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            for path in ("/", "/facts.json", "/lfrd-authority.crt"):
                assert (await door.client.request(method, path)).status_code == 405
        given = [
            (await door.client.get(path)).text
            for path in ("/", "/facts.json", "/lfrd-authority.mobileconfig")
        ]
    assert not any("PRIVATE KEY" in text for text in given)


async def test_it_sets_no_cookie_and_forbids_everything_but_itself_and_the_question(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        for path in ("/", "/onboarding.js", "/facts.json", "/lfrd-authority.crt", "/nothing"):
            headers = (await door.client.get(path)).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
            assert "connect-src 'self' https://127.0.0.1:9443; frame-ancestors 'none'" in policy
            assert "set-cookie" not in headers
            assert "strict-transport-security" not in headers  # it would forbid this page
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["a b", "x;script-src *", "'none'", ""])
async def test_a_malformed_host_enters_neither_the_policy_nor_the_page(tmp_path: Path, host: str) -> None:
    assert secure_address(host, 8443) == ""
    async with opened(tmp_path) as door:
        answer = await door.client.get("/facts.json", headers={"host": host})
        if answer.status_code == 200:
            assert answer.json()["secure"] == ""
            assert "connect-src 'self' ;" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.168.1.5:8080", "https://192.168.1.5:8443"),
        ("box.local", "https://box.local:8443"),
        ("[fd00::2]:8080", "https://[fd00::2]:8443"),
        ("[fd00::2]", "https://[fd00::2]:8443"),
    ],
)
def test_the_box_is_asked_for_under_the_name_that_the_page_was_opened_by(host: str, address: str) -> None:
    assert secure_address(host, 8443) == address


@pytest.mark.parametrize(
    ("web", "tls"),
    [
        (Web(host="127.0.0.1", allow_plain_http=True), Tls(onboarding_port=1)),
        (Web(host="127.0.0.1"), Tls(onboarding_port=0)),
    ],
    ids=["plain", "closed"],
)
async def test_it_is_not_opened_where_no_phone_needs_it(tmp_path: Path, web: Web, tls: Tls) -> None:
    settings = Config(web=web, tls=tls).at(tmp_path)
    certificate, _ = presented(settings, NOW)
    async with asyncio.TaskGroup() as group:
        main = Bound("127.0.0.1", 9443, True)
        async with onboarding(settings, certificate, main, static_folder(), group) as bound:
            assert bound is None


def test_the_page_reads_nothing_behind_its_address() -> None:
    """An invitation stands there, should somebody open one by mistake: it is thrown away, not used."""
    script = (static_folder() / "onboarding" / "onboarding.js").read_text(encoding="utf-8")
    assert script.count("location.hash") == 1
    assert 'if (location.hash) history.replaceState(null, "", location.pathname);' in script
    assert "join" not in script
