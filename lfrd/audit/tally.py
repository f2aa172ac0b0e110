"""The sums of one segment, or of several: faces and frames by camera, and what became of each alert."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from lfrd.audit.blue import BlueTally
from lfrd.audit.figures import (
    Adjudications,
    AlertFigures,
    CameraFigures,
    Counts,
    Outcomes,
    Times,
    per_face,
    share,
    spread,
)
from lfrd.audit.kinds import Counted
from lfrd.audit.standing import Alert, Truth


@dataclass(slots=True)
class CameraTally:
    faces_seen: int = 0
    frames: int = 0
    analysed: int = 0
    live: float = 0.0
    down: float = 0.0
    failures: int = 0

    def count(self, body: Counted) -> None:
        self.faces_seen += body.faces_seen
        self.frames += body.frames
        self.analysed += body.analysed
        self.live += body.live
        self.down += body.down

    def add(self, other: CameraTally) -> None:
        self.faces_seen += other.faces_seen
        self.frames += other.frames
        self.analysed += other.analysed
        self.live += other.live
        self.down += other.down
        self.failures += other.failures


@dataclass(slots=True)
class Tally:
    """What a segment is summed up from. Grows with cameras, alerts and blue-list passages only."""

    cameras: dict[str, CameraTally] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    blue: BlueTally = field(default_factory=BlueTally)

    def camera(self, name: str) -> CameraTally:
        return self.cameras.setdefault(name, CameraTally())

    def counts(self, times: Times) -> Counts:
        alerts = [alert for alert in self.alerts if not alert.blue]
        faces = sum(camera.faces_seen for camera in self.cameras.values())
        frames = sum(camera.frames for camera in self.cameras.values())
        analysed = sum(camera.analysed for camera in self.cameras.values())
        return Counts(
            times=times,
            faces_seen=faces,
            frames=frames,
            frames_analysed=analysed,
            frames_not_analysed=frames - analysed,
            alerts=_alerts(alerts, faces),
            blue=self.blue.figures(),
            adjudications=_adjudications(alerts),
            time_to_answer=spread(
                [alert.answered_at - alert.raised_at for alert in alerts if alert.answered_at is not None]
            ),
            outcomes=_outcomes(alerts),
            cameras=_cameras(self.cameras, alerts),
        )


def together(tallies: Iterable[Tally]) -> Tally:
    """The whole deployment's."""
    total = Tally()
    for tally in tallies:
        for name, camera in tally.cameras.items():
            total.camera(name).add(camera)
        total.alerts += tally.alerts
        total.blue.add(tally.blue)
    return total


def _number(alerts: Iterable[Alert], what: Callable[[Alert], bool]) -> int:
    return sum(1 for alert in alerts if what(alert))


def _alerts(alerts: Sequence[Alert], faces: int) -> AlertFigures:
    truths = Counter(alert.truth for alert in alerts)
    confirmed = truths[Truth.TRUE_CONFIRMED] + truths[Truth.FALSE_CONFIRMED]
    unconfirmed = truths[Truth.TRUE_UNCONFIRMED] + truths[Truth.FALSE_UNCONFIRMED]
    false = truths[Truth.FALSE_CONFIRMED] + truths[Truth.FALSE_UNCONFIRMED]
    return AlertFigures(
        raised=len(alerts),
        true=confirmed + unconfirmed - false,
        false=false,
        true_confirmed=truths[Truth.TRUE_CONFIRMED],
        true_unconfirmed=truths[Truth.TRUE_UNCONFIRMED],
        false_confirmed=truths[Truth.FALSE_CONFIRMED],
        false_unconfirmed=truths[Truth.FALSE_UNCONFIRMED],
        undetermined=truths[Truth.UNDETERMINED],
        confirmed=confirmed,
        unconfirmed=unconfirmed,
        sightings=sum(alert.sightings for alert in alerts),
        escalated=_number(alerts, lambda alert: alert.escalated),
        expired=_number(alerts, lambda alert: alert.expired),
        closed=_number(alerts, lambda alert: alert.closed),
        false_per_faces=per_face(false, faces),
        false_per_alerts=share(false, len(alerts)),
    )


def _adjudications(alerts: Sequence[Alert]) -> Adjudications:
    decisions = Counter(alert.decision for alert in alerts)
    return Adjudications(
        viable=decisions["viable"],
        not_viable=decisions["not_viable"],
        insufficient=decisions["insufficient"],
        withdrawn=sum(alert.withdrawn for alert in alerts),
        second_reviews=_number(alerts, lambda alert: len(alert.reviews) > 1),
        disagreed=_number(alerts, lambda alert: len({d for d, _ in alert.reviews.values()}) > 1),
        time=spread([seconds for alert in alerts for _, seconds in alert.reviews.values()]),
    )


def _outcomes(alerts: Sequence[Alert]) -> Outcomes:
    outcomes = Counter(alert.outcome for alert in alerts)
    classes = Counter(alert.arrest_class for alert in alerts if alert.outcome == "arrest")
    return Outcomes(
        engagements=_number(alerts, lambda alert: alert.engaged),
        arrests=outcomes["arrest"],
        arrests_by_class=dict(sorted(classes.items())),
        other_disposals=outcomes["other_disposal"],
        confirmed_true=outcomes["confirmed_true"],
        confirmed_false=outcomes["confirmed_false"],
        unresolved=outcomes["unconfirmed"],
        no_engagements=outcomes["no_engagement"],
        uncoded=outcomes[None],
        corrections=sum(alert.corrections for alert in alerts),
    )


def _cameras(cameras: dict[str, CameraTally], alerts: Sequence[Alert]) -> list[CameraFigures]:
    raised = Counter(alert.camera for alert in alerts)
    false = Counter(alert.camera for alert in alerts if alert.truth.is_false)
    return [
        CameraFigures(
            name=name,
            faces_seen=camera.faces_seen,
            alerts=raised[name],
            false_alerts=false[name],
            frames=camera.frames,
            frames_analysed=camera.analysed,
            frames_not_analysed=camera.frames - camera.analysed,
            live_seconds=camera.live,
            down_seconds=camera.down,
            failures=camera.failures,
        )
        for name, camera in sorted(cameras.items())
    ]
