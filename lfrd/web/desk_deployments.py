"""Deployments at the desk: the plan, each step of their life, and what is missing for the next one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from lfrd.errors import NotAllowed
from lfrd.policy.life import Act
from lfrd.policy.plan import Change, Plan
from lfrd.store.deployments import Deployment, Segment
from lfrd.store.officers import Session
from lfrd.types import Stage
from lfrd.web.answers import Endpoint, json, read
from lfrd.web.desk_words import Rank, Reason, as_deployment, deployment_of, names_of
from lfrd.web.services import Services

__all__ = ["ENDPOINTS", "Segment"]

LARGEST_PLAN = 64 * 1024
"""Bytes of a posted plan: its texts have 2,000 characters each at the most."""

_NEXT: Final = {
    Stage.DRAFT: ("authorise", Act.AUTHORISE),
    Stage.AUTHORISED: ("ready", Act.MAKE_READY),
    Stage.READY: ("start", Act.START),
}
"""The step that a planned deployment waits for, as the page calls it."""


class Planned(Struct, forbid_unknown_fields=True, frozen=True):
    plan: Plan


class Authorising(Struct, forbid_unknown_fields=True, frozen=True):
    rank: Rank
    reason: Reason


class Extending(Struct, forbid_unknown_fields=True, frozen=True):
    rank: Rank
    reason: Reason
    ends_at: Annotated[float, Meta(gt=0)]


class Amending(Struct, forbid_unknown_fields=True, frozen=True):
    rank: Rank
    reason: Reason
    change: Change


class Reasoned(Struct, forbid_unknown_fields=True, frozen=True):
    reason: Reason


class Revoking(Struct, forbid_unknown_fields=True, frozen=True):
    """confirm: the deployment's name, typed by whoever revokes."""

    reason: Reason
    confirm: Annotated[str, Meta(max_length=200)]


class Passed(Struct, forbid_unknown_fields=True, frozen=True):
    """passage: of one noted before, to correct it."""

    found: bool
    passage: Annotated[str, Meta(max_length=32)] = ""


async def listed(_request: Request, services: Services, _session: Session | None) -> Response:
    """All of them, the newest first."""
    names = await names_of(services)
    return json(
        {
            "deployments": [
                {
                    "id": one.id,
                    "name": one.name,
                    "stage": one.stage,
                    "place": one.plan.place,
                    "starts_at": one.plan.starts_at,
                    "ends_at": one.plan.ends_at,
                    "started_at": one.started_at,
                    "drafted_by": names.get(one.drafted_by, one.drafted_by),
                }
                for one in reversed(await services.deployments.all())
            ]
        }
    )


async def one(request: Request, services: Services, _session: Session | None) -> Response:
    """A deployment with its history. missing: what it lacks before `next`, one line each."""
    id = deployment_of(request)
    deployment = await services.deployments.get(id)
    names = await names_of(services)
    step, missing = "", list[str]()
    if deployment.stage in _NEXT:
        step, act = _NEXT[deployment.stage]
        facts = None if act is Act.AUTHORISE else await services.facts(deployment.plan, id)
        missing = await services.deployments.missing(id, act, facts)
    return json(
        {
            "now": services.clock(),
            "deployment": as_deployment(deployment, names),
            "next": step,
            "missing": missing,
            "authorisations": [
                {"kind": a.kind, "name": a.name, "rank": a.rank, "at": a.at, "reason": a.reason}
                for a in await services.deployments.authorisations(id)
            ],
            "zones_drawn_by": await services.deployments.zones_drawn_by(id),
            "segments": [
                {
                    "number": s.number,
                    "at": s.at,
                    "threshold": s.threshold,
                    "n": s.n,
                    "pack": s.pack,
                    "authorised_by": s.authorised_by,
                    "reason": s.reason,
                }
                for s in await services.deployments.segments(id)
            ],
            "watchlist": await services.watchlists.summary(id),
        }
    )


async def draft(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Planned, largest=LARGEST_PLAN)
    made = await services.deployments.draft(body.plan, session.actor)
    return json({"id": made.id}, 201)


async def plan(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Planned, largest=LARGEST_PLAN)
    return _stage(await services.deployments.change(deployment_of(request), body.plan, session.actor))


async def authorise(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Authorising, largest=LARGEST_PLAN)
    return _stage(
        await services.deployments.authorise(deployment_of(request), session.actor, body.rank, body.reason)
    )


async def reauthorise(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Authorising, largest=LARGEST_PLAN)
    return _stage(
        await services.deployments.reauthorise(deployment_of(request), session.actor, body.rank, body.reason)
    )


async def ready(request: Request, services: Services, session: Session | None) -> Response:
    return await _prepared(request, services, session, services.deployments.make_ready)


async def start(request: Request, services: Services, session: Session | None) -> Response:
    return await _prepared(request, services, session, services.deployments.start)


async def _prepared(
    request: Request,
    services: Services,
    session: Session | None,
    step: Callable[..., Awaitable[Deployment]],
) -> Response:
    assert session is not None
    id = deployment_of(request)
    facts = await services.facts((await services.deployments.get(id)).plan, id)
    return _stage(await step(id, session.actor, facts))


async def extend(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Extending, largest=LARGEST_PLAN)
    return _stage(
        await services.deployments.extend(
            deployment_of(request), session.actor, body.rank, body.ends_at, body.reason
        )
    )


async def amend(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Amending, largest=LARGEST_PLAN)
    id = deployment_of(request)
    before = await services.deployments.get(id)
    try:
        amended = body.change.applied(before.plan)
    except ValueError as error:
        raise NotAllowed("change", str(error)) from None
    facts = await services.facts(amended, id)
    return _stage(
        await services.deployments.amend(id, session.actor, body.rank, body.change, body.reason, facts)
    )


async def suspend(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Reasoned, largest=LARGEST_PLAN)
    return _stage(
        await services.deployments.suspend(deployment_of(request), session.actor, "ordered", body.reason)
    )


async def close(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    return _stage(await services.deployments.close(deployment_of(request), session.actor))


async def revoke(request: Request, services: Services, session: Session | None) -> Response:
    """Stops it and deletes everything of it. The name is typed, so that no slip of the hand revokes."""
    assert session is not None
    body = await read(request, Revoking, largest=LARGEST_PLAN)
    id = deployment_of(request)
    if body.confirm.strip() != (await services.deployments.get(id)).name:
        raise NotAllowed("confirm", "this is not the deployment's name: nothing has been revoked")
    return json({"receipt": await services.deployments.revoke(id, session.actor, body.reason)})


def _stage(deployment: Deployment) -> Response:
    return json({"stage": deployment.stage})


async def passage(request: Request, services: Services, session: Session | None) -> Response:
    """{passage}: the name under which it was noted, by which it can be corrected."""
    assert session is not None
    noted = await read(request, Passed)
    name = await services.passages.note(
        deployment_of(request), session.actor, found=noted.found, passage=noted.passage
    )
    return json({"passage": name})


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "desk_deployments": listed,
    "desk_deployment": one,
    "desk_draft": draft,
    "desk_plan": plan,
    "desk_authorise": authorise,
    "desk_ready": ready,
    "desk_start": start,
    "desk_reauthorise": reauthorise,
    "desk_extend": extend,
    "desk_amend": amend,
    "desk_suspend": suspend,
    "desk_passage": passage,
    "desk_close": close,
    "desk_revoke": revoke,
}
