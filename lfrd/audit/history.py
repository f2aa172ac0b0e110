"""One deployment's history as its records tell it, and the figures that come of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from lfrd.audit import kinds
from lfrd.audit.course import Course
from lfrd.audit.figures import (
    Approval,
    DeploymentFigures,
    DestructionFigures,
    Hour,
    SegmentFigures,
    WatchlistFigures,
)
from lfrd.audit.kinds import AnyBody
from lfrd.audit.standing import Alert, AlertBody
from lfrd.audit.tally import Tally, together
from lfrd.types import Stage

_HOUR = 3600.0


class _Camera(Struct):
    name: str = ""
    zone: list[Any] = []


class Planned(Struct):
    """The fields of a plan that the record shows. Lenient, unlike `policy.plan.Plan`: the audit keeps plans
    of all versions for good."""

    name: str = ""
    purpose: str = ""
    use_case: str = ""
    place: str = ""
    necessity: str = ""
    proportionality: str = ""
    starts_at: float | None = None
    ends_at: float | None = None
    documents: dict[str, str] = {}
    categories: list[str] = []
    cameras: list[_Camera] = []
    accepted_false_alerts: float = 0.001
    blue_tpir: float = 0.0
    second_review: bool = False


@dataclass(slots=True)
class _Hour:
    faces_seen: int = 0
    down: float = 0.0


@dataclass(slots=True)
class History:
    """Everything of one deployment that its figures need. Grows with segments, cameras, hours and alerts."""

    id: str
    course: Course
    plan: dict[str, Any] = field(default_factory=dict)
    ending: str = ""
    ending_reason: str = ""
    approvals: list[Approval] = field(default_factory=list)
    imported: kinds.ListImported | None = None
    imported_at: float | None = None
    entries_approved: int = 0
    terms: dict[int, tuple[kinds.SegmentBegan, float]] = field(default_factory=dict)
    tallies: dict[int, Tally] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    hours: dict[int, _Hour] = field(default_factory=dict)
    destructions: list[DestructionFigures] = field(default_factory=list)

    def take(self, body: AnyBody, actor: str, at: float) -> None:
        """The next record of this deployment, or of the server. actor: an officer's id; at: Unix seconds."""
        course = self.course
        match body:
            case kinds.Counted():
                self._tally(body.segment).camera(body.camera).count(body)
                hour = self._hour(at)
                hour.faces_seen += body.faces_seen
                hour.down += body.down
                course.seen_alive(at)
            case kinds.AlertRaised():
                alert = self.alerts[body.alert] = Alert.raised(body, at)
                self._tally(body.segment).alerts.append(alert)
                if body.blue:
                    self._tally(body.segment).blue.alerts.add(body.alert)
                self._hour(at)
                course.seen_alive(at)
            case kinds.BlueWalk() | kinds.BluePassage():
                self._tally(body.segment).blue.take(body, actor, at)
            case kinds.CameraFailed():
                course.camera_failed(body.camera, at)
                self._tally(course.segment).camera(body.camera).failures += 1
                course.seen_alive(at)
            case kinds.CameraBack():
                course.camera_back(body.camera, at)
                course.seen_alive(at)
            case kinds.SegmentBegan():
                self.terms[body.segment] = body, at
                self._tally(body.segment)
                course.segment_began(body.segment, at)
            case kinds.Started():
                course.started(at)
            case kinds.Paused():
                course.halted(Stage.PAUSED, "paused", at, body.reason, body.detail)
            case kinds.Suspended():
                course.halted(Stage.SUSPENDED, "suspended", at, body.reason, body.detail)
            case kinds.Resumed():
                course.resumed(at)
            case kinds.Closed():
                course.ended(at)
                self.ending = self.ending or body.reason
            case kinds.Revoked():
                course.ended(at)
                self.ending, self.ending_reason = "revoked", body.reason
            case kinds.Drafted():
                self.plan = body.plan
            case kinds.PlanChanged():
                if _without_zones(body.plan) != _without_zones(self.plan):
                    course.stage = Stage.DRAFT
                self.plan = body.plan
            case kinds.Authorised():
                self._authorised(body, at)
            case kinds.MadeReady():
                course.stage = Stage.READY
            case kinds.Destroyed():
                self.destructions.append(
                    DestructionFigures(at, body.scope, body.entries, body.pictures, body.alerts, body.receipt)
                )
                course.stage = Stage.DESTROYED
            case kinds.ListImported():
                self.imported, self.imported_at = body, at
                self.entries_approved = body.carried
            case kinds.EntryApproved():
                self.entries_approved += 1
            case kinds.ServerStarted():
                course.server_started(at)
            case kinds.ServerStopped():
                course.server_stopped(at)
            case _:
                if isinstance(body, AlertBody) and body.alert in self.alerts:
                    self.alerts[body.alert].follow(body, actor, at)

    def _authorised(self, body: kinds.Authorised, at: float) -> None:
        self.approvals.append(Approval(at, body.kind, body.name, body.rank, body.reason))
        self.plan = body.plan
        if body.kind == "start":
            self.course.stage = Stage.AUTHORISED
        elif body.kind == "resume":
            self.course.resumed(at)

    def _tally(self, segment: int) -> Tally:
        return self.tallies.setdefault(segment, Tally())

    def _hour(self, at: float) -> _Hour:
        return self.hours.setdefault(int(at // _HOUR), _Hour())

    def figures(self, as_of: float) -> DeploymentFigures:
        """To be asked once, at the end. as_of: Unix seconds; what still lasts is counted until then."""
        course = self.course
        course.until(as_of)
        segments = self._segments()
        plan = msgspec.convert(self.plan, Planned)
        imported = self.imported
        return DeploymentFigures(
            id=self.id,
            name=plan.name,
            stage=course.stage.value,
            purpose=plan.purpose,
            use_case=plan.use_case,
            place=plan.place,
            necessity=plan.necessity,
            proportionality=plan.proportionality,
            planned_starts_at=plan.starts_at,
            planned_ends_at=plan.ends_at,
            documents=plan.documents,
            categories=plan.categories,
            accepted_false_alerts=plan.accepted_false_alerts,
            blue_tpir_wanted=plan.blue_tpir,
            second_review=plan.second_review,
            cameras=[camera.name for camera in plan.cameras],
            started_at=course.started_at,
            ended_at=course.ended_at,
            ending=self.ending,
            ending_reason=self.ending_reason,
            approvals=self.approvals,
            watchlist=WatchlistFigures(
                imported_at=self.imported_at,
                listed=imported.listed if imported else 0,
                waiting=imported.waiting if imported else 0,
                refused=imported.refused if imported else 0,
                reasons=imported.reasons if imported else {},
                pairs=imported.pairs if imported else 0,
                digest=imported.digest if imported else "",
                approvals=self.entries_approved,
            ),
            segments=segments,
            total=together(self.tallies.values()).counts(course.times()),
            halts=course.halts,
            outages=course.outages,
            left_out=course.left_out,
            destructions=self.destructions,
            hours=self._series(),
        )

    def _segments(self) -> list[SegmentFigures]:
        """In order. A segment that records speak of, and whose beginning is not among them, has no terms."""
        began = {number: at for number, (_, at) in self.terms.items()}
        segments = []
        for number in sorted(self.tallies):
            terms, at = self.terms.get(number, (None, self.course.started_at or 0.0))
            following = [began[later] for later in began if later > number]
            cameras = [str(camera.get("name", "")) for camera in terms.cameras] if terms else []
            segments.append(
                SegmentFigures(
                    number=number,
                    began_at=at,
                    ended_at=min(following, default=self.course.ended_at),
                    threshold=terms.threshold if terms else None,
                    pack=terms.pack if terms else "",
                    model=terms.model if terms else "",
                    n=terms.n if terms else 0,
                    composition=terms.composition if terms else {},
                    settings=terms.settings if terms else {},
                    cameras=cameras,
                    authorised_by=terms.authorised_by if terms else "",
                    reason=terms.reason if terms else "",
                    counts=self.tallies[number].counts(self.course.times(number)),
                )
            )
        return segments

    def _series(self) -> list[Hour]:
        """Every hour from the first to the last with anything in it, the empty ones between them too."""
        raised: Counter[int] = Counter()
        false: Counter[int] = Counter()
        for alert in self.alerts.values():
            if not alert.blue:
                raised[int(alert.raised_at // _HOUR)] += 1
                false[int(alert.raised_at // _HOUR)] += alert.truth.is_false
        if not self.hours:
            return []
        nothing = _Hour()
        return [
            Hour(
                at=number * _HOUR,
                faces_seen=self.hours.get(number, nothing).faces_seen,
                alerts=raised[number],
                false_alerts=false[number],
                down_seconds=self.hours.get(number, nothing).down,
            )
            for number in range(min(self.hours), max(self.hours) + 1)
        ]


def _without_zones(plan: dict[str, Any]) -> dict[str, Any]:
    """What an authorisation is about: zones may be drawn afterwards."""
    cameras = [{key: value for key, value in c.items() if key != "zone"} for c in plan.get("cameras", [])]
    return plan | {"cameras": cameras}
