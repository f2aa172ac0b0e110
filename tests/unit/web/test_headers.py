"""The headers around every kind of answer, and what decides the two that are not the same everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from lfrd.config import Web
from lfrd.types import Role
from lfrd.web.guard import HSTS_BROUGHT, HSTS_OWN, needs_policies, permissions_policy, strict_transport
from lfrd.web.server import make_app
from tests.unit.web.staff import Staff, staffed, visitor

SAME = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "x-frame-options": "DENY",
}


@asynccontextmanager
async def over_tls(
    staff: Staff, host: str = "box.local:8443", web: Web | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody on the network who came by this address, under TLS."""
    services = staff.office.services
    if web is not None:
        settings = msgspec.structs.replace(services.config, web=web)
        services = type(services)(**{**vars(services), "config": settings})
    transport = httpx.ASGITransport(make_app(services), client=("192.0.2.9", 1))
    url = f"https://{host}"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers={"origin": url}) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/sw.js", 200),
        ("GET", "/icon.svg", 404),
        ("GET", "/missing.js", 404),
        ("GET", "/desk", 200),
        ("GET", "/healthz", 200),
        ("GET", "/api/me", 401),
        ("GET", "/metrics", 401),
        ("GET", "/alerts/none/probe.jpg", 401),
        ("GET", "/api/desk/overview", 401),
        ("GET", "/t/none", 401),
        ("POST", "/api/join", 415),
        ("POST", "/api/leave", 401),
        ("DELETE", "/api/passkeys/none", 401),
        ("PUT", "/api/me", 405),
        ("TRACE", "/", 405),
        ("GET", "/nothing/here", 404),
    ],
)
async def test_every_kind_of_answer_carries_all_of_them(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    async with staffed(tmp_path) as staff, over_tls(staff) as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    headers = answer.headers
    assert {name: headers[name] for name in SAME} == SAME
    assert headers["strict-transport-security"] == f"max-age={HSTS_OWN}"
    assert headers["permissions-policy"] == permissions_policy("/")
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "frame-ancestors 'none'; base-uri 'none'; form-action 'self'" in policy
    assert "connect-src 'self' wss://box.local:8443;" in policy
    assert "ws://" not in policy.replace("wss://", "")
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert ("no-store" in headers["cache-control"]) == (path not in ("/", "/sw.js", "/desk") or status != 200)
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers
    if headers["content-type"].startswith("text/"):
        assert "charset=utf-8" in headers["content-type"]


@pytest.mark.parametrize("path", ["/app.js", "/app.css", "/manifest.webmanifest", "/static/app.js"])
@pytest.mark.parametrize("known", [False, True], ids=["new", "not modified"])
async def test_a_file_that_becomes_no_page_and_no_worker_goes_without_their_policies(
    tmp_path: Path, path: str, known: bool
) -> None:
    async with staffed(tmp_path) as staff, over_tls(staff) as client:
        answer = await client.get(path)
        if known:
            answer = await client.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert answer.status_code == (304 if known else 200)
    assert {name: answer.headers[name] for name in SAME} == SAME
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["strict-transport-security"] == f"max-age={HSTS_OWN}"
    assert not {"content-security-policy", "permissions-policy"} & set(answer.headers)


@pytest.mark.parametrize("path", ["/", "/sw.js", "/static/sw.js"])
async def test_a_page_and_a_worker_keep_their_policies_where_they_are_not_modified(
    tmp_path: Path, path: str
) -> None:
    async with staffed(tmp_path) as staff, over_tls(staff) as client:
        first = await client.get(path)
        answer = await client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert answer.status_code == 304
    for name in ("content-security-policy", "permissions-policy"):
        assert answer.headers[name] == first.headers[name]


@pytest.mark.parametrize(
    ("path", "status", "kind", "needed"),
    [
        ("/icon-192.png", 200, "image/png", False),
        ("/app.css", 200, "text/css; charset=utf-8", False),
        ("/icon.svg", 200, "image/svg+xml", True),  # opened by itself it is a page
        ("/words.json", 200, "application/json", True),
        ("/desk/", 304, "", True),
        ("/sw.js", 200, "text/javascript; charset=utf-8", True),
        ("/app.js", 200, "text/html; charset=utf-8", True),  # whatever its address says
        ("/api/camera/roof.js", 200, "application/json", True),
        ("/app.js", 404, "text/javascript; charset=utf-8", True),
        ("/app.js", 500, "text/plain; charset=utf-8", True),
    ],
)
def test_what_an_answer_is_decides_and_not_its_address_alone(
    path: str, status: int, kind: str, needed: bool
) -> None:
    assert needs_policies(path, status, kind) is needed


async def test_a_refused_websocket_carries_them_too(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(
                staff.url.replace("http", "ws", 1) + "/ws", origin=Origin("https://elsewhere.example")
            ):
                pass
    assert refused.value.response.status_code == 403
    assert {name: refused.value.response.headers[name] for name in SAME} == SAME


async def test_a_json_answer_that_is_opened_by_itself_is_a_file_and_not_a_page(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, over_tls(staff) as client:
        headers = (await client.get("/api/me")).headers
        assert headers["content-disposition"] == 'attachment; filename="api.json"'
        assert "content-disposition" not in (await client.get("/")).headers
        assert "content-disposition" not in (await client.get("/healthz")).headers


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_a_body_that_a_form_of_another_site_can_send_is_no_json(tmp_path: Path, kind: str) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        body = b'{"code": "x", "name": "y"}'
        answer = await client.post("/api/join", content=body, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["code"]) == (415, "not_json")
        kind = "application/json; charset=utf-8"
        answer = await client.post("/api/join", content=body, headers={"content-type": kind})
        assert answer.json()["code"] == "invitation"


# ---- HTTPS and nothing else -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("box.local", True),
        ("box.local:8443", True),
        ("lfr.force.example", True),
        ("192.168.7.20:8443", False),  # browsers pass it over there (RFC 6797, 8.1.1)
        ("192.168.7.20", False),
        ("[fd00::7]:8443", False),
        ("localhost:8443", False),  # it would reach every other server on that machine
        ("localhost", False),
        ("a b", False),
        ("", False),
    ],
)
def test_a_name_is_bound_to_https_and_an_address_and_localhost_are_not(host: str, said: bool) -> None:
    assert strict_transport(host, 7) == ("max-age=7" if said else "")


async def test_a_certificate_that_was_brought_binds_the_name_for_longer(tmp_path: Path) -> None:
    web = Web(certificate="c.pem", key="k.pem")
    async with staffed(tmp_path) as staff, over_tls(staff, "lfr.force.example", web) as client:
        said = (await client.get("/")).headers["strict-transport-security"]
    assert said == f"max-age={HSTS_BROUGHT}"


async def test_in_plain_http_nothing_is_said_of_https(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        assert "strict-transport-security" not in (await client.get("/")).headers


# ---- what a page may use of a phone -----------------------------------------------------------------------


def test_one_page_alone_may_use_the_camera_and_none_anything_else() -> None:
    assert "camera=(self)" in permissions_policy("/camera")
    for path in ("/", "/desk", "/camera/", "/camera/index.html", "/Camera", "/api/camera"):
        assert "=(self)" not in permissions_policy(path)
    for device in ("microphone", "geolocation", "usb", "bluetooth", "payment", "display-capture"):
        assert f"{device}=()" in permissions_policy("/camera")


async def test_everything_but_the_state_of_health_is_for_our_own_pages(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        person = await staff.person(Role.OPERATOR)
        async with person.http() as client:
            for path, wanted in (
                ("/healthz", "cross-origin"),
                ("/api/me", "same-origin"),
                ("/", "same-origin"),
            ):
                assert (await client.get(path)).headers["cross-origin-resource-policy"] == wanted
