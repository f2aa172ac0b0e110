"""The audit at the desk: its newest records, whether the chain holds, its checkpoints, and an export."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from lfrd.audit import kinds
from lfrd.audit.export import Broken
from lfrd.store.officers import Session
from lfrd.web.answers import Endpoint, Refusal, json
from lfrd.web.desk_words import names_of, number
from lfrd.web.services import Services

PAGE = 100
"""Records given at once, where the page does not ask for fewer."""
LARGEST_NUMBER = 2**62
CHECKPOINTS_SHOWN = 20


async def records(request: Request, services: Services, session: Session | None) -> Response:
    """The newest records that fit, the newest first; that they were shown is a record after them.

    before: only those with a lower number; what, actor (a name) and deployment: as the records have them;
    until: Unix seconds."""
    assert session is not None
    query = request.query_params
    names = await names_of(services)
    actor = query.get("actor", "")
    ids = [id for id, name in names.items() if name.casefold() == actor.casefold()] or [actor]
    limit = number(request, "limit", PAGE, PAGE) or 1
    found = await services.audit.newest(
        before=number(request, "before", 0, LARGEST_NUMBER) or None,
        limit=limit + 1,
        deployment=query.get("deployment") or None,
        what=query.get("what") or None,
        actor=ids[0] or None,
        until=_seconds(query.get("until", "")),
    )
    await services.audit.record(kinds.AuditViewed(), session.actor)
    called = {str(one.id): one.name for one in await services.deployments.all()}
    return json(
        {
            "more": len(found) > limit,
            "names": names,
            "records": [
                {
                    "seq": record.seq,
                    "at": record.at,
                    "actor": names.get(record.actor, record.actor),
                    "what": record.what,
                    "deployment": record.deployment,
                    "deployment_name": called.get(record.deployment, ""),
                    "body": msgspec.Raw(record.body.encode()),
                }
                for record in found[:limit]
            ],
        }
    )


def _seconds(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise Refusal(400, "bad_message", "until is a moment in Unix seconds") from None


async def verify(_request: Request, services: Services, _session: Session | None) -> Response:
    """Follows the whole chain. What is wrong comes as one line, with status 200: it is the answer."""
    try:
        found = await services.audit.verify()
    except Broken as error:
        return json({"ok": False, "problem": str(error)})
    newest = await services.audit.checkpoints(1)
    return json(
        {
            "ok": True,
            "records": found.records,
            "checkpoints": found.checkpoints,
            "last_checkpoint": newest[0].at if newest else None,
            "head": found.head,
        }
    )


async def checkpoints(_request: Request, services: Services, _session: Session | None) -> Response:
    return json({"checkpoints": await services.audit.checkpoints(CHECKPOINTS_SHOWN)})


async def checkpoint(_request: Request, services: Services, _session: Session | None) -> Response:
    """Signs the newest record, unless it is signed."""
    made = await services.audit.checkpoint()
    return json({"signed": made is not None})


async def export(_request: Request, services: Services, session: Session | None) -> Response:
    """The whole audit for `lfrd audit verify`, sent as it is read."""
    assert session is not None
    lines = services.audit.export(session.actor)
    return StreamingResponse(lines, media_type="application/jsonl")


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "desk_audit": records,
    "desk_audit_verify": verify,
    "desk_checkpoints": checkpoints,
    "desk_checkpoint": checkpoint,
    "desk_audit_export": export,
}
