"""The log of alerts: filed, seen again, told, read; sealed, numbered and audited."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from lfrd import wire
from lfrd.audit import kinds
from lfrd.errors import NotAllowed, SealError, StoreError
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.database import Transaction
from lfrd.store.keys import Purpose
from lfrd.store.sessions import SessionId
from lfrd.types import AlertId, Box, CameraId, DeploymentId, Stage, TrackId
from tests.unit.store.conftest import Clock, Store, contents, jpeg, new_alert, opened

HERE, THERE = CameraId("High Street 1"), CameraId("Station")


async def refused(code: str, work: object) -> str:
    with pytest.raises(NotAllowed) as caught:
        await work  # type: ignore[misc]
    assert caught.value.code == code
    return str(caught.value)


async def test_an_alert_shows_both_pictures_score_time_camera_category_instruction_quality_and_image_date(
    store: Store,
) -> None:
    event = await store.alerts.file(new_alert(store.deployment))
    view, now = event.alert, store.clock.now
    assert (event.seq, event.what, event.at) == (1, "alert", now)
    assert (view.nominal, view.name, view.camera) == ("p1", "Name of p1", "High Street 1")
    assert (view.score, view.threshold, view.shots) == (0.61, 0.42, 5)
    assert (view.deployment, view.category, view.instruction) == ("Market day", "wanted on warrant", "Arrest")
    assert (view.image_date, view.blue, view.quality["eye_distance"]) == ("2024-05-17", False, 31.5)
    assert (view.seen_at, view.created_at, view.expires_at) == (1_759_999_999.0, now, now + 300)
    assert (view.reviews_needed, view.reviews, view.decision) == (1, 0, "")
    assert view.probe == f"/alerts/{view.id}/probe.jpg"
    assert view.candidate == f"/alerts/{view.id}/candidate.jpg"
    phone = await store.phone("PC Adams")
    for kind in ("probe", "candidate"):
        picture = await store.alerts.picture(AlertId(view.id), kind, phone.actor)
        assert picture == jpeg(f"{kind} of p1")
    assert await store.alerts.after(0, 10) == [event]
    assert await store.alerts.latest() == 1
    assert await store.alerts.view(AlertId(view.id)) == view
    assert await store.alerts.views(store.deployment) == [view]


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.ACTIVE])
async def test_an_alert_exists_only_inside_a_deployment_that_is_active(store: Store, stage: Stage) -> None:
    standing = await store.filed()
    await store.stage(stage)
    await refused("no_deployment", store.alerts.file(new_alert(store.deployment)))
    await refused("no_deployment", store.alerts.sighting(standing, HERE, 1.0, 0.5, TrackId(1)))
    await refused("no_deployment", store.alerts.improve(standing, b"better", {}, 0.9, 9))
    await refused("no_deployment", store.alerts.file(new_alert(DeploymentId("unheard of"))))
    assert await store.alerts.latest() == 1


async def test_what_names_or_shows_a_person_is_sealed_wherever_it_lies(store: Store, path: Path) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed(nominal="marked-nominal", name="Marked Name", instruction="Marked instruction")
    await store.acts.adjudicate(alert, phone.actor, "insufficient", "marked reason")
    await store.acts.withdraw(alert, phone.actor, "marked withdrawal")
    await store.acts.adjudicate(alert, phone.actor, "viable")
    await store.acts.engage(alert, phone.actor)
    await store.acts.code(alert, phone.actor, "confirmed_true")
    await store.acts.code(alert, phone.actor, "confirmed_false", correction="marked correction")
    async with store.db.write() as tx:
        await tx.execute(
            "INSERT INTO officer VALUES ('x', 'seen in the file', 'x', 'auditor', '', NULL, 0, 0, 0, 0, 1)"
        )
    files = b"".join(contents(file) for file in path.parent.iterdir() if file.is_file())
    assert b"seen in the file" in files
    for mark in (b"marked-nominal", b"Marked", b"marked ", b"probe of", b"candidate of", b'"yaw"', b"0.61,"):
        assert mark not in files.replace(b'"score":0.61,', b"")  # the audit keeps score and threshold


async def test_sealed_rows_cannot_change_places(store: Store) -> None:
    first, second = await store.filed(), await store.filed(nominal="p2")
    phone = await store.phone("PC Adams")
    async with store.db.write() as tx:
        for ours, theirs in ((first, second), (second, first)):
            await tx.execute(
                "UPDATE picture SET sealed = (SELECT sealed FROM picture WHERE alert = ? AND kind = 'probe') "
                "WHERE alert = ? AND kind = 'candidate'",
                *(theirs, ours),
            )
    with pytest.raises(SealError):
        await store.alerts.picture(first, "candidate", phone.actor)


async def test_every_act_is_in_the_audit_and_names_no_sought_person(store: Store) -> None:
    adams, baker = await store.phone("PC Adams"), await store.phone("PC Baker")
    alert = await store.filed()
    await store.alerts.sighting(alert, THERE, store.clock.now, 0.7, TrackId(2))
    await store.alerts.improve(alert, b"better", {}, 0.9, 9)
    await store.acts.escalate(alert)
    await store.acts.claim(alert, adams.actor)
    await store.acts.release(alert, adams.actor)
    store.clock.now += 12.5
    await store.acts.adjudicate(alert, baker.actor, "viable")
    await store.acts.withdraw(alert, baker.actor, "wrong card")
    await store.acts.adjudicate(alert, baker.actor, "viable")
    await store.acts.engage(alert, baker.actor)
    await store.acts.code(alert, baker.actor, "arrest", "warrant")
    await store.acts.code(alert, baker.actor, "confirmed_false", correction="fingerprints")
    await store.acts.close(alert, baker.actor)
    d = store.deployment
    assert await store.audited() == [
        kinds.AlertRaised(d, 1, alert, "High Street 1", "wanted on warrant", False, 0.61, 0.42),
        kinds.AlertSighted(d, alert, "Station"),
        kinds.AlertImproved(d, alert, 2),
        kinds.AlertEscalated(d, alert),
        kinds.AlertClaimed(d, alert),
        kinds.AlertReleased(d, alert),
        kinds.AlertAdjudicated(d, alert, "viable", 1, 12.5),
        kinds.AdjudicationWithdrawn(d, alert, 1),
        kinds.AlertAdjudicated(d, alert, "viable", 1, 12.5),
        kinds.Engaged(d, alert),
        kinds.OutcomeCoded(d, alert, "arrest", "warrant"),
        kinds.OutcomeCoded(d, alert, "confirmed_false", "", True),
        kinds.AlertClosed(d, alert),
    ]
    async with store.db.read() as tx:
        actors = [row["actor"] for row in await tx.rows("SELECT actor FROM audit ORDER BY seq")]
    assert actors[:5] == ["system", "system", "system", "system", adams.actor.id]
    assert set(actors[6:]) == {baker.actor.id}


async def test_every_view_of_a_picture_is_in_the_audit(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed()
    assert await store.alerts.picture(AlertId("nothing"), "probe", phone.actor) is None
    await store.alerts.picture(alert, "candidate", phone.actor)
    await store.alerts.picture(alert, "probe", phone.actor)
    assert (await store.audited())[1:] == [
        kinds.PictureViewed(store.deployment, "candidate", alert),
        kinds.PictureViewed(store.deployment, "probe", alert),
    ]


async def test_an_event_read_back_is_the_message_that_was_sent(store: Store) -> None:
    event = await store.alerts.file(new_alert(store.deployment))
    assert [wire.encode(kept) for kept in await store.alerts.after(0, 10)] == [wire.encode(event)]


async def test_numbers_that_come_from_arrays_are_kept(store: Store) -> None:
    alert = new_alert(
        store.deployment,
        score=np.float32(0.5),
        shots=np.int64(4),
        quality={"yaw": np.float32(0.25)},
        box=Box(np.float32(1), np.float32(2), np.float32(3), np.float32(4)),  # type: ignore[arg-type]
    )
    view = (await store.alerts.file(alert)).alert
    assert (view.score, view.shots, view.quality) == (0.5, 4, {"yaw": 0.25})
    assert type(view.score) is float


@pytest.mark.parametrize(
    "change",
    [
        {"score": math.nan},
        {"seen_at": math.inf},
        {"quality": {"yaw": math.nan}},
        {"shots": 0},
        {"probe_jpeg": b""},
        {"candidate_jpeg": b""},
        {"reviews_needed": 3},
        {"expire_seconds": math.nan},
    ],
)
def test_an_alert_that_cannot_be_shown_is_not_made(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"an alert|one shot|one reviewer"):
        new_alert(DeploymentId("d"), "p1", 3000, **change)


def test_an_alert_prints_without_its_pictures_and_without_the_persons_name() -> None:
    text = repr(new_alert(DeploymentId("d")))
    assert "p1" in text
    assert "Name of p1" not in text
    assert "probe of" not in text
    assert "jpeg" not in text


async def test_after_gives_at_most_its_limit_from_where_it_is_asked(store: Store) -> None:
    for _ in range(5):
        await store.alerts.file(new_alert(store.deployment))
    assert [event.seq for event in await store.alerts.after(1, 3)] == [2, 3, 4]
    assert await store.alerts.after(5, 3) == []
    with pytest.raises(ValueError, match="limit"):
        await store.alerts.after(0, 0)


async def test_a_late_sighting_counts_and_does_not_move_the_last_place_back(store: Store) -> None:
    alert = await store.filed()
    await store.alerts.sighting(alert, THERE, 200.0, 0.7, TrackId(1))
    view = (await store.alerts.sighting(alert, HERE, 100.0, 0.8, TrackId(2))).alert
    assert (view.sightings, view.last_camera, view.last_seen_at) == (2, "Station", 200.0)


async def test_a_sighting_renews_the_time_in_which_somebody_may_be_engaged(store: Store) -> None:
    alert = await store.filed()
    store.clock.now += 300
    expired = await store.acts.expire(alert)
    assert expired is not None
    assert expired.alert.expired
    view = (await store.alerts.sighting(alert, THERE, store.clock.now, 0.7, TrackId(2))).alert
    assert (view.expired, view.expires_at, view.sightings) == (False, store.clock.now + 300, 1)
    assert (view.last_camera, view.last_seen_at) == ("Station", store.clock.now)


async def test_a_wrong_time_of_day_neither_extends_an_alert_nor_ends_it(store: Store) -> None:
    alert = await store.filed(seen_at=store.clock.now + 86400)
    assert (await store.alerts.view(alert)).expires_at == store.clock.now + 300
    view = (await store.alerts.sighting(alert, THERE, store.clock.now - 86400, 0.7, TrackId(2))).alert
    assert view.expires_at == store.clock.now + 300
    store.clock.now += 10
    view = (await store.alerts.sighting(alert, THERE, store.clock.now + 86400, 0.7, TrackId(3))).alert
    assert view.expires_at == store.clock.now + 300


async def test_a_closed_alert_takes_no_sighting_and_no_picture(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed()
    await store.acts.adjudicate(alert, phone.actor, "not_viable", "another ear")
    await store.acts.code(alert, phone.actor, "no_engagement")
    await store.acts.close(alert, phone.actor)
    await refused("closed", store.alerts.sighting(alert, HERE, 1.0, 0.5, TrackId(1)))
    await refused("closed", store.alerts.improve(alert, b"better", {}, 0.9, 9))


async def test_a_better_picture_is_shown_and_the_one_that_raised_the_alert_stays(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed()
    filed = await store.alerts.view(alert)
    event = await store.alerts.improve(alert, b"better", {"eye_distance": 60.0}, 0.9, 9)
    assert event is not None
    assert (event.what, event.alert.shots, event.alert.score) == ("improved", 9, 0.9)
    assert event.alert.probe != filed.probe
    assert event.alert.candidate == filed.candidate
    assert event.alert.quality == {"eye_distance": 60.0}
    assert await store.alerts.picture(alert, "probe", phone.actor) == b"better"
    again = await store.alerts.improve(alert, b"best", {}, 0.95, 10)
    assert again is not None
    assert again.alert.probe not in {filed.probe, event.alert.probe}
    async with store.db.read() as tx:
        rows = await tx.rows("SELECT version FROM picture WHERE kind = 'probe' ORDER BY version")
    assert [row["version"] for row in rows] == [1, 2, 3]


@pytest.mark.parametrize("reviews_needed", [1, 2])
async def test_what_was_decided_on_is_not_exchanged_afterwards(store: Store, reviews_needed: int) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed(reviews_needed=reviews_needed)
    await store.acts.adjudicate(alert, phone.actor, "viable")
    assert await store.alerts.improve(alert, b"better", {}, 0.9, 9) is None
    assert await store.alerts.picture(alert, "probe", phone.actor) == jpeg("probe of p1")
    assert await store.alerts.latest() == 2


async def test_what_is_asked_of_an_unknown_alert_is_refused(store: Store) -> None:
    phone = await store.phone("PC Adams")
    unknown = AlertId("0" * 24)
    await refused("unknown_alert", store.acts.claim(unknown, phone.actor))
    await refused("unknown_alert", store.acts.adjudicate(unknown, phone.actor, "viable"))
    await refused("unknown_alert", store.acts.escalate(unknown))
    await refused("unknown_alert", store.alerts.sighting(unknown, HERE, 1.0, 0.5, TrackId(1)))
    await refused("unknown_alert", store.alerts.improve(unknown, b"better", {}, 0.9, 9))
    await refused("unknown_alert", store.alerts.view(unknown))


# ---- deletion -------------------------------------------------------------------------------------------


async def test_an_alert_that_was_deleted_is_told_by_its_id_and_nothing_else(store: Store) -> None:
    first, second = await store.filed(), await store.filed(nominal="p2")
    phone = await store.phone("PC Adams")
    await store.destruction.alerts([first], "test", phone.actor)
    events = await store.alerts.after(0, 10)
    assert [(event.seq, event.what, event.alert.id) for event in events] == [
        (2, "alert", second),
        (3, "erased", first),
    ]
    assert events[1].alert == wire.AlertView(first, "", 0, 0, "", 0, 0, {}, "", "", 0, reviews_needed=0)
    await refused("unknown_alert", store.acts.claim(first, phone.actor))
    assert await store.alerts.picture(first, "probe", phone.actor) is None
    assert [view.id for view in await store.alerts.views(store.deployment)] == [second]
    assert (await store.alerts.file(new_alert(store.deployment))).seq == 4


async def test_alerts_whose_key_is_gone_are_as_good_as_deleted(store: Store) -> None:
    gone = await store.filed()
    phone = await store.phone("PC Adams")
    await store.stage(Stage.CLOSED)
    deployment = store.deployment
    await store.begin("d2", "Evening")
    kept = await store.filed()
    async with store.db.write() as tx:
        await store.keys.forget(tx, deployment, Purpose.ALERTS)
    assert [event.alert.id for event in await store.alerts.after(0, 10)] == [kept]
    assert [event.alert.id for event in await store.alerts.after(0, 1)] == [kept]
    assert await store.alerts.picture(gone, "probe", phone.actor) is None
    assert await store.alerts.views(deployment) == []
    assert [alert.view.id for alert in await store.alerts.open_alerts()] == [kept]
    assert await store.alerts.recent_nominals(deployment, 0) == []
    await refused("unknown_alert", store.acts.claim(gone, phone.actor))


# ---- across deployments and restarts --------------------------------------------------------------------


async def test_event_numbers_go_on_through_all_deployments_and_earlier_alerts_are_still_answered(
    store: Store,
) -> None:
    phone = await store.phone("PC Adams")
    earlier = await store.filed()
    await store.stage(Stage.CLOSED)
    await store.begin("d2", "Evening")
    later = await store.filed()
    event = await store.acts.adjudicate(earlier, phone.actor, "viable")
    assert (event.seq, event.alert.deployment) == (3, "Market day")
    assert [event.alert.id for event in await store.alerts.after(0, 10)] == [earlier, later, earlier]
    assert (await store.alerts.view(later)).deployment == "Evening"


async def test_a_phone_that_joins_while_the_first_alert_is_filed_is_told_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alert comes at the worst moment: as soon as the store has been looked at once."""
    read = store.db.read

    @asynccontextmanager
    async def then_an_alert() -> AsyncIterator[Transaction]:
        async with read() as tx:
            yield tx
        monkeypatch.undo()
        await store.filed()

    monkeypatch.setattr(store.db, "read", then_an_alert)
    assert await store.alerts.beginning(store.clock.now) == 0
    assert await store.alerts.latest() == 1


async def test_a_new_phone_is_not_told_of_what_is_over_in_deployments_that_have_ended(store: Store) -> None:
    phone = await store.phone("PC Adams")
    assert await store.alerts.beginning(store.clock.now) == 0
    over = await store.filed()
    await store.acts.adjudicate(over, phone.actor, "not_viable", "another ear")
    await store.acts.code(over, phone.actor, "no_engagement")
    await store.acts.close(over, phone.actor)
    assert await store.alerts.beginning(store.clock.now) == 0
    await store.stage(Stage.CLOSED)
    assert await store.alerts.beginning(store.clock.now) == 4
    await store.begin("d2", "Evening")
    later = await store.filed()
    begins = await store.alerts.beginning(store.clock.now)
    assert [event.alert.id for event in await store.alerts.after(begins, 9)] == [later]


async def test_a_session_that_saw_a_deployment_end_is_still_told_of_it(store: Store) -> None:
    phone = await store.phone("PC Adams")
    over = await store.filed()
    await store.acts.adjudicate(over, phone.actor, "not_viable", "another ear")
    await store.acts.code(over, phone.actor, "no_engagement")
    began = store.clock.now
    store.clock.now += 60
    await store.acts.close(over, phone.actor)
    async with store.db.write() as tx:
        await tx.execute("UPDATE deployment SET stage = 'closed', closed_at = ?", store.clock.now)
    assert await store.alerts.beginning(began) == 0
    assert await store.alerts.beginning(store.clock.now) == 4


async def test_open_alerts_of_every_deployment_are_taken_up_after_a_restart(store: Store) -> None:
    phone = await store.phone("PC Adams")
    first, second, third = [await store.filed(nominal=name, escalate_seconds=7.0) for name in "abc"]
    await store.acts.adjudicate(second, phone.actor, "viable")
    await store.acts.claim(third, phone.actor)
    store.clock.now += 5
    await store.acts.release(third, phone.actor)
    waiting = await store.alerts.open_alerts()
    assert [alert.view for alert in waiting] == await store.alerts.views(store.deployment)
    assert {alert.view.id: alert.unclaimed_since for alert in waiting} == {
        first: store.clock.now - 5, second: None, third: store.clock.now,
    }  # fmt: skip
    assert {alert.escalate_seconds for alert in waiting} == {7.0}
    await store.acts.code(second, phone.actor, "no_engagement")
    await store.acts.close(second, phone.actor)
    assert second not in [alert.view.id for alert in await store.alerts.open_alerts()]


async def test_recent_nominals_restore_who_was_seen_and_by_which_open_alert(store: Store) -> None:
    phone = await store.phone("PC Adams")
    await store.filed(nominal="old", seen_at=50.0)
    await store.filed(nominal="twice", seen_at=110.0)
    again = await store.filed(nominal="twice", seen_at=400.0)
    carried = await store.filed(nominal="carried", seen_at=40.0)
    await store.alerts.sighting(carried, HERE, 300.0, 0.6, TrackId(1))
    await store.alerts.sighting(carried, HERE, 250.0, 0.6, TrackId(2))
    recent = await store.alerts.recent_nominals(store.deployment, 100.0)
    assert recent == [("carried", carried, 300.0), ("twice", again, 400.0)]
    assert await store.alerts.recent_nominals(store.deployment, 401.0) == []
    await store.acts.adjudicate(again, phone.actor, "insufficient", "far away")
    assert await store.alerts.recent_nominals(store.deployment, 100.0) == [("carried", carried, 300.0)]
    await store.acts.withdraw(again, phone.actor, "came closer")
    await store.acts.adjudicate(carried, phone.actor, "not_viable", "another ear")
    await store.acts.code(carried, phone.actor, "no_engagement")
    await store.acts.close(carried, phone.actor)
    assert await store.alerts.recent_nominals(store.deployment, 100.0) == [("twice", again, 400.0)]


async def test_everything_is_there_after_the_store_is_opened_again(
    path: Path, clock: Clock, site_key: SiteKey
) -> None:
    async with opened(path, clock, site_key) as store:
        phone = await store.phone("PC Adams")
        alert = await store.filed()
        await store.acts.claim(alert, phone.actor)
        await store.alerts.receipted([(phone.session, 1)])
        before = await store.alerts.after(0, 10)
    async with opened(path, clock, site_key, begin=False) as store:
        assert await store.alerts.after(0, 10) == before
        assert await store.alerts.receipts() == {phone.session: 1}
        assert await store.alerts.picture(alert, "candidate", phone.actor) == jpeg("candidate of p1")
        assert (await store.alerts.file(new_alert(store.deployment))).seq == 3


# ---- guards in the database -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE event SET body = x'00'", "an event is never changed"),
        ("DELETE FROM event", "deleted with its alert only"),
        (
            "INSERT OR REPLACE INTO event (seq, deployment, alert, what, at) "
            "SELECT seq, deployment, alert, what, at FROM event",
            "deleted with its alert only",
        ),
        ("UPDATE adjudication SET decision = 'viable'", "an adjudication is never changed"),
        ("UPDATE withdrawal SET officer = ''", "a withdrawal is never changed"),
        ("UPDATE engagement SET at = 0", "an engagement is never changed"),
        ("UPDATE outcome SET outcome = 'unconfirmed'", "an outcome is never changed"),
    ],
)
async def test_what_is_recorded_is_never_edited(store: Store, statement: str, why: str) -> None:
    phone = await store.phone("PC Adams")
    alert = await store.filed()
    await store.acts.adjudicate(alert, phone.actor, "insufficient", "far away")
    await store.acts.withdraw(alert, phone.actor, "came closer")
    await store.acts.adjudicate(alert, phone.actor, "viable")
    await store.acts.engage(alert, phone.actor)
    await store.acts.code(alert, phone.actor, "confirmed_true")
    before = await store.alerts.after(0, 10)
    with pytest.raises(sqlite3.IntegrityError, match=why):
        async with store.db.write() as tx:
            await tx.execute(statement)
    assert await store.alerts.after(0, 10) == before


async def test_a_receipt_never_goes_back_nor_ahead_of_the_log(store: Store) -> None:
    phone = await store.phone("PC Adams")
    for _ in range(3):
        await store.alerts.file(new_alert(store.deployment))
    assert await store.alerts.receipts() == {}
    for seq, kept in ((2, 2), (1, 2), (3, 3), (99, 3)):
        await store.alerts.receipted([(phone.session, seq)])
        assert await store.alerts.receipts() == {phone.session: kept}


async def test_the_receipts_of_many_phones_are_one_transaction(store: Store) -> None:
    phones = [await store.phone(f"PC {name}") for name in ("Adams", "Baker", "Clark")]
    for _ in range(3):
        await store.alerts.file(new_alert(store.deployment))
    before = store.db.statistics().written
    await store.alerts.receipted([(phone.session, seq) for seq, phone in enumerate(phones, 1)])
    assert store.db.statistics().written == before + 1
    assert await store.alerts.receipts() == {phone.session: seq for seq, phone in enumerate(phones, 1)}


async def test_a_receipt_of_no_session_is_a_bug(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await store.alerts.receipted([(SessionId("nobody"), 0)])


async def test_a_reader_never_sees_an_alert_without_its_pictures_or_numbers_out_of_order(
    store: Store,
) -> None:
    filing = asyncio.gather(
        *(store.alerts.file(new_alert(store.deployment, f"p{number}")) for number in range(40))
    )
    views = 0
    while not filing.done():
        async with store.db.read() as tx:
            counted = await tx.row(
                "SELECT (SELECT count(*) FROM alert), (SELECT count(*) FROM picture), "
                "(SELECT count(*) FROM event), (SELECT coalesce(max(seq), 0) FROM event)"
            )
        assert counted is not None
        alerts, pictures, events, newest = counted
        assert pictures == 2 * alerts
        assert events == alerts == newest
        views += 1
    assert views > 1
    assert sorted(event.seq for event in await filing) == list(range(1, 41))


async def test_a_full_store_says_so_keeps_what_it_has_and_takes_more_when_there_is_room(store: Store) -> None:
    kept = await store.alerts.file(new_alert(store.deployment))
    async with store.db.write() as tx:
        pages = await tx.row("PRAGMA page_count")
        assert pages is not None
        await tx.execute(f"PRAGMA max_page_count = {pages[0] + 8}")
    large = new_alert(store.deployment, "p2", size=200_000)
    with pytest.raises(StoreError) as caught:
        await store.alerts.file(large)
    message = str(caught.value)
    assert "no room left" in message
    assert "about 455 KiB needed" in message
    assert str(store.db.path) in message
    assert "\n" not in message
    async with store.db.read() as tx:
        left = await tx.row("SELECT (SELECT count(*) FROM alert), (SELECT count(*) FROM picture)")
    assert left is not None
    assert tuple(left) == (1, 2)
    assert await store.alerts.after(0, 10) == [kept]
    async with store.db.write() as tx:
        await tx.execute("PRAGMA max_page_count = 100000")
    event = await store.alerts.file(large)
    assert event.seq == 2
    phone = await store.phone("PC Adams")
    assert await store.alerts.picture(AlertId(event.alert.id), "probe", phone.actor) == large.probe_jpeg
