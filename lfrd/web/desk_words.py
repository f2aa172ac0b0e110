"""What the desk's answers have in common: people's names, a deployment as JSON, and addresses' values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta
from starlette.requests import Request

from lfrd.errors import NotAllowed
from lfrd.store.deployments import Deployment
from lfrd.types import CONSOLE, SYSTEM, DeploymentId
from lfrd.web.answers import Refusal
from lfrd.web.services import Services

Reason = Annotated[str, Meta(max_length=2000)]
"""Stores say what is wrong with an empty one, in their own line."""
_LONGEST_ROW = 18
"""Digits of a row's number: SQLite's have 64 bits, and Python reads no number of more than some thousand."""
Rank = Annotated[str, Meta(max_length=60)]


async def names_of(services: Services) -> dict[str, str]:
    """Names by officer's id, the server's own and the console's too."""
    names = {str(officer.id): officer.name for officer in await services.officers.all()}
    return names | {str(actor.id): actor.name for actor in (SYSTEM, CONSOLE)}


def as_deployment(deployment: Deployment, names: Mapping[str, str]) -> dict[str, Any]:
    """With its plan. Times are Unix seconds; reason is the stage's code; people stand by name."""
    by = deployment.started_by
    return {
        "id": deployment.id,
        "name": deployment.name,
        "stage": deployment.stage,
        "reason": deployment.reason,
        "plan": deployment.plan,
        "drafted_by": names.get(deployment.drafted_by, deployment.drafted_by),
        "drafted_at": deployment.drafted_at,
        "started_by": "" if by is None else names.get(by, by),
        "started_at": deployment.started_at,
        "closed_at": deployment.closed_at,
        "destroyed_at": deployment.destroyed_at,
    }


def deployment_of(request: Request) -> DeploymentId:
    return DeploymentId(request.path_params["deployment"])


def number(request: Request, name: str, usual: int, most: int) -> int:
    """A whole number of the query, `usual` where it is not given. Raises Refusal where it is none, or is not
    between 0 and `most`."""
    text = request.query_params.get(name, "")
    if not text:
        return usual
    if not text.isascii() or not text.isdigit() or len(text) > len(str(most)) or int(text) > most:
        raise Refusal(400, "bad_message", f"{name} is a whole number from 0 to {most}")
    return int(text)


def entry_of(request: Request) -> int:
    """Raises NotAllowed('unknown_entry') for a number that no row can have."""
    text = request.path_params["entry"]
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_ROW:
        raise NotAllowed("unknown_entry", "no watchlist has an entry of that number")
    return int(text)
