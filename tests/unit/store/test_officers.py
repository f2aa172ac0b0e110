"""The ways in: invitations, first passwords, sign-in, and who may open them to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import argon2
import pytest

from lfrd.audit import kinds
from lfrd.store.database import Database
from lfrd.store.officers import WRONG, Officers
from lfrd.store.passwords import FREE_TRIES, Passwords
from lfrd.types import CONSOLE, Actor, OfficerId, Role
from tests.unit.store.conftest import Clock, contents
from tests.unit.store.people import PASSWORD, People, people, refused

ENGINEER = Actor(OfficerId("e"), "Eng", Role.ENGINEER)
KEY = b"a device's public key"


@pytest.fixture
async def house(path: Path, clock: Clock) -> AsyncIterator[People]:
    async with people(path, clock) as house:
        yield house


# ---- invitations ----------------------------------------------------------------------------------------


async def test_an_invitation_makes_an_engagement_officer_and_a_session(house: People) -> None:
    code = await house.officers.invite(None, 1, 600, actor=CONSOLE)
    session = await house.session(await house.officers.join(code, "PC Adams", KEY))
    assert (session.name, session.role, session.device_key) == ("PC Adams", Role.ENGAGEMENT, KEY)
    assert session.created_at == session.last_seen_at == house.clock.now
    assert await house.officers.sessions() == [session]
    assert await house.audited() == [
        kinds.Invited("", "engagement", 600 / 3600),
        kinds.UserAdded(session.officer, "PC Adams", "engagement"),
        kinds.SignedIn(session.officer, session.id, "invitation", True),
    ]


async def test_unknown_used_and_expired_codes_are_refused_in_the_same_words(house: People) -> None:
    used = await house.officers.invite(None, 1, 600, actor=CONSOLE)
    late = await house.officers.invite(None, 1, 60, actor=CONSOLE)
    await house.officers.join(used, "PC Adams")
    house.clock.now += 60
    texts = {
        await refused("invitation", house.officers.join(code, "PC Baker"))
        for code in (used, late, "never given", "", "\ud800")
    }
    assert len(texts) == 1


async def test_an_invitation_for_three_lets_three_of_ten_join_at_once(house: People) -> None:
    code = await house.officers.invite(None, 3, 600, actor=CONSOLE)
    results = await asyncio.gather(
        *(house.officers.join(code, f"PC {number}") for number in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, str) for result in results) == 3
    assert len(await house.officers.sessions()) == 3


async def test_a_refused_name_does_not_use_the_invitation_up(house: People) -> None:
    await house.phone("PC Adams")
    code = await house.officers.invite(None, 1, 600, actor=CONSOLE)
    await refused("name", house.officers.join(code, "  "))
    assert "shoulder number" in await refused("name_taken", house.officers.join(code, "pc adams"))
    assert await house.officers.join(code, "PC Baker")


@pytest.mark.parametrize("typed", ["", "  ", "PC Adams", "a\nb", "a" * 61])
async def test_an_invitation_made_out_to_an_officer_signs_in_as_them_whatever_is_typed(
    house: People, typed: str
) -> None:
    code = await house.officers.invite("Sgt Clark", 1, 600, actor=CONSOLE)
    assert (await house.session(await house.officers.join(code, typed))).name == "Sgt Clark"


async def test_whether_a_name_is_needed_is_told_to_nobody_without_a_code(house: People) -> None:
    for typed in ("", "PC Adams", "a\nb"):
        await refused("invitation", house.officers.join("never given", typed))


async def test_a_second_phone_joins_as_the_same_officer_by_an_invitation_in_their_name(house: People) -> None:
    _, first = await house.phone("PC Adams")
    _, second = await house.phone("PC ADAMS")
    assert (second.officer, second.name) == (first.officer, "PC Adams")
    assert second.id != first.id


async def test_an_invitation_in_their_name_ends_what_somebody_signed_in_under_it_before(
    house: People,
) -> None:
    code = await house.officers.invite(None, 1, 600, actor=CONSOLE)
    before = await house.officers.join(code, "PC Begum")
    codes = [await house.officers.invite("PC Begum", 1, 600, actor=CONSOLE) for _ in range(2)]
    first, second = [await house.officers.join(code) for code in codes]
    assert await house.officers.session(before) is None
    assert (await house.session(first)).officer == (await house.session(second)).officer


@pytest.mark.parametrize(("uses", "seconds"), [(0, 60.0), (-1, 60.0), (1, 0.0), (1, float("nan"))])
async def test_an_invitation_that_nobody_can_use_is_a_bug(house: People, uses: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="at least one use"):
        await house.officers.invite(None, uses, seconds, actor=CONSOLE)


@pytest.mark.parametrize("role", [Role.AUTHORISING, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR])
async def test_an_invitation_lets_no_phone_in_as_anybody_but_an_engagement_officer(
    house: People, role: Role
) -> None:
    officer = await house.desk("Sam", role)
    assert "one role" in await refused("role", house.officers.invite("sam", 1, 600, actor=ENGINEER))
    ives = Actor(OfficerId("a"), "Insp Ives", Role.AUTHORISING)
    by = ives if role in (Role.AUTHORISING, Role.AUDITOR) else CONSOLE
    code = await house.officers.invite("Sam", 1, 600, role=role, actor=by)
    await refused("password_wanted", house.officers.join(code, "Sam"))
    session = await house.session(await house.officers.first_password(code, "eleven otters asleep", KEY))
    assert (session.officer, session.role) == (officer.id, role)


async def test_a_disabled_officer_joins_with_no_invitation(house: People) -> None:
    await house.phone("PC Adams")
    code = await house.officers.invite("PC Adams", 1, 600, actor=CONSOLE)
    await house.officers.disable("PC Adams", CONSOLE)
    await refused("disabled", house.officers.join(code))
    await house.officers.enable("PC Adams", CONSOLE)
    assert await house.officers.join(code)  # the refusal has used nothing up


async def test_neither_code_nor_token_nor_password_is_in_any_file(path: Path, clock: Clock) -> None:
    async with people(path, clock) as house:
        code = await house.officers.invite(None, 2, 600, actor=CONSOLE)
        token = await house.officers.join(code, "PC Adams")
        await house.desk("Insp Ives", Role.OPERATOR)
        files = [contents(file) for file in path.parent.iterdir()]
    files.append(contents(path))
    assert any(b"PC Adams" in data for data in files)
    assert not any(secret.encode() in data for data in files for secret in (code, token, PASSWORD))


# ---- who may appoint whom (rule 25) ---------------------------------------------------------------------


async def test_the_console_names_the_first_authorising_officer_and_no_other(house: People) -> None:
    first = await house.officers.add("Insp Ives", Role.AUTHORISING, "Inspector", CONSOLE)
    assert "--as" in await refused("role", house.officers.add("Eve", Role.AUTHORISING, "", CONSOLE))
    await refused("role", house.officers.add("Eve", Role.AUDITOR, "", CONSOLE))
    ives = Actor(first, "Insp Ives", Role.AUTHORISING)
    assert await house.officers.add("Supt Shah", Role.AUTHORISING, "Superintendent", ives)
    assert await house.officers.add("Ada", Role.AUDITOR, "", ives)


@pytest.mark.parametrize("role", [Role.AUTHORISING, Role.AUDITOR])
async def test_an_engineer_makes_neither_themselves_nor_another_an_authorising_officer_or_auditor(
    house: People, role: Role
) -> None:
    await refused("role", house.officers.add("Eng", role, "", ENGINEER))  # not even the first
    ives = await house.desk("Insp Ives", Role.AUTHORISING)
    target = await house.desk("Ada", role)
    for actor in (ENGINEER, CONSOLE):
        await refused("role", house.officers.add("Eng", role, "", actor))
        await refused("role", house.officers.set_password(target.id, "a password of mine", actor))
        await refused("role", house.officers.invite("Ada", 1, 600, role=role, actor=actor))
        await house.officers.disable("Ada", actor)
        await refused("role", house.officers.enable("Ada", actor))
        await house.officers.enable("Ada", ives)
    assert await house.officers.check_password("Ada", PASSWORD) == target


@pytest.mark.parametrize("role", [Role.ENGAGEMENT, Role.OPERATOR, Role.AUDITOR])
async def test_who_looks_after_no_accounts_changes_none(house: People, role: Role) -> None:
    actor = (
        await house.desk("Sam", role) if role is not Role.ENGAGEMENT else (await house.phone("S"))[1].actor
    )
    await house.desk("Olu", Role.OPERATOR)
    await refused("role", house.officers.add("Eve", Role.ENGINEER, "", actor))
    await refused("role", house.officers.disable("Olu", actor))
    await refused("role", house.officers.unlock("Olu", actor))
    assert {officer.disabled_at for officer in await house.officers.all()} == {None}


async def test_an_authorising_officer_gives_nobody_an_account_to_run_what_they_authorise(
    house: People,
) -> None:
    ives = await house.desk("Insp Ives", Role.AUTHORISING)
    olu = await house.desk("Olu", Role.OPERATOR)
    for role in (Role.OPERATOR, Role.ENGINEER, Role.ENGAGEMENT):
        await refused("role", house.officers.add("Ives again", role, "", ives))
    await refused("role", house.officers.invite("Olu", 1, 600, role=Role.OPERATOR, actor=ives))
    await refused("role", house.officers.invite("Ives again", 1, 600, actor=ives))
    await refused("role", house.officers.invite(None, 1, 600, actor=ives))
    await refused("role", house.officers.set_password(olu.id, "a password of mine", ives))
    await house.officers.disable("Olu", ives)  # what makes things safer stays theirs
    await refused("role", house.officers.enable("Olu", ives))


async def test_an_operator_invites_phones_and_adds_nobody_else(house: People) -> None:
    operator = await house.desk("Olu", Role.OPERATOR)
    assert await house.officers.invite("PC Adams", 1, 600, actor=operator)
    await refused("role", house.officers.invite("Olu", 1, 600, role=Role.OPERATOR, actor=operator))


async def test_the_console_sets_the_first_authorising_officers_password_once(house: People) -> None:
    first = await house.officers.add("Insp Ives", Role.AUTHORISING, "", CONSOLE)
    await house.officers.set_password(first, PASSWORD, CONSOLE)
    await refused("role", house.officers.set_password(first, "a password of mine", CONSOLE))
    ives = await house.officers.check_password("Insp Ives", PASSWORD)
    await house.officers.set_password(first, "eleven otters asleep", ives)
    assert await house.officers.check_password("Insp Ives", "eleven otters asleep") == ives


async def test_the_last_authorising_officer_is_not_disabled(house: People) -> None:
    ives = await house.desk("Insp Ives", Role.AUTHORISING)
    assert "lfrd revoke" in await refused("last", house.officers.disable("Insp Ives", CONSOLE))
    await house.desk("Supt Shah", Role.AUTHORISING)
    await house.officers.disable("Insp Ives", CONSOLE)
    await refused("last", house.officers.disable("Supt Shah", ives))


async def test_one_name_is_one_person_in_one_role(house: People) -> None:
    await house.desk("Olu", Role.OPERATOR)
    await refused("name_taken", house.officers.add("OLU", Role.ENGINEER, "", CONSOLE))
    await refused("unknown_officer", house.officers.find("Eve"))


# ---- passwords ------------------------------------------------------------------------------------------


async def test_nobody_has_a_password_before_they_have_set_one(house: People) -> None:
    await house.officers.add("Olu", Role.OPERATOR, "", CONSOLE)
    await house.phone("PC Adams")
    for name in ("Olu", "PC Adams", "", "admin", "nobody"):
        for password in ("", "admin", "None", PASSWORD):
            await refused("password", house.officers.check_password(name, password))


async def test_whatever_is_wrong_with_a_sign_in_the_answer_is_one_text(house: People) -> None:
    await house.desk("Olu", Role.OPERATOR)
    await house.desk("Dis Abled", Role.OPERATOR)
    await house.desk("Loc Ked", Role.OPERATOR)
    await house.officers.disable("Dis Abled", CONSOLE)
    for _ in range(FREE_TRIES):
        await refused("password", house.officers.sign_in("Loc Ked", "wrong"))
    tried = [("Olu", "wrong"), ("Eve", PASSWORD), ("Dis Abled", PASSWORD), ("Loc Ked", PASSWORD)]
    assert {await refused("password", house.officers.sign_in(*each)) for each in tried} == {WRONG}
    who = [(await house.officers.find(name)).id for name in ("Olu", "Dis Abled", "Loc Ked")]
    assert (await house.audited(kinds.SignInFailed))[FREE_TRIES:] == [
        kinds.SignInFailed(who[0], "password"),
        kinds.SignInFailed("", "password"),
        kinds.SignInFailed(who[1], "disabled"),
        kinds.SignInFailed(who[2], "locked"),
    ]


async def test_wrong_passwords_make_an_account_wait_longer_each_time_over_a_restart(
    path: Path, clock: Clock
) -> None:
    async with people(path, clock) as house:
        await house.desk("Olu", Role.OPERATOR)
        for _ in range(FREE_TRIES):
            await refused("password", house.officers.check_password("Olu", "wrong"))
    for wait in (30, 60, 120):
        async with people(path, clock) as house:  # it waits in the store, and not in the process
            clock.now += wait - 1
            await refused("password", house.officers.check_password("olu", PASSWORD))
            clock.now += 1
            await refused("password", house.officers.check_password("Olu", "wrong"))
    async with people(path, clock) as house:
        clock.now += 240
        assert await house.officers.check_password("Olu", PASSWORD)
        assert (await house.officers.find("Olu")).failures == 0


async def test_an_unknown_name_takes_the_work_of_a_known_one(
    house: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(hasher: argon2.PasswordHasher, kept: str, password: str | bytes) -> bool:
        looked_at.append("other parameters" if hasher.check_needs_rehash(kept) else "today's")
        return verify(hasher, kept, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    await house.desk("Olu", Role.OPERATOR)
    await house.desk("Dis Abled", Role.OPERATOR)
    await house.officers.disable("Dis Abled", CONSOLE)
    for name in ("Olu", "Dis Abled", "Eve", ""):
        looked_at.clear()
        await refused("password", house.officers.check_password(name, "wrong"))
        assert looked_at == ["today's"], name


async def test_the_console_unlocks_an_account(house: People) -> None:
    await house.desk("Olu", Role.OPERATOR)
    for _ in range(FREE_TRIES):
        await refused("password", house.officers.check_password("Olu", "wrong"))
    await refused("password", house.officers.check_password("Olu", PASSWORD))
    await house.officers.unlock("Olu", CONSOLE)
    assert await house.officers.check_password("Olu", PASSWORD)


async def test_of_many_passwords_tried_at_once_no_more_are_looked_at_than_in_a_row(house: People) -> None:
    await house.desk("Olu", Role.OPERATOR)
    guesses = [f"guess number {number}" for number in range(FREE_TRIES)] + [PASSWORD]
    tries = [house.officers.check_password("Olu", guess) for guess in guesses]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert not any(isinstance(result, Actor) for result in results)


async def test_passwords_tried_beside_the_server_count_as_those_tried_there(
    house: People, path: Path, clock: Clock
) -> None:
    await house.desk("Olu", Role.OPERATOR)
    async with Database.open(path, beside=True) as db:
        beside = Officers(db, clock)
        tries = [each.check_password("Olu", "wrong") for each in (house.officers, beside) * 2]
        await asyncio.gather(*tries, return_exceptions=True)
    assert (await house.officers.find("Olu")).failures == 4


async def test_a_changed_password_ends_what_was_signed_in_with_the_old_one(house: People) -> None:
    olu = await house.desk("Olu", Role.OPERATOR)
    token = await house.officers.sign_in("Olu", PASSWORD, KEY)
    await house.officers.set_password(olu.id, "eleven otters asleep", olu)
    assert await house.officers.session(token) is None
    await refused("password", house.officers.sign_in("Olu", PASSWORD))
    assert await house.officers.sign_in("Olu", "eleven otters asleep")


async def test_a_password_that_is_exchanged_while_somebody_changes_it_stays_exchanged(
    house: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has stolen it cannot undo what an authorising officer has just set."""
    olu = await house.desk("Olu", Role.OPERATOR)
    hashed = Passwords.hashed

    async def meanwhile(passwords: Passwords, password: str) -> str:
        made = await hashed(passwords, password)
        with monkeypatch.context() as undone:
            undone.setattr(Passwords, "hashed", hashed)
            await house.officers.set_password(olu.id, "eleven otters asleep", olu)
        return made

    with monkeypatch.context() as patched:
        patched.setattr(Passwords, "hashed", meanwhile)
        await refused("password", house.officers.change_password("Olu", PASSWORD, "twelve stolen herons"))
    assert await house.officers.sign_in("Olu", "eleven otters asleep")
    await house.officers.change_password("Olu", "eleven otters asleep", "twelve quiet herons")
    assert await house.officers.sessions() == []
    assert await house.officers.sign_in("Olu", "twelve quiet herons")
    await refused("weak", house.officers.change_password("Olu", "twelve quiet herons", "short"))


async def test_a_password_that_is_exchanged_while_somebody_signs_in_with_it_signs_nobody_in(
    house: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    olu = await house.desk("Olu", Role.OPERATOR)
    verify = Passwords.verify

    async def meanwhile(passwords: Passwords, kept: str | None, password: str) -> bool:
        right = await verify(passwords, kept, password)
        await house.officers.set_password(olu.id, "eleven otters asleep", olu)
        return right

    with monkeypatch.context() as patched:
        patched.setattr(Passwords, "verify", meanwhile)
        await refused("password", house.officers.sign_in("Olu", PASSWORD))
    assert await house.officers.sessions() == []
    assert await house.officers.sign_in("Olu", "eleven otters asleep")


async def test_a_password_kept_with_older_parameters_is_hashed_anew_at_the_next_sign_in(
    house: People,
) -> None:
    olu = await house.desk("Olu", Role.OPERATOR)
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with house.db.write() as tx:
        await tx.execute("UPDATE officer SET password = ? WHERE id = ?", old, olu.id)
    for _ in range(2):
        assert await house.officers.check_password("Olu", PASSWORD) == olu
        async with house.db.read() as tx:
            row = await tx.row("SELECT password FROM officer WHERE id = ?", olu.id)
        assert row is not None
        assert row["password"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_weak_password_does_not_use_the_link_up(house: People) -> None:
    await house.officers.add("Olu", Role.OPERATOR, "", CONSOLE)
    code = await house.officers.invite("Olu", 1, 600, role=Role.OPERATOR, actor=CONSOLE)
    await refused("weak", house.officers.first_password(code, "short"))
    assert await house.officers.first_password(code, PASSWORD)
    await refused("invitation", house.officers.first_password(code, PASSWORD))


async def test_an_engagement_officer_has_no_password(house: People) -> None:
    _, session = await house.phone("PC Adams")
    for actor in (CONSOLE, session.actor, Actor(OfficerId("a"), "Insp Ives", Role.AUTHORISING)):
        await refused("role", house.officers.set_password(session.officer, PASSWORD, actor))


async def test_each_act_and_its_record_are_kept_or_neither(path: Path, clock: Clock) -> None:
    async with Database.open(path) as db:
        async with db.write() as tx:
            await tx.execute(
                "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE (ABORT, 'no room'); END"
            )
        officers = Officers(db, clock)
        with pytest.raises(Exception, match="no room"):
            await officers.add("Olu", Role.OPERATOR, "", CONSOLE)
        assert await officers.all() == []
