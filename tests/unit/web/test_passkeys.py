"""Passkeys: added with the password, used without one, and refused where something is not as it must be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from lfrd.audit import kinds
from lfrd.store.passkeys import MOST
from lfrd.store.sessions import SessionId
from lfrd.types import CONSOLE, Role
from lfrd.web.passkeys import CHALLENGE_SECONDS, MOST_CHALLENGES, Challenges
from lfrd.web.proof import DeviceKey
from lfrd.web.sign_in import SIGN_IN_RATE
from tests.phone import Phone
from tests.unit.web.authenticator import PRESENT, Authenticator
from tests.unit.web.staff import PASSWORD, Staff, staffed, visitor


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[tuple[Staff, Phone]]:
    """An operator's browser, which opened the desk by a name."""
    async with staffed(folder) as staff:
        staff.url = staff.url.replace("127.0.0.1", "localhost")
        yield staff, await staff.person(Role.OPERATOR, "Olu")


async def added(owner: Phone, key: Authenticator, password: str = PASSWORD) -> httpx.Response:
    async with owner.http() as client:
        options = await client.post("/api/passkeys/new", json={"password": password})
        if options.status_code != 200:
            return options
        return await client.post("/api/passkeys", json={"credential": key.create(options.json())})


async def options_of(staff: Staff) -> dict[str, Any]:
    staff.time.ahead += 1 / SIGN_IN_RATE
    async with visitor(staff.url) as client:
        answer = await client.post("/api/passkeys/challenge")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def shown(staff: Staff, credential: dict[str, Any]) -> httpx.Response:
    staff.time.ahead += 1 / SIGN_IN_RATE
    async with visitor(staff.url) as client:
        body = {"credential": credential, "device_key": DeviceKey().public}
        return await client.post("/api/passkeys/sign-in", json=body)


async def test_a_passkey_is_added_with_the_password_and_signs_in_without_a_name(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        key = Authenticator(staff.url)
        assert (await added(owner, key)).status_code == 200
        answer = await shown(staff, key.get(await options_of(staff)))
        assert (answer.status_code, answer.json()["officer"], answer.json()["bound"]) == (200, "Olu", True)
        again = await shown(staff, key.get(await options_of(staff)))
        assert again.status_code == 200
        signed_in = (await staff.audited(kinds.SignedIn))[-1]
        assert isinstance(signed_in, kinds.SignedIn)
        assert signed_in.method == "passkey"


async def test_who_finds_a_desk_unlocked_adds_no_passkey(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        answer = await added(owner, Authenticator(staff.url), "a guess at it")
        assert (answer.status_code, answer.json()["code"]) == (403, "password")
        assert await staff.officers.passkeys.of((await staff.officers.find("Olu")).id) == []


async def test_a_copied_passkey_is_noticed_by_its_counter(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        key = Authenticator(staff.url)
        await added(owner, key)
        key.count = 9
        assert (await shown(staff, key.get(await options_of(staff)))).status_code == 200
        key.count = 4  # the copy's own counter
        answer = await shown(staff, key.get(await options_of(staff)))
        assert (answer.status_code, answer.json()["code"]) == (403, "passkey")
        failed = (await staff.audited(kinds.SignInFailed))[-1]
        assert isinstance(failed, kinds.SignInFailed)
        assert (failed.user, failed.reason) == ((await staff.officers.find("Olu")).id, "passkey")


async def test_a_passkey_without_its_owners_finger_or_pin_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        key = Authenticator(staff.url)
        key.flags = PRESENT
        assert (await added(owner, key)).status_code == 409
        key = Authenticator(staff.url)
        assert (await added(owner, key)).status_code == 200
        key.flags = PRESENT
        assert (await shown(staff, key.get(await options_of(staff)))).status_code == 403


async def test_a_passkey_that_was_shown_to_another_site_opens_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        key = Authenticator(staff.url)
        await added(owner, key)
        options = await options_of(staff)
        key.origin = "https://elsewhere.example"
        assert (await shown(staff, key.get(options))).status_code == 403
        key.origin = staff.url
        options = await options_of(staff)
        assert (await shown(staff, key.get({**options, "rpId": "elsewhere.example"}))).status_code == 403


async def test_a_challenge_is_answered_once_and_in_time(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        key = Authenticator(staff.url)
        await added(owner, key)
        options = await options_of(staff)
        assert (await shown(staff, key.get(options))).status_code == 200
        assert (await shown(staff, key.get(options))).status_code == 403
        options = await options_of(staff)
        staff.time.ahead += CHALLENGE_SECONDS
        assert (await shown(staff, key.get(options))).status_code == 403


async def test_an_unknown_passkey_and_no_passkey_at_all_are_refused(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, _):
        stranger = Authenticator(staff.url).get(await options_of(staff))
        garbled = {"id": "é", "response": 7}
        for credential in (stranger, garbled, {}, {**stranger, "response": {}}):
            answer = await shown(staff, credential)
            assert (answer.status_code, answer.json()["code"]) == (403, "passkey")


async def test_a_lost_passkey_is_removed_and_opens_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        key = Authenticator(staff.url)
        await added(owner, key)
        async with owner.http() as client:
            (listed,) = (await client.get("/api/passkeys")).json()["passkeys"]
            assert (await client.delete(f"/api/passkeys/{listed['id']}")).status_code == 200
            assert (await client.delete(f"/api/passkeys/{listed['id']}")).status_code == 404
        assert (await shown(staff, key.get(await options_of(staff)))).status_code == 403


async def test_nobody_removes_anothers_passkey(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        key, other = Authenticator(staff.url), await staff.person(Role.OPERATOR, "Omar")
        await added(owner, key)
        async with owner.http() as client:
            (listed,) = (await client.get("/api/passkeys")).json()["passkeys"]
        async with other.http() as client:
            assert (await client.delete(f"/api/passkeys/{listed['id']}")).status_code == 404
            assert (await client.get("/api/passkeys")).json() == {"passkeys": []}
        assert (await shown(staff, key.get(await options_of(staff)))).status_code == 200


async def test_a_disabled_officers_passkey_opens_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        key = Authenticator(staff.url)
        await added(owner, key)
        await staff.officers.disable("Olu", CONSOLE)
        answer = await shown(staff, key.get(await options_of(staff)))
        assert (answer.status_code, answer.json()["code"]) == (403, "disabled")


async def test_a_desk_that_is_opened_by_an_address_has_no_passkeys(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        answer = await client.post("/api/passkeys/challenge")
        assert (answer.status_code, answer.json()["code"]) == (409, "passkey_host")
        assert "by a name" in answer.json()["message"]


async def test_an_officer_has_a_bounded_number_of_passkeys(tmp_path: Path) -> None:
    async with desk(tmp_path) as (staff, owner):
        answers = []
        for _ in range(MOST + 1):
            staff.time.ahead += 1 / SIGN_IN_RATE
            answers.append((await added(owner, Authenticator(staff.url))).status_code)
        assert answers == [200] * MOST + [409]


def test_no_more_challenges_wait_than_can_be_held() -> None:
    challenges, nobody = Challenges(), SessionId("")
    first = challenges.ask(nobody, 0.0)
    for _ in range(MOST_CHALLENGES):
        last = challenges.ask(nobody, 0.0)
    assert not challenges.answered(first, nobody, 0.0)
    assert not challenges.answered(bytes(32), nobody, 0.0)
    assert challenges.answered(last, nobody, 0.0)


def test_a_challenge_for_one_session_is_no_challenge_for_another() -> None:
    challenges = Challenges()
    challenge = challenges.ask(SessionId("mine"), 0.0)
    assert not challenges.answered(challenge, SessionId("yours"), 0.0)
