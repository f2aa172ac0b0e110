from __future__ import annotations

import asyncio
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import NotAllowed
from lfrd.store.database import Database
from lfrd.store.officers import LONGEST_NAME, Officers, SessionId, clean_name
from tests.unit.store.conftest import Clock, Store, contents


async def refused(code: str, work: object) -> str:
    with pytest.raises(NotAllowed) as caught:
        await work  # type: ignore[misc]
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_an_invitation_makes_an_officer_and_a_session(store: Store) -> None:
    code = await store.officers.invite(None, 1, 600)
    token = await store.officers.join(code, "PC Adams")
    session = await store.officers.session(token)
    assert session is not None
    assert session.name == "PC Adams"
    assert session.created_at == session.last_seen_at == store.clock.now
    assert await store.officers.sessions() == [session]


async def test_unknown_used_and_expired_codes_are_refused_in_the_same_words(store: Store) -> None:
    used, late = await store.officers.invite(None, 1, 600), await store.officers.invite(None, 1, 60)
    await store.officers.join(used, "PC Adams")
    store.clock.now += 60
    texts = {
        await refused("invitation", store.officers.join(code, "PC Baker"))
        for code in (used, late, "never given", "", "\ud800")
    }
    assert len(texts) == 1


async def test_an_invitation_for_three_lets_three_of_ten_join_at_once(store: Store) -> None:
    code = await store.officers.invite(None, 3, 600)
    results = await asyncio.gather(
        *(store.officers.join(code, f"PC {number}") for number in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, str) for result in results) == 3
    assert len(await store.officers.sessions()) == 3


async def test_a_refused_name_does_not_use_the_invitation_up(store: Store) -> None:
    await store.phone("PC Adams")
    code = await store.officers.invite(None, 1, 600)
    await refused("name", store.officers.join(code, "  "))
    await refused("name_taken", store.officers.join(code, "pc adams"))
    assert await store.officers.join(code, "PC Baker")


@pytest.mark.parametrize("typed", ["", "  ", "PC Adams", "a\nb", "a" * 61])
async def test_an_invitation_made_out_to_an_officer_signs_in_as_them_whatever_is_typed(
    store: Store, typed: str
) -> None:
    token = await store.officers.join(await store.officers.invite("Sgt Clark", 1, 600), typed)
    session = await store.officers.session(token)
    assert session is not None
    assert session.name == "Sgt Clark"


async def test_whether_a_name_is_needed_is_told_to_nobody_without_a_code(store: Store) -> None:
    for typed in ("", "PC Adams", "a\nb"):
        await refused("invitation", store.officers.join("never given", typed))


async def test_a_second_phone_joins_as_the_same_officer_by_an_invitation_in_their_name(store: Store) -> None:
    first = await store.phone("PC Adams")
    token = await store.officers.join(await store.officers.invite("PC ADAMS", 1, 600), "pc adams")
    session = await store.officers.session(token)
    assert session is not None
    assert (session.officer, session.name) == (first.officer, "PC Adams")
    assert session.id != first.session


async def test_nobody_takes_anothers_name_with_an_open_invitation(store: Store) -> None:
    await store.phone("PC Adams")
    code = await store.officers.invite(None, 1, 600)
    assert "shoulder number" in await refused("name_taken", store.officers.join(code, "PC Adams"))


async def test_an_invitation_in_ones_own_name_is_no_way_to_another_name(store: Store) -> None:
    adams = await store.phone("PC Adams")
    token = await store.officers.join(await store.officers.invite("PC Baker", 1, 600), "PC Adams")
    session = await store.officers.session(token)
    assert session is not None
    assert session.name == "PC Baker"
    assert session.officer != adams.officer


@pytest.mark.parametrize("twin", ["PC ADAMS", "ＰＣ Adams", "PC  Adams", " PC Adams\n"])
async def test_names_that_differ_by_case_width_or_spaces_are_one_name(store: Store, twin: str) -> None:
    await store.phone("PC Adams")
    await refused("name_taken", store.officers.join(await store.officers.invite(None, 1, 600), twin))


@pytest.mark.parametrize("name", ["", " ", "a" * 61, "a\nb", "a\u202eb", "a\u200bb", "\x00", "\ud800"])
def test_a_name_that_is_empty_long_or_does_not_print_is_refused(name: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        clean_name(name)
    assert caught.value.code == "name"


@given(st.text(max_size=80))
def test_a_clean_name_prints_is_short_and_stays_as_it_is(text: str) -> None:
    try:
        name = clean_name(text)
    except NotAllowed:
        return
    assert 1 <= len(name) <= LONGEST_NAME
    assert name.isprintable()
    assert name == clean_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(("uses", "seconds"), [(0, 60.0), (-1, 60.0), (1, 0.0), (1, float("nan"))])
async def test_an_invitation_that_nobody_can_use_is_a_bug(store: Store, uses: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="at least one use"):
        await store.officers.invite(None, uses, seconds)


async def test_a_revoked_session_opens_nothing_and_is_revoked_once(store: Store) -> None:
    phone, other = await store.phone("PC Adams"), await store.phone("PC Baker")
    assert await store.officers.revoke(phone.session) is True
    assert await store.officers.revoke(phone.session) is False
    assert await store.officers.revoke(SessionId("nothing")) is False
    assert await store.officers.session(phone.token) is None
    assert [session.id for session in await store.officers.sessions()] == [other.session]


async def test_a_token_that_was_never_given_opens_nothing(store: Store) -> None:
    phone = await store.phone("PC Adams")
    for token in ("", phone.session, phone.token[:-1], phone.token + "=", "\ud800"):
        assert await store.officers.session(token) is None


async def test_being_seen_is_written_to_the_half_minute_and_never_backwards(store: Store) -> None:
    phone = await store.phone("PC Adams")
    start = store.clock.now
    for now, kept in ((start + 29, start), (start + 30, start + 30), (start - 100, start + 30)):
        session = await store.officers.session(phone.token)
        assert session is not None
        store.clock.now = now
        await store.officers.seen(session)
        session = await store.officers.session(phone.token)
        assert session is not None
        assert session.last_seen_at == kept


async def test_a_stale_view_of_a_session_does_not_set_it_back(store: Store) -> None:
    phone = await store.phone("PC Adams")
    stale = await store.officers.session(phone.token)
    assert stale is not None
    start = store.clock.now
    for now in (start + 100, start + 50):
        store.clock.now = now
        await store.officers.seen(stale)
    assert [session.last_seen_at for session in await store.officers.sessions()] == [start + 100]


async def test_neither_code_nor_token_is_in_any_file(path: Path, clock: Clock) -> None:
    async with Database.open(path) as db:
        officers = Officers(db, clock)
        code = await officers.invite(None, 2, 600)
        token = await officers.join(code, "PC Adams")
        files = [contents(file) for file in path.parent.iterdir()]
    files.append(contents(path))
    assert any(b"PC Adams" in data for data in files)
    assert not any(secret.encode() in data for data in files for secret in (code, token))
