"""The server: the headers around every answer, the pages' files, and what the box says of itself."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from lfrd.errors import SealError, StoreError
from lfrd.types import Role
from lfrd.web.guard import content_policy
from lfrd.web.server import make_app, static_folder
from tests.unit.web.staff import Staff, staffed, visitor


@asynccontextmanager
async def stranger(staff: Staff) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody elsewhere on the network."""
    transport = httpx.ASGITransport(make_app(staff.office.services), client=("192.0.2.9", 1))
    headers = {"origin": "http://box"}
    async with httpx.AsyncClient(transport=transport, base_url="http://box", headers=headers) as client:
        yield client


# ---- around every answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/sw.js", "/api/me", "/alerts/none/probe.jpg", "/healthz", "/nothing"])
async def test_every_answer_carries_the_security_headers(tmp_path: Path, path: str) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        headers = (await client.get(path)).headers
    assert headers["content-security-policy"] == content_policy(staff.url.removeprefix("http://"))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    wanted = "cross-origin" if path == "/healthz" else "same-origin"
    assert headers["cross-origin-resource-policy"] == wanted
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert "server" not in headers


def test_the_policy_allows_nothing_inline_and_names_the_socket_for_older_webkit() -> None:
    policy = content_policy("box.example:8443")
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert "connect-src 'self' ws://box.example:8443;" in policy
    assert "connect-src 'self' wss://box.example:8443;" in content_policy("box.example:8443", tls=True)


@pytest.mark.parametrize("host", ["", "a b", "a;script-src *", "a,b", "*", "[::1]:x", "'none'"])
def test_a_malformed_host_does_not_enter_the_policy(host: str) -> None:
    assert "connect-src 'self';" in content_policy(host)


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1"])
async def test_another_site_can_post_nothing(tmp_path: Path, origin: str) -> None:
    async with staffed(tmp_path) as staff:
        owner = await staff.person(Role.OPERATOR)
        async with owner.http() as client:
            answer = await client.post("/api/leave", headers={"origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "origin")
            answer = await client.delete("/api/passkeys/none", headers={"origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "origin")
            assert (await client.get("/api/me")).status_code == 200


# ---- the pages' files -------------------------------------------------------------------------------------


async def test_the_page_is_served_at_the_root_and_below_static(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        assert (await client.get("/")).headers["content-type"].startswith("text/html")
        for prefix in ("", "/static"):
            script = await client.get(f"{prefix}/app.js")
            assert script.headers["content-type"].startswith("text/javascript")
            assert script.text == "export {};"
        again = await client.get("/app.js", headers={"if-none-match": script.headers["etag"]})
        assert again.status_code == 304


async def test_a_folder_of_pages_shows_its_index(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        assert "the desk" in (await client.get("/desk/")).text


async def test_the_pages_files_are_sent_compressed_to_browsers_that_take_it(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        plain = await client.get("/long.js", headers={"accept-encoding": "identity"})
        zipped = await client.get("/long.js", headers={"accept-encoding": "br, gzip;q=0.8"})
        assert int(zipped.headers["content-length"]) < len(plain.content) / 10
        assert zipped.content == plain.content
        assert zipped.headers["content-encoding"] == "gzip"
        assert plain.headers["vary"] == zipped.headers["vary"] == "Accept-Encoding"
        assert plain.headers["etag"] != zipped.headers["etag"]  # two representations of one file
        again = {"accept-encoding": "gzip", "if-none-match": zipped.headers["etag"]}
        same = await client.get("/long.js", headers=again)
        assert (same.status_code, same.content) == (304, b"")
        other = {"accept-encoding": "gzip", "if-none-match": plain.headers["etag"]}
        assert (await client.get("/long.js", headers=other)).status_code == 200
        refused = await client.get("/long.js", headers={"accept-encoding": "gzip;q=0"})
        assert "content-encoding" not in refused.headers


async def test_a_changed_file_is_sent_anew(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        first = await client.get("/app.js")
        (tmp_path / "static" / "app.js").write_text("export const changed = true;")
        second = await client.get("/app.js", headers={"if-none-match": first.headers["etag"]})
        assert (second.status_code, second.text) == (200, "export const changed = true;")


async def test_no_answer_with_a_secret_in_it_is_ever_compressed(tmp_path: Path) -> None:
    """BREACH: beside text that a stranger chooses, a compressed answer's length gives the secret away."""
    async with staffed(tmp_path) as staff:
        owner = await staff.person(Role.OPERATOR)
        async with owner.http() as client:
            for path in ("/api/me", "/metrics", "/healthz", "/api/passkeys"):
                answer = await client.get(path, headers={"accept-encoding": "gzip"})
                assert "content-encoding" not in answer.headers


def test_the_phones_page_is_loaded_with_less_than_100_kilobytes() -> None:
    files = [file for file in static_folder().iterdir() if file.suffix in (".html", ".js", ".css", ".svg")]
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) < 100_000


@pytest.mark.parametrize(
    "path",
    ["/none.js", "/.hidden", "/static/.hidden", "/..%2fsite.key", "/static/%2e%2e/site.key", "/data/"],
)
async def test_nothing_but_the_pages_files_is_served(tmp_path: Path, path: str) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        assert (await client.get(path)).status_code == 404


# ---- the box ----------------------------------------------------------------------------------------------


async def test_health_says_why_to_programs_on_this_machine_only(tmp_path: Path) -> None:
    problems: list[str] = []
    async with staffed(tmp_path, health=lambda: tuple(problems)) as staff, visitor(staff.url) as client:
        assert (await client.get("/healthz")).json() == {"ok": True}
        problems.append("no camera is live")
        answer = await client.get("/healthz")
        assert answer.status_code == 503
        assert answer.json() == {"ok": False, "reasons": ["no camera is live"]}
        async with stranger(staff) as elsewhere:
            answer = await elsewhere.get("/healthz")
        assert (answer.status_code, answer.json()) == (503, {"ok": False})


async def test_metrics_are_for_this_machine_and_for_officers(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        phone = await staff.person(Role.ENGINEER)
        async with (
            visitor(staff.url) as here,
            visitor(staff.url, host="rebound.example") as page,
            phone.http() as officer,
        ):
            assert (await here.get("/metrics")).text == "lfrd_up 1\n"
            assert (await page.get("/metrics")).status_code == 401
            assert (await officer.get("/metrics", headers={"host": "box.example"})).status_code == 200


async def test_a_bug_in_a_route_tells_the_asker_nothing(tmp_path: Path) -> None:
    def broken() -> bytes:
        raise RuntimeError("a secret of ours")

    async with staffed(tmp_path, metrics=broken) as staff, visitor(staff.url) as client:
        answer = await client.get("/metrics")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "content-security-policy" in answer.headers


async def test_a_failing_store_is_an_answer_and_ends_the_process(tmp_path: Path) -> None:
    def failing() -> bytes:
        raise StoreError("lfrd.db: no room left on its disk")

    async def run() -> None:
        async with staffed(tmp_path, metrics=failing) as staff, visitor(staff.url) as client:
            assert (await client.get("/metrics")).status_code == 503
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as ended:
        await run()
    assert ended.group_contains(StoreError, match="no room left")


async def test_what_the_box_cannot_do_is_said_in_its_own_words(tmp_path: Path) -> None:
    def sealed() -> bytes:
        raise SealError("the picture does not open: another key")

    async with staffed(tmp_path, metrics=sealed) as staff, visitor(staff.url) as client:
        answer = await client.get("/metrics")
        assert (answer.status_code, answer.json()["code"]) == (500, "failed")
        assert answer.json()["message"] == "the picture does not open: another key"


def test_the_static_folder_stands_beside_the_package_in_a_checkout() -> None:
    assert static_folder().name == "static"
