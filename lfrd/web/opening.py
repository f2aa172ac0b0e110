"""Opening a page or a download in a tab of its own, by a ticket that a proven request has fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit

from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from lfrd.store.officers import Session
from lfrd.web.answers import Endpoint, Refusal, json, read
from lfrd.web.refusals import note_refusal
from lfrd.web.rules import PUBLIC, Rule, allows, find
from lfrd.web.services import Services
from lfrd.web.tickets import Tickets


class Wanted(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/ticket: path and query of what is to be opened."""

    path: Annotated[str, Meta(max_length=1000, pattern=r"\A/[\x21-\x7e]*\Z")]


def prepare(app: Starlette, endpoints: Mapping[str, Endpoint]) -> None:
    app.state.tickets = Tickets()
    app.state.endpoints = endpoints


async def ticket(request: Request, services: Services, session: Session | None) -> Response:
    """{url}: opens the path once, within `tickets.SECONDS`, in this browser."""
    assert session is not None
    wanted = (await read(request, Wanted)).path
    rule, _ = _found(wanted)
    if not allows(rule.who, session.role):
        await note_refusal(request, rule, "role", session, services)
        raise Refusal(403, "role", f"this is not for the role {session.role}")
    tickets: Tickets = request.app.state.tickets
    return json({"url": f"/t/{tickets.issue(session.id, wanted, services.monotonic())}"})


async def redeem(request: Request, services: Services, session: Session | None) -> Response:
    """What the ticket is for, answered here and now; 410 where it opens nothing (any more)."""
    assert session is not None
    tickets: Tickets = request.app.state.tickets
    target = tickets.redeem(request.path_params["ticket"], session.id, services.monotonic())
    if target is None:
        return PlainTextResponse("This address was good once. Open the page from the desk again.\n", 410)
    rule, values = _found(target)
    parts = urlsplit(target)
    scope = dict(request.scope)
    scope["path"], scope["raw_path"] = unquote(parts.path), parts.path.encode()
    scope["query_string"], scope["path_params"] = parts.query.encode(), values
    endpoint: Endpoint = request.app.state.endpoints[rule.endpoint]
    return await endpoint(Request(scope, request.receive), services, session)


def _found(target: str) -> tuple[Rule, Mapping[str, object]]:
    """The rule of a path that a ticket may open. Raises Refusal(404)."""
    found = find("GET", unquote(urlsplit(target).path))
    # What is public needs no ticket, and a ticket opens no ticket.
    if found is None or found[0].who is PUBLIC or not found[0].proven:
        raise Refusal(404, "unknown_page", "there is no such page to open")
    return found


ENDPOINTS: Final[dict[str, Endpoint]] = {"ticket": ticket, "redeem": redeem}
