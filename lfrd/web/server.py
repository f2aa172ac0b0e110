"""The routes of the phone's page and of the box, built from the table in `rules`."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from lfrd import wire
from lfrd.errors import NotAllowed
from lfrd.store.officers import Session
from lfrd.types import AlertId
from lfrd.web.guard import Guard
from lfrd.web.limits import Buckets
from lfrd.web.origin import is_local, same_site
from lfrd.web.rules import ROUTES, Rule, Who
from lfrd.web.services import Services
from lfrd.web.socket import Connection

LARGEST_BODY = 4096
"""Bytes of a posted body."""
JOIN_RATE, JOIN_BURST = 1.0, 20.0
"""Attempts to join from one address: a shift behind one router may join at once, then one a second."""
SESSION_SECONDS = 7 * 86400
"""How long a phone keeps its cookie; the session may be revoked at any time before."""


class Join(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/join."""

    code: Annotated[str, Meta(min_length=1, max_length=200)]
    name: Annotated[str, Meta(max_length=200)] = ""


Endpoint = Callable[[Request, Services, Session | None], Awaitable[Response]]


def static_folder() -> Path:
    """Where the page's files are: beside the modules in a wheel, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "static"
    return inside if inside.is_dir() else package.parent / "static"


def make_app(services: Services) -> Starlette:
    """Every route of the table, behind its check and inside the `Guard`."""
    routes: list[BaseRoute] = [_route(rule, services) for rule in ROUTES]
    app = Starlette(routes=routes, middleware=[Middleware(Guard, fault=services.fault)])
    app.state.joining = Buckets(JOIN_RATE, JOIN_BURST)
    app.state.files = StaticFiles(directory=services.static, check_dir=False)
    return app


def _route(rule: Rule, services: Services) -> BaseRoute:
    if rule.method == "WS":
        return WebSocketRoute(rule.path, lambda websocket: _socket(websocket, services))
    endpoint = ENDPOINTS[rule.endpoint]

    async def checked(request: Request) -> Response:
        # SameSite=Strict keeps the cookie from other sites' requests; this refuses them even so.
        if rule.method == "POST" and not same_site(request):
            return _refusal(403, "origin", "this request comes from another site")
        session = None if rule.who is Who.PUBLIC else await _session(request, services)
        if session is None and not (rule.who is Who.PUBLIC or (rule.who is Who.LOCAL and is_local(request))):
            return _refusal(401, "session", "join first: your phone has no session here, or it was revoked")
        return await endpoint(request, services, session)

    return Route(rule.path, checked, methods=[rule.method])


# ---- sessions -------------------------------------------------------------------------------------------


def cookie_name(connection: HTTPConnection) -> str:
    """Under TLS the name itself binds the cookie to this host (RFC 6265bis, `__Host-`)."""
    return "__Host-lfrd" if connection.url.scheme in ("https", "wss") else "lfrd"


async def _session(connection: HTTPConnection, services: Services) -> Session | None:
    token = connection.cookies.get(cookie_name(connection))
    return await services.officers.session(token) if token else None


async def join(request: Request, services: Services, _session: Session | None) -> Response:
    address = request.client.host if request.client is not None else ""
    wait = request.app.state.joining.take(address, services.monotonic())
    if wait:
        seconds = math.ceil(wait)
        answer = _refusal(429, "too_many", f"too many attempts from your network: wait {seconds} s")
        answer.headers["retry-after"] = str(seconds)
        return answer
    try:
        body = msgspec.json.decode(await _body(request), type=Join)
    except msgspec.DecodeError as error:
        return _refusal(400, "bad_message", str(error)[:200])
    try:
        token = await services.officers.join(body.code, body.name)
    except NotAllowed as error:
        # The invitation is not good, or only the name: the page tells the two apart by the status.
        return _refusal(403 if error.code == "invitation" else 422, error.code, str(error))
    session = await services.officers.session(token)
    if session is None:  # revoked in this very moment
        return _refusal(401, "session", "this session was revoked: join again")
    response = _json({"officer": session.name})
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=SESSION_SECONDS,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


async def leave(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    await services.officers.revoke(session.id)
    services.duty.off(session.id)
    services.phones.hang_up(session.id)
    response = _json({})
    response.delete_cookie(
        cookie_name(request),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


async def me(_request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    return _json(
        {"officer": session.name, "site": services.config.site.name, "deployment": services.deployment}
    )


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(413, f"a body has at most {LARGEST_BODY} bytes here")
    return bytes(body)


# ---- pictures -------------------------------------------------------------------------------------------


async def probe(request: Request, services: Services, _session: Session | None) -> Response:
    return _picture(await services.log.picture(AlertId(request.path_params["alert"]), "probe"))


async def candidate(request: Request, services: Services, _session: Session | None) -> Response:
    return _picture(await services.log.picture(AlertId(request.path_params["alert"]), "candidate"))


def _picture(jpeg: bytes | None) -> Response:
    if jpeg is None:
        return PlainTextResponse("No such picture: the alert is unknown here, or was deleted.\n", 404)
    return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "no-store"})


# ---- the box --------------------------------------------------------------------------------------------


async def health(request: Request, services: Services, _session: Session | None) -> Response:
    """200 or 503 for whoever asks; the reasons for programs on this machine only."""
    reasons = list(services.health())
    if services.fault.error is not None:
        reasons.append(str(services.fault.error))
    answer: dict[str, Any] = {"ok": not reasons}
    if reasons and is_local(request):
        answer["reasons"] = reasons
    return _json(answer, 503 if reasons else 200)


async def metrics(_request: Request, services: Services, _session: Session | None) -> Response:
    return Response(services.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


# ---- the page -------------------------------------------------------------------------------------------

_TYPES = {".js": "text/javascript; charset=utf-8", ".webmanifest": "application/manifest+json"}
"""Kinds of files that some systems' tables do not know, and that a browser refuses under another one."""


async def index(request: Request, _services: Services, _session: Session | None) -> Response:
    return await _file("index.html", request)


async def static(request: Request, _services: Services, _session: Session | None) -> Response:
    return await _file(request.path_params["path"], request)


async def _file(path: str, request: Request) -> Response:
    if any(part.startswith(".") for part in path.split("/")):
        raise HTTPException(404)
    files: StaticFiles = request.app.state.files
    response = await files.get_response(path, request.scope)
    response.headers["cache-control"] = "no-cache"  # asked for again each time, sent again when it changed
    if (kind := _TYPES.get(PurePosixPath(path).suffix)) and response.status_code == 200:
        response.headers["content-type"] = kind
    return response


# ---- phones ---------------------------------------------------------------------------------------------


async def _socket(websocket: WebSocket, services: Services) -> None:
    if not same_site(websocket):
        await websocket.send_denial_response(
            PlainTextResponse("This connection comes from another site.\n", 403)
        )
        return
    session = await _session(websocket, services)
    if session is None:
        # Accepted only to be told so: a page cannot see why a handshake was refused.
        await websocket.accept()
        await websocket.close(wire.CLOSE_REVOKED, "join first")
        return
    await Connection(websocket, services, session).run()


ENDPOINTS: dict[str, Endpoint] = {
    "index": index,
    "join": join,
    "leave": leave,
    "me": me,
    "probe": probe,
    "candidate": candidate,
    "health": health,
    "metrics": metrics,
    "static": static,
}


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _refusal(status: int, code: str, message: str) -> Response:
    """`code` is stable, for the page; `message` is one line for the person who holds the phone."""
    return _json({"code": code, "message": message}, status)
