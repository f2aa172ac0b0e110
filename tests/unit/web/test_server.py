"""The routes: who may use which, what they answer, and the headers around every answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from lfrd import wire
from lfrd.errors import StoreError
from lfrd.web.guard import content_policy
from lfrd.web.rules import ROUTES, Rule, Who
from lfrd.web.server import ENDPOINTS, JOIN_BURST, make_app, static_folder
from tests.unit.web.box import CANDIDATE, PROBE, Box, opened


@asynccontextmanager
async def visitor(box: Box, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a browser on this machine, and no session."""
    async with httpx.AsyncClient(base_url=box.url, headers={"origin": box.url, **headers}) as client:
        yield client


@asynccontextmanager
async def stranger(box: Box) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody elsewhere on the network."""
    transport = httpx.ASGITransport(make_app(box.services), client=("192.0.2.9", 1))
    headers = {"origin": "http://box"}
    async with httpx.AsyncClient(transport=transport, base_url="http://box", headers=headers) as client:
        yield client


def address(rule: Rule) -> str:
    return rule.path.replace("{alert}", "none").replace("{path:path}", "app.js")


def test_every_http_rule_has_its_endpoint_and_every_endpoint_its_rule() -> None:
    assert {rule.endpoint for rule in ROUTES if rule.method != "WS"} == set(ENDPOINTS)
    assert len({(rule.method, rule.path) for rule in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("rule", ROUTES, ids=lambda rule: f"{rule.method} {rule.path}")
async def test_a_route_is_open_to_whom_the_table_says(tmp_path: Path, rule: Rule) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        if rule.method == "WS":
            async with phone.connected():
                pass
            phone.cookie = ""
            async with phone.connected(hello=False):
                assert await phone.closed() == wire.CLOSE_REVOKED
            return
        async with visitor(box) as nobody, phone.http() as officer:
            refused = (await nobody.request(rule.method, address(rule))).status_code == 401
            assert refused == (rule.who is Who.SESSION)
            assert (await officer.request(rule.method, address(rule))).status_code != 401
        async with stranger(box) as elsewhere:
            refused = (await elsewhere.request(rule.method, address(rule))).status_code == 401
            assert refused == (rule.who in (Who.SESSION, Who.LOCAL))


@pytest.mark.parametrize(
    "path", ["/", "/app.js", "/api/me", "/alerts/none/probe.jpg", "/healthz", "/nothing"]
)
async def test_every_answer_carries_the_security_headers(tmp_path: Path, path: str) -> None:
    async with opened(tmp_path) as box, visitor(box) as client:
        headers = (await client.get(path)).headers
    assert headers["content-security-policy"] == content_policy(box.url.removeprefix("http://"))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert "server" not in headers


def test_the_policy_allows_nothing_inline_and_names_the_socket_for_older_webkit() -> None:
    policy = content_policy("box.example:8443")
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert "connect-src 'self' ws://box.example:8443 wss://box.example:8443;" in policy


@pytest.mark.parametrize("host", ["", "a b", "a;script-src *", "a,b", "*", "[::1]:x", "'none'"])
def test_a_malformed_host_does_not_enter_the_policy(host: str) -> None:
    assert "connect-src 'self';" in content_policy(host)


async def test_the_page_is_served_at_the_root_and_below_static(tmp_path: Path) -> None:
    async with opened(tmp_path) as box, visitor(box) as client:
        assert (await client.get("/")).headers["content-type"].startswith("text/html")
        for prefix in ("", "/static"):
            script = await client.get(f"{prefix}/app.js")
            assert script.headers["content-type"].startswith("text/javascript")
            assert script.text == "export {};"
        manifest = await client.get("/manifest.webmanifest")
        assert manifest.headers["content-type"] == "application/manifest+json"
        assert (await client.get("/sw.js")).status_code == 200
        again = await client.get("/app.js", headers={"if-none-match": script.headers["etag"]})
        assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/none.js", "/.hidden", "/static/.hidden", "/..%2fdata%2flfrd.db", "/static/%2e%2e/data/lfrd.db"]
)
async def test_nothing_but_the_pages_files_is_served(tmp_path: Path, path: str) -> None:
    async with opened(tmp_path) as box, visitor(box) as client:
        assert (await client.get(path)).status_code == 404


async def test_joining_sets_a_cookie_that_scripts_and_other_sites_cannot_use(tmp_path: Path) -> None:
    async with opened(tmp_path) as box, visitor(box) as client:
        code = await box.services.officers.invite(None, 1, 60)
        answer = await client.post("/api/join", json={"code": code, "name": "Asha"})
        assert answer.json() == {"officer": "Asha"}
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        me = await client.get("/api/me")
        assert me.json() == {"officer": "Asha", "site": "lfrd site", "deployment": "test"}
        used = await client.post("/api/join", json={"code": code, "name": "Ben"})
        assert (used.status_code, used.json()["code"]) == (403, "invitation")


async def test_the_cookie_is_bound_to_the_host_under_tls(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        code = await box.services.officers.invite(None, 1, 60)
        transport = httpx.ASGITransport(make_app(box.services))
        async with httpx.AsyncClient(transport=transport, base_url="https://box") as client:
            body = {"code": code, "name": "Asha"}
            answer = await client.post("/api/join", json=body, headers={"origin": "https://box"})
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("__Host-lfrd=")
            assert "; Secure" in cookie
            assert (await client.get("/api/me")).status_code == 200


async def test_a_name_that_cannot_be_taken_is_told_apart_from_a_used_invitation(tmp_path: Path) -> None:
    async with opened(tmp_path) as box, visitor(box) as client:
        code = await box.services.officers.invite(None, 2, 60)
        await client.post("/api/join", json={"code": code, "name": "Asha"})
        taken = await client.post("/api/join", json={"code": code, "name": "asha"})
        assert (taken.status_code, taken.json()["code"]) == (422, "name_taken")
        assert "Asha" in taken.json()["message"] or "asha" in taken.json()["message"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"name":"Asha"}', b'{"code":1}', b'{"code":"x","role":"admin"}']
)
async def test_a_malformed_request_to_join_is_refused_in_words(tmp_path: Path, body: bytes) -> None:
    async with opened(tmp_path) as box, visitor(box) as client:
        answer = await client.post("/api/join", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_message")


async def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as box, visitor(box) as client:
        assert (await client.post("/api/join", content=b"x" * 5000)).status_code == 413


async def test_guessing_codes_is_slowed_down_in_plain_words(tmp_path: Path) -> None:
    async with opened(tmp_path) as box, visitor(box) as client:
        box.clock.stop()
        body = {"code": "guess", "name": "Asha"}
        answers = [await client.post("/api/join", json=body) for _ in range(int(JOIN_BURST) + 1)]
        assert {answer.status_code for answer in answers[:-1]} == {403}
        assert answers[-1].status_code == 429
        assert answers[-1].headers["retry-after"] == "1"
        assert "wait 1 s" in answers[-1].json()["message"]
        box.clock.ahead += 1
        assert (await client.post("/api/join", json=body)).status_code == 403


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1"])
async def test_another_site_can_post_nothing(tmp_path: Path, origin: str) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.http() as client:
            answer = await client.post("/api/leave", headers={"origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "origin")
            assert (await client.get("/api/me")).status_code == 200


async def test_leaving_ends_the_session_for_good(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.http() as client:
            answer = await client.post("/api/leave")
            assert 'lfrd=""' in answer.headers["set-cookie"]
            assert (await client.get("/api/me")).status_code == 401


async def test_pictures_are_for_officers_and_kept_by_no_cache(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        alert = (await box.alert()).alert
        phone = await box.phone("Asha")
        async with phone.http() as officer, visitor(box) as nobody:
            for path, picture in ((alert.probe, PROBE), (alert.candidate, CANDIDATE)):
                answer = await officer.get(path)
                assert answer.content == picture
                assert answer.headers["content-type"] == "image/jpeg"
                assert answer.headers["cache-control"] == "no-store"
                refused = await nobody.get(path)
                assert refused.status_code == 401
                assert picture not in refused.content
            missing = await officer.get("/alerts/none/probe.jpg")
            assert missing.status_code == 404
            assert missing.text.startswith("No such picture")


async def test_health_says_why_to_programs_on_this_machine_only(tmp_path: Path) -> None:
    problems: list[str] = []
    async with opened(tmp_path, health=lambda: tuple(problems)) as box, visitor(box) as client:
        assert (await client.get("/healthz")).json() == {"ok": True}
        problems.append("no camera is live")
        answer = await client.get("/healthz")
        assert answer.status_code == 503
        assert answer.json() == {"ok": False, "reasons": ["no camera is live"]}
        async with stranger(box) as elsewhere:
            answer = await elsewhere.get("/healthz")
        assert (answer.status_code, answer.json()) == (503, {"ok": False})


async def test_metrics_are_for_this_machine_and_for_officers(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with (
            visitor(box) as here,
            visitor(box, host="rebound.example") as page,
            phone.http() as officer,
        ):
            assert (await here.get("/metrics")).text == "lfrd_up 1\n"
            assert (await page.get("/metrics")).status_code == 401
            assert (await officer.get("/metrics", headers={"host": "box.example"})).status_code == 200


async def test_a_bug_in_a_route_tells_the_asker_nothing(tmp_path: Path) -> None:
    def broken() -> bytes:
        raise RuntimeError("a secret of ours")

    async with opened(tmp_path, metrics=broken) as box, visitor(box) as client:
        answer = await client.get("/metrics")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "content-security-policy" in answer.headers


async def test_a_failing_store_is_an_answer_and_ends_the_process(tmp_path: Path) -> None:
    def failing() -> bytes:
        raise StoreError("lfrd.db: no room left on its disk")

    async def run() -> None:
        async with opened(tmp_path, metrics=failing) as box, visitor(box) as client:
            assert (await client.get("/metrics")).status_code == 503
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as ended:
        await run()
    assert ended.group_contains(StoreError, match="no room left")


def test_the_static_folder_stands_beside_the_package_in_a_checkout() -> None:
    assert static_folder().name == "static"
