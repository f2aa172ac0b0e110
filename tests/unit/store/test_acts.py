"""What officers do about an alert, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from lfrd import wire
from lfrd.errors import NotAllowed
from lfrd.store.officers import Officers
from lfrd.types import CONSOLE, Actor, OfficerId, Stage
from tests.unit.store.conftest import Store
from tests.unit.store.test_alerts import refused


async def whats(store: Store) -> list[str]:
    return [event.what for event in await store.alerts.after(0, 100)]


async def test_fifty_claims_at_once_have_one_winner(store: Store) -> None:
    phones = [await store.phone(f"PC {number}") for number in range(50)]
    alert = await store.filed()
    results = await asyncio.gather(
        *(store.acts.claim(alert, phone.actor) for phone in phones), return_exceptions=True
    )
    won = [result for result in results if isinstance(result, wire.Event)]
    lost = [result for result in results if isinstance(result, NotAllowed)]
    assert (len(won), len(lost)) == (1, 49)
    assert {str(error) for error in lost} == {f"{won[0].alert.claimed_by} has it"}
    assert await store.alerts.latest() == 2


async def test_a_claim_that_was_given_back_is_free_for_the_next(store: Store) -> None:
    adams, baker = await store.phone("PC Adams"), await store.phone("PC Baker")
    alert = await store.filed()
    await store.acts.claim(alert, adams.actor)
    await refused("claimed", store.acts.release(alert, baker.actor))
    assert (await store.acts.release(alert, adams.actor)).alert.claimed_by == ""
    assert (await store.acts.claim(alert, baker.actor)).alert.claimed_by == "PC Baker"


async def test_a_decision_claims_an_alert_that_nobody_has_and_takes_its_time_down(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed()
    store.clock.now += 12.5
    event = await store.acts.adjudicate(alert, phone.actor, "not_viable", "  another ear  ")
    view = event.alert
    assert (event.what, view.claimed_by, view.decided_by) == ("adjudicated", "PC Adams", "PC Adams")
    assert (view.decision, view.reason, view.seconds, view.reviews) == ("not_viable", "another ear", 12.5, 1)


async def test_engagement_is_possible_only_after_a_viable_adjudication_is_recorded(store: Store) -> None:
    adams, baker = await store.phone("PC Adams"), await store.phone("PC Baker")
    alert = await store.filed()
    await refused("not_adjudicated", store.acts.engage(alert, baker.actor))
    await store.acts.adjudicate(alert, adams.actor, "viable")
    view = (await store.acts.engage(alert, baker.actor)).alert
    assert (view.engaged_by, view.engaged_at) == ("PC Baker", store.clock.now)
    await refused("engaged", store.acts.engage(alert, adams.actor))


async def test_an_alert_that_has_expired_engages_nobody_though_nobody_has_been_told_so_yet(
    store: Store,
) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed(expire_seconds=60.0)
    await store.acts.adjudicate(alert, phone.actor, "viable")
    store.clock.now += 60
    await refused("expired", store.acts.engage(alert, phone.actor))
    assert not (await store.alerts.view(alert)).expired


async def test_until_both_reviewers_have_decided_nobody_is_told_what_the_first_one_said(store: Store) -> None:
    adams, baker = await store.phone("PC Adams"), await store.phone("PC Baker")
    alert = await store.filed(reviews_needed=2)
    first = await store.acts.adjudicate(alert, adams.actor, "insufficient", "marked reason")
    assert first.what == "reviewed"
    told = wire.encode(await store.alerts.after(0, 10))
    assert first.alert.reviews == 1
    for secret in (b"PC Adams", b"insufficient", b"marked reason", adams.actor.id.encode()):
        assert secret not in told
    for code, act in (
        ("not_adjudicated", store.acts.engage(alert, baker.actor)),
        ("not_adjudicated", store.acts.withdraw(alert, baker.actor, "why")),
        ("not_adjudicated", store.acts.code(alert, baker.actor, "no_engagement")),
        ("same_reviewer", store.acts.adjudicate(alert, adams.actor, "viable")),
    ):
        message = await refused(code, act)
        assert "Adams" not in message
        assert "insufficient" not in message
    store.clock.now += 8
    view = (await store.acts.adjudicate(alert, baker.actor, "viable", "the scar")).alert
    assert (view.decision, view.reason, view.reviews) == ("insufficient", "marked reason", 2)
    assert (view.decided_by, view.seconds) == ("PC Adams and PC Baker", 8.0)
    assert await whats(store) == ["alert", "reviewed", "adjudicated"]
    await refused("not_viable", store.acts.engage(alert, baker.actor))


async def test_a_shifts_invitation_does_not_make_one_person_two_reviewers(store: Store) -> None:
    officers, adams = Officers(store.db, store.clock), await store.phone("PC Adams")
    code = await officers.invite(None, 2, 600, actor=CONSOLE)
    session = await officers.session(await officers.join(code, "PC Nobody"))
    assert session is not None
    two, one = await store.filed(reviews_needed=2), await store.filed("p2")
    await store.acts.adjudicate(two, adams.actor, "viable")
    await refused("unnamed", store.acts.claim(two, session.actor))
    assert "own name" in await refused("unnamed", store.acts.adjudicate(two, session.actor, "viable"))
    assert (await store.acts.adjudicate(one, session.actor, "viable")).alert.decision == "viable"
    code = await officers.invite("PC Nobody", 1, 600, actor=CONSOLE)
    await officers.join(code)
    assert (await store.acts.adjudicate(two, session.actor, "viable")).alert.decision == "viable"


async def test_two_viable_decisions_by_different_officers_let_one_engage(store: Store) -> None:
    adams, baker = await store.phone("PC Adams"), await store.phone("PC Baker")
    alert = await store.filed(reviews_needed=2)
    await store.acts.claim(alert, adams.actor)
    await store.acts.adjudicate(alert, adams.actor, "viable")
    await refused("not_adjudicated", store.acts.engage(alert, adams.actor))
    await store.acts.adjudicate(alert, baker.actor, "viable")
    assert (await store.acts.engage(alert, adams.actor)).alert.engaged_by == "PC Adams"


async def test_a_withdrawal_is_a_record_of_its_own_and_takes_the_decision_off_the_alert(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed()
    await store.acts.adjudicate(alert, phone.actor, "viable")
    view = (await store.acts.withdraw(alert, phone.actor, "wrong card")).alert
    assert (view.decision, view.decided_by, view.reviews, view.claimed_by) == ("", "", 0, "PC Adams")
    await refused("not_adjudicated", store.acts.engage(alert, phone.actor))
    again = await store.acts.adjudicate(alert, phone.actor, "not_viable", "another ear")
    assert again.alert.decision == "not_viable"
    async with store.db.read() as tx:
        assert len(await tx.rows("SELECT 1 FROM adjudication")) == 2
        assert len(await tx.rows("SELECT 1 FROM withdrawal")) == 1


async def test_one_of_two_reviewers_who_withdraws_hides_the_decision_until_a_third_has_decided(
    store: Store,
) -> None:
    adams, baker, clark = [await store.phone(name) for name in ("PC Adams", "PC Baker", "PC Clark")]
    alert = await store.filed(reviews_needed=2)
    await store.acts.adjudicate(alert, adams.actor, "viable")
    await store.acts.adjudicate(alert, baker.actor, "not_viable", "another ear")
    view = (await store.acts.withdraw(alert, baker.actor, "wrong card")).alert
    assert (view.decision, view.decided_by, view.reviews) == ("", "", 1)
    await refused("same_reviewer", store.acts.adjudicate(alert, baker.actor, "viable"))
    assert (await store.acts.adjudicate(alert, clark.actor, "viable")).alert.decision == "viable"


async def test_a_correction_is_a_record_of_its_own_and_the_newest_outcome_counts(store: Store) -> None:
    adams, baker = await store.phone("PC Adams"), await store.phone("PC Baker")
    alert = await store.filed()
    await store.acts.adjudicate(alert, adams.actor, "viable")
    await store.acts.engage(alert, adams.actor)
    await store.acts.code(alert, adams.actor, "arrest", "breach")
    await store.acts.close(alert, adams.actor)
    await refused("correction_missing", store.acts.code(alert, baker.actor, "confirmed_false"))
    event = await store.acts.code(alert, baker.actor, "confirmed_false", correction="fingerprints")
    view = event.alert
    assert (view.outcome, view.arrest_class, view.outcome_by) == ("confirmed_false", "", "PC Baker")
    assert view.closed
    async with store.db.read() as tx:
        assert len(await tx.rows("SELECT 1 FROM outcome")) == 2


async def test_an_alert_is_closed_once_and_only_with_an_outcome(store: Store) -> None:
    adams, baker = await store.phone("PC Adams"), await store.phone("PC Baker")
    alert = await store.filed()
    await refused("outcome_missing", store.acts.close(alert, adams.actor))
    await store.acts.adjudicate(alert, adams.actor, "insufficient", "far away")
    await store.acts.code(alert, adams.actor, "no_engagement")
    assert (await store.acts.close(alert, adams.actor)).alert.closed
    await refused("closed", store.acts.close(alert, baker.actor))
    await refused("closed", store.acts.claim(alert, baker.actor))


async def test_an_act_that_is_sent_again_after_a_lost_connection_returns_its_event_and_changes_nothing(
    store: Store,
) -> None:
    phone = await store.phone("PC Adams")
    alert, acts, actor = await store.filed(), store.acts, phone.actor
    steps: list[Callable[[], Awaitable[wire.Event]]] = [
        lambda: acts.claim(alert, actor),
        lambda: acts.release(alert, actor),
        lambda: acts.adjudicate(alert, actor, "insufficient", " far away "),
        lambda: acts.withdraw(alert, actor, "came closer"),
        lambda: acts.adjudicate(alert, actor, "viable"),
        lambda: acts.engage(alert, actor),
        lambda: acts.code(alert, actor, "arrest", "warrant"),
        lambda: acts.code(alert, actor, "confirmed_false", correction="fingerprints"),
        lambda: acts.close(alert, actor),
    ]
    for act in steps:
        before = await store.alerts.latest()
        event = await act()
        assert event.seq == before + 1
        store.clock.now += 5
        assert await act() == event
        assert await store.alerts.latest() == event.seq
    assert len(await store.audited()) == len(await store.alerts.after(0, 100))


async def test_an_alert_escalates_once_and_not_while_somebody_sees_to_it(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed()
    event = await store.acts.escalate(alert)
    assert event is not None
    assert (event.what, event.alert.escalated) == ("escalated", True)
    assert await store.acts.escalate(alert) is None
    assert not (await store.acts.claim(alert, phone.actor)).alert.escalated
    assert await store.acts.escalate(alert) is None
    await store.acts.release(alert, phone.actor)
    assert await store.acts.escalate(alert) is not None


async def test_an_alert_expires_once_and_not_before_its_time(store: Store) -> None:
    alert = await store.filed(expire_seconds=60.0)
    store.clock.now += 59
    assert await store.acts.expire(alert) is None
    store.clock.now += 1
    event = await store.acts.expire(alert)
    assert event is not None
    assert (event.what, event.alert.expired) == ("expired", True)
    assert await store.acts.expire(alert) is None


@pytest.mark.parametrize("stage", [Stage.PAUSED, Stage.SUSPENDED, Stage.CLOSED])
async def test_an_alert_that_was_raised_is_answered_whatever_became_of_its_deployment(
    store: Store, stage: Stage
) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed()
    await store.stage(stage)
    await store.acts.adjudicate(alert, phone.actor, "viable")
    await store.acts.engage(alert, phone.actor)
    await store.acts.code(alert, phone.actor, "confirmed_false")
    assert (await store.acts.close(alert, phone.actor)).alert.closed


async def test_an_officer_who_does_not_exist_is_a_bug_and_changes_nothing(store: Store) -> None:
    alert = await store.filed()
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await store.acts.claim(alert, Actor(OfficerId("nobody"), "Nobody"))
    assert await store.alerts.latest() == 1
