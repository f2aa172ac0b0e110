"""Filing, acting, escalating and expiring, on a real store."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from lfrd import wire
from lfrd.decision.repeats import Repeats
from lfrd.errors import NotAllowed, StoreError
from lfrd.flow import Closed
from lfrd.operation.alerts import Alerts, Finding, InForce
from lfrd.operation.hub import Hub
from lfrd.policy.plan import Plan
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.alerts import AlertLog
from lfrd.types import CONSOLE, Actor, AlertId, Box, CameraId, DeploymentId, NominalId, Stage, TrackId
from tests.unit.store.conftest import Clock, Store
from tests.unit.store.conftest import opened as opened_store

KEY = SiteKey.generate()
SEEN = Clock().now


def finding(nominal: str = "N-1", camera: str = "gate", track: int = 1, seen_at: float = SEEN) -> Finding:
    return Finding(
        nominal=NominalId(nominal),
        category="wanted on warrant",
        score=0.7,
        threshold=0.5,
        camera=CameraId(camera),
        track=TrackId(track),
        seen_at=seen_at,
        captured_monotonic=time.monotonic(),
        quality={"eye_distance": 40.0},
        worth=30.0,
        shots=5,
        box=Box(1, 2, 3, 4),
        probe_jpeg=b"\xff\xd8probe",
        candidate_jpeg=b"\xff\xd8candidate",
    )


class Desk:
    """The alerts' own tasks, on a store whose deployment is in force."""

    def __init__(self, store: Store, hub: Hub, limit: int) -> None:
        self.store = store
        self.clock = store.clock
        self.log = store.alerts
        self.hub = hub
        self.alerts = Alerts(self.log, hub, Repeats(300), limit=limit)
        self.run = asyncio.create_task(self.alerts.run())

    async def open(self, **change: Any) -> None:
        values = {"segment": 1, "escalate_seconds": 20.0, "expire_seconds": 300.0} | change
        await self.alerts.open(InForce(self.store.deployment, **values))

    async def filed(self, nominal: str = "N-1") -> AlertId:
        event = await self.alerts.report(finding(nominal))
        assert event is not None
        return AlertId(event.alert.id)

    async def officer(self, name: str) -> Actor:
        return (await self.store.phone(name)).actor

    async def stored(self) -> list[wire.Event]:
        return await self.log.after(0, 1000)

    async def published(self) -> list[int]:
        return [line.seq for line in await self.hub.after(0, 1000)]


@asynccontextmanager
async def opened(
    folder: Path, *, limit: int = 256, begin: bool = True, clock: Clock | None = None
) -> AsyncIterator[Desk]:
    async with opened_store(folder / "data" / "lfrd.db", clock or Clock(), KEY, begin=begin) as store:
        desk = Desk(store, Hub(store.alerts, await store.alerts.latest()), limit)
        await desk.open()
        try:
            yield desk
        finally:
            desk.run.cancel()
            await asyncio.wait({desk.run})


async def test_a_finding_becomes_an_alert_that_is_stored_and_published(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        event = await desk.alerts.report(finding())
        assert event is not None
        assert event.what == "alert"
        assert await desk.stored() == [event]
        assert await desk.published() == [event.seq]
        statistics = desk.alerts.statistics()
        assert statistics.filed == 1
        assert statistics.newest_delay is not None


async def test_two_cameras_that_see_a_nominal_at_once_make_one_alert_and_one_sighting(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        events = await asyncio.gather(
            *(desk.alerts.report(finding(camera=camera, track=track)) for track, camera in enumerate("ab"))
        )
        assert [event.what for event in events if event is not None] == ["alert", "sighting"]
        assert len({event.alert.id for event in events if event is not None}) == 1


async def test_how_long_a_person_counts_as_a_repeat_is_what_the_deployment_has_frozen(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.open(repeat_seconds=10.0)  # the settings of today say 300
        first = await desk.alerts.report(finding(track=1, seen_at=SEEN))
        later = await desk.alerts.report(finding(track=2, seen_at=SEEN + 11))
        assert first is not None
        assert later is not None
        assert (first.what, later.what) == ("alert", "alert")


async def test_another_nominal_at_the_same_instant_is_an_alert_of_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        events = await asyncio.gather(
            *(desk.alerts.report(finding(nominal, track=1)) for nominal in ("N-1", "N-2"))
        )
        assert [event.what for event in events if event is not None] == ["alert", "alert"]


async def test_a_track_tells_of_a_nominal_only_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.alerts.report(finding())
        assert await desk.alerts.report(finding(seen_at=SEEN + 1)) is None
        assert len(await desk.stored()) == 1
        assert desk.alerts.statistics().known == 1


async def test_a_clearly_better_picture_of_the_same_passage_replaces_the_one_that_phones_show(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.alerts.report(finding())
        assert first is not None
        better = dataclasses.replace(finding(), worth=45.0, probe_jpeg=b"better")
        assert await desk.alerts.report(dataclasses.replace(better, worth=44.0)) is None
        event = await desk.alerts.report(better)
        assert event is not None
        assert (event.what, event.alert.id) == ("improved", first.alert.id)
        assert await desk.alerts.report(dataclasses.replace(better, worth=46.0)) is None
        assert await desk.published() == [first.seq, event.seq]
        assert await desk.log.picture(AlertId(first.alert.id), "probe", CONSOLE) == b"better"


async def test_events_are_published_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    async with opened(tmp_path, limit=2) as desk:
        async with asyncio.TaskGroup() as group:
            for track in range(50):
                group.create_task(desk.alerts.report(finding(f"N-{track}", track=track)))
        assert await desk.published() == [event.seq for event in await desk.stored()]
        assert desk.hub.statistics().gaps == 0


def test_a_findings_repr_shows_no_picture() -> None:
    assert "probe_jpeg" not in repr(finding())
    assert "xff" not in repr(finding())


# ---- the deployment in force ----------------------------------------------------------------------------


def test_what_is_in_force_follows_the_plan() -> None:
    plan = Plan(name="Market day", second_review=True, escalate_seconds=10, expire_seconds=120)
    assert InForce.of(DeploymentId("d1"), 2, plan) == InForce(DeploymentId("d1"), 2, 10, 120, 2)


async def test_nothing_is_raised_while_no_deployment_is_in_force(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.alerts.close()
        with pytest.raises(NotAllowed) as refused:
            await desk.alerts.report(finding())
        assert refused.value.code == "no_deployment"
        await desk.open()
        await desk.store.stage(Stage.SUSPENDED)  # by another hand, a moment before we are told
        with pytest.raises(NotAllowed):
            await desk.alerts.report(finding())
        assert await desk.stored() == []


async def test_an_alert_has_the_segment_and_the_terms_that_are_in_force(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.open(segment=3, expire_seconds=60.0, reviews_needed=2)
        alert = await desk.filed()
        view = await desk.log.view(alert)
        assert (view.expires_at, view.reviews_needed) == (desk.clock.now + 60, 2)
        async with desk.store.db.read() as tx:
            row = await tx.row("SELECT deployment, segment FROM alert WHERE id = ?", alert)
        assert row is not None
        assert (row["deployment"], row["segment"]) == (desk.store.deployment, 3)


async def test_another_deployment_counts_nobody_as_a_repeat_of_the_last_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.filed()
        await desk.alerts.close()
        await desk.store.stage(Stage.CLOSED)
        await desk.store.begin("d2", "Evening")
        await desk.open()
        event = await desk.alerts.report(finding(track=2))
        assert event is not None
        assert (event.what, event.alert.id == first) == ("alert", False)


async def test_a_person_seen_before_and_after_a_pause_is_one_alert(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.filed()
        await desk.alerts.close()
        await desk.open()
        event = await desk.alerts.report(finding(track=2))
        assert event is not None
        assert (event.what, event.alert.id) == ("sighting", first)


async def test_a_repeat_after_a_restart_is_still_a_sighting(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.filed()
    async with opened(tmp_path, begin=False) as desk:
        again = await desk.alerts.report(finding(seen_at=SEEN + 100))
    assert again is not None
    assert (again.what, again.alert.id) == ("sighting", first)


# ---- repeats --------------------------------------------------------------------------------------------


async def see_through(desk: Desk, alert: AlertId) -> None:
    officer = await desk.officer("PC Adams")
    for request in (
        wire.Adjudicate(alert, "not_viable", "another ear"),
        wire.Code(alert, "no_engagement"),
        wire.CloseAlert(alert),
    ):
        await desk.alerts.carry_out(request, officer)


async def test_a_passage_after_the_alert_was_closed_is_a_new_alert(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.filed()
        await see_through(desk, first)
        assert await desk.alerts.report(finding()) is None, "they have not even left the view"
        event = await desk.alerts.report(finding(track=2))
        assert event is not None
        assert (event.what, event.alert.id == first) == ("alert", False)
        better = dataclasses.replace(finding(track=2), worth=90.0)
        improved = await desk.alerts.report(better)
        assert improved is not None
        assert (improved.what, improved.alert.id) == ("improved", event.alert.id)


async def test_a_passage_after_the_alert_was_decided_or_expired_is_a_sighting_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        alert = await desk.filed()
        desk.clock.now += 300
        await desk.alerts.tend()
        assert (await desk.log.view(alert)).expired
        event = await desk.alerts.report(finding(track=2))
        assert event is not None
        assert (event.what, event.alert.expired) == ("sighting", False)
        await desk.alerts.carry_out(
            wire.Adjudicate(alert, "not_viable", "another ear"), await desk.officer("PC Adams")
        )
        event = await desk.alerts.report(finding(track=3))
        assert event is not None
        assert (event.what, event.alert.decision) == ("sighting", "not_viable")


async def test_where_officers_could_not_tell_the_next_passage_asks_them_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        alert, officer = await desk.filed(), await desk.officer("PC Adams")
        await desk.alerts.carry_out(wire.Adjudicate(alert, "insufficient", "far away"), officer)
        assert await desk.alerts.report(finding()) is None
        event = await desk.alerts.report(finding(track=2))
        assert event is not None
        assert (event.what, event.alert.id == alert) == ("alert", False)


async def test_where_officers_could_not_tell_a_clearly_better_picture_asks_them_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        alert, officer = await desk.filed(), await desk.officer("PC Adams")
        await desk.alerts.carry_out(wire.Adjudicate(alert, "insufficient", "far away"), officer)
        assert await desk.alerts.report(dataclasses.replace(finding(), worth=40.0)) is None
        event = await desk.alerts.report(dataclasses.replace(finding(), worth=45.0))
        assert event is not None
        assert (event.what, event.alert.id == alert) == ("alert", False)
        assert await desk.alerts.report(dataclasses.replace(finding(), worth=46.0)) is None


async def test_a_repeat_of_an_alert_that_was_deleted_is_a_new_alert(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.filed()
        await desk.store.destruction.alerts([first], "test", CONSOLE)
        event = await desk.alerts.report(finding(track=2))
        assert event is not None
        assert event.what == "alert"


async def test_a_person_who_stays_in_view_does_not_let_the_alert_expire(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.filed()
        told = []
        for _ in range(120):
            desk.clock.now += 5
            told.append(await desk.alerts.report(finding(seen_at=desk.clock.now)))
            await desk.alerts.tend()
        assert [event.what for event in told if event is not None] == ["sighting"] * 4
        assert "expired" not in [event.what for event in await desk.stored()]


async def test_a_picture_is_not_improved_once_the_officer_has_decided(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        alert = await desk.filed()
        await desk.alerts.carry_out(wire.Adjudicate(alert, "viable"), await desk.officer("PC Adams"))
        assert await desk.alerts.report(dataclasses.replace(finding(), worth=90.0)) is None


# ---- acts -----------------------------------------------------------------------------------------------


async def test_every_request_of_an_officer_is_carried_out(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        alert, officer = await desk.filed(), await desk.officer("PC Adams")
        for request, what in (
            (wire.Claim(alert), "claimed"),
            (wire.Release(alert), "released"),
            (wire.Adjudicate(alert, "insufficient", "far away"), "adjudicated"),
            (wire.Withdraw(alert, "came closer"), "withdrawn"),
            (wire.Adjudicate(alert, "viable"), "adjudicated"),
            (wire.Engage(alert), "engaged"),
            (wire.Code(alert, "arrest", "warrant"), "outcome"),
            (wire.Code(alert, "confirmed_false", correction="fingerprints"), "outcome"),
            (wire.CloseAlert(alert), "closed"),
        ):
            event = await desk.alerts.carry_out(request, officer)
            assert event.what == what
            assert await desk.alerts.carry_out(request, officer) == event, "sent again"
        events = await desk.stored()
        assert await desk.published() == [event.seq for event in events]
        assert len(events) == 10


async def test_beyond_showing_it_nothing_follows_an_alert_automatically(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.filed()
        for _ in range(100):
            desk.clock.now += 60
            await desk.alerts.tend()
        assert [event.what for event in await desk.stored()] == ["alert", "escalated", "expired"]
        view = (await desk.stored())[-1].alert
        assert (view.claimed_by, view.decision, view.engaged_by, view.outcome, view.closed) == (
            *("", "", "", "", False),
        )


async def test_the_second_claim_is_refused_and_told_who_was_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        alert = await desk.filed()
        asha, ben = await desk.officer("Asha"), await desk.officer("Ben")
        claims = await asyncio.gather(
            *(desk.alerts.carry_out(wire.Claim(alert), officer) for officer in (asha, ben)),
            return_exceptions=True,
        )
        assert isinstance(claims[0], wire.Event)
        assert claims[0].alert.claimed_by == "Asha"
        assert isinstance(claims[1], NotAllowed)
        assert claims[1].code == "claimed"
        assert desk.alerts.statistics().refused == 1


async def test_a_claim_whose_sender_has_gone_is_carried_out_and_published(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        alert, officer = await desk.filed(), await desk.officer("Asha")
        claim = asyncio.create_task(desk.alerts.carry_out(wire.Claim(alert), officer))
        woken = asyncio.Event()
        with desk.hub.subscribed(woken.set):
            await asyncio.sleep(0)  # the request is on its way
            claim.cancel()
            await woken.wait()
        assert claim.cancelled()
        assert [event.what for event in await desk.stored()] == ["alert", "claimed"]
        assert len(await desk.published()) == 2


# ---- escalation and expiry ------------------------------------------------------------------------------


async def test_an_alert_that_nobody_answers_is_escalated_and_expires(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.filed()
        for seconds, whats in ((19, []), (1, ["escalated"]), (279, []), (1, ["expired"]), (500, [])):
            before = len(await desk.stored())
            desk.clock.now += seconds
            await desk.alerts.tend()
            assert [event.what for event in (await desk.stored())[before:]] == whats
        statistics = desk.alerts.statistics()
        assert (statistics.escalated, statistics.expired, statistics.waiting) == (1, 1, 0)
        assert await desk.published() == [1, 2, 3]


async def test_an_alert_that_waited_before_a_restart_is_escalated_after_it(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as desk:
        await desk.filed()
    clock.now += 20
    async with opened(tmp_path, begin=False, clock=clock) as desk:
        await desk.alerts.close()
        woken = asyncio.Event()
        with desk.hub.subscribed(woken.set):
            watch = asyncio.create_task(desk.alerts.watch())
            await woken.wait()
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        assert [event.what for event in await desk.stored()] == ["alert", "escalated"]


async def test_an_alert_that_waits_again_has_its_own_time_whatever_is_in_force(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        alert, officer = await desk.filed(), await desk.officer("PC Adams")
        await desk.alerts.carry_out(wire.Claim(alert), officer)
        await desk.alerts.carry_out(wire.Adjudicate(alert, "not_viable", "another ear"), officer)
        await desk.alerts.close()
        await desk.alerts.carry_out(wire.Withdraw(alert, "wrong card"), officer)
        await desk.alerts.carry_out(wire.Release(alert), officer)
        for seconds, newest in ((19, "released"), (1, "escalated")):
            desk.clock.now += seconds
            await desk.alerts.tend()
            assert (await desk.stored())[-1].what == newest


async def test_an_alert_that_was_deleted_is_not_escalated(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        alert = await desk.filed()
        await desk.store.destruction.alerts([alert], "test", CONSOLE)
        desk.clock.now += 400
        await desk.alerts.tend()
        assert [event.what for event in await desk.stored()] == ["erased"]
        assert desk.alerts.statistics().waiting == 0


async def test_what_another_task_has_published_first_is_escalated_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        file = desk.log.file

        async def overtaken(alert: Any) -> wire.Event:
            event = await file(alert)
            desk.hub.publish(event)  # as housekeeping does with what it finds in the store
            return event

        desk.log.file = overtaken  # type: ignore[method-assign]
        await desk.filed()
        desk.clock.now += 20
        await desk.alerts.tend()
        assert [event.what for event in await desk.stored()] == ["alert", "escalated"]


# ---- failure --------------------------------------------------------------------------------------------


async def test_a_store_that_fails_ends_the_run_and_answers_everybody(tmp_path: Path) -> None:
    class Full(AlertLog):
        """A disk without room, at the store's boundary."""

        async def file(self, alert: object) -> wire.Event:
            raise StoreError("lfrd.db: no room left on its disk")

    async with opened(tmp_path) as desk:
        desk.alerts._log = Full(desk.store.db, desk.store.keys, desk.clock)
        reports = [
            asyncio.create_task(desk.alerts.report(finding(f"N-{track}", track=track))) for track in range(3)
        ]
        with pytest.raises(StoreError, match="no room"):
            await desk.run
        errors = await asyncio.gather(*reports, return_exceptions=True)
        assert [type(error) for error in errors] == [StoreError, Closed, Closed]
        with pytest.raises(Closed):
            await desk.alerts.report(finding())
