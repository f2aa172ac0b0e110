"""The day's quarter hours by the audit, against a second, plain computation and against the record."""

from __future__ import annotations

import statistics
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfrd.audit import kinds
from lfrd.audit.counting import compute
from lfrd.audit.day import MOST, QUARTER, Day, DayFigures, day
from lfrd.errors import LfrdError
from tests.unit.audit.diary import NINE, Diary, market_day
from tests.unit.audit.second import Row, alert_of, rows_of
from tests.unit.audit.test_figures import random_history

HISTORIES = st.builds(random_history, st.integers(0, 10_000), st.integers(1, 120))


def plainly(diary: Diary, deployment: str) -> dict[str, Any]:
    """The same figures from the raw records: one pass a quarter, and nothing of `audit.day`."""
    rows = [row for row in rows_of(diary.records) if row.get("deployment") == deployment]
    signs = [row for row in rows if row["what"] in ("started", "counted", "alert_raised")]
    last = {int(row["at"] // 900) for row in signs}
    numbers = [] if not last else [n for n in range(min(last), max(last) + 1) if n > max(last) - 96]
    quarters = []
    operational: list[Row] = []
    blue = 0
    for number in numbers:
        within = [row for row in signs if int(row["at"] // 900) == number]
        raised = [row for row in within if row["what"] == "alert_raised"]
        alerts = [alert_of(row, rows) for row in raised if not row["blue"]]
        blue += sum(row["blue"] for row in raised)
        operational += alerts
        quarters.append(
            {
                "at": number * 900.0,
                "faces_seen": sum(row["faces_seen"] for row in within if row["what"] == "counted"),
                "alerts": len(alerts),
                "true": len([a for a in alerts if verdict(a) == "true"]),
                "false": len([a for a in alerts if verdict(a) == "false"]),
                "answers": answers(alerts),
            }
        )
    outcomes: dict[str, int] = {}
    for alert in operational:
        expired = "expired" if alert["expired"] else "open"
        where = alert["outcome"] or ("engaged" if alert["engaged"] else alert["decision"] or expired)
        outcomes[where] = outcomes.get(where, 0) + 1
    return {
        "quarters": quarters,
        "faces_seen": sum(quarter["faces_seen"] for quarter in quarters),
        "alerts": len(operational),
        "blue": blue,
        "outcomes": outcomes,
        "answers": answers(operational),
        "last_record": max((r.seq for r in diary.records if r.deployment == deployment), default=0),
        "as_of_at": max((r.at for r in diary.records if r.deployment == deployment), default=None),
    }


def verdict(alert: Row) -> str:
    if alert["outcome"] in ("confirmed_true", "arrest", "other_disposal"):
        return "true"
    if alert["outcome"] == "confirmed_false":
        return "false"
    if alert["engaged"]:
        return ""
    if alert["decision"] == "not_viable":
        return "false"
    return "true" if alert["decision"] == "viable" and alert["outcome"] else ""


def answers(alerts: list[Row]) -> dict[str, Any]:
    seconds = [alert["answer"] for alert in alerts if alert["answer"] is not None]
    return {
        "count": len(seconds),
        "median_seconds": statistics.median(seconds) if seconds else None,
        "slowest_seconds": max(seconds, default=None),
    }


def plain(figures: DayFigures) -> dict[str, Any]:
    return dict(msgspec.to_builtins(figures))


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.sampled_from(["d1", "d2"]))
def test_every_figure_is_what_a_second_computation_finds(diary: Diary, deployment: str) -> None:
    assert plain(day(diary.records, deployment)) == plainly(diary, deployment)


@settings(max_examples=30, deadline=None)
@given(HISTORIES, st.data())
def test_records_that_come_in_pieces_give_what_they_give_at_once(diary: Diary, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(diary.records)))
    counted = Day("d1")
    for record in diary.records[:at]:
        counted.add(record)
    counted.figures()  # asking changes nothing
    for record in diary.records[at:]:
        counted.add(record)
    assert counted.figures() == day(diary.records, "d1")


def test_the_day_adds_up_to_the_record_of_the_deployment() -> None:
    diary = market_day()
    total = compute(diary.records, "d1").deployments[0].total
    figures = day(diary.records, "d1")
    assert figures.faces_seen == total.faces_seen
    assert figures.alerts == total.alerts.raised
    assert figures.blue == total.blue.alerts
    assert sum(quarter.true for quarter in figures.quarters) == total.alerts.true
    assert sum(quarter.false for quarter in figures.quarters) == total.alerts.false
    assert figures.answers.median_seconds == total.time_to_answer.median_seconds
    assert sum(figures.outcomes.values()) == figures.alerts


def test_a_quarter_in_which_nothing_was_told_stands_between_the_others() -> None:
    diary = Diary()
    diary.start()
    diary.after(3 * QUARTER)
    diary.count("d1", 1, 12)
    assert [quarter.faces_seen for quarter in day(diary.records, "d1").quarters] == [0, 0, 0, 12]


def test_only_the_newest_day_is_kept_of_a_deployment_that_lasts_longer() -> None:
    diary = Diary()
    diary.start()
    diary.alert("early")
    for _ in range(MOST + 10):
        diary.after(QUARTER)
        diary.count("d1", 1, 1)
    figures = day(diary.records, "d1")
    assert len(figures.quarters) == MOST
    assert figures.faces_seen == MOST
    assert figures.alerts == 0
    assert figures.quarters[-1].at == NINE + (MOST + 10) * QUARTER


def test_a_second_reviewer_cannot_read_the_first_decision_off_the_figures() -> None:
    told = []
    for decision in ("viable", "not_viable"):
        diary = Diary()
        diary.start()
        diary.alert("a1", reviews=2)
        diary.judge("a1", decision)
        told.append(day(diary.records, "d1"))
    assert told[0] == told[1]
    assert told[0].outcomes == {"open": 1}


def test_an_alert_of_the_blue_list_counts_apart_and_nowhere_else() -> None:
    diary = Diary()
    diary.start()
    diary.alert("b1", blue=True)
    diary.judge("b1", "viable")
    figures = day(diary.records, "d1")
    assert (figures.blue, figures.alerts, figures.answers.count, figures.outcomes) == (1, 0, 0, {})


def test_a_record_of_a_newer_version_makes_no_figures() -> None:
    diary = Diary()
    diary.add(kinds.Counted("d1", 1, "North", 1, 1, 1, 1.0, 0.0))
    newer = msgspec.structs.replace(diary.records[0], body='{"what":"counted","colour":"blue"}')
    with pytest.raises(LfrdError, match="record 1: 'counted' is of a newer lfrd"):
        day([newer], "d1")
