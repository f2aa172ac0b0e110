"""The record's figures computed a second time, plainly and slowly, from the raw records: to compare with.

It shares no code with lfrd.audit: it reads the records' JSON, goes through it once for every figure, and
finds out where the time went by asking for each minute anew what was going on in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest, chi2

from lfrd.audit.chain import Record

Row = dict[str, Any]
TICK = 60.0
"""All that happens in a history that is computed here happens at a multiple of it, in seconds."""

TRUE = {"confirmed_true", "arrest", "other_disposal"}
SIGNS = {"counted", "alert_raised", "camera_failed", "camera_back", "segment_began", "started", "resumed"}
CHANGES = {"paused", "suspended", "closed", "revoked"}


def rows_of(records: Sequence[Record]) -> list[Row]:
    return [{**json.loads(r.body), "at": r.at, "by": r.actor} for r in records]


def figures(rows: list[Row], deployment: str, segment: int | None) -> Row:
    """Of one segment, or of the whole deployment where segment is None; keys as in the record, flattened."""
    mine = [row for row in rows if row.get("deployment") == deployment]

    def here(row: Row) -> bool:
        return segment is None or row["segment"] == segment

    def all_of(what: str) -> list[Row]:
        return [row for row in mine if row["what"] == what]

    counted = [row for row in all_of("counted") if here(row)]
    raised = [row for row in all_of("alert_raised") if here(row)]
    operational = [row for row in raised if not row["blue"]]
    alerts = [alert_of(row, mine) for row in operational]
    blue = _blue([row for row in all_of("blue_passage") if here(row)])

    def number(test: Callable[[Row], bool]) -> int:
        return len([alert for alert in alerts if test(alert)])

    true_confirmed = number(lambda a: a["outcome"] in TRUE)
    false_confirmed = number(lambda a: a["outcome"] == "confirmed_false")
    open_ = [a for a in alerts if a["outcome"] not in {*TRUE, "confirmed_false"} and not a["engaged"]]
    false_unconfirmed = len([a for a in open_ if a["decision"] == "not_viable"])
    true_unconfirmed = len([a for a in open_ if a["decision"] == "viable" and a["outcome"]])
    false = false_confirmed + false_unconfirmed
    faces = sum(row["faces_seen"] for row in counted)
    seconds = [second for alert in alerts for second in alert["seconds"]]
    answers = [alert["answer"] for alert in alerts if alert["answer"] is not None]
    arrests = [alert for alert in alerts if alert["outcome"] == "arrest"]
    return {
        "faces_seen": faces,
        "frames": sum(row["frames"] for row in counted),
        "analysed": sum(row["analysed"] for row in counted),
        "raised": len(alerts),
        "true": true_confirmed + true_unconfirmed,
        "false": false,
        "true_confirmed": true_confirmed,
        "true_unconfirmed": true_unconfirmed,
        "false_confirmed": false_confirmed,
        "false_unconfirmed": false_unconfirmed,
        "undetermined": len(alerts) - true_confirmed - true_unconfirmed - false,
        "confirmed": true_confirmed + false_confirmed,
        "unconfirmed": true_unconfirmed + false_unconfirmed,
        "sightings": sum(alert["sightings"] for alert in alerts),
        "escalated": number(lambda a: a["escalated"]),
        "expired": number(lambda a: a["expired"]),
        "closed": number(lambda a: a["closed"]),
        "false_per_faces": _poisson(false, faces),
        "false_per_alerts": _wilson(false, len(alerts)),
        "blue_alerts": len(raised) - len(operational),
        "tpir": _wilson(blue["found"], blue["passages"]),
        "blue": {
            "paired": blue["paired"],
            "corrected": blue["corrected"],
            "void": blue["void"],
            "alerts_unpaired": len({row["alert"] for row in raised if row["blue"]} - blue["answered"]),
        },
        "viable": number(lambda a: a["decision"] == "viable"),
        "not_viable": number(lambda a: a["decision"] == "not_viable"),
        "insufficient": number(lambda a: a["decision"] == "insufficient"),
        "withdrawn": sum(alert["withdrawn"] for alert in alerts),
        "second_reviews": number(lambda a: len(a["seconds"]) > 1),
        "disagreed": number(lambda a: a["disagreed"]),
        "seconds": _spread(seconds),
        "answers": _spread(answers),
        "engagements": number(lambda a: a["engaged"]),
        "arrests": len(arrests),
        "by_class": {c: len([a for a in arrests if a["class"] == c]) for c in {a["class"] for a in arrests}},
        "outcomes": {
            code: number(lambda a, code=code: a["outcome"] == code)  # type: ignore[misc]
            for code in (
                "other_disposal",
                "confirmed_true",
                "confirmed_false",
                "unconfirmed",
                "no_engagement",
            )
        },
        "uncoded": number(lambda a: a["outcome"] is None),
        "corrections": sum(alert["corrections"] for alert in alerts),
        "times": _times(rows, deployment, segment),
        "cameras": {
            name: _camera(name, counted, operational, alerts, mine, segment)
            for name in {row["camera"] for row in counted}
            | {row["camera"] for row in all_of("camera_failed") if here(_with_segment(row, mine))}
        },
    }


def _blue(said: list[Row]) -> Row:
    """Words on passages, oldest first."""
    newest = {row["passage"]: row for row in said}
    servers = {row["passage"] for row in said if row.get("why")}
    counted = [row for row in newest.values() if not row.get("void")]
    return {
        "found": len([row for row in counted if row["found"]]),
        "passages": len(counted),
        "paired": len([row for row in counted if row.get("why")]),
        "corrected": len(
            [row for row in newest.values() if row["passage"] in servers and not row.get("why")]
        ),
        "void": len(newest) - len(counted),
        "answered": {row["alert"] for row in said if row.get("alert")},
    }


def alert_of(raised: Row, rows: list[Row]) -> Row:
    mine = [row for row in rows if row.get("alert") == raised["alert"]]

    def of(what: str) -> list[Row]:
        return [row for row in mine if row["what"] == what]

    standing: list[Row] = []
    for row in mine:
        if row["what"] == "alert_adjudicated":
            standing = [other for other in standing if other["by"] != row["by"]] + [row]
        if row["what"] == "adjudication_withdrawn":
            standing = [other for other in standing if other["by"] != row["by"]]
    decisions = {row["decision"] for row in standing}
    order = ["not_viable", "insufficient", "viable"]
    coded = of("outcome_coded")
    answered = [row["at"] for row in mine if row["what"] in ("alert_claimed", "alert_adjudicated")]
    return {
        "decision": next((decision for decision in order if decision in decisions), None)
        if len(standing) >= raised.get("reviews_needed", 1)
        else None,
        "seconds": [row["seconds"] for row in standing],
        "disagreed": len(decisions) > 1,
        "withdrawn": len(of("adjudication_withdrawn")),
        "engaged": bool(of("engaged")),
        "outcome": coded[-1]["outcome"] if coded else None,
        "class": coded[-1].get("arrest_class", "") if coded else "",
        "corrections": len([row for row in coded if row.get("correction")]),
        "answer": min(answered) - raised["at"] if answered else None,
        "sightings": len(of("alert_sighted")),
        "escalated": bool(of("alert_escalated")),
        "expired": bool(of("alert_expired")),
        "closed": bool(of("alert_closed")),
        "camera": raised["camera"],
    }


def is_false(alert: Row) -> bool:
    if alert["outcome"] in TRUE or (alert["outcome"] != "confirmed_false" and alert["engaged"]):
        return False
    return bool(alert["outcome"] == "confirmed_false" or alert["decision"] == "not_viable")


def _with_segment(row: Row, rows: list[Row]) -> Row:
    before = rows[: rows.index(row)]
    return {**row, "segment": max(r["segment"] for r in before if r["what"] == "segment_began")}


def _camera(
    name: str, counted: list[Row], raised: list[Row], alerts: list[Row], rows: list[Row], segment: int | None
) -> Row:
    mine = [row for row in counted if row["camera"] == name]
    failed = [
        row
        for row in rows
        if row["what"] == "camera_failed"
        and row["camera"] == name
        and (segment is None or _with_segment(row, rows)["segment"] == segment)
    ]
    return {
        "faces_seen": sum(row["faces_seen"] for row in mine),
        "frames": sum(row["frames"] for row in mine),
        "live": sum(row["live"] for row in mine),
        "down": sum(row["down"] for row in mine),
        "failures": len(failed),
        "alerts": len([row for row in raised if row["camera"] == name]),
        "false_alerts": len([alert for alert in alerts if alert["camera"] == name and is_false(alert)]),
    }


def _times(rows: list[Row], deployment: str, segment: int | None) -> Row:
    times = {"active": 0.0, "paused": 0.0, "suspended": 0.0, "interrupted": 0.0}
    started = [row["at"] for row in rows if row["what"] == "started" and row["deployment"] == deployment]
    if not started:
        return times
    mine = [row for row in rows if row.get("deployment", deployment) == deployment]
    ends = [row["at"] for row in mine if row["what"] in ("closed", "revoked")]
    for at in np.arange(started[0], min([*ends, rows[-1]["at"]]), TICK):
        past = [row for row in mine if row["at"] <= at]
        if segment is not None:
            segments = [row["segment"] for row in past if row["what"] == "segment_began"]
            if not segments or segments[-1] != segment:
                continue
        times[_going_on(past, [row for row in mine if row["at"] > at])] += TICK
    return times


def _going_on(past: list[Row], future: list[Row]) -> str:
    """What was going on after `past`."""
    stage = "active"
    for row in past:
        if row["what"] in ("paused", "suspended"):
            stage = row["what"]
        if row["what"] == "resumed" or (row["what"] == "authorised" and row["kind"] == "resume"):
            stage = "active"
    if stage != "active":
        return stage
    server = [row["what"] for row in past if row["what"] in ("server_started", "server_stopped")]
    if server and server[-1] == "server_stopped":
        return "interrupted"
    for row in future:
        if row["what"] == "server_started":
            return "interrupted"
        if row["what"] in SIGNS | CHANGES | {"server_stopped"} or row.get("kind") == "resume":
            return stage
    return stage


def _wilson(k: int, n: int) -> tuple[float, float]:
    if n == 0:
        return 0.0, 1.0
    bounds = binomtest(k, n).proportion_ci(method="wilson")
    return float(bounds.low), float(bounds.high)


def _poisson(k: int, faces: int) -> tuple[float, float | None]:
    if faces == 0:
        return 0.0, None
    low = chi2.ppf(0.025, 2 * k) / 2 if k else 0.0
    return low / faces, float(chi2.ppf(0.975, 2 * k + 2) / 2 / faces)


def _spread(seconds: list[float]) -> tuple[int, float | None, float | None]:
    if not seconds:
        return 0, None, None
    ninetieth = float(np.percentile(seconds, 90, method="inverted_cdf"))
    return len(seconds), float(np.median(seconds)), ninetieth
