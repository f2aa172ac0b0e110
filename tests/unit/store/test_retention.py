"""The table at work: what is due goes, what is held stays, and both can be seen before."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from lfrd.audit.kinds import Deleted, Destroyed, HoldLifted, HoldPlaced
from lfrd.errors import NotAllowed
from lfrd.housekeeping import sweep
from lfrd.policy.retention import DAY, RETENTION
from lfrd.sealing.signing import read_signed
from lfrd.store import housekeeping, receipts
from lfrd.store.clock import Ratchet
from lfrd.store.deployments import Deployments
from lfrd.store.destruction import Destruction
from lfrd.store.keys import Purpose
from lfrd.store.retention import Retention
from lfrd.types import CONSOLE, SYSTEM, Actor, AlertId, OfficerId, Outcome, Role, Stage
from tests.unit.store.conftest import Store
from tests.unit.store.police import MARKS, code, counts, found_in, list_people, raise_alerts

AUTHORISING = Actor(OfficerId("inspector"), "Inspector Ames", Role.AUTHORISING)


def retention(store: Store) -> Retention:
    return Retention(store.db, store.keys, Destruction(store.db, store.keys, store.clock), store.clock)


async def alerts_left(store: Store) -> set[str]:
    async with store.db.read() as tx:
        return {row["id"] for row in await tx.rows("SELECT id FROM alert")}


async def test_alert_data_is_deleted_after_24_hours_unless_tied_to_an_outcome(
    store: Store, path: Path
) -> None:
    plain, false, arrest = await raise_alerts(store, 3)
    phone = await store.phone("PC Adams")
    await code(store, false, phone, "confirmed_false")
    await code(store, arrest, phone, "arrest")
    await store.stage(Stage.CLOSED)
    store.clock.now += DAY - 1
    await retention(store).sweep()
    assert await alerts_left(store) == {plain, false, arrest}
    store.clock.now += 1
    documents = await retention(store).sweep()
    assert await alerts_left(store) == {arrest}
    assert [read_signed(document)["deleted"]["alert"] for document in documents] == [2]
    assert await store.alerts.picture(arrest, "probe", AUTHORISING)
    assert found_in(path.parent, MARKS) == []


async def test_31_days_is_the_ceiling_for_an_alert_with_an_outcome(store: Store) -> None:
    (arrest,) = await raise_alerts(store, 1)
    await code(store, arrest, await store.phone("PC Adams"), "arrest")
    store.clock.now += 31 * DAY - 1
    await retention(store).sweep()
    assert await alerts_left(store) == {arrest}
    store.clock.now += 1
    await retention(store).sweep()
    assert await alerts_left(store) == set()
    tables = ("picture", "sighting", "outcome", "adjudication", "claim")
    assert await counts(store, *tables) == dict.fromkeys(tables, 0)


@pytest.mark.parametrize(("first", "corrected", "kept"), [
    ("arrest", "confirmed_false", False), ("unconfirmed", "other_disposal", True),
])  # fmt: skip
async def test_the_newest_outcome_counts(
    store: Store, first: Outcome, corrected: Outcome, kept: bool
) -> None:
    (alert,) = await raise_alerts(store, 1)
    phone = await store.phone("PC Adams")
    await code(store, alert, phone, first)
    await code(store, alert, phone, corrected)
    store.clock.now += DAY
    await retention(store).sweep()
    assert bool(await alerts_left(store)) == kept


async def test_a_legal_hold_suspends_deletion_at_the_ceiling_too_until_it_is_lifted(store: Store) -> None:
    held, free = await raise_alerts(store, 2)
    kept = retention(store)
    await kept.hold(held, AUTHORISING, " complaint 17 ")
    store.clock.now += 40 * DAY
    dry = [due for due in await kept.due() if due.rule == "alerts"]
    assert {(due.subject, due.hold, due.late) for due in dry} == {
        (held, "complaint 17", True),
        (free, "", True),
    }
    await kept.sweep()
    assert await alerts_left(store) == {held}
    assert await store.alerts.picture(held, "probe", AUTHORISING)
    await kept.lift(held, AUTHORISING, "settled")
    await kept.sweep()
    assert await alerts_left(store) == set()
    assert {type(body) for body in await store.audited()} >= {HoldPlaced, HoldLifted, Deleted}


async def test_holds_are_listed_with_who_placed_and_lifted_them_and_why(store: Store) -> None:
    first, second = await raise_alerts(store, 2)
    kept = retention(store)
    await kept.hold(first, AUTHORISING, "complaint 17")
    await kept.hold(second, AUTHORISING, "court order")
    store.clock.now += 5
    await kept.lift(first, AUTHORISING, "settled")
    assert [(h.alert, h.officer, h.reason) for h in await kept.holds()] == [
        (second, "inspector", "court order")
    ]
    lifted = (await kept.holds(lifted=True))[0]
    assert (lifted.lifted_by, lifted.lifted_at, lifted.lifted_reason) == (
        "inspector", store.clock.now, "settled",
    )  # fmt: skip
    await kept.hold(first, AUTHORISING, "complaint 18")
    assert len(await kept.holds()) == 2


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUTHORISING])
async def test_nobody_but_an_authorising_officer_places_or_lifts_a_hold(store: Store, role: Role) -> None:
    (alert,) = await raise_alerts(store, 1)
    for actor in (Actor(OfficerId("o"), "Somebody", role), CONSOLE, SYSTEM):
        for act in (retention(store).hold, retention(store).lift):
            with pytest.raises(NotAllowed) as refused:
                await act(alert, actor, "complaint")
            assert refused.value.code == "role"


async def test_a_holds_reason_that_names_the_person_is_refused(store: Store) -> None:
    alert = await store.filed(nominal="W-2045", name="Ann Okafor")
    kept = retention(store)
    for reason in ("complaint of w-2045", "Okafor's solicitor has written"):
        with pytest.raises(NotAllowed) as refused:
            await kept.hold(alert, AUTHORISING, reason)
        assert refused.value.code == "names_person"
    await kept.hold(alert, AUTHORISING, "complaint 17")
    with pytest.raises(NotAllowed) as refused:
        await kept.lift(alert, AUTHORISING, "settled with Okafor")
    assert refused.value.code == "names_person"
    assert await kept.holds()
    await kept.lift(alert, AUTHORISING, "settled")


async def test_a_hold_needs_a_reason_an_alert_and_one_that_is_not_held(store: Store) -> None:
    (alert,) = await raise_alerts(store, 1)
    kept = retention(store)
    for act, wanted in (
        (kept.hold(alert, AUTHORISING, "  "), "reason_missing"),
        (kept.hold(alert, AUTHORISING, "x" * 2001), "reason_too_long"),
        (kept.hold(AlertId("nothing"), AUTHORISING, "complaint"), "unknown_alert"),
        (kept.lift(alert, AUTHORISING, "settled"), "not_held"),
    ):
        with pytest.raises(NotAllowed) as refused:
            await act
        assert refused.value.code == wanted
    await kept.hold(alert, AUTHORISING, "complaint")
    with pytest.raises(NotAllowed, match="already"):
        await kept.hold(alert, AUTHORISING, "another")
    async with store.db.write() as tx:
        await tx.execute("UPDATE hold SET lifted_at = 1")
        await store.keys.forget(tx, store.deployment, Purpose.ALERTS)
    with pytest.raises(NotAllowed, match="key is gone"):
        await kept.hold(alert, AUTHORISING, "too late")


async def test_images_and_templates_are_destroyed_after_the_deployment(store: Store, path: Path) -> None:
    await list_people(store, 3)
    kept = retention(store)
    assert await kept.due() == []
    await store.stage(Stage.CLOSED)
    (due,) = await kept.due()
    assert (due.rule, due.deployment, due.rows) == ("watchlists", "d1", 3)
    (document,) = await kept.sweep()
    assert read_signed(document)["destroyed"]["entries"] == 3
    assert found_in(path.parent, MARKS) == []
    assert await counts(store, "manifest") == {"manifest": 3}
    assert (await store.audited())[-1] == Destroyed(
        "d1", "watchlist", 3, 3, 0, read_signed(document)["receipt"]
    )
    assert await kept.sweep() == []


async def test_a_list_that_is_too_old_to_be_used_is_destroyed_though_nothing_was_started(
    store: Store,
) -> None:
    await list_people(store, 3)
    await store.stage(Stage.READY)
    store.clock.now += DAY - 1
    assert await retention(store).sweep() == []
    store.clock.now += 1
    assert [due.rule for due in await retention(store).due()] == ["unused_watchlists"]
    assert len(await retention(store).sweep()) == 1
    assert await counts(store, "entry", "watchlist") == {"entry": 0, "watchlist": 0}
    assert await retention(store).sweep() == []


async def test_the_dry_run_lists_what_a_sweep_then_deletes_and_deletes_nothing_itself(store: Store) -> None:
    await raise_alerts(store, 3)
    await list_people(store, 2)
    phone = await store.phone("PC Adams")
    await store.alerts.receipted([(phone.session, 2)])
    async with store.db.write() as tx:
        await tx.execute("UPDATE session SET revoked_at = ?", store.clock())
    await store.stage(Stage.CLOSED)
    store.clock.now += DAY + 1
    before = await counts(store, "alert", "entry", "session", "receipt", "audit", "deletion_receipt")
    dry = await retention(store).due()
    assert await counts(store, *before) == before
    assert {due.rule for due in dry} == {"alerts", "watchlists", "phone_receipts", "sessions"}
    assert [due.late for due in dry if due.rule == "watchlists"] == [True]
    documents = await retention(store).sweep()
    assert {read_signed(document)["kind"] for document in documents} == {
        "alerts", "watchlist", "phone_receipts", "sessions",
    }  # fmt: skip
    assert await retention(store).due() == []
    assert await counts(store, "alert", "entry", "session", "receipt") == dict.fromkeys(
        ("alert", "entry", "session", "receipt"), 0
    )
    assert {kept.document for kept in await receipts.kept(store.db)} == set(documents)


async def test_sessions_invitations_tombstones_and_lifted_holds_go_when_their_time_is_up(
    store: Store,
) -> None:
    now = store.clock()
    phone = await store.phone("PC Adams")
    async with store.db.write() as tx:
        await tx.execute(
            "INSERT INTO session (id, token_hash, officer, created_at, last_seen_at, expires_at) "
            "VALUES ('old', x'01', ?, 0, 0, ?)",
            *(phone.actor.id, now),
        )
        await tx.execute_each(
            "INSERT INTO invitation (code_hash, purpose, role, uses_left, created_at, expires_at) "
            "VALUES (?, 'phone', 'engagement', ?, ?, ?)",
            [
                (b"used", 0, now, now + 10 * DAY),
                (b"late", 1, now - DAY, now),
                (b"good", 1, now, now + 2 * DAY),
            ],
        )
        await tx.execute_each(
            "INSERT INTO event (deployment, alert, what, at) VALUES ('d1', ?, 'erased', ?)",
            [("a1", now - 30 * DAY), ("a2", now)],
        )
        await tx.execute_each(
            "INSERT INTO hold (alert, officer, reason, at, lifted_at) VALUES (?, 'i', 'r', 0, ?)",
            [("a1", now - 30 * DAY), ("a2", now), ("a3", None)],
        )
    assert await retention(store).sweep() == []
    store.clock.now += DAY
    assert len(await retention(store).sweep()) == 4
    assert await counts(store, "session", "invitation", "event", "hold") == {
        "session": 1, "invitation": 1, "event": 1, "hold": 2,
    }  # fmt: skip


async def test_a_clock_that_was_set_back_keeps_nothing_longer(store: Store) -> None:
    await raise_alerts(store, 1)
    wall = [store.clock.now + DAY]
    ratchet = await Ratchet.opened(store.db, lambda: wall[0], lambda: 0.0, boot="b")
    wall[0] -= 10 * DAY
    assert ratchet.set_back > 0
    kept = Retention(store.db, store.keys, Destruction(store.db, store.keys, ratchet.now), ratchet.now)
    assert len(await kept.sweep()) == 1


async def test_a_sweep_goes_on_where_a_deployment_changed_since_the_look(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_people(store, 1)
    await store.stage(Stage.CLOSED)
    kept = retention(store)
    look = kept.due

    async def then_opened() -> object:
        found = await look()
        await store.stage(Stage.ACTIVE)
        return found

    monkeypatch.setattr(kept, "due", then_opened)
    assert await kept.sweep() == []
    assert await counts(store, "entry") == {"entry": 1}


async def test_an_alert_whose_outcome_is_coded_while_a_sweep_is_at_other_things_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrest, _ = await raise_alerts(store, 2)
    phone = await store.phone("PC Adams")
    store.clock.now += DAY
    kept = retention(store)
    look = kept.due

    async def then_coded() -> object:
        found = await look()
        await code(store, arrest, phone, "arrest")
        return found

    monkeypatch.setattr(kept, "due", then_coded)
    (document,) = await kept.sweep()
    assert read_signed(document)["deleted"]["alert"] == 1
    assert await alerts_left(store) == {arrest}


async def test_a_list_that_is_brought_in_anew_while_a_sweep_is_at_other_things_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_people(store, 1)
    await store.stage(Stage.DRAFT)
    store.clock.now += DAY
    kept = retention(store)
    look = kept.due

    async def then_built() -> object:
        found = await look()
        assert "unused_watchlists" in [due.rule for due in found]
        async with store.db.write() as tx:
            await tx.execute("UPDATE watchlist SET built_at = ?", store.clock())
        return found

    monkeypatch.setattr(kept, "due", then_built)
    await kept.sweep()
    assert await counts(store, "entry") == {"entry": 1}


async def test_the_server_sweeps_at_once_and_then_again_and_again(store: Store) -> None:
    await list_people(store, 1)
    await store.stage(Stage.CLOSED)
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            assert await counts(store, "entry") == {"entry": 0}
            await store.begin("d2")
            await list_people(store, 1)
            await store.stage(Stage.CLOSED)
        else:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await sweep(Deployments(store.db, store.keys, store.clock), retention(store), pause)
    assert await counts(store, "entry") == {"entry": 0}


def test_one_table_drives_all_deletion() -> None:
    """Each rule that deletes is carried out by the sweep, and nothing else in the store deletes such rows."""
    swept = {*housekeeping.RULES, "alerts", "alerts_with_outcome", "alerts_revoked", "watchlists",
             "unused_watchlists"}  # fmt: skip
    assert swept == {name for name, rule in RETENTION.items() if rule.after is not None}


def test_the_essay_shows_the_table_as_it_is() -> None:
    essay = (Path(__file__).resolve().parents[3] / "docs" / "retention.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \|", essay, re.M)
    assert named == list(RETENTION)
