"""Sessions: how they begin to stand, and each way in which they cease to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lfrd.audit import kinds
from lfrd.store.officers import SessionId
from lfrd.types import CONSOLE, SYSTEM, Role
from tests.unit.store.conftest import Clock
from tests.unit.store.people import PASSWORD, People, people


@pytest.fixture
async def house(path: Path, clock: Clock) -> AsyncIterator[People]:
    async with people(path, clock) as house:
        yield house


async def test_a_revoked_session_opens_nothing_and_is_revoked_once(house: People) -> None:
    (token, phone), (_, other) = await house.phone("PC Adams"), await house.phone("PC Baker")
    assert await house.officers.revoke(phone.id, phone.actor) is True
    assert await house.officers.revoke(phone.id, phone.actor) is False
    assert await house.officers.revoke(SessionId("nothing"), SYSTEM) is False
    assert await house.officers.session(token) is None
    assert await house.officers.sessions() == [other]
    assert await house.audited(kinds.SessionEnded) == [kinds.SessionEnded(phone.officer, phone.id, "left")]


async def test_all_sessions_of_one_officer_end_together_and_nobody_elses(house: People) -> None:
    for name in ("PC Adams", "PC Adams", "PC Baker"):
        await house.phone(name)
    assert await house.officers.revoke_all("pc ADAMS", CONSOLE) == 2
    assert await house.officers.revoke_all("PC Adams", CONSOLE) == 0
    assert [session.name for session in await house.officers.sessions()] == ["PC Baker"]


async def test_disabling_an_officer_ends_their_sessions(house: People) -> None:
    token, _ = await house.phone("PC Adams")
    await house.officers.disable("PC Adams", CONSOLE)
    assert await house.officers.session(token) is None
    (ended,) = await house.audited(kinds.SessionEnded)
    assert isinstance(ended, kinds.SessionEnded)
    assert ended.why == "disabled"


async def test_a_token_that_was_never_given_opens_nothing(house: People) -> None:
    token, session = await house.phone("PC Adams")
    for guess in ("", session.id, token[:-1], token + "=", "\ud800"):
        assert await house.officers.session(guess) is None


async def test_a_phone_is_signed_out_after_its_shift_however_busy_it_is(house: People) -> None:
    token, session = await house.phone("PC Adams")
    house.clock.now += 12 * 3600 - 1
    assert await house.officers.session(token) is not None  # twelve hours without a word: no idling here
    await house.officers.seen(session)
    house.clock.now += 1
    assert await house.officers.session(token) is None
    assert await house.officers.sessions() == []


async def test_a_desk_that_idles_is_signed_out_and_one_in_use_is_not(house: People) -> None:
    await house.desk("Olu", Role.OPERATOR)
    token = await house.officers.sign_in("Olu", PASSWORD)
    for _ in range(3):
        house.clock.now += 30 * 60 - 1
        await house.officers.seen(await house.session(token))
    house.clock.now += 30 * 60
    assert await house.officers.session(token) is None


async def test_a_desk_in_use_is_signed_out_after_eight_hours(house: People) -> None:
    await house.desk("Olu", Role.OPERATOR)
    token = await house.officers.sign_in("Olu", PASSWORD)
    for _ in range(8 * 4 - 1):
        house.clock.now += 15 * 60
        await house.officers.seen(await house.session(token))
    house.clock.now += 15 * 60
    assert await house.officers.session(token) is None


async def test_the_audit_hears_once_of_a_session_whose_time_is_up(house: People) -> None:
    _, session = await house.phone("PC Adams")
    assert await house.officers.expire() == 0
    house.clock.now += 12 * 3600
    assert await house.officers.expire() == 1
    assert await house.officers.expire() == 0
    ended = [kinds.SessionEnded(session.officer, session.id, "expired")]
    assert await house.audited(kinds.SessionEnded) == ended


async def test_being_seen_is_written_to_the_half_minute_and_never_backwards(house: People) -> None:
    token, _ = await house.phone("PC Adams")
    start = house.clock.now
    for now, kept in ((start + 29, start), (start + 30, start + 30), (start - 100, start + 30)):
        session = await house.session(token)
        house.clock.now = now
        await house.officers.seen(session)
        assert (await house.session(token)).last_seen_at == kept


async def test_a_stale_view_of_a_session_does_not_set_it_back(house: People) -> None:
    _, stale = await house.phone("PC Adams")
    start = house.clock.now
    for now in (start + 100, start + 50):
        house.clock.now = now
        await house.officers.seen(stale)
    assert [session.last_seen_at for session in await house.officers.sessions()] == [start + 100]
