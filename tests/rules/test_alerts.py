"""Alert, adjudication and engagement, rules 16 to 23: over the real stores and the real server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest

from lfrd import wire
from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.retention import Retention
from lfrd.types import SYSTEM, AlertId, ArrestClass, Decision, Outcome, Role
from tests.desk import CAMERAS, cartoon, desk
from tests.journeys.process import reach, see
from tests.phone import Phone
from tests.rules.site import ready
from tests.unit.store.conftest import Clock, Store, opened


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data" / "lfrd.sqlite3", Clock(), SiteKey.generate()) as made:
        yield made


# ---- rule 16 -------------------------------------------------------------------------------------------


async def test_a_phone_is_told_of_an_alert_all_that_an_officer_decides_by(tmp_path: Path) -> None:
    async with desk(tmp_path) as there:
        await there.started()
        code = await there.records.officers.invite("PC 9", 1, 60, actor=there.people[Role.OPERATOR])
        phone = await Phone.join(there.url, code, "")
        async with phone.connected(), phone.http() as http:
            before = time.time()
            raised = await there.alert("W-2041", category="missing person", instruction="Speak kindly")
            await phone.until(lambda: bool(phone.events))
            told = phone.events[0].alert
            probe, candidate = [await http.get(address) for address in (told.probe, told.candidate)]
        shown = {
            "probe": probe.content,
            "candidate": candidate.content,
            "score": told.score,
            "threshold": told.threshold,
            "camera": told.camera,
            "category": told.category,
            "instruction": told.instruction,
            "eye distance": told.quality["eye_distance"],
            "sharpness": told.quality["sharpness"],
            "age of the image": told.image_date,
            "time": before - 10 < told.seen_at <= time.time(),
        }
        assert shown == {
            "probe": cartoon(1, soft=2.0),
            "candidate": cartoon(1),
            "score": 0.71,
            "threshold": 0.6,
            "camera": CAMERAS[0],
            "category": "missing person",
            "instruction": "Speak kindly",
            "eye distance": 46.0,
            "sharpness": 160.0,
            "age of the image": "2023-05-17",
            "time": True,
        }
        assert told == raised


# ---- rule 17 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", [None, *get_args(Decision)])
async def test_nobody_is_engaged_but_on_a_recorded_adjudication_that_says_viable(
    store: Store, decision: Decision | None
) -> None:
    officer = (await store.phone("PC Adams")).actor
    alert = await store.filed()
    if decision is not None:
        await store.acts.adjudicate(alert, officer, decision, "" if decision == "viable" else "too far")
    if decision == "viable":
        assert (await store.acts.engage(alert, officer)).alert.engaged_by == "PC Adams"
        return
    with pytest.raises(NotAllowed) as refused:
        await store.acts.engage(alert, officer)
    assert refused.value.code == ("not_adjudicated" if decision is None else "not_viable")
    assert (await store.alerts.view(alert)).engaged_by == ""
    assert not [body for body in await store.audited() if isinstance(body, kinds.Engaged)]


@pytest.mark.parametrize("decision", get_args(Decision))
async def test_an_adjudication_says_what_by_whom_why_and_in_how_many_seconds(
    store: Store, decision: Decision
) -> None:
    officer = (await store.phone("PC Adams")).actor
    alert = await store.filed()
    store.clock.now += 14.5
    if decision != "viable":
        with pytest.raises(NotAllowed) as refused:
            await store.acts.adjudicate(alert, officer, decision)
        assert refused.value.code == "reason_missing"
    told = (await store.acts.adjudicate(alert, officer, decision, "the nose differs")).alert
    assert (told.decision, told.decided_by, told.reason, told.seconds) == (
        decision, "PC Adams", "the nose differs", 14.5,
    )  # fmt: skip
    (audited,) = [body for body in await store.audited() if isinstance(body, kinds.AlertAdjudicated)]
    assert (audited.decision, audited.seconds, audited.review) == (decision, 14.5, 1)


async def test_where_two_reviewers_are_required_one_engages_nobody_and_the_second_is_blind(
    store: Store,
) -> None:
    first, second = [(await store.phone(name)).actor for name in ("PC Adams", "PC Begum")]
    alert = await store.filed(reviews_needed=2)
    told = (await store.acts.adjudicate(alert, first, "viable", "the scar")).alert
    assert (told.decision, told.decided_by, told.reason, told.claimed_by) == ("", "", "", "")
    for refused_for, work in (
        ("not_adjudicated", store.acts.engage(alert, first)),
        ("not_adjudicated", store.acts.engage(alert, second)),
    ):
        with pytest.raises(NotAllowed) as refused:
            await work
        assert refused.value.code == refused_for
    await store.acts.adjudicate(alert, second, "viable")
    assert (await store.acts.engage(alert, first)).alert.engaged_by == "PC Adams"


# ---- rule 18 -------------------------------------------------------------------------------------------


async def test_of_an_alert_that_nobody_answers_the_box_makes_nothing_but_its_showing(
    tmp_path: Path, builtin: Path, street_clip: Path, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The astronaut is on the list and walks by; the officer on post does nothing."""
    async with (
        ready(tmp_path, builtin, street_clip, astronaut, monkeypatch, paced=False) as site,
        site.running() as there,
    ):
        kept, phone = there.records, there.phone
        await there.start((await kept.deployments.get(site.deployment)).plan)
        await reach(phone, lambda: bool(phone.events))
        await see(phone, Street="ended")
        await there.looked()
        (alert,) = await kept.alerts.views(site.deployment)
        records = await kept.audit.records(limit=1000)
    assert {event.what for event in phone.events} <= {"alert", "sighting", "improved"}
    assert alert.score >= alert.threshold
    assert (alert.claimed_by, alert.decision, alert.engaged_by, alert.outcome, alert.closed) == (
        *("", "", "", "", False),
    )
    acts = {one.what for one in records if alert.id in one.body}
    assert acts <= {"alert_raised", "alert_sighted", "alert_improved"}


# ---- rule 22 -------------------------------------------------------------------------------------------

CODED: list[tuple[Outcome, ArrestClass | str]] = [
    *((outcome, "") for outcome in get_args(Outcome) if outcome != "arrest"),
    *(("arrest", arrest) for arrest in get_args(ArrestClass)),
]


def test_the_outcomes_are_those_that_the_rule_names() -> None:
    assert set(get_args(Outcome)) == {
        "confirmed_true", "confirmed_false", "unconfirmed", "no_engagement", "arrest", "other_disposal",
    }  # fmt: skip


@pytest.mark.parametrize(("outcome", "arrest"), CODED)
async def test_an_alert_is_closed_only_once_its_outcome_is_coded(
    store: Store, outcome: Outcome, arrest: ArrestClass | str
) -> None:
    officer = (await store.phone("PC Adams")).actor
    alert = await store.filed()
    await store.acts.adjudicate(alert, officer, "viable")
    if outcome != "no_engagement":
        await store.acts.engage(alert, officer)
    with pytest.raises(NotAllowed) as refused:
        await store.acts.close(alert, officer)
    assert refused.value.code == "outcome_missing"
    if arrest:
        with pytest.raises(NotAllowed) as refused:
            await store.acts.code(alert, officer, outcome)
        assert refused.value.code == "arrest_class"
    await store.acts.code(alert, officer, outcome, arrest)
    told = (await store.acts.close(alert, officer)).alert
    assert (told.outcome, told.arrest_class, told.outcome_by, told.closed) == (
        outcome, arrest, "PC Adams", True,
    )  # fmt: skip


# ---- rule 23 -------------------------------------------------------------------------------------------

DAY = 24 * 3600.0
TYING = {"confirmed_true", "arrest", "other_disposal"}
"""Outcomes of which something came that a court or a complaint may ask about."""


@pytest.mark.parametrize("outcome", [None, *get_args(Outcome)])
async def test_alert_data_goes_after_24_hours_or_with_an_outcome_that_ties_it_after_31_days(
    store: Store, outcome: Outcome | None
) -> None:
    officer = (await store.phone("PC Adams")).actor
    alert = await store.filed()
    await store.acts.adjudicate(alert, officer, "viable")
    if outcome not in (None, "no_engagement"):
        await store.acts.engage(alert, officer)
    if outcome is not None:
        await store.acts.code(alert, officer, outcome, "warrant" if outcome == "arrest" else "")
    kept = Retention(store.db, store.keys, store.destruction, store.clock)
    begun = store.clock.now
    for after, there in ((DAY - 1, True), (DAY, outcome in TYING), (31 * DAY - 1, outcome in TYING)):
        store.clock.now = begun + after
        await kept.sweep(SYSTEM)
        assert await is_kept(store, alert) == there, after
    store.clock.now = begun + 31 * DAY
    await kept.sweep(SYSTEM)
    assert not await is_kept(store, alert)


async def is_kept(store: Store, alert: AlertId) -> bool:
    async with store.db.read() as tx:
        found = [
            len(await tx.rows(f"SELECT 1 FROM {table} WHERE alert = ?", alert))
            for table in ("picture", "adjudication")
        ]
        kept = bool(await tx.rows("SELECT 1 FROM alert WHERE id = ?", alert))
    assert [bool(number) for number in found] == [kept, kept]
    return kept


# ---- rule 20 -------------------------------------------------------------------------------------------


async def test_every_event_has_its_number_and_a_phone_that_comes_back_gets_each_later_one_once(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as there:
        await there.started()
        code = await there.records.officers.invite("PC 9", 1, 60, actor=there.people[Role.OPERATOR])
        phone = await Phone.join(there.url, code, "")
        async with phone.connected():
            await there.alert("W-2041")
            await phone.until(lambda: len(phone.events) == 1)
            await phone.say(wire.Beat())
            await phone.until(lambda: bool(phone.pulses))
        for number in (2042, 2043, 2044):
            await there.alert(f"W-{number}")
        async with phone.connected():
            await phone.until(lambda: len(phone.events) == 4)
            await phone.say(wire.Beat())
            await phone.until(lambda: len(phone.pulses) == 2)  # so the receipts have arrived
            await there.office.receipts.write()
        assert phone.seqs == sorted(set(phone.seqs))
        assert phone.again == 0
        assert phone.seqs[-1] in (await there.records.alerts.receipts()).values()
