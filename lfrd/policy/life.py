"""A deployment's life as a table: which step leads where, who may take it, and what is still missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from lfrd.errors import NotAllowed
from lfrd.policy.plan import DOCUMENTS, Plan
from lfrd.policy.polygon import problem
from lfrd.types import SYSTEM, Actor, OfficerId, Role, Stage

LIST_HOURS = 24
"""A watchlist built longer ago than this is not used at a start (rule 7)."""
LONGEST_HOURS = 72
"""No deployment is planned for longer, nor extended beyond: what is needed for longer is weighed anew."""

SUSPENDED_FOR: Mapping[str, str] = {
    "ordered": "by order",
    "false_alert_rate": "too many false alerts",
    "blue_tpir": "too few of the blue list are found",
}
"""Why a deployment is suspended, in words."""


class Act(StrEnum):
    """A step in a deployment's life. Its value completes "the deployment cannot be …"."""

    CHANGE = "changed"
    DRAW_ZONES = "given zones"
    """A change of the plan that draws zones in the cameras' views and touches nothing else."""
    AUTHORISE = "authorised"
    MAKE_READY = "made ready"
    START = "started"
    PAUSE = "paused"
    RESUME = "taken up again"
    SUSPEND = "suspended"
    REAUTHORISE = "authorised again"
    EXTEND = "extended"
    AMEND = "amended"
    CLOSE = "closed"
    REVOKE = "revoked"
    DESTROY = "destroyed"


@dataclass(frozen=True, slots=True)
class Step:
    """leads: from each stage in which the step may be taken, the stage that follows. by_system: the server
    takes it by itself. another: not by somebody who had a hand in the plan, in making it ready or in its
    start; whoever authorised it may, in turn, do none of these."""

    roles: frozenset[Role]
    leads: Mapping[Stage, Stage]
    by_system: bool = False
    another: bool = False


def _roles(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


_PLANNED = (Stage.DRAFT, Stage.AUTHORISED, Stage.READY)
_OPEN = (Stage.ACTIVE, Stage.PAUSED, Stage.SUSPENDED)
_EITHER = _roles(Role.OPERATOR, Role.AUTHORISING)  # what makes things safer

STEPS: Mapping[Act, Step] = {
    Act.CHANGE: Step(_roles(Role.OPERATOR), dict.fromkeys(_PLANNED, Stage.DRAFT)),
    Act.DRAW_ZONES: Step(_roles(Role.OPERATOR), {stage: stage for stage in _PLANNED}),
    Act.AUTHORISE: Step(_roles(Role.AUTHORISING), {Stage.DRAFT: Stage.AUTHORISED}, another=True),
    Act.MAKE_READY: Step(_roles(Role.OPERATOR), {Stage.AUTHORISED: Stage.READY}),
    Act.START: Step(_roles(Role.OPERATOR), {Stage.READY: Stage.ACTIVE}),
    Act.PAUSE: Step(frozenset(), {Stage.ACTIVE: Stage.PAUSED, Stage.PAUSED: Stage.PAUSED}, by_system=True),
    Act.RESUME: Step(frozenset(), {Stage.PAUSED: Stage.ACTIVE}, by_system=True),
    Act.SUSPEND: Step(
        _EITHER, {Stage.ACTIVE: Stage.SUSPENDED, Stage.PAUSED: Stage.SUSPENDED}, by_system=True
    ),
    Act.REAUTHORISE: Step(_roles(Role.AUTHORISING), {Stage.SUSPENDED: Stage.ACTIVE}, another=True),
    Act.EXTEND: Step(_roles(Role.AUTHORISING), {stage: stage for stage in _OPEN}, another=True),
    Act.AMEND: Step(_roles(Role.AUTHORISING), {stage: stage for stage in _OPEN}, another=True),
    Act.CLOSE: Step(_EITHER, dict.fromkeys((*_PLANNED, *_OPEN), Stage.CLOSED), by_system=True),
    Act.REVOKE: Step(_EITHER, dict.fromkeys((*_PLANNED, *_OPEN, Stage.CLOSED), Stage.CLOSED)),
    Act.DESTROY: Step(_EITHER, {Stage.CLOSED: Stage.DESTROYED}, by_system=True),
}
"""The state machine. A step that is not in it is refused with a line that says why."""

_STANDS: Mapping[Stage, str] = {
    Stage.DRAFT: "it is a draft that nobody has authorised",
    Stage.AUTHORISED: "it is authorised and has not been made ready",
    Stage.READY: "it is ready and has not been started",
    Stage.ACTIVE: "it is running",
    Stage.PAUSED: "it is running, and paused",
    Stage.SUSPENDED: "it is suspended until an authorising officer authorises it again",
    Stage.CLOSED: "it is closed, for good",
    Stage.DESTROYED: "it is destroyed",
}
_INSTEAD: Mapping[tuple[Act, bool], str] = {  # by act and whether the deployment is open
    (Act.CHANGE, True): "; an authorising officer may amend or extend it",
    (Act.DRAW_ZONES, True): "; an authorising officer may amend it",
    (Act.EXTEND, False): "; change its plan before the start",
    (Act.AMEND, False): "; change its plan before the start",
    (Act.AUTHORISE, False): "; only a draft needs it",
}


@dataclass(frozen=True, slots=True)
class Life:
    """How far a deployment has come, and through whose hands.

    planners: who drafted or changed the plan. authorised_by: whose authorisation stands; None in a draft.
    """

    stage: Stage
    planners: frozenset[OfficerId]
    authorised_by: OfficerId | None = None
    ready_by: OfficerId | None = None
    started_by: OfficerId | None = None

    def after(self, act: Act, actor: Actor) -> Life:
        """The life after this step. Raises NotAllowed: 'role', 'same_person' or 'stage'."""
        step = STEPS[act]
        require_role(act, actor)
        if self.stage not in step.leads:
            instead = (
                ""
                if self.stage in (Stage.CLOSED, Stage.DESTROYED)
                else _INSTEAD.get((act, self.stage.is_open), "")
            )
            raise NotAllowed("stage", f"the deployment cannot be {act.value}: {_STANDS[self.stage]}{instead}")
        self._require_another(step, act, actor)
        after = replace(self, stage=step.leads[self.stage])
        if act is Act.CHANGE:
            return replace(after, planners=self.planners | {actor.id}, authorised_by=None, ready_by=None)
        if act is Act.DRAW_ZONES:
            return replace(after, planners=self.planners | {actor.id})
        if act in (Act.AUTHORISE, Act.REAUTHORISE):
            return replace(after, authorised_by=actor.id)
        if act is Act.MAKE_READY:
            return replace(after, ready_by=actor.id)
        if act is Act.START:
            return replace(after, started_by=actor.id)
        return after

    def _require_another(self, step: Step, act: Act, actor: Actor) -> None:
        if step.another and actor.id in {*self.planners, self.ready_by, self.started_by}:
            raise NotAllowed(
                "same_person",
                f"the deployment cannot be {act.value} by somebody who planned or ran it: "
                "another authorising officer has to",
            )
        if act in (Act.MAKE_READY, Act.START, Act.DRAW_ZONES) and actor.id == self.authorised_by:
            raise NotAllowed(
                "same_person",
                f"the deployment cannot be {act.value} by whoever authorised it: an operator has to",
            )


def begun(actor: Actor) -> Life:
    """The life of a new draft. Raises NotAllowed('role')."""
    require_role(Act.CHANGE, actor, "drafted")
    return Life(Stage.DRAFT, frozenset({actor.id}))


def may(act: Act, actor: Actor) -> bool:
    """Whether the actor's role allows this step at all."""
    step = STEPS[act]
    return actor.role in step.roles or (step.by_system and actor.id == SYSTEM.id)


def require_role(act: Act, actor: Actor, done: str = "") -> None:
    """Raises NotAllowed('role'). done: the participle, where it is not the act's own."""
    step = STEPS[act]
    if may(act, actor):
        return
    who = {
        Role.OPERATOR: "an operator",
        Role.AUTHORISING: "an authorising officer",
    }
    needed = " or ".join(who[role] for role in who if role in step.roles) or "the server itself"
    raise NotAllowed("role", f"a deployment is {done or act.value} by {needed}, and by nobody else")


# ---- what is missing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PackFacts:
    """model: `Manifest.digest`. lacks: what its card needs for live use and does not have (policy.card)."""

    name: str
    model: str
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListFacts:
    """pack: digest of the pack that made its templates. built_at: None while an import is unfinished.
    composition: listed entries by category, blue-list entries under 'blue list'."""

    pack: str
    built_at: float | None
    listed: int
    digest: str
    composition: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands around a plan on this box, gathered by `readiness.facts`.

    plan: what they were gathered for. gathered_at: Unix seconds. cameras: names in config.toml. threshold:
    derived for the plan and the list, None where `threshold_problem` says why not. settings: quality settings
    to be frozen, plain values.
    """

    plan: Plan
    gathered_at: float
    cameras: frozenset[str]
    pack: PackFacts | None
    pack_problem: str
    watchlist: ListFacts | None
    threshold: float | None
    threshold_problem: str
    settings: Mapping[str, Any]


def missing(
    plan: Plan,
    act: Act,
    now: float,
    *,
    facts: Facts | None = None,
    officer: str = "",
    rank: str = "",
    other: str = "",
) -> list[str]:
    """What the deployment lacks before this step: one line each, the field first, then what to do.

    act: AUTHORISE, MAKE_READY, START or AMEND; the other steps need nothing but their stage. now: Unix
    seconds. facts: needed for all but AUTHORISE. officer, rank: of the authorisation that stands; empty where
    none does. other: the name of another deployment that is open.
    """
    lines: list[str] = []
    if act in (Act.MAKE_READY, Act.START):
        if not officer:
            lines.append("authorising officer: nobody has authorised it; an authorising officer has to")
        if not rank:
            lines.append("rank: no authorisation gives the authorising officer's rank; it comes with theirs")
    lines += _unsaid(plan)
    lines += _times(plan, act, now)
    lines += _cameras(plan, zones=act is not Act.AUTHORISE, facts=facts)
    if facts is not None:
        lines += _around(plan, act, now, facts)
    if act is Act.START and other:
        lines.append(f"another deployment: '{other}' is open; close it first")
    return lines


def _unsaid(plan: Plan) -> Iterator[str]:
    for field, say in (
        ("purpose", "say what the deployment is for"),
        ("use_case", "name the use case of the policy that it comes under"),
        ("place", "say where the cameras look, as the public notice will"),
        ("necessity", "say why nothing that intrudes less would do"),
        ("proportionality", "say why the good outweighs the intrusion"),
    ):
        if not getattr(plan, field).strip():
            yield f"{field}: is empty; {say}"
    for document, name in DOCUMENTS.items():
        if not plan.documents.get(document, "").strip():
            yield f"documents.{document}: has no version; name that of the {name}"
    if not plan.categories:
        yield "categories: none; name the categories of people who may be on the watchlist"


def _times(plan: Plan, act: Act, now: float) -> Iterator[str]:
    if plan.starts_at is None:
        yield "starts_at: is missing; give the earliest moment at which it may start"
    elif act is Act.START and now < plan.starts_at:
        yield f"starts_at: it is too early; it may start from {moment(plan.starts_at)}"
    if plan.ends_at is None:
        yield "ends_at: is missing; give the moment at which it ends by itself"
    elif now >= plan.ends_at:
        yield f"ends_at: its time is over since {moment(plan.ends_at)}; plan another time"
    if plan.starts_at is not None and plan.ends_at is not None and plan.ends_at <= plan.starts_at:
        yield "ends_at: is not after starts_at; correct one of them"
    hours = 0.0 if plan.starts_at is None or plan.ends_at is None else (plan.ends_at - plan.starts_at) / 3600
    # While it runs the hours count from its start, which may have come late: see `Deployments.extend`.
    if act is not Act.AMEND and hours > LONGEST_HOURS:
        yield f"ends_at: is more than {LONGEST_HOURS} h after starts_at; plan a shorter deployment"


def _cameras(plan: Plan, *, zones: bool, facts: Facts | None) -> Iterator[str]:
    if not plan.cameras:
        yield "cameras: none; name those that will be used, as config.toml does"
    seen: set[str] = set()
    for camera in plan.cameras:
        if camera.name in seen:
            yield f"cameras: '{camera.name}' stands there twice; keep one"
        seen.add(camera.name)
        if facts is not None and camera.name not in facts.cameras:
            known = ", ".join(sorted(facts.cameras)) or "none"
            yield f"cameras: '{camera.name}' is not in config.toml (cameras there: {known}); add or rename it"
        if zones and not camera.zone:
            yield f"cameras: '{camera.name}' has no zone; draw one of three corners or more in its picture"
        elif zones and (wrong := problem(camera.zone)):
            yield f"cameras: the zone of '{camera.name}' is no good: {wrong}; draw it anew"


def _around(plan: Plan, act: Act, now: float, facts: Facts) -> Iterator[str]:
    if facts.pack is None:
        yield f"model pack: {facts.pack_problem}"
    else:
        for lack in facts.pack.lacks:
            yield f"model pack: {lack}"
    built = facts.watchlist
    if built is None:
        yield "watchlist: none; import one for this deployment"
    elif built.built_at is None:
        yield "watchlist: its import is unfinished; import it again, and it goes on from where it was"
    else:
        if not built.listed:
            yield "watchlist: nobody on it can be looked for; approve or import entries"
        if facts.pack is not None and built.pack != facts.pack.model:
            yield f"watchlist: was built with another model pack than '{facts.pack.name}'; import it again"
        if act is not Act.AMEND and now - built.built_at > LIST_HOURS * 3600:
            yield (
                f"watchlist: was built on {moment(built.built_at)}, more than {LIST_HOURS} h ago; "
                "import it again"
            )
        strange = sorted(set(built.composition) - {*plan.categories, BLUE})
        if strange:
            yield (
                f"watchlist: has entries of {', '.join(strange)}, which the plan's categories do not name; "
                "import it again"
            )
    if facts.threshold is None and facts.threshold_problem:
        yield f"threshold: {facts.threshold_problem}"


BLUE = "blue list"
"""Under what a list's composition counts staff and volunteers."""


def moment(at: float) -> str:
    """Unix seconds as this machine's zone has them, to the minute, for people."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%d %b %Y %H:%M %Z")
