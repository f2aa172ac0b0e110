"""The words of the deployment record: every figure that is published, as `counting.compute` finds it.

The fields' names are the keys of the record in JSON and stay as they are. Times are Unix seconds (in the JSON
document ISO 8601), durations seconds. None: there is nothing of which the figure could be made.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from lfrd.policy.intervals import poisson, wilson

CONFIDENCE = 0.95
"""Of every interval in the record."""

Halted = Literal["paused", "suspended", "interrupted"]
"""interrupted: the server did not run while the deployment was active."""


class Rate(Struct, frozen=True):
    """events of `of`, with the interval low..high (two-sided). high: None where nothing bounds it.

    method: 'wilson' for the share of a count, 'poisson' (exact) for events a face seen."""

    events: int
    of: int
    rate: float | None
    low: float
    high: float | None
    method: Literal["wilson", "poisson"]
    confidence: float = CONFIDENCE


class Spread(Struct, frozen=True):
    """Seconds of several acts: their number, median, and the 90th percentile by nearest rank."""

    count: int
    median_seconds: float | None
    p90_seconds: float | None


class Times(Struct, frozen=True):
    """Where the seconds went. active: faces could be compared."""

    active_seconds: float
    paused_seconds: float
    suspended_seconds: float
    interrupted_seconds: float


class AlertFigures(Struct, frozen=True):
    """Operational alerts only; the blue list stands apart. true = true_confirmed + true_unconfirmed, false
    likewise; raised = true + false + undetermined. confirmed, unconfirmed: of the true and false ones."""

    raised: int
    true: int
    false: int
    true_confirmed: int
    true_unconfirmed: int
    false_confirmed: int
    false_unconfirmed: int
    undetermined: int
    confirmed: int
    unconfirmed: int
    sightings: int
    escalated: int
    expired: int
    closed: int
    false_per_faces: Rate
    """False alerts a face seen: the false alert rate."""
    false_per_alerts: Rate


class BlueFigures(Struct, frozen=True):
    """Staff or volunteers listed to measure recognition; none of these is an operational alert."""

    alerts: int
    tpir: Rate
    """Passages through the zone that raised the right alert, of all that were noted and count."""
    paired: int
    """Of those: what the server paired with alerts by itself, and no observer corrected."""
    corrected: int
    """Passages on which an observer's word stands in the place of the server's."""
    void: int
    """Noted, and not counted: nobody walked through, or the deployment did not stay active."""
    alerts_unpaired: int
    """Alerts by which no noted passage was found."""


class Adjudications(Struct, frozen=True):
    """Of operational alerts. viable, not_viable, insufficient: alerts by their joint decision, the most
    cautious of the reviews that stand. second_reviews: alerts with two; disagreed: where those differ."""

    viable: int
    not_viable: int
    insufficient: int
    withdrawn: int
    second_reviews: int
    disagreed: int
    time: Spread
    """From the alert to each adjudication that stands."""


class Outcomes(Struct, frozen=True):
    """Of operational alerts, by the newest outcome of each. arrests_by_class: warrant, offence, breach,
    other. unresolved: engaged, and who they are stayed open. uncoded: no outcome so far."""

    engagements: int
    arrests: int
    arrests_by_class: dict[str, int]
    other_disposals: int
    confirmed_true: int
    """Confirmed true, with neither an arrest nor another disposal."""
    confirmed_false: int
    unresolved: int
    no_engagements: int
    uncoded: int
    corrections: int


class CameraFigures(Struct, frozen=True):
    """down_seconds: it should have been live and was not; failures: how often it broke down.
    frames_not_analysed: decoded and not looked at, by the analysis rate or because the box was busy."""

    name: str
    faces_seen: int
    alerts: int
    false_alerts: int
    frames: int
    frames_analysed: int
    frames_not_analysed: int
    live_seconds: float
    down_seconds: float
    failures: int


class Counts(Struct, frozen=True):
    """The figures of one segment, or of a whole deployment. faces_seen counts tracks: a person who passes
    twice, or whose track breaks, counts twice."""

    times: Times
    faces_seen: int
    frames: int
    frames_analysed: int
    frames_not_analysed: int
    alerts: AlertFigures
    blue: BlueFigures
    adjudications: Adjudications
    time_to_answer: Spread
    """From an operational alert to its first claim or adjudication."""
    outcomes: Outcomes
    cameras: list[CameraFigures]


class SegmentFigures(Struct, frozen=True):
    """The frozen terms of one segment and its figures; alerts count where they were raised."""

    number: int
    began_at: float
    ended_at: float | None
    threshold: float | None
    pack: str
    model: str
    n: int
    composition: dict[str, int]
    settings: dict[str, Any]
    cameras: list[str]
    authorised_by: str
    reason: str
    counts: Counts


class Approval(Struct, frozen=True):
    """An authorisation. kind: 'start', 'resume', 'extend', 'amend'."""

    at: float
    kind: str
    name: str
    rank: str
    reason: str


class Halt(Struct, frozen=True):
    """A time in which nobody was looked for. to_at: None while it lasts."""

    kind: Halted
    from_at: float
    to_at: float | None
    reason: str
    detail: str


class Outage(Struct, frozen=True):
    """A camera that failed. to_at: None where it is still down."""

    camera: str
    from_at: float
    to_at: float | None


class WatchlistFigures(Struct, frozen=True):
    """The newest import. reasons: refused entries and pictures by code; pairs: people who look alike."""

    imported_at: float | None
    listed: int
    waiting: int
    refused: int
    reasons: dict[str, int]
    pairs: int
    digest: str
    approvals: int


class DestructionFigures(Struct, frozen=True):
    at: float
    scope: str
    entries: int
    pictures: int
    alerts: int
    receipt: str


class Hour(Struct, frozen=True):
    """One hour of the series, from at on (UTC). Alerts stand in the hour in which they were raised."""

    at: float
    faces_seen: int
    alerts: int
    false_alerts: int
    down_seconds: float


class DeploymentFigures(Struct, frozen=True):
    """One deployment's record. stage: a types.Stage. The plan's fields are those of the newest authorisation,
    or of the draft where nobody has authorised it; planned times may differ from what happened."""

    id: str
    name: str
    stage: str
    purpose: str
    use_case: str
    place: str
    necessity: str
    proportionality: str
    planned_starts_at: float | None
    planned_ends_at: float | None
    documents: dict[str, str]
    categories: list[str]
    accepted_false_alerts: float
    blue_tpir_wanted: float
    second_review: bool
    cameras: list[str]
    started_at: float | None
    ended_at: float | None
    ending: str
    """'ended', 'ordered' or 'revoked'; empty while it has not ended."""
    ending_reason: str
    """Why it was revoked."""
    approvals: list[Approval]
    watchlist: WatchlistFigures
    segments: list[SegmentFigures]
    total: Counts
    halts: list[Halt]
    outages: list[Outage]
    left_out: int
    """Halts and outages beyond those listed; the sums have them."""
    destructions: list[DestructionFigures]
    hours: list[Hour]

    @property
    def authorised(self) -> Approval | None:
        """The first authorisation that the start rests on: the newest of its kind."""
        return next((approval for approval in reversed(self.approvals) if approval.kind == "start"), None)


class Basis(Struct, frozen=True):
    """What the figures were computed from: so many records, up to this one. as_of: its time."""

    records: int
    last_record: int
    last_hash: str
    as_of_at: float | None


class Figures(Struct, frozen=True):
    """deployments: in the order in which they were drafted."""

    basis: Basis
    deployments: list[DeploymentFigures]


def share(events: int, of: int) -> Rate:
    """A proportion with Wilson's interval."""
    low, high = wilson(events, of, CONFIDENCE)
    return Rate(events, of, events / of if of else None, low, high, "wilson")


def per_face(events: int, faces: int) -> Rate:
    """Events a face seen, with the exact Poisson interval: right for few events of many."""
    low, high = poisson(events, faces, CONFIDENCE)
    bounded = None if math.isinf(high) else high
    return Rate(events, faces, events / faces if faces else None, low, bounded, "poisson")


def spread(seconds: Sequence[float]) -> Spread:
    if not seconds:
        return Spread(0, None, None)
    ranked = sorted(seconds)
    return Spread(len(ranked), statistics.median(ranked), ranked[math.ceil(0.9 * len(ranked)) - 1])
