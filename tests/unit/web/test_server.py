"""The routes: what they answer, how people sign in over them, and the headers around every answer."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from lfrd import wire
from lfrd.audit import kinds
from lfrd.config import Config
from lfrd.errors import SealError, StoreError
from lfrd.store.database import Database
from lfrd.store.officers import Officers
from lfrd.store.passwords import FREE_TRIES
from lfrd.store.sessions import SessionId
from lfrd.types import CONSOLE, Role
from lfrd.web.guard import content_policy
from lfrd.web.proof import HEADER, DeviceKey
from lfrd.web.server import BACKGROUND, make_app, static_folder
from lfrd.web.sign_in import JOIN_BURST, SIGN_IN_BURST
from lfrd.web.tickets import MOST, SECONDS, Tickets
from tests.phone import Phone
from tests.unit.web.staff import PASSWORD, Staff, staffed, visitor


@asynccontextmanager
async def stranger(staff: Staff) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody elsewhere on the network."""
    transport = httpx.ASGITransport(make_app(staff.office.services), client=("192.0.2.9", 1))
    headers = {"origin": "http://box"}
    async with httpx.AsyncClient(transport=transport, base_url="http://box", headers=headers) as client:
        yield client


# ---- around every answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/app.js", "/api/me", "/alerts/none/probe.jpg", "/healthz", "/nothing"]
)
async def test_every_answer_carries_the_security_headers(tmp_path: Path, path: str) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        headers = (await client.get(path)).headers
    assert headers["content-security-policy"] == content_policy(staff.url.removeprefix("http://"))
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
    ["/none.js", "/.hidden", "/static/.hidden", "/..%2fsite.key", "/static/%2e%2e/site.key", "/data/", "//"],
)
async def test_nothing_but_the_pages_files_is_served(tmp_path: Path, path: str) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        assert (await client.get(path)).status_code == 404


# ---- signing in -------------------------------------------------------------------------------------------


async def test_joining_sets_a_cookie_that_scripts_and_other_sites_cannot_use(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        code = await staff.officers.invite(None, 1, 60, actor=CONSOLE)
        answer = await client.post("/api/join", json={"code": code, "name": "Asha"})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        assert f"max-age={12 * 3600}" in cookie
        me = (await client.get("/api/me")).json()
        assert {name: me[name] for name in ("officer", "role", "rank", "site", "bound")} == {
            "officer": "Asha",
            "role": "engagement",
            "rank": "",
            "site": Config().site.name,
            "bound": False,
        }
        used = await client.post("/api/join", json={"code": code, "name": "Ben"})
        assert (used.status_code, used.json()["code"]) == (403, "invitation")


async def test_the_cookie_is_bound_to_the_host_under_tls(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        code = await staff.officers.invite("Asha", 1, 60, actor=CONSOLE)
        transport = httpx.ASGITransport(make_app(staff.office.services))
        headers = {"origin": "https://box"}
        async with httpx.AsyncClient(transport=transport, base_url="https://box", headers=headers) as client:
            phone = Phone("https://box", "", "Asha", DeviceKey())
            assert phone.key is not None
            answer = await client.post("/api/join", json={"code": code, "device_key": phone.key.public})
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("__Host-lfrd=")
            assert "; Secure" in cookie
            proven = {HEADER: phone.proof("GET", "/api/me")}
            assert (await client.get("/api/me", headers=proven)).status_code == 200


async def test_a_name_that_cannot_be_taken_is_told_apart_from_a_used_invitation(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        code = await staff.officers.invite(None, 2, 60, actor=CONSOLE)
        await client.post("/api/join", json={"code": code, "name": "Asha"})
        taken = await client.post("/api/join", json={"code": code, "name": "asha"})
        assert (taken.status_code, taken.json()["code"]) == (422, "name_taken")
        assert "asha" in taken.json()["message"]


async def test_a_link_sets_the_first_password_and_signs_in(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        await staff.officers.add("Olu", Role.OPERATOR, "", CONSOLE)
        code = await staff.officers.invite("Olu", 1, 60, role=Role.OPERATOR, actor=CONSOLE)
        wanted = await client.post("/api/join", json={"code": code})
        assert (wanted.status_code, wanted.json()["code"]) == (422, "password_wanted")
        weak = await client.post("/api/join", json={"code": code, "password": "password1234"})
        assert (weak.status_code, weak.json()["code"]) == (422, "weak")
        done = await client.post("/api/join", json={"code": code, "password": PASSWORD})
        assert (done.status_code, done.json()["role"]) == (200, "operator")
        assert (await client.get("/api/me")).json()["officer"] == "Olu"


async def test_somebody_at_the_desk_signs_in_with_name_and_password(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        await staff.person(Role.OPERATOR, "Olu")
        async with visitor(staff.url) as client:
            wrong = await client.post("/api/sign-in", json={"name": "Olu", "password": "not his"})
            unknown = await client.post("/api/sign-in", json={"name": "Eve", "password": PASSWORD})
            assert wrong.status_code == unknown.status_code == 403
            assert wrong.json() == unknown.json()
            right = await client.post("/api/sign-in", json={"name": "olu", "password": PASSWORD})
            assert (right.status_code, right.json()["officer"]) == (200, "Olu")


async def test_a_changed_password_ends_every_other_session_and_keeps_this_browser(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        first = await staff.person(Role.OPERATOR, "Olu")
        second = await Phone.sign_in(staff.url, "Olu", PASSWORD)
        body = {"old": PASSWORD, "password": "eleven otters asleep"}
        async with second.http() as client:
            wrong = await client.post("/api/password", json={**body, "old": "not the old one"})
            assert (wrong.status_code, wrong.json()["code"]) == (403, "password")
            answer = await client.post("/api/password", json=body)
            assert answer.status_code == 200
        second.cookie = answer.headers["set-cookie"].split(";")[0]
        async with first.http() as gone, second.http() as here:
            assert (await gone.get("/api/me")).status_code == 401
            assert (await here.get("/api/me")).json()["bound"] is True


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"name":"Asha"}', b'{"code":1}', b'{"code":"x","role":"admin"}', b"[" * 4000]
)
async def test_a_malformed_request_to_join_is_refused_in_words(tmp_path: Path, body: bytes) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        answer = await client.post("/api/join", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_message")


async def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        assert (await client.post("/api/join", content=b"x" * 5000)).status_code == 413


async def test_guessing_codes_is_slowed_down_in_plain_words(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        staff.time.stop()
        body = {"code": "guess", "name": "Asha"}
        answers = [await client.post("/api/join", json=body) for _ in range(int(JOIN_BURST) + 1)]
        assert {answer.status_code for answer in answers[:-1]} == {403}
        assert answers[-1].status_code == 429
        assert answers[-1].headers["retry-after"] == "1"
        assert "wait 1 s" in answers[-1].json()["message"]
        staff.time.ahead += 1
        assert (await client.post("/api/join", json=body)).status_code == 403


async def test_guessing_passwords_is_slowed_down_by_account_and_by_address(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        await staff.person(Role.OPERATOR, "Olu")
        staff.time.stop()
        async with visitor(staff.url) as client:
            for _ in range(FREE_TRIES):
                await client.post("/api/sign-in", json={"name": "Olu", "password": "wrong"})
            body = {"name": "Olu", "password": PASSWORD}
            assert (await client.post("/api/sign-in", json=body)).status_code == 403  # it waits
            tried = FREE_TRIES + 1
            answers = [
                await client.post("/api/sign-in", json=body) for _ in range(int(SIGN_IN_BURST) - tried + 1)
            ]
            assert answers[-1].status_code == 429
            assert answers[-1].headers["retry-after"] == "5"


async def test_leaving_ends_the_session_for_good(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        owner = await staff.person(Role.ENGAGEMENT)
        async with owner.http() as client:
            answer = await client.post("/api/leave")
            assert 'lfrd=""' in answer.headers["set-cookie"]
            assert (await client.get("/api/me")).status_code == 401


async def test_a_lost_phone_is_revoked_everywhere_by_a_command_beside_the_server(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        lost = await staff.person(Role.ENGAGEMENT, "PC Adams")
        async with lost.connected(), lost.http() as client:
            await lost.say(wire.OnPost())
            await lost.until(lambda: bool(lost.states) and lost.state().on_post)
            async with Database.open(staff.records.db.path, beside=True) as db:
                assert await Officers(db, time.time).revoke_all("pc adams", CONSOLE) == 1
            assert await lost.closed() == wire.CLOSE_REVOKED
            assert (await client.get("/api/me")).status_code == 401
        assert not staff.office.duty.sessions()


async def test_a_phone_whose_shift_is_over_is_closed_and_the_audit_hears_of_it(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        phone = await staff.person(Role.ENGAGEMENT)
        async with phone.connected():
            async with staff.records.db.write() as tx:
                await tx.execute("UPDATE session SET expires_at = created_at")
            assert await phone.closed() == wire.CLOSE_REVOKED
        (ended,) = await staff.audited(kinds.SessionEnded)
        assert isinstance(ended, kinds.SessionEnded)
        assert ended.why == "expired"


async def test_what_a_page_asks_by_itself_keeps_no_desk_from_idling(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        owner = await staff.person(Role.OPERATOR)
        async with staff.records.db.write() as tx:
            await tx.execute("UPDATE session SET last_seen_at = last_seen_at - 600")
        (before,) = await staff.officers.sessions()
        async with owner.http() as client:
            await client.get("/api/me", headers={BACKGROUND: "1"})
            assert await staff.officers.sessions() == [before]
            await client.get("/api/me")
        (after,) = await staff.officers.sessions()
        assert after.last_seen_at > before.last_seen_at + 500


async def test_a_flood_of_refused_requests_does_not_fill_the_audit(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        staff.time.stop()
        engineer = await staff.person(Role.ENGINEER)
        async with engineer.http() as client:
            codes = [(await client.get("/alerts/a/probe.jpg")).status_code for _ in range(65)]
        assert codes == [403] * 60 + [429] * 5
        assert len(await staff.audited(kinds.Refused)) == 60


# ---- tickets ----------------------------------------------------------------------------------------------


async def test_a_ticket_opens_one_page_once_for_its_own_session(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        owner, other = await staff.person(Role.OPERATOR, "Olu"), await staff.person(Role.OPERATOR, "Omar")
        async with owner.http() as client, visitor(staff.url, cookie=owner.cookie) as tab:
            url = (await client.post("/api/ticket", json={"path": "/metrics?a=1"})).json()["url"]
            assert (await tab.get("/metrics", headers={"host": "box.example"})).status_code == 401
            assert (await tab.get(url)).text == "lfrd_up 1\n"
            again = await tab.get(url)
            assert (again.status_code, "once" in again.text) == (410, True)
            url = (await client.post("/api/ticket", json={"path": "/metrics"})).json()["url"]
        async with visitor(staff.url, cookie=other.cookie) as thief, visitor(staff.url) as nobody:
            assert (await nobody.get(url)).status_code == 401
            assert (await thief.get(url)).status_code == 410


async def test_a_ticket_lasts_a_minute(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        owner = await staff.person(Role.OPERATOR)
        async with owner.http() as client:
            url = (await client.post("/api/ticket", json={"path": "/metrics"})).json()["url"]
            staff.time.ahead += SECONDS
            assert (await client.get(url)).status_code == 410


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/alerts/a/probe.jpg", 403),  # not for this role
        ("/app.js", 404),  # public
        ("/t/abc", 404),
        ("/ws", 404),
        ("/api/leave", 404),  # no page
        ("//elsewhere.example/", 404),
        ("elsewhere", 400),
        ("/me tal\r\n", 400),
    ],
)
async def test_a_ticket_is_made_for_pages_that_its_role_may_open(
    tmp_path: Path, path: str, status: int
) -> None:
    async with staffed(tmp_path) as staff:
        engineer = await staff.person(Role.ENGINEER)
        async with engineer.http() as client:
            assert (await client.post("/api/ticket", json={"path": path})).status_code == status
        expected = [kinds.Refused("/alerts/{alert}/probe.jpg", "role")] if status == 403 else []
        assert await staff.audited(kinds.Refused) == expected


def test_no_more_tickets_wait_than_can_be_held() -> None:
    tickets = Tickets()
    first = tickets.issue(SessionId("s"), "/metrics", 0.0)
    for _ in range(MOST):
        last = tickets.issue(SessionId("s"), "/metrics", 0.0)
    assert len(tickets) == MOST
    assert tickets.redeem(first, SessionId("s"), 0.0) is None
    assert tickets.redeem(last, SessionId("s"), 0.0) == "/metrics"


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
