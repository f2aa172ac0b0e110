"""What is kept of a deployment: its row, its authorisations and its segments, read and written as values."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from lfrd.errors import NotAllowed
from lfrd.policy.life import Life
from lfrd.policy.plan import CameraPlan, Plan
from lfrd.store.database import Transaction
from lfrd.types import DeploymentId, OfficerId, Stage

PauseReason = Literal["no_officer", "degraded"]
SuspendReason = Literal["false_alert_rate", "blue_tpir", "ordered"]
CloseReason = Literal["ended", "ordered"]
AuthorisationKind = Literal["start", "resume", "extend", "amend"]


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment as it is kept. Times are Unix seconds. reason: why it is paused, suspended or closed, as
    a stable code; '' in any other stage."""

    id: DeploymentId
    name: str
    stage: Stage
    reason: str
    plan: Plan
    drafted_by: OfficerId
    drafted_at: float
    started_by: OfficerId | None
    started_at: float | None
    closed_at: float | None
    destroyed_at: float | None
    life: Life

    def is_over(self, now: float) -> bool:
        """Whether its time is up. now: the Ratchet's."""
        return self.plan.ends_at is not None and now >= self.plan.ends_at


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What an authorising officer put their name to. plan: as it was then."""

    deployment: DeploymentId
    kind: AuthorisationKind
    officer: OfficerId
    name: str
    rank: str
    at: float
    reason: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class Segment:
    """Terms frozen from `at` to the next segment; statistics are kept apart by it. pack: the model pack's
    name. model: its digest. n: people who can be found. settings: of `life.Facts`. authorised_by: name and
    rank."""

    deployment: DeploymentId
    number: int
    at: float
    threshold: float
    pack: str
    model: str
    n: int
    settings: dict[str, Any]
    cameras: list[CameraPlan]
    authorised_by: str
    reason: str

    @property
    def pictures(self) -> int:
        """Those that `n` people are found by, which the threshold is for; n of a segment that did not say."""
        return int(self.settings.get("threshold", {}).get("pictures", self.n))

    @property
    def precision(self) -> str:
        """What the model is computed in; float32 for a segment that did not say."""
        return str(self.settings.get("inference", {}).get("precision", "float32"))


async def get(tx: Transaction, deployment: DeploymentId) -> Deployment:
    """Raises NotAllowed('unknown_deployment')."""
    row = await tx.row("SELECT * FROM deployment WHERE id = ?", deployment)
    if row is None:
        raise NotAllowed("unknown_deployment", "there is no such deployment; `lfrd deployment list` has all")
    return as_deployment(row)


async def open_one(tx: Transaction) -> Deployment | None:
    """The one that is active, paused or suspended."""
    row = await tx.row("SELECT * FROM deployment WHERE stage IN ('active', 'paused', 'suspended')")
    return None if row is None else as_deployment(row)


async def not_ended(tx: Transaction) -> list[Deployment]:
    """Those that are planned or open, oldest first."""
    found = await tx.rows(
        "SELECT * FROM deployment WHERE stage NOT IN ('closed', 'destroyed') ORDER BY rowid"
    )
    return [as_deployment(row) for row in found]


async def lives(tx: Transaction, deployment: DeploymentId, after: Life, reason: str = "") -> Deployment:
    """Write how far it has come, and read it as it is now."""
    row = await tx.row(
        "UPDATE deployment SET stage = ?, reason = ?, planners = ?, authorised_by = ?, ready_by = ?, "
        "started_by = ? WHERE id = ? RETURNING *",
        *(after.stage, reason, planners(after), after.authorised_by, after.ready_by, after.started_by),
        deployment,
    )
    assert row is not None  # it was read in the same transaction
    return as_deployment(row)


async def segments(tx: Transaction, deployment: DeploymentId) -> list[Segment]:
    """In order of number."""
    rows = await tx.rows("SELECT * FROM segment WHERE deployment = ? ORDER BY number", deployment)
    return [_segment(row) for row in rows]


async def authorisations(tx: Transaction, deployment: DeploymentId) -> list[Authorisation]:
    """In order of time."""
    rows = await tx.rows("SELECT * FROM authorisation WHERE deployment = ? ORDER BY id", deployment)
    return [_authorisation(row) for row in rows]


async def standing(tx: Transaction, deployment: Deployment) -> Authorisation | None:
    """The authorisation that holds: none in a draft, whatever was authorised before it was changed."""
    if deployment.life.authorised_by is None:
        return None
    given = await authorisations(tx, deployment.id)
    return given[-1] if given else None


async def zones_drawn_by(tx: Transaction, deployment: Deployment) -> str:
    """Who drew zones after the authorisation that stands, so that nobody authorised them as they are now.

    The names, where the plan's zones are not those that were authorised; '' where they are, or nothing is."""
    given = await standing(tx, deployment)
    if given is None or given.plan.cameras == deployment.plan.cameras:
        return ""
    rows = await tx.rows(
        "SELECT DISTINCT officer.name FROM audit JOIN officer ON officer.id = audit.actor "
        "WHERE audit.deployment = ?1 AND what = 'plan_changed' AND seq > "
        "(SELECT max(seq) FROM audit WHERE deployment = ?1 AND what = 'authorised') ORDER BY name",
        deployment.id,
    )
    return " and ".join(row["name"] for row in rows)


def as_text(value: Plan | Mapping[str, Any] | Sequence[Any]) -> str:
    """JSON with sorted keys: equal plans are equal texts."""
    return msgspec.json.encode(value, order="deterministic").decode()


def planners(of: Life) -> str:
    """The column of that name."""
    return msgspec.json.encode(sorted(of.planners)).decode()


_HANDS = ("authorised_by", "ready_by", "started_by")


def as_deployment(row: sqlite3.Row) -> Deployment:
    by = {key: None if row[key] is None else OfficerId(row[key]) for key in _HANDS}
    stage = Stage(row["stage"])
    return Deployment(
        id=DeploymentId(row["id"]),
        name=row["name"],
        stage=stage,
        reason=row["reason"],
        plan=msgspec.json.decode(row["plan"], type=Plan),
        drafted_by=OfficerId(row["drafted_by"]),
        drafted_at=row["drafted_at"],
        started_by=by["started_by"],
        started_at=row["started_at"],
        closed_at=row["closed_at"],
        destroyed_at=row["destroyed_at"],
        life=Life(stage, frozenset(map(OfficerId, msgspec.json.decode(row["planners"]))), **by),
    )


def _segment(row: sqlite3.Row) -> Segment:
    return Segment(
        **{key: row[key] for key in ("number", "at", "threshold", "pack", "model", "n")},
        deployment=DeploymentId(row["deployment"]),
        settings=msgspec.json.decode(row["settings"]),
        cameras=msgspec.json.decode(row["cameras"], type=list[CameraPlan]),
        authorised_by=row["authorised_by"],
        reason=row["reason"],
    )


def _authorisation(row: sqlite3.Row) -> Authorisation:
    return Authorisation(
        **{key: row[key] for key in ("kind", "name", "rank", "at", "reason")},
        deployment=DeploymentId(row["deployment"]),
        officer=OfficerId(row["officer"]),
        plan=msgspec.json.decode(row["plan"], type=Plan),
    )
