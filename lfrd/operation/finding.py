"""What cameras report of a nominal, and under which deployment it becomes an alert."""

from __future__ import annotations

from dataclasses import dataclass, field

from lfrd.policy.plan import Plan
from lfrd.store.alerts import NewAlert
from lfrd.types import Box, CameraId, DeploymentId, NominalId, TrackId


@dataclass(frozen=True, slots=True)
class InForce:
    """The deployment in force, as far as alerts need it. segment: whose terms now hold. repeat_seconds: as
    frozen at the start; None for those that `Repeats` was made with. The rest as in `policy.plan.Plan`:
    seconds, and 1 or 2 reviewers."""

    deployment: DeploymentId
    segment: int
    escalate_seconds: float
    expire_seconds: float
    reviews_needed: int = 1
    repeat_seconds: float | None = None

    @classmethod
    def of(
        cls, deployment: DeploymentId, segment: int, plan: Plan, repeat_seconds: float | None = None
    ) -> InForce:
        reviews = 2 if plan.second_review else 1
        return cls(deployment, segment, plan.escalate_seconds, plan.expire_seconds, reviews, repeat_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The pipeline's verdict that a track may be a nominal, with what the watchlist says of them.

    name, category, instruction, image_date (YYYY-MM-DD), blue: of the entry. score, threshold: cosine
    similarity, -1..1. seen_at: Unix seconds of the decisive frame; captured_monotonic: the same instant on
    the process's monotonic clock. quality: of the shot that is shown (eye_distance in pixels, sharpness, yaw,
    pitch); worth: its rank among shots, larger is better. shots: how many agreed. box: the face in the
    full-size frame. The pictures are JPEG files, hidden in the repr.
    """

    nominal: NominalId
    name: str = field(default="", repr=False)
    category: str
    instruction: str = ""
    image_date: str = ""
    blue: bool = False
    score: float
    threshold: float
    camera: CameraId
    track: TrackId
    seen_at: float
    captured_monotonic: float
    quality: dict[str, float]
    worth: float
    shots: int
    box: Box
    probe_jpeg: bytes = field(repr=False)
    candidate_jpeg: bytes = field(repr=False)


def as_alert(in_force: InForce, finding: Finding) -> NewAlert:
    return NewAlert(
        deployment=in_force.deployment,
        segment=in_force.segment,
        nominal=finding.nominal,
        name=finding.name,
        category=finding.category,
        instruction=finding.instruction,
        image_date=finding.image_date,
        blue=finding.blue,
        camera=finding.camera,
        score=finding.score,
        threshold=finding.threshold,
        seen_at=finding.seen_at,
        quality=finding.quality,
        shots=finding.shots,
        box=finding.box,
        probe_jpeg=finding.probe_jpeg,
        candidate_jpeg=finding.candidate_jpeg,
        reviews_needed=in_force.reviews_needed,
        escalate_seconds=in_force.escalate_seconds,
        expire_seconds=in_force.expire_seconds,
    )
