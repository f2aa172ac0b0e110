"""The record as CSV, for spreadsheets: one row a segment and one for the whole, in columns that stay."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import TypeAlias

from lfrd.audit.figures import Basis, Counts, DeploymentFigures, Rate, SegmentFigures
from lfrd.record.document import iso

Cell: TypeAlias = str | int | float | None

_DEPLOYMENT: dict[str, Callable[[DeploymentFigures], Cell]] = {
    "deployment": lambda d: d.id,
    "name": lambda d: d.name,
    "stage": lambda d: d.stage,
    "place": lambda d: d.place,
    "use_case": lambda d: d.use_case,
    "purpose": lambda d: d.purpose,
    "authorising_officer": lambda d: d.authorised.name if d.authorised else "",
    "authorising_rank": lambda d: d.authorised.rank if d.authorised else "",
    "documents": lambda d: _words(d.documents),
    "accepted_false_alerts": lambda d: d.accepted_false_alerts,
    "blue_tpir_wanted": lambda d: d.blue_tpir_wanted,
}
_COUNTS: dict[str, Callable[[Counts], Cell]] = {
    "active_seconds": lambda c: round(c.times.active_seconds, 1),
    "paused_seconds": lambda c: round(c.times.paused_seconds, 1),
    "suspended_seconds": lambda c: round(c.times.suspended_seconds, 1),
    "interrupted_seconds": lambda c: round(c.times.interrupted_seconds, 1),
    "faces_seen": lambda c: c.faces_seen,
    "frames": lambda c: c.frames,
    "frames_analysed": lambda c: c.frames_analysed,
    "frames_not_analysed": lambda c: c.frames_not_analysed,
    "camera_down_seconds": lambda c: round(sum(camera.down_seconds for camera in c.cameras), 1),
    "camera_failures": lambda c: sum(camera.failures for camera in c.cameras),
    "alerts": lambda c: c.alerts.raised,
    "true_alerts": lambda c: c.alerts.true,
    "false_alerts": lambda c: c.alerts.false,
    "true_confirmed": lambda c: c.alerts.true_confirmed,
    "true_unconfirmed": lambda c: c.alerts.true_unconfirmed,
    "false_confirmed": lambda c: c.alerts.false_confirmed,
    "false_unconfirmed": lambda c: c.alerts.false_unconfirmed,
    "undetermined": lambda c: c.alerts.undetermined,
    "sightings": lambda c: c.alerts.sightings,
    "escalated": lambda c: c.alerts.escalated,
    "expired": lambda c: c.alerts.expired,
    "viable": lambda c: c.adjudications.viable,
    "not_viable": lambda c: c.adjudications.not_viable,
    "insufficient": lambda c: c.adjudications.insufficient,
    "adjudication_median_seconds": lambda c: c.adjudications.time.median_seconds,
    "adjudication_p90_seconds": lambda c: c.adjudications.time.p90_seconds,
    "answer_median_seconds": lambda c: c.time_to_answer.median_seconds,
    "answer_p90_seconds": lambda c: c.time_to_answer.p90_seconds,
    "engagements": lambda c: c.outcomes.engagements,
    "arrests": lambda c: c.outcomes.arrests,
    "arrests_warrant": lambda c: c.outcomes.arrests_by_class.get("warrant", 0),
    "arrests_offence": lambda c: c.outcomes.arrests_by_class.get("offence", 0),
    "arrests_breach": lambda c: c.outcomes.arrests_by_class.get("breach", 0),
    "arrests_other": lambda c: c.outcomes.arrests_by_class.get("other", 0),
    "other_disposals": lambda c: c.outcomes.other_disposals,
    "no_engagements": lambda c: c.outcomes.no_engagements,
    "unresolved": lambda c: c.outcomes.unresolved,
    "uncoded": lambda c: c.outcomes.uncoded,
    "corrections": lambda c: c.outcomes.corrections,
    "blue_alerts": lambda c: c.blue.alerts,
}
_RATES: dict[str, Callable[[Counts], Rate]] = {
    "false_per_faces": lambda c: c.alerts.false_per_faces,
    "false_per_alerts": lambda c: c.alerts.false_per_alerts,
    "blue_tpir": lambda c: c.blue.tpir,
}
_LATER: dict[str, Callable[[Counts], Cell]] = {
    "blue_paired": lambda c: c.blue.paired,
    "blue_corrected": lambda c: c.blue.corrected,
    "blue_void": lambda c: c.blue.void,
    "blue_alerts_unpaired": lambda c: c.blue.alerts_unpaired,
}
"""Added since: a column never moves."""
_RATE = ("", "_events", "_of", "_low", "_high", "_method", "_confidence")
_SEGMENT: tuple[str, ...] = (
    "segment", "began_at", "ended_at", "threshold", "pack", "model", "watchlist_size", "composition",
    "cameras", "amendment",
)  # fmt: skip
_BASIS = ("audit_records", "audit_hash", "as_of_at")

COLUMNS: tuple[str, ...] = (
    *_DEPLOYMENT, *_SEGMENT, *_COUNTS, *(name + part for name in _RATES for part in _RATE), *_BASIS, *_LATER,
)  # fmt: skip
"""Never moved or renamed within a format; new ones come at the end."""


def csv_text(figures: DeploymentFigures, basis: Basis) -> str:
    """RFC 4180, UTF-8. A text that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for segment in figures.segments:
        writer.writerow(_row(figures, basis, _terms(segment), segment.counts))
    writer.writerow(_row(figures, basis, _whole(figures), figures.total))
    return out.getvalue()


def _row(figures: DeploymentFigures, basis: Basis, terms: list[Cell], counts: Counts) -> list[Cell]:
    row: list[Cell] = [get(figures) for get in _DEPLOYMENT.values()]
    row += terms
    row += [count(counts) for count in _COUNTS.values()]
    for of in _RATES.values():
        rate = of(counts)
        row += [rate.rate, rate.events, rate.of, rate.low, rate.high, rate.method, rate.confidence]
    row += [basis.records, basis.last_hash, _time(basis.as_of_at)]
    row += [count(counts) for count in _LATER.values()]
    return [_harmless(cell) for cell in row]


def _terms(segment: SegmentFigures) -> list[Cell]:
    return [
        segment.number,
        iso(segment.began_at),
        _time(segment.ended_at),
        segment.threshold,
        segment.pack,
        segment.model,
        segment.n,
        _words(segment.composition),
        _words(segment.cameras),
        segment.reason,
    ]


def _whole(figures: DeploymentFigures) -> list[Cell]:
    """The terms of the whole: those that all segments share, and the newest list."""
    segments = figures.segments
    newest = segments[-1] if segments else None
    thresholds = {segment.threshold for segment in segments}
    return [
        "total",
        _time(figures.started_at),
        _time(figures.ended_at),
        thresholds.pop() if len(thresholds) == 1 else None,
        newest.pack if newest else "",
        newest.model if newest else "",
        newest.n if newest else None,
        _words(newest.composition) if newest else "",
        _words(figures.cameras),
        "",
    ]


def _time(at: float | None) -> str | None:
    return None if at is None else iso(at)


def _words(values: dict[str, str] | dict[str, int] | list[str]) -> str:
    """As JSON, in one cell."""
    return json.dumps(values, ensure_ascii=False) if values else ""


def _harmless(cell: Cell) -> Cell:
    """CSV injection (OWASP): a spreadsheet runs what begins like a formula."""
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell
