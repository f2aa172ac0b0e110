"""Signing in and out: invitations, passwords, the session's cookie, and who one is."""

from __future__ import annotations

import math
from collections.abc import Awaitable
from typing import Annotated, Final

from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from lfrd.errors import NotAllowed
from lfrd.store.officers import Session
from lfrd.web.answers import Endpoint, Refusal, json, not_allowed, read
from lfrd.web.limits import Buckets
from lfrd.web.proof import read_key
from lfrd.web.services import Services

JOIN_RATE, JOIN_BURST = 1.0, 20.0
"""Invitations tried from one address: a shift behind one router may join at once, then one a second."""
SIGN_IN_RATE, SIGN_IN_BURST = 0.2, 10.0
"""Passwords and passkeys tried from one address: a desk has few people."""
SIGN_IN_OVERALL = 10.0
"""From all addresses together, times the rate of one: each try is a record in the audit."""

Password = Annotated[str, Meta(min_length=1, max_length=400)]
DeviceKey = Annotated[str, Meta(max_length=400)]


class Join(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/join. password: for a link that sets one."""

    code: Annotated[str, Meta(min_length=1, max_length=200)]
    name: Annotated[str, Meta(max_length=200)] = ""
    password: Annotated[str, Meta(max_length=400)] = ""
    device_key: DeviceKey = ""


class SignIn(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/sign-in."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    password: Password
    device_key: DeviceKey = ""


class NewPassword(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/password."""

    old: Password
    password: Password


def prepare(app: Starlette) -> None:
    app.state.joining = Buckets(JOIN_RATE, JOIN_BURST)
    app.state.signing_in = Buckets(SIGN_IN_RATE, SIGN_IN_BURST, overall=SIGN_IN_OVERALL)


def limit(request: Request, buckets: Buckets, at: float) -> None:
    """Raises Refusal(429) where an address tries too often."""
    address = request.client.host if request.client is not None else ""
    if wait := buckets.take(address, at):
        seconds = math.ceil(wait)
        message = f"too many attempts from your network: wait {seconds} s"
        raise Refusal(429, "too_many", message, retry_after=seconds)


def device_key(request: Request, given: str) -> bytes | None:
    """The browser's public key. Raises NotAllowed('device_key') where it is none, or is missing although the
    page came over TLS, where every browser has one."""
    if given:
        return read_key(given)
    if request.url.scheme == "https":
        raise NotAllowed("device_key", "this browser gave no key of its own: reload the page, or update it")
    return None


async def join(request: Request, services: Services, _session: Session | None) -> Response:
    limit(request, request.app.state.joining, services.monotonic())
    body = await read(request, Join)

    async def token() -> str:
        key = device_key(request, body.device_key)
        if body.password:
            return await services.officers.first_password(body.code, body.password, key)
        return await services.officers.join(body.code, body.name, key)

    # The invitation is not good, or only what was typed: the page tells the two apart by the status.
    return await begun(request, services, token(), invitation=403, disabled=403, role=403)


async def sign_in(request: Request, services: Services, _session: Session | None) -> Response:
    limit(request, request.app.state.signing_in, services.monotonic())
    body = await read(request, SignIn)

    async def token() -> str:
        key = device_key(request, body.device_key)
        return await services.officers.sign_in(body.name, body.password, key)

    return await begun(request, services, token(), password=403, disabled=403)


async def begun(request: Request, services: Services, token: Awaitable[str], **statuses: int) -> Response:
    """The answer to a sign-in: who one is, with the session's cookie; 422, or the status by code, where the
    store refuses."""
    try:
        opened = await token
    except NotAllowed as error:
        return not_allowed(error, {error.code: statuses.get(error.code, 422)})
    session = await services.officers.session(opened)
    if session is None:  # revoked in this very moment
        raise Refusal(401, "session", "this session was ended: sign in again")
    response = json(person(session, services))
    response.set_cookie(
        cookie_name(request),
        opened,
        max_age=math.ceil(session.expires_at - session.created_at),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


def person(session: Session, services: Services) -> dict[str, object]:
    """bound: whether the session is tied to this browser's key. now: the server's clock, Unix seconds."""
    return {
        "officer": session.name,
        "role": session.role,
        "rank": session.rank,
        "site": services.config.site.name,
        "bound": session.device_key is not None,
        "now": services.clock(),
    }


async def me(_request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    return json(person(session, services))


async def change_password(request: Request, services: Services, session: Session | None) -> Response:
    """One's own, with the old one. Every session of the officer ends; this browser gets a new one."""
    assert session is not None
    limit(request, request.app.state.signing_in, services.monotonic())
    body = await read(request, NewPassword)

    async def token() -> str:
        await services.officers.change_password(session.name, body.old, body.password)
        return await services.officers.sign_in(session.name, body.password, session.device_key)

    return await begun(request, services, token(), password=403)


async def leave(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    await services.officers.revoke(session.id, session.actor)
    services.duty.off(session.id)
    services.phones.hang_up(session.id)
    response = json({})
    response.delete_cookie(
        cookie_name(request),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


def cookie_name(connection: HTTPConnection) -> str:
    return session_cookie(tls=connection.url.scheme in ("https", "wss"))


def session_cookie(*, tls: bool) -> str:
    """Its name. Under TLS that itself binds the cookie to this host (RFC 6265bis, `__Host-`)."""
    return "__Host-lfrd" if tls else "lfrd"


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "join": join,
    "sign_in": sign_in,
    "change_password": change_password,
    "leave": leave,
    "me": me,
}
