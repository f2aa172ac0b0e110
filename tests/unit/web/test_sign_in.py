"""Signing in over HTTP and what ends a session; and tickets, for what is navigated to."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from lfrd import wire
from lfrd.audit import kinds
from lfrd.config import Config
from lfrd.store.database import Database
from lfrd.store.officers import Officers
from lfrd.store.passwords import FREE_TRIES
from lfrd.store.sessions import SessionId
from lfrd.types import CONSOLE, Role
from lfrd.web.proof import HEADER, DeviceKey
from lfrd.web.server import BACKGROUND, make_app
from lfrd.web.sign_in import JOIN_BURST, SIGN_IN_BURST
from lfrd.web.tickets import MOST, SECONDS, Tickets
from tests.phone import Phone
from tests.unit.web.staff import PASSWORD, staffed, visitor

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
        answer = await client.post("/api/join", content=body, headers={"content-type": "application/json"})
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
