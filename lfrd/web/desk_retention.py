"""Retention at the desk: its rules, what is due, legal holds, receipts, and a person's question."""

from __future__ import annotations

import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from lfrd.policy.retention import RETENTION, Rule, in_words
from lfrd.store.officers import Session
from lfrd.types import AlertId
from lfrd.web.answers import Endpoint, Refusal, json, read
from lfrd.web.desk_words import Reason, names_of
from lfrd.web.services import Services

Identifier = Annotated[str, Meta(min_length=1, max_length=64)]
LARGEST_BODY = 16 * 1024


class Held(Struct, forbid_unknown_fields=True, frozen=True):
    alert: Identifier
    reason: Reason


class Asking(Struct, forbid_unknown_fields=True, frozen=True):
    reference: Annotated[str, Meta(min_length=1, max_length=200)]
    day: datetime.date


async def rules(_request: Request, _services: Services, _session: Session | None) -> Response:
    """The one table, in words."""
    return json({"rules": [_rule(rule) for rule in RETENTION.values()]})


def _rule(rule: Rule) -> dict[str, str]:
    after = in_words(rule.after)
    if rule.after is not None:
        after = f"{after} after {rule.since}" if rule.after else f"at {rule.since}"
    return {
        "name": rule.name,
        "what": rule.what,
        "after": after,
        "ceiling": "" if rule.ceiling is None else in_words(rule.ceiling),
        "exception": rule.exception,
    }


async def due(_request: Request, services: Services, _session: Session | None) -> Response:
    """What the next sweep deletes, and what only a hold keeps. Deletes nothing."""
    called = {str(one.id): one.name for one in await services.deployments.all()}
    return json(
        {
            "due": [
                {
                    "rule": one.rule,
                    "what": RETENTION[one.rule].what,
                    "subject": one.subject,
                    "deployment": called.get(one.deployment, ""),
                    "rows": one.rows,
                    "due_at": one.due_at,
                    "hold": one.hold,
                    "late": one.late,
                }
                for one in await services.retention.due()
            ]
        }
    )


async def holds(_request: Request, services: Services, _session: Session | None) -> Response:
    """All holds, lifted ones too, the newest first; officers by name."""
    names = await names_of(services)
    return json(
        {
            "holds": [
                {
                    "alert": hold.alert,
                    "officer": names.get(hold.officer, hold.officer),
                    "reason": hold.reason,
                    "at": hold.at,
                    "lifted_by": names.get(hold.lifted_by or "", hold.lifted_by or ""),
                    "lifted_at": hold.lifted_at,
                    "lifted_reason": hold.lifted_reason,
                }
                for hold in reversed(await services.retention.holds(lifted=True))
            ]
        }
    )


async def hold(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Held, largest=LARGEST_BODY)
    await services.retention.hold(AlertId(body.alert), session.actor, body.reason)
    return json({}, 201)


async def lift(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Held, largest=LARGEST_BODY)
    await services.retention.lift(AlertId(body.alert), session.actor, body.reason)
    return json({})


async def receipts(_request: Request, services: Services, _session: Session | None) -> Response:
    """Every receipt of a deletion, the newest first, without the documents."""
    called = {str(one.id): one.name for one in await services.deployments.all()}
    return json(
        {
            "receipts": [
                {"id": one.id, "at": one.at, "kind": one.kind, "deployment": called.get(one.deployment, "")}
                for one in reversed(await services.retention.receipts())
            ]
        }
    )


async def receipt(request: Request, services: Services, _session: Session | None) -> Response:
    """The signed document as it was given."""
    wanted = request.path_params["receipt"]
    for one in await services.retention.receipts():
        if one.id == wanted:
            return json({"document": one.document})
    raise Refusal(404, "unknown_receipt", "there is no such receipt")


async def asked(request: Request, services: Services, session: Session | None) -> Response:
    """Whether a reference was on a list on a day. The audit keeps that it was asked, never the reference."""
    assert session is not None
    body = await read(request, Asking)
    found = await services.watchlists.asked(body.reference, body.day, session.actor)
    return json(
        {
            "lists": [
                {
                    "deployment": one.name,
                    "category": one.category,
                    "listed_at": one.listed_at,
                    "destroyed_at": one.destroyed_at,
                }
                for one in found
            ]
        }
    )


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "desk_retention_rules": rules,
    "desk_retention_due": due,
    "desk_holds": holds,
    "desk_hold": hold,
    "desk_lift": lift,
    "desk_receipts": receipts,
    "desk_receipt": receipt,
    "desk_asked": asked,
}
