"""Every figure of the record is what the audit says (rules 12, 14, 26): computed twice, and by hand."""

from __future__ import annotations

import random
import tracemalloc
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lfrd.audit import kinds
from lfrd.audit.chain import Record
from lfrd.audit.counting import Counting, compute
from lfrd.audit.figures import Counts, DeploymentFigures
from lfrd.errors import LfrdError
from lfrd.types import ArrestClass, Decision, Outcome
from tests.unit.audit import second
from tests.unit.audit.diary import NINE, Diary, market_day, plan_of

DECISIONS: tuple[Decision, ...] = get_args(Decision)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
CLASSES: tuple[ArrestClass, ...] = get_args(ArrestClass)
CAMERAS = ("North", "South", "Gate")
WHYS: tuple[kinds.Why, ...] = get_args(kinds.Why)


def only(diary: Diary) -> DeploymentFigures:
    (figures,) = compute(diary.records).deployments
    return figures


# ---- computed twice ------------------------------------------------------------------------------------


def random_history(seed: int, steps: int) -> Diary:
    """Two deployments after each other, with everything that may happen in any order that may be."""
    rng = random.Random(seed)
    diary = Diary()
    diary.add(kinds.ServerStarted("0.1.0"))
    for deployment in ("d1", "d2"):
        diary.start(deployment)
        segment, stage, off, alerts = 1, "active", False, 0
        for _ in range(rng.randint(0, steps)):
            diary.after(second.TICK * rng.choice((0, 0, 1, 1, 2, 7)))
            name = f"{deployment}-{rng.randint(1, alerts)}" if alerts else ""
            officer = rng.choice(("pc1", "pc2"))
            camera = rng.choice(CAMERAS)
            step = rng.randrange(25)
            if off and step not in (0, 1, 2, 17, 18):
                continue
            match step:
                case 0 if stage == "active" and not off:
                    stage = "paused"
                    diary.add(kinds.Paused(deployment, rng.choice(("no_officer", "degraded"))))
                case 1 if stage == "paused":
                    stage = "active"
                    diary.add(kinds.Resumed(deployment))
                case 2 if stage == "suspended":
                    stage = "active"
                    diary.add(kinds.Authorised(deployment, "resume", "B. Roy", "Chief", "", plan_of()))
                case 3 if stage != "suspended" and rng.random() < 0.3:
                    stage = "suspended"
                    diary.add(kinds.Suspended(deployment, "ordered"))
                case 4 if rng.random() < 0.4:
                    segment += 1
                    diary.segment(deployment, segment)
                case 5 | 6 | 7:
                    diary.count(deployment, segment, rng.randint(0, 90), camera, rng.choice((0.0, 12.5)))
                case 8 | 9:
                    alerts += 1
                    diary.alert(
                        f"{deployment}-{alerts}",
                        deployment=deployment,
                        segment=segment,
                        blue=rng.random() < 0.25,
                        reviews=rng.choice((1, 1, 2)),
                    )
                case 10 | 11 if name:
                    diary.judge(name, rng.choice(DECISIONS), rng.random() * 60, officer, deployment)
                case 12 if name:
                    diary.add(kinds.AdjudicationWithdrawn(deployment, name, 1), by=officer)
                case 13 | 14 if name:
                    outcome = rng.choice(OUTCOMES)
                    diary.code(
                        name,
                        outcome,
                        rng.choice(CLASSES) if outcome == "arrest" else "",
                        engaged=rng.random() < 0.6,
                        deployment=deployment,
                        correction=rng.random() < 0.3,
                    )
                case 15 if name:
                    diary.add(kinds.AlertSighted(deployment, name, camera))
                case 16 if name:
                    diary.add(
                        rng.choice(
                            (
                                kinds.AlertEscalated(deployment, name),
                                kinds.AlertExpired(deployment, name),
                                kinds.AlertClosed(deployment, name),
                                kinds.AlertReleased(deployment, name),
                            )
                        )
                    )
                case 17 if rng.random() < 0.5:
                    off = False
                    diary.add(kinds.ServerStarted("0.1.0"))  # after a stop, or after it broke off
                case 18 if not off and rng.random() < 0.3:
                    off = True
                    diary.add(kinds.ServerStopped())
                case 19:
                    diary.add(kinds.CameraFailed(deployment, camera, "timed out"))
                case 20:
                    diary.add(kinds.CameraBack(deployment, camera))
                case 21:
                    passage = f"p{rng.randint(1, 8)}"
                    diary.add(kinds.BluePassage(deployment, segment, passage, rng.random() < 0.7))
                case 22:
                    diary.add(kinds.BlueWalk(deployment, segment, f"s{segment}-{rng.randint(1, 5)}", 1, 60.0))
                case 23 | 24 if (why := rng.choice(WHYS)) != "alert" or name:
                    diary.add(
                        kinds.BluePassage(
                            deployment,
                            segment,
                            f"s{segment}-{rng.randint(1, 5)}",
                            found=why == "alert" or (not why and rng.random() < 0.5),
                            void=why == "halted" or (not why and rng.random() < 0.2),
                            alert=name if why == "alert" else "",
                            why=why,
                        )
                    )
                case _:
                    pass
        if off:
            diary.add(kinds.ServerStarted("0.1.0"))
        if rng.random() < 0.8 or deployment == "d1":
            diary.add(kinds.Closed(deployment, "ordered"))
    return diary


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 150))
def test_every_figure_can_be_recomputed_from_the_audit(seed: int, steps: int) -> None:
    diary = random_history(seed, steps)
    rows = second.rows_of(diary.records)
    found = compute(diary.records)
    assert [deployment.id for deployment in found.deployments] == ["d1", "d2"]
    for deployment in found.deployments:
        began = [r for r in rows if r["what"] == "segment_began" and r["deployment"] == deployment.id]
        assert [segment.number for segment in deployment.segments] == [row["segment"] for row in began]
        same(deployment.total, second.figures(rows, deployment.id, None))
        for segment in deployment.segments:
            same(segment.counts, second.figures(rows, deployment.id, segment.number))
        assert sum(hour.faces_seen for hour in deployment.hours) == deployment.total.faces_seen
        assert sum(hour.alerts for hour in deployment.hours) == deployment.total.alerts.raised
        assert sum(hour.false_alerts for hour in deployment.hours) == deployment.total.alerts.false
        for hour in deployment.hours:
            assert hour.faces_seen == sum(
                row["faces_seen"]
                for row in rows
                if row["what"] == "counted"
                and row["deployment"] == deployment.id
                and hour.at <= row["at"] < hour.at + 3600
            )


def same(counts: Counts, wanted: dict[str, Any]) -> None:
    """Each figure of the record against the second computation."""
    alerts, judged, outcomes, times = counts.alerts, counts.adjudications, counts.outcomes, counts.times
    assert counts.faces_seen == wanted["faces_seen"]
    assert counts.frames == wanted["frames"]
    assert counts.frames_analysed == wanted["analysed"]
    assert counts.frames_not_analysed == wanted["frames"] - wanted["analysed"]
    for name in (
        "raised", "true", "false", "true_confirmed", "true_unconfirmed", "false_confirmed",
        "false_unconfirmed", "undetermined", "confirmed", "unconfirmed", "sightings", "escalated", "expired",
        "closed",
    ):  # fmt: skip
        assert getattr(alerts, name) == wanted[name], name
    for rate, (low, high) in (
        (alerts.false_per_faces, wanted["false_per_faces"]),
        (alerts.false_per_alerts, wanted["false_per_alerts"]),
        (counts.blue.tpir, wanted["tpir"]),
    ):
        assert rate.low == pytest.approx(low, abs=1e-12)
        assert rate.high == (None if high is None else pytest.approx(high, abs=1e-9))
        assert rate.rate == (rate.events / rate.of if rate.of else None)
    assert alerts.false_per_faces.events == alerts.false_per_alerts.events == wanted["false"]
    assert (alerts.false_per_faces.of, alerts.false_per_alerts.of) == (wanted["faces_seen"], wanted["raised"])
    assert counts.blue.alerts == wanted["blue_alerts"]
    assert {name: getattr(counts.blue, name) for name in wanted["blue"]} == wanted["blue"]
    for name in ("viable", "not_viable", "insufficient", "withdrawn", "second_reviews", "disagreed"):
        assert getattr(judged, name) == wanted[name], name
    for spread, of in ((judged.time, wanted["seconds"]), (counts.time_to_answer, wanted["answers"])):
        assert (spread.count, spread.median_seconds, spread.p90_seconds) == pytest.approx(of)
    assert outcomes.engagements == wanted["engagements"]
    assert outcomes.arrests == wanted["arrests"]
    assert outcomes.arrests_by_class == wanted["by_class"]
    coded = wanted["outcomes"]
    assert outcomes.other_disposals == coded["other_disposal"]
    assert outcomes.confirmed_true == coded["confirmed_true"]
    assert outcomes.confirmed_false == coded["confirmed_false"]
    assert outcomes.unresolved == coded["unconfirmed"]
    assert outcomes.no_engagements == coded["no_engagement"]
    assert (outcomes.uncoded, outcomes.corrections) == (wanted["uncoded"], wanted["corrections"])
    assert times.active_seconds == wanted["times"]["active"]
    assert times.paused_seconds == wanted["times"]["paused"]
    assert times.suspended_seconds == wanted["times"]["suspended"]
    assert times.interrupted_seconds == wanted["times"]["interrupted"]
    assert {camera.name for camera in counts.cameras} == set(wanted["cameras"])
    for camera in counts.cameras:
        of_camera = wanted["cameras"][camera.name]
        assert camera.faces_seen == of_camera["faces_seen"]
        assert (camera.alerts, camera.false_alerts) == (of_camera["alerts"], of_camera["false_alerts"])
        assert camera.frames == of_camera["frames"]
        assert camera.live_seconds == pytest.approx(of_camera["live"])
        assert camera.down_seconds == pytest.approx(of_camera["down"])
        assert camera.failures == of_camera["failures"]


# ---- by hand -------------------------------------------------------------------------------------------


def test_blue_list_alerts_never_count_as_operational() -> None:
    diary = Diary()
    diary.start()
    diary.count("d1", 1, 1000)
    diary.alert("volunteer", blue=True)
    diary.judge("volunteer", "not_viable")
    diary.add(
        kinds.OutcomeCoded("d1", "volunteer", "confirmed_false"),
        kinds.AlertSighted("d1", "volunteer", "North"),
    )
    diary.add(kinds.AlertEscalated("d1", "volunteer"), kinds.BluePassage("d1", 1, "p1", True))
    total = only(diary).total
    assert total.blue.alerts == 1
    assert total.blue.tpir.rate == 1
    nothing = {"false_per_faces", "false_per_alerts"}
    assert {
        getattr(total.alerts, field) for field in total.alerts.__struct_fields__ if field not in nothing
    } == {0}
    assert total.alerts.false_per_faces.events == total.adjudications.not_viable == 0
    assert total.time_to_answer.count == total.outcomes.uncoded == total.outcomes.confirmed_false == 0
    assert [camera.alerts for camera in total.cameras] == [0]


def test_a_live_trial_counts_what_the_server_found_and_what_observers_put_right() -> None:
    diary = Diary()
    diary.start()
    for name in ("v1", "v2", "v3"):
        diary.alert(name, blue=True)
    for number, word in enumerate(
        (
            kinds.BluePassage("d1", 1, "p0", True, alert="v1", why="alert"),
            kinds.BluePassage("d1", 1, "p1", True, alert="v1", why="alert"),  # a sighting of it
            kinds.BluePassage("d1", 1, "p2", False, why="window"),
            kinds.BluePassage("d1", 1, "p3", False, why="again"),
            kinds.BluePassage("d1", 1, "p4", False, void=True, why="halted"),
            kinds.BluePassage("d1", 1, "p5", False, void=True),
            kinds.BluePassage("d1", 1, "p6", True),
        )
    ):
        diary.add(kinds.BlueWalk("d1", 1, f"p{number}", 7, 60.0), word)
    diary.add(kinds.BlueWalk("d1", 1, "open", 7, 60.0))
    diary.add(kinds.BluePassage("d1", 1, "p3", True), by="pc1")
    blue = only(diary).total.blue
    assert (blue.tpir.events, blue.tpir.of) == (4, 5)
    assert (blue.paired, blue.corrected, blue.void) == (3, 1, 2)
    assert (blue.alerts, blue.alerts_unpaired) == (3, 2)
    assert only(diary).total.alerts.raised == 0


def test_an_export_from_before_there_were_live_trials_says_what_it_said() -> None:
    old = '{"what":"blue_passage","deployment":"d1","segment":1,"passage":"p1","found":true}'
    assert kinds.decode(old) == kinds.BluePassage("d1", 1, "p1", True)
    assert msgspec.json.encode(kinds.decode(old)).decode() == old


def test_faces_seen_are_the_tracks_that_the_cameras_counted_and_nothing_else() -> None:
    diary = Diary()
    diary.start()
    diary.count("d1", 1, 40)
    diary.count("d1", 1, 2, "South")
    diary.alert("a1")
    total = only(diary).total
    assert total.faces_seen == 42
    assert "counts tracks" in (Counts.__doc__ or "")


def test_no_false_alert_still_has_an_upper_bound() -> None:
    diary = Diary()
    diary.start()
    diary.count("d1", 1, 100_000)
    rate = only(diary).total.alerts.false_per_faces
    assert (rate.events, rate.rate, rate.low, rate.method) == (0, 0.0, 0.0, "poisson")
    assert rate.high == pytest.approx(3.689e-5, rel=1e-3)


def test_a_deployment_without_faces_divides_by_nothing() -> None:
    diary = Diary()
    diary.start()
    total = only(diary).total
    assert total.alerts.false_per_faces.rate is None
    assert total.alerts.false_per_faces.high is None
    assert (total.alerts.false_per_alerts.low, total.alerts.false_per_alerts.high) == (0.0, 1.0)


def test_a_corrected_outcome_counts_as_corrected() -> None:
    diary = Diary()
    diary.start()
    diary.alert("a1")
    diary.judge("a1", "viable")
    diary.code("a1", "confirmed_false")
    assert only(diary).total.alerts.false_confirmed == 1
    diary.code("a1", "arrest", "warrant", correction=True)
    total = only(diary).total
    assert (total.alerts.false, total.alerts.true_confirmed, total.outcomes.corrections) == (0, 1, 1)
    assert total.outcomes.arrests_by_class == {"warrant": 1}


def test_an_amendment_splits_the_statistics() -> None:
    diary = Diary()
    diary.start()
    diary.alert("a1", segment=1)
    diary.count("d1", 1, 10)
    diary.after(600)
    diary.segment("d1", 2, threshold=0.5)
    diary.count("d1", 2, 7)
    diary.judge("a1", "not_viable")  # in the second segment, of an alert of the first
    diary.after(60)
    diary.add(kinds.Closed("d1", "ordered"))
    first, then = only(diary).segments
    assert (first.counts.faces_seen, then.counts.faces_seen) == (10, 7)
    assert (first.counts.alerts.false, then.counts.alerts.false) == (1, 0)
    assert (first.threshold, then.threshold) == (0.42, 0.5)
    assert (first.began_at, first.ended_at, then.ended_at) == (NINE, NINE + 600, NINE + 660)
    assert (first.counts.times.active_seconds, then.counts.times.active_seconds) == (600, 60)


@pytest.mark.parametrize("first", ["viable", "not_viable", "insufficient"])
def test_no_figure_tells_the_second_reviewer_what_the_first_one_said(first: Decision) -> None:
    def after(decision: Decision) -> Counts:
        diary = Diary()
        diary.start()
        diary.count("d1", 1, 10)
        diary.alert("a1", reviews=2)
        diary.judge("a1", decision, by="pc1")
        return only(diary).total

    assert after(first) == after("viable")
    assert after(first).adjudications.viable == 0
    assert after(first).alerts.false == 0


def test_two_reviewers_who_disagree_count_as_the_more_cautious_of_them() -> None:
    diary = Diary()
    diary.start()
    diary.alert("a1")
    diary.judge("a1", "viable", by="pc1")
    diary.judge("a1", "not_viable", by="pc2")
    judged = only(diary).total.adjudications
    assert (judged.viable, judged.not_viable, judged.second_reviews, judged.disagreed) == (0, 1, 1, 1)
    diary.add(kinds.AdjudicationWithdrawn("d1", "a1", 2), by="pc2")
    judged = only(diary).total.adjudications
    assert (judged.viable, judged.not_viable, judged.second_reviews, judged.withdrawn) == (1, 0, 0, 1)


def test_the_record_names_who_authorised_what_and_on_which_documents() -> None:
    figures = only(market_day())
    assert figures.authorised is not None
    assert (figures.authorised.name, figures.authorised.rank) == ("A. Osei", "Superintendent")
    assert [approval.kind for approval in figures.approvals] == ["start", "amend"]
    assert figures.documents["dpia"] == "2026-02"
    assert (figures.place, figures.use_case) == (plan_of()["place"], plan_of()["use_case"])
    assert figures.segments[0].composition == {
        "wanted by the courts": 9_060,
        "missing": 1_240,
        "blue list": 12,
    }
    assert (figures.watchlist.refused, figures.watchlist.reasons["no_face"]) == (41, 30)
    assert (figures.stage, figures.ending, figures.destructions[0].receipt) == (
        "destroyed",
        "ended",
        "r-5f2c",
    )


def test_pauses_suspensions_and_outages_are_listed_with_their_reasons() -> None:
    diary = Diary()
    diary.start()
    diary.after(60)
    diary.add(kinds.Paused("d1", "no_officer"), kinds.CameraFailed("d1", "North", "timed out"))
    diary.after(60)
    diary.add(kinds.Suspended("d1", "false_alert_rate", "7 false alerts among 900 faces seen"))
    diary.after(60)
    diary.add(kinds.CameraBack("d1", "North"))
    diary.add(kinds.Authorised("d1", "resume", "B. Roy", "Chief", "looked at", plan_of()), by="roy")
    diary.after(60)
    diary.count("d1", 1, 5)
    figures = only(diary)
    told = [(halt.kind, halt.from_at - NINE, halt.to_at, halt.reason) for halt in figures.halts]
    assert told == [
        ("paused", 60, NINE + 120, "no_officer"),
        ("suspended", 120, NINE + 180, "false_alert_rate"),
    ]
    assert [(outage.camera, outage.to_at) for outage in figures.outages] == [("North", NINE + 180)]
    assert (figures.stage, figures.total.times.active_seconds) == ("active", 120)


def test_time_in_which_the_server_was_dead_is_not_active() -> None:
    diary = Diary()
    diary.start()
    diary.after(60)
    diary.count("d1", 1, 5)  # the last sign of life
    diary.after(600)
    diary.add(kinds.ServerStarted("0.1.0"))
    diary.after(60)
    diary.add(kinds.Closed("d1", "ordered"))
    figures = only(diary)
    assert figures.total.times.active_seconds == 120
    assert figures.total.times.interrupted_seconds == 600
    assert [(halt.kind, halt.reason) for halt in figures.halts] == [("interrupted", "server_broke_off")]


def test_a_deployment_that_is_still_open_is_counted_up_to_the_newest_record() -> None:
    diary = Diary()
    diary.start()
    diary.after(90)
    diary.add(kinds.SignedIn("pc9", "s1", "passkey", True))
    figures = compute(diary.records)
    assert figures.basis.as_of_at == NINE + 90
    assert figures.basis.last_hash == diary.records[-1].hash
    assert figures.deployments[0].total.times.active_seconds == 90
    assert figures.deployments[0].ended_at is None


def test_one_deployment_can_be_asked_for_alone() -> None:
    diary = random_history(7, 80)
    everything = {d.id: d for d in compute(diary.records).deployments}
    (alone,) = compute(diary.records, "d2").deployments
    assert alone == everything["d2"]


def test_zones_drawn_after_the_authorisation_leave_it_as_it_is() -> None:
    diary = Diary()
    plan = plan_of()
    diary.add(kinds.Drafted("d1", plan), kinds.Authorised("d1", "start", "A. Osei", "Chief", "", plan))
    drawn = plan_of(
        cameras=[{"name": "North", "zone": [[0, 0], [0, 1], [1, 1]]}, {"name": "South", "zone": []}]
    )
    diary.add(kinds.PlanChanged("d1", drawn))
    assert only(diary).stage == "authorised"
    diary.add(kinds.PlanChanged("d1", plan_of(place="elsewhere")))
    assert (only(diary).stage, only(diary).place) == ("draft", "elsewhere")


def test_a_record_of_a_newer_version_makes_no_figures() -> None:
    unknown = Record(1, NINE, "system", "teleported", "d1", '{"what":"teleported"}', "00" * 32)
    with pytest.raises(LfrdError, match=r"audit record 1: 'teleported' is of a newer lfrd"):
        Counting().add(unknown)
    changed = Record(
        2, NINE, "system", "started", "d1", '{"what":"started","deployment":"d1","x":1}', "00" * 32
    )
    with pytest.raises(LfrdError, match="audit record 2"):
        Counting().add(changed)


def test_what_is_kept_does_not_grow_with_the_records() -> None:
    body = msgspec.json.encode(kinds.Counted("d1", 1, "North", 9, 9, 3, 60.0, 0.0)).decode()
    diary = Diary()
    diary.start()
    counting = Counting()
    for record in diary.records:
        counting.add(record)
    tracemalloc.start()
    try:
        for minute in range(3000):
            counting.add(Record(minute, NINE + minute, "system", "counted", "d1", body, ""))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 20_000  # bytes; the records themselves are more than a million
