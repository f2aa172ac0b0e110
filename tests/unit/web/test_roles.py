"""The table of who may use which route and message, walked role by role over the real server (rule 25)."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import msgspec
import pytest

from lfrd import wire
from lfrd.audit import kinds
from lfrd.types import Role
from lfrd.web.rules import (
    ENGAGEMENT,
    LOCAL,
    MESSAGES,
    PICTURES,
    PUBLIC,
    ROUTES,
    SIGNED_IN,
    Rule,
    Who,
    allows,
    find,
    message_refusal,
)
from lfrd.web.server import ENDPOINTS, make_app
from tests.phone import Phone
from tests.unit.web.staff import Staff, staffed, visitor

HTTP = [rule for rule in ROUTES if rule.method != "WS"]
ALLOWED_CODES = {"role", "session", "proof"}
"""Codes of refusals that the table makes, as opposed to what an endpoint says to somebody it lets in."""


def address(rule: Rule) -> str:
    """An address that the pattern fits, of things that are not there."""
    return re.sub(r"\{\w+(:path)?\}", "none", re.sub(r"\{\w+:int\}", "999999", rule.path))


def refused_by_table(answer: httpx.Response) -> str:
    """The code with which the table refused; empty where the endpoint was reached."""
    if answer.status_code not in (401, 403) or "json" not in answer.headers.get("content-type", ""):
        return ""
    code = str(answer.json().get("code", ""))
    return code if code in ALLOWED_CODES else ""


def test_every_http_rule_has_its_endpoint_and_every_endpoint_its_rule() -> None:
    assert {rule.endpoint for rule in HTTP} == set(ENDPOINTS)
    assert len({(rule.method, rule.path) for rule in ROUTES}) == len(ROUTES)


def test_every_message_of_the_protocol_has_its_rule() -> None:
    assert set(MESSAGES) == set(wire.FromPhone.__subclasses__())


def test_no_rule_is_hidden_behind_an_earlier_one() -> None:
    for rule in HTTP:
        found = find(rule.method, address(rule))
        assert found is not None
        assert found[0] is rule


def test_only_a_get_is_public_but_for_the_ways_in() -> None:
    ways_in = {rule.path for rule in ROUTES if rule.who is PUBLIC and rule.method != "GET"}
    assert ways_in == {
        *("/api/join", "/api/sign-in", "/api/passkeys/challenge", "/api/passkeys/sign-in"),
    }


def test_an_engineer_an_auditor_and_an_authorising_officer_see_no_alert_and_no_picture() -> None:
    assert set(PICTURES) == {Role.ENGAGEMENT, Role.OPERATOR}
    for rule in ROUTES:
        if rule.path.startswith("/alerts/") or rule.method == "WS":
            assert rule.who == PICTURES
    for message in (wire.Claim, wire.Adjudicate, wire.Engage, wire.Code):
        for role in set(Role) - PICTURES:
            assert message_refusal(message, role, on_post=True) == "role"


def test_only_an_engagement_officer_stands_on_post_and_engages() -> None:
    for message in (wire.OnPost, wire.OffPost, wire.Engage):
        assert MESSAGES[message].who == ENGAGEMENT
    assert message_refusal(wire.Engage, Role.ENGAGEMENT, on_post=False) == "not_on_post"
    assert message_refusal(wire.Adjudicate, Role.OPERATOR, on_post=False) == ""


async def test_every_route_is_open_to_every_role_exactly_as_the_table_says(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        for role in Role:
            signed_in = await staff.person(role)
            async with signed_in.http() as client:
                before = await staff.contents()
                for rule in HTTP:
                    if not allows(rule.who, role):
                        await asked(staff, client, rule, role)
                assert await staff.contents() == before
                for rule in HTTP:
                    # leave would end the session that the others need
                    if allows(rule.who, role) and rule.endpoint != "leave":
                        await asked(staff, client, rule, role)
                assert (await client.post("/api/leave")).status_code == 200
                await nothing_opens(staff, signed_in, client)


async def asked(staff: Staff, client: httpx.AsyncClient, rule: Rule, role: Role) -> None:
    """Somebody in this role asks, and is let in or refused as the table says."""
    audited = len(await staff.audited(kinds.Refused))
    staff.time.ahead += 120  # so that no limit on tries stands in the way
    answer = await client.request(rule.method, address(rule))
    said = f"{rule.method} {rule.path} as {role}: {answer.status_code} {answer.text[:80]}"
    assert answer.status_code != 500, said
    assert (refused_by_table(answer) == "role") == (not allows(rule.who, role)), said
    new = (await staff.audited(kinds.Refused))[audited:]
    assert new == ([] if allows(rule.who, role) else [kinds.Refused(rule.path, "role")]), said


async def nothing_opens(staff: Staff, revoked: Phone, client: httpx.AsyncClient) -> None:
    """A session that has ended is nobody's."""
    before = await staff.contents()
    for rule in HTTP:
        staff.time.ahead += 120
        answer = await client.request(rule.method, address(rule))
        expected = "" if rule.who in (PUBLIC, LOCAL) else "session"
        assert refused_by_table(answer) == expected, f"{rule.method} {rule.path}"
    assert await staff.contents() == before
    async with revoked.connected(hello=False):
        assert await revoked.closed() == wire.CLOSE_REVOKED


async def test_nobody_who_is_not_signed_in_gets_past_a_public_route(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as nobody:
        before = await staff.contents()
        transport = httpx.ASGITransport(make_app(staff.office.services), client=("192.0.2.9", 1))
        headers = {"origin": "http://box"}
        async with httpx.AsyncClient(transport=transport, base_url="http://box", headers=headers) as far:
            for rule in HTTP:
                here = refused_by_table(await nobody.request(rule.method, address(rule)))
                there = refused_by_table(await far.request(rule.method, address(rule)))
                assert here == ("" if rule.who in (PUBLIC, LOCAL) else "session"), rule.path
                assert there == ("" if rule.who is PUBLIC else "session"), rule.path
        stranger = Phone(staff.url, "", "nobody")
        async with stranger.connected(hello=False):
            assert await stranger.closed() == wire.CLOSE_REVOKED
        assert await staff.contents() == before


MESSAGE_VALUES = {
    "alert": "none",
    "decision": "viable",
    "reason": "a reason",
    "outcome": "confirmed_true",
    "seq": 0,
}


def example(kind: type[wire.FromPhone]) -> wire.FromPhone:
    fields = {field.name for field in msgspec.structs.fields(kind)}
    values = {name: value for name, value in MESSAGE_VALUES.items() if name in fields}
    return msgspec.convert({"type": kind.__struct_config__.tag, **values}, kind)


@pytest.mark.parametrize("role", list(Role))
async def test_every_message_is_open_to_every_role_exactly_as_the_table_says(
    tmp_path: Path, role: Role
) -> None:
    async with staffed(tmp_path) as staff:
        phone = await staff.person(role)
        if role not in PICTURES:
            async with phone.connected(hello=False):
                assert await phone.closed() == wire.CLOSE_REVOKED
            assert await staff.audited(kinds.Refused) == [kinds.Refused("/ws", "role")]
            return
        before = await staff.contents()
        async with phone.connected():
            for kind in MESSAGES:
                if kind in (wire.Hello, wire.OnPost, wire.OffPost):
                    continue  # OnPost below; hello was said
                refused = len(phone.refused)
                await phone.say(example(kind))
                if kind is not wire.Beat:
                    await phone.say(wire.Beat())  # its answer comes after theirs
                await phone.until(lambda: bool(phone.pulses))
                phone.pulses.clear()
                codes = [one.code for one in phone.refused[refused:]]
                expected = message_refusal(kind, role, on_post=False)
                if expected:
                    assert codes == [expected], kind
                else:
                    assert not set(codes) & {"role", "not_on_post"}, kind
            if role is not Role.ENGAGEMENT:
                await phone.say(wire.OnPost())
                await phone.until(lambda: phone.refused[-1].code == "role")
                assert not staff.office.duty.sessions()
        assert await staff.contents() == before
        paths = {body.path for body in await staff.audited(kinds.Refused) if isinstance(body, kinds.Refused)}
        denied = {k for k in MESSAGES if message_refusal(k, role, on_post=True) == "role"}
        assert paths <= {str(kind.__struct_config__.tag) for kind in denied}
        assert (len(paths) > 0) == (role is not Role.ENGAGEMENT)


def test_each_kind_of_access_lets_in_whom_it_says() -> None:
    who: list[Who] = [PUBLIC, SIGNED_IN, LOCAL]
    assert all(allows(each, role) for each in who for role in Role)
    assert [role for role in Role if allows(PICTURES, role)] == [Role.OPERATOR, Role.ENGAGEMENT]
