from __future__ import annotations

import asyncio
import math
import sqlite3
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lfrd import wire
from lfrd.errors import NotAllowed, StoreError
from lfrd.store.alerts import AlertLog, PictureKind
from lfrd.store.database import Database
from lfrd.store.deployments import Deployments, Terms
from lfrd.store.officers import SessionId
from lfrd.types import AlertId, Box, CameraId, Decision, DeploymentId, OfficerId, TrackId
from tests.unit.store.conftest import TERMS, Clock, Store, jpeg, new_alert

HERE, THERE = CameraId("High Street 1"), CameraId("Station")


async def refused(code: str, work: object) -> str:
    with pytest.raises(NotAllowed) as caught:
        await work  # type: ignore[misc]
    assert caught.value.code == code
    return str(caught.value)


async def test_a_filed_alert_is_an_event_and_two_pictures(store: Store) -> None:
    event = await store.alerts.file(new_alert(store.deployment))
    view = event.alert
    assert (event.seq, event.what, event.at) == (1, "alert", store.clock.now)
    assert (view.nominal, view.camera, view.score, view.threshold) == ("p1", "High Street 1", 0.61, 0.42)
    assert (view.seen_at, view.created_at, view.shots) == (1_759_999_999.0, store.clock.now, 5)
    assert view.probe == f"/alerts/{view.id}/probe.jpg"
    assert view.candidate == f"/alerts/{view.id}/candidate.jpg"
    assert await store.alerts.picture(AlertId(view.id), "probe") == jpeg("probe of p1")
    assert await store.alerts.picture(AlertId(view.id), "candidate") == jpeg("candidate of p1")
    assert await store.alerts.after(0, 10) == [event]
    assert await store.alerts.latest() == 1


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
    ],
)
def test_an_alert_that_cannot_be_shown_is_not_made(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"an alert|one shot"):
        new_alert(DeploymentId("d"), "p1", 3000, **change)


def test_an_alert_prints_without_its_pictures() -> None:
    text = repr(new_alert(DeploymentId("d")))
    assert "p1" in text
    assert "probe of" not in text
    assert "jpeg" not in text


async def test_a_log_refuses_an_alert_of_another_deployment(store: Store) -> None:
    with pytest.raises(ValueError, match="another deployment"):
        await store.alerts.file(new_alert(DeploymentId("other")))
    assert await store.alerts.latest() == 0


async def test_a_picture_of_no_alert_is_none(store: Store) -> None:
    assert await store.alerts.picture(AlertId("nothing"), "probe") is None


async def test_an_earlier_event_keeps_the_state_of_its_time(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    await store.alerts.sighting(alert, THERE, 1_760_000_001.0, 0.7, TrackId(9))
    await store.alerts.claim(alert, phone.officer)
    store.clock.now += 12.5
    await store.alerts.adjudicate(alert, phone.officer, "viable")
    events = await store.alerts.after(0, 10)
    assert [event.what for event in events] == ["alert", "sighting", "claimed", "adjudicated"]
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert [event.alert.sightings for event in events] == [0, 1, 1, 1]
    assert [event.alert.claimed_by for event in events] == ["", "", "PC Adams", "PC Adams"]
    assert [event.alert.decision for event in events] == ["", "", "", "viable"]
    assert events[-1].alert.seconds == 12.5


async def test_after_gives_at_most_its_limit_from_where_it_is_asked(store: Store) -> None:
    for _ in range(5):
        await store.alerts.file(new_alert(store.deployment))
    assert [event.seq for event in await store.alerts.after(1, 3)] == [2, 3, 4]
    assert await store.alerts.after(5, 3) == []
    with pytest.raises(ValueError, match="limit"):
        await store.alerts.after(0, 0)


async def test_a_late_sighting_counts_and_does_not_move_the_last_place_back(store: Store) -> None:
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    await store.alerts.sighting(alert, THERE, 200.0, 0.7, TrackId(1))
    view = (await store.alerts.sighting(alert, HERE, 100.0, 0.8, TrackId(2))).alert
    assert (view.sightings, view.last_camera, view.last_seen_at) == (2, "Station", 200.0)


async def test_another_officers_claim_is_refused_by_name(store: Store) -> None:
    first, second = await store.phone("PC Adams"), await store.phone("PC Baker")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    await store.alerts.claim(alert, first.officer)
    assert await refused("claimed", store.alerts.claim(alert, second.officer)) == "PC Adams has it"
    message = await refused("claimed", store.alerts.adjudicate(alert, second.officer, "viable"))
    assert message == "PC Adams has it"
    assert await store.alerts.latest() == 2


async def test_a_claim_sent_twice_is_one_event(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    assert await store.alerts.claim(alert, phone.officer) == await store.alerts.claim(alert, phone.officer)
    assert await store.alerts.latest() == 2


async def test_a_claim_after_the_officers_own_decision_returns_that(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    decided = await store.alerts.adjudicate(alert, phone.officer, "viable")
    assert await store.alerts.claim(alert, phone.officer) == decided


async def test_fifty_claims_at_once_have_one_winner(store: Store) -> None:
    phones = [await store.phone(f"PC {number}") for number in range(50)]
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    results = await asyncio.gather(
        *(store.alerts.claim(alert, phone.officer) for phone in phones), return_exceptions=True
    )
    won = [result for result in results if isinstance(result, wire.Event)]
    lost = [result for result in results if isinstance(result, NotAllowed)]
    assert (len(won), len(lost)) == (1, 49)
    assert {str(error) for error in lost} == {f"{won[0].alert.claimed_by} has it"}
    assert await store.alerts.latest() == 2


async def test_a_decision_claims_an_alert_that_nobody_has(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    event = await store.alerts.adjudicate(alert, phone.officer, "not_viable", "  another ear  ")
    view = event.alert
    assert (event.what, view.claimed_by, view.decided_by) == ("adjudicated", "PC Adams", "PC Adams")
    assert (view.decision, view.reason) == ("not_viable", "another ear")


@pytest.mark.parametrize("decision", ["not_viable", "insufficient"])
async def test_a_decision_against_needs_a_reason(store: Store, decision: Decision) -> None:
    phone = await store.phone("PC Adams")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    await refused("reason_missing", store.alerts.adjudicate(alert, phone.officer, decision, "  "))
    assert await store.alerts.latest() == 1
    assert (await store.alerts.adjudicate(alert, phone.officer, decision, "blurred")).seq == 2


async def test_a_decision_is_made_once_and_may_be_sent_twice(store: Store) -> None:
    first, second = await store.phone("PC Adams"), await store.phone("PC Baker")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    event = await store.alerts.adjudicate(alert, first.officer, "insufficient", "far away")
    store.clock.now += 5
    assert await store.alerts.adjudicate(alert, first.officer, "insufficient", "far away") == event
    await refused("adjudicated", store.alerts.adjudicate(alert, first.officer, "viable"))
    await refused("adjudicated", store.alerts.adjudicate(alert, second.officer, "insufficient", "far away"))
    assert await store.alerts.latest() == 2


async def test_a_clock_that_is_set_back_makes_no_negative_time(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    store.clock.now -= 3600
    assert (await store.alerts.adjudicate(alert, phone.officer, "viable")).alert.seconds == 0.0


async def test_a_better_picture_is_shown_and_the_one_that_raised_the_alert_stays(store: Store) -> None:
    filed = await store.alerts.file(new_alert(store.deployment))
    alert = AlertId(filed.alert.id)
    event = await store.alerts.improve(alert, b"better", {"eye_distance": 60.0}, 0.9, 9)
    assert event is not None
    assert (event.what, event.seq, event.alert.shots, event.alert.score) == (
        "improved",
        filed.seq + 1,
        9,
        0.9,
    )
    assert event.alert.probe != filed.alert.probe
    assert event.alert.candidate == filed.alert.candidate
    assert event.alert.quality == {"eye_distance": 60.0}
    assert await store.alerts.picture(alert, "probe") == b"better"
    again = await store.alerts.improve(alert, b"best", {}, 0.95, 10)
    assert again is not None
    assert again.alert.probe not in {filed.alert.probe, event.alert.probe}
    async with store.db.read() as tx:
        rows = await tx.rows("SELECT version, jpeg FROM picture WHERE kind = 'probe' ORDER BY version")
        score = await tx.row("SELECT score FROM alert")
    assert [bytes(row["jpeg"]) for row in rows][1:] == [b"better", b"best"]
    assert score is not None
    assert score["score"] == filed.alert.score


async def test_what_was_decided_on_is_not_exchanged_afterwards(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    shown = await store.alerts.picture(alert, "probe")
    await store.alerts.adjudicate(alert, phone.officer, "viable")
    assert await store.alerts.improve(alert, b"better", {}, 0.9, 9) is None
    assert await store.alerts.picture(alert, "probe") == shown
    assert await store.alerts.latest() == 2


async def test_what_is_asked_of_an_unknown_alert_is_refused(store: Store) -> None:
    phone = await store.phone("PC Adams")
    unknown = AlertId("0" * 24)
    await refused("unknown_alert", store.alerts.claim(unknown, phone.officer))
    await refused("unknown_alert", store.alerts.adjudicate(unknown, phone.officer, "viable"))
    await refused("unknown_alert", store.alerts.sighting(unknown, HERE, 1.0, 0.5, TrackId(1)))
    await refused("unknown_alert", store.alerts.improve(unknown, b"better", {}, 0.9, 9))


async def test_an_officer_who_does_not_exist_is_a_bug_and_changes_nothing(store: Store) -> None:
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    with pytest.raises(ValueError, match="no officer"):
        await store.alerts.claim(alert, OfficerId("nobody"))
    assert await store.alerts.latest() == 1


async def test_another_deployments_alerts_are_out_of_reach(store: Store) -> None:
    phone = await store.phone("PC Adams")
    alert = AlertId((await store.alerts.file(new_alert(store.deployment))).alert.id)
    await store.deployments.end(store.deployment)
    other = await store.deployments.begin("Evening", TERMS)
    log = AlertLog(store.db, other.id, store.clock)
    assert await log.latest() == 0
    assert await log.after(0, 10) == []
    assert await log.picture(alert, "probe") is None
    assert await log.open_alerts() == []
    await refused("unknown_alert", log.claim(alert, phone.officer))
    assert (await log.file(new_alert(other.id))).seq == 2


async def test_open_alerts_are_those_without_a_decision_as_they_stand(store: Store) -> None:
    phone = await store.phone("PC Adams")
    first, second, third = [
        AlertId((await store.alerts.file(new_alert(store.deployment, name))).alert.id) for name in "abc"
    ]
    await store.alerts.adjudicate(second, phone.officer, "viable")
    await store.alerts.claim(first, phone.officer)
    waiting = await store.alerts.open_alerts()
    assert [view.id for view in waiting] == [first, third]
    assert [view.claimed_by for view in waiting] == ["PC Adams", ""]


async def test_recent_nominals_restore_who_was_seen_and_by_which_alert(store: Store) -> None:
    async def seen(name: str, at: float) -> AlertId:
        alert = new_alert(store.deployment, name, seen_at=at)
        return AlertId((await store.alerts.file(alert)).alert.id)

    await seen("old", 50.0)
    await seen("twice", 110.0)
    again = await seen("twice", 400.0)
    carried = await seen("carried", 40.0)
    await store.alerts.sighting(carried, HERE, 300.0, 0.6, TrackId(1))
    await store.alerts.sighting(carried, HERE, 250.0, 0.6, TrackId(2))
    assert await store.alerts.recent_nominals(100.0) == [("carried", carried, 300.0), ("twice", again, 400.0)]
    assert await store.alerts.recent_nominals(401.0) == []


async def test_a_receipt_never_goes_back_nor_ahead_of_the_log(store: Store) -> None:
    phone = await store.phone("PC Adams")
    for _ in range(3):
        await store.alerts.file(new_alert(store.deployment))
    assert await store.alerts.receipts() == {}
    for seq, kept in ((2, 2), (1, 2), (3, 3), (99, 3)):
        await store.alerts.receipted(phone.session, seq)
        assert await store.alerts.receipts() == {phone.session: kept}


async def test_a_receipt_of_no_session_is_a_bug(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await store.alerts.receipted(SessionId("nobody"), 0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET body = '{}'",
        "DELETE FROM event",
        "INSERT OR REPLACE INTO event (seq, deployment, alert, what, at, body) "
        "SELECT seq, deployment, alert, what, at, '{}' FROM event",
    ],
)
async def test_an_event_cannot_be_changed_or_deleted(store: Store, statement: str) -> None:
    event = await store.alerts.file(new_alert(store.deployment))
    with pytest.raises(sqlite3.IntegrityError, match="an event is never"):
        async with store.db.write() as tx:
            await tx.execute(statement)
    assert await store.alerts.after(0, 10) == [event]


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
    assert await store.alerts.picture(AlertId(event.alert.id), "probe") == large.probe_jpeg


async def test_everything_is_there_after_the_store_is_opened_again(path: Path, clock: Clock) -> None:
    async with Database.open(path) as db:
        deployment = await Deployments(db, clock).begin("Market day", TERMS)
        store = Store(db, clock, deployment.id)
        phone = await store.phone("PC Adams")
        alert = AlertId((await store.alerts.file(new_alert(deployment.id))).alert.id)
        await store.alerts.claim(alert, phone.officer)
        await store.alerts.receipted(phone.session, 1)
        before = await store.alerts.after(0, 10)
    async with Database.open(path) as db:
        log = AlertLog(db, deployment.id, clock)
        assert await log.after(0, 10) == before
        assert await log.receipts() == {phone.session: 1}
        assert await log.picture(alert, "candidate") == jpeg("candidate of p1")
        assert (await log.file(new_alert(deployment.id))).seq == 3


ACTIONS = st.one_of(
    st.tuples(st.just("file"), st.just(0), st.just(0)),
    st.tuples(
        st.sampled_from(["claim", "viable", "not_viable", "sight"]), st.integers(0, 3), st.integers(0, 2)
    ),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTIONS, max_size=14))
async def test_whatever_officers_do_the_log_tells_one_story(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int, int]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "lfrd.sqlite3"
    clock = Clock()
    async with Database.open(path, readers=1) as db:
        deployment = await Deployments(db, clock).begin("Market day", Terms(0.4, "m", {}, frozenset()))
        store = Store(db, clock, deployment.id)
        phones = [await store.phone(name) for name in ("Adams", "Baker", "Clark")]
        filed: list[AlertId] = []
        returned: dict[int, wire.Event] = {}
        for action, which, who in actions:
            clock.now += 1
            alert, officer = AlertId("none"), phones[who].officer
            if which < len(filed):
                alert = filed[which]
            try:
                if action == "file":
                    event = await store.alerts.file(new_alert(deployment.id))
                    filed.append(AlertId(event.alert.id))
                elif action == "claim":
                    event = await store.alerts.claim(alert, officer)
                elif action == "sight":
                    event = await store.alerts.sighting(alert, HERE, clock.now, 0.5, TrackId(1))
                else:
                    decision: Decision = "viable" if action == "viable" else "not_viable"
                    event = await store.alerts.adjudicate(alert, officer, decision, "because")
            except NotAllowed:
                continue
            assert returned.setdefault(event.seq, event) == event  # a repeated request repeats its event
        events = await store.alerts.after(0, 100)
        assert events == [returned[seq] for seq in range(1, len(returned) + 1)]
        states: dict[str, wire.AlertView] = {}
        for event in events:
            before = states.get(event.alert.id)
            if before is None:
                assert event.what == "alert"
            else:
                assert before.claimed_by in ("", event.alert.claimed_by)
                assert before.decision in ("", event.alert.decision)
                assert event.alert.sightings == before.sightings + (event.what == "sighting")
            states[event.alert.id] = event.alert
        assert await store.alerts.open_alerts() == [view for view in states.values() if not view.decision]


@pytest.mark.parametrize("kind", ["probe", "candidate"])
async def test_pictures_lie_in_no_other_table(store: Store, kind: PictureKind) -> None:
    event = await store.alerts.file(new_alert(store.deployment))
    assert await store.alerts.picture(AlertId(event.alert.id), kind)
    async with store.db.read() as tx:
        bodies = [row["body"] for row in await tx.rows("SELECT body FROM event")]
        columns = await tx.rows(
            "SELECT t.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE c.type = 'BLOB'"
        )
    assert [msgspec.json.decode(body)["id"] for body in bodies] == [event.alert.id]
    assert sorted(row["name"] for row in columns) == ["invitation", "picture", "session"]
