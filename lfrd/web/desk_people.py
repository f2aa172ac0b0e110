"""The people of the box at the desk: who may sign in, their invitations, and what stops them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from lfrd.store.appointing import APPOINTERS, KEEPERS
from lfrd.store.officers import Officer, Session
from lfrd.types import Actor, OfficerId, Role
from lfrd.web.answers import Endpoint, json, read
from lfrd.web.desk_onboarding import picture
from lfrd.web.desk_words import Rank
from lfrd.web.links import as_opened
from lfrd.web.services import Services

INVITATION_HOURS = 24.0
"""How long an invitation that is made at the desk can be used."""


class Adding(Struct, forbid_unknown_fields=True, frozen=True):
    name: Annotated[str, Meta(max_length=200)]
    role: Role
    rank: Rank = ""


class Shift(Struct, forbid_unknown_fields=True, frozen=True):
    """An invitation in nobody's name, for as many phones."""

    uses: Annotated[int, Meta(ge=1, le=100)]


async def people(_request: Request, services: Services, session: Session | None) -> Response:
    """Everybody, by name. sessions: how many stand. locked_until: Unix seconds, 0 where it is not locked,
    None where only the console opens it. invite, keep: whether whoever asks may invite and enable this
    person, or unlock, disable and sign them out; the store decides again. roles: that they may add."""
    assert session is not None
    role, keeps = session.role, session.role in KEEPERS
    standing = Counter(session.officer for session in await services.officers.sessions())
    return json(
        {
            "now": services.clock(),
            "roles": [named for named in Role if role in APPOINTERS[named]],
            "people": [
                {
                    "id": officer.id,
                    "name": officer.name,
                    "role": officer.role,
                    "rank": officer.rank,
                    "password": officer.has_password,
                    "passkeys": officer.passkeys,
                    "disabled_at": officer.disabled_at,
                    "locked_until": None if math.isinf(officer.locked_until) else officer.locked_until,
                    "sessions": standing[officer.id],
                    "invite": role in APPOINTERS[officer.role],
                    "keep": keeps,
                }
                for officer in await services.officers.all()
            ],
        }
    )


async def add(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Adding)
    id = await services.officers.add(body.name, body.role, body.rank, session.actor)
    return json({"id": id}, 201)


async def invite(request: Request, services: Services, session: Session | None) -> Response:
    """A link for one person: it lets an engagement officer's phone in, and sets the others' password."""
    assert session is not None
    officer = await _officer(request, services)
    code = await services.officers.invite(
        officer.name, 1, INVITATION_HOURS * 3600, role=officer.role, actor=session.actor
    )
    return _invitation(request, services, code, officer.role, 1)


async def invite_shift(request: Request, services: Services, session: Session | None) -> Response:
    """A link for whoever holds it: each phone then gives its officer's name."""
    assert session is not None
    body = await read(request, Shift)
    code = await services.officers.invite(None, body.uses, INVITATION_HOURS * 3600, actor=session.actor)
    return _invitation(request, services, code, Role.ENGAGEMENT, body.uses)


def _invitation(request: Request, services: Services, code: str, role: Role, uses: int) -> Response:
    """The code stands in the fragment, which no server and no log sees, and in a picture of it (SVG)."""
    url, page = request.url, "/" if role is Role.ENGAGEMENT else "/desk"
    link = f"{as_opened(services.config, url.scheme, url.hostname or '', url.port)}{page}#join={code}"
    return json({"link": link, "hours": INVITATION_HOURS, "uses": uses, "picture": picture(link)})


async def disable(request: Request, services: Services, session: Session | None) -> Response:
    return await _change(request, services, session, services.officers.disable)


async def enable(request: Request, services: Services, session: Session | None) -> Response:
    return await _change(request, services, session, services.officers.enable)


async def unlock(request: Request, services: Services, session: Session | None) -> Response:
    return await _change(request, services, session, services.officers.unlock)


async def revoke(request: Request, services: Services, session: Session | None) -> Response:
    """Ends all their sessions: a lost phone's too."""
    return await _change(request, services, session, services.officers.revoke_all)


async def _change(
    request: Request,
    services: Services,
    session: Session | None,
    change: Callable[[str, Actor], Awaitable[object]],
) -> Response:
    assert session is not None
    officer = await _officer(request, services)
    await change(officer.name, session.actor)
    await services.phones.sweep()  # what has just ended is told so now
    return json({})


async def _officer(request: Request, services: Services) -> Officer:
    """Raises NotAllowed('unknown_officer')."""
    return await services.officers.officer(OfficerId(request.path_params["officer"]))


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "desk_people": people,
    "desk_person_add": add,
    "desk_person_invite": invite,
    "desk_shift_invite": invite_shift,
    "desk_person_disable": disable,
    "desk_person_enable": enable,
    "desk_person_unlock": unlock,
    "desk_person_revoke": revoke,
}
