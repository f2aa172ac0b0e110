"""Watchlists at the desk: figures, what waits for an approval, who looks like whom, and single faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from lfrd.policy.life import BLUE
from lfrd.store.entries import EntryState, EntryView, Need
from lfrd.store.officers import Session
from lfrd.web.answers import Endpoint, Refusal, json, read
from lfrd.web.desk_words import Reason, deployment_of, entry_of, names_of
from lfrd.web.services import Services

WAITING_SHOWN = 100
"""Entries that wait, shown at once: approving one brings the next."""
PAIRS_SHOWN = 200


class Approving(Struct, forbid_unknown_fields=True, frozen=True):
    need: Need
    reason: Reason


async def watchlist(request: Request, services: Services, session: Session | None) -> Response:
    """A deployment's list: figures, volunteers' numbers, and the entries and pairs that a person must look
    at. Seeing those is a record in the audit, also where there are none."""
    assert session is not None
    id = deployment_of(request)
    await services.deployments.get(id)  # or it is unknown
    summary = await services.watchlists.summary(id)
    answer: dict[str, object] = {"now": services.clock(), "summary": None}
    answer |= {"volunteers": [], "waiting": [], "pairs": []}
    if summary is not None:
        names = await names_of(services)
        answer["summary"] = {
            **asdict(summary),
            "imported_by": names.get(summary.imported_by, summary.imported_by),
        }
        if summary.waiting:
            entries = await services.watchlists.entries(
                id, session.actor, state=EntryState.WAITING, limit=WAITING_SHOWN
            )
            answer["waiting"] = [_entry(entry, names) for entry in entries]
        if BLUE in summary.composition:
            numbers = await services.passages.numbers(id, session.actor)
            answer["volunteers"] = [{"number": n, "reference": name} for name, n in numbers.items()]
        if summary.pairs:
            answer["pairs"] = await services.watchlists.pairs(id, session.actor, limit=PAIRS_SHOWN)
    return json(answer)


async def face(request: Request, services: Services, session: Session | None) -> Response:
    """The best picture's face of an entry; audited by the store."""
    assert session is not None
    jpeg = await services.watchlists.face(entry_of(request), session.actor)
    if jpeg is None:
        raise Refusal(404, "no_picture", "this entry has no picture that can be used")
    return Response(jpeg, media_type="image/jpeg")


async def approve(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Approving)
    state = await services.watchlists.approve(entry_of(request), body.need, session.actor, body.reason)
    return json({"state": state})


def _entry(entry: EntryView, names: Mapping[str, str]) -> dict[str, Any]:
    """approved: need -> the name of who approved it."""
    return {
        "id": entry.id,
        "reference": entry.reference,
        "category": entry.category,
        "blue": entry.blue,
        "needs": entry.needs,
        "approved": {need: names.get(by, by) for need, by in entry.approved.items()},
        "facts": msgspec.to_builtins(entry.facts),
    }


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "desk_watchlist": watchlist,
    "desk_entry_face": face,
    "desk_entry_approve": approve,
}
