"""The application: every route of the table in `rules`, behind its check and inside the `Guard`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from lfrd import wire
from lfrd.errors import LfrdError, NotAllowed, StoreError
from lfrd.store.officers import Session
from lfrd.types import AlertId
from lfrd.web import desk, opening, passages, passkeys, phone_camera, preview, refusals, sign_in, wake_ups
from lfrd.web.answers import Endpoint, Refusal, json, not_allowed
from lfrd.web.files import Files
from lfrd.web.guard import HSTS_BROUGHT, HSTS_OWN, Guard
from lfrd.web.origin import is_local, same_site
from lfrd.web.proof import HEADER
from lfrd.web.refusals import note_refusal
from lfrd.web.rules import LOCAL, PUBLIC, ROUTES, Rule, allows
from lfrd.web.services import Services
from lfrd.web.socket import Connection

BACKGROUND = "lfrd-background"
"""A header of requests that a page makes by itself: they do not keep a session at the desk from idling."""


def static_folder() -> Path:
    """Where the pages' files are: beside the modules in a wheel, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "static"
    return inside if inside.is_dir() else package.parent / "static"


def make_app(services: Services) -> Starlette:
    """Every route of the table, behind its check and inside the `Guard`."""
    routes: list[BaseRoute] = [_route(rule, services) for rule in ROUTES]
    seconds = HSTS_BROUGHT if services.config.web.certificate else HSTS_OWN
    guard = Middleware(Guard, fault=services.fault, clock=services.clock, hsts_seconds=seconds)
    app = Starlette(routes=routes, middleware=[guard])
    app.state.files = Files(services.static)
    refusals.prepare(app)
    sign_in.prepare(app)
    passkeys.prepare(app)
    wake_ups.prepare(app)
    opening.prepare(app, ENDPOINTS)
    return app


def _route(rule: Rule, services: Services) -> BaseRoute:
    if rule.method == "WS":
        return WebSocketRoute(rule.path, lambda websocket: _socket(websocket, rule, services))
    endpoint = ENDPOINTS[rule.endpoint]

    async def checked(request: Request) -> Response:
        try:
            session = await _admitted(request, rule, services)
            return await endpoint(request, services, session)
        except Refusal as refusal:
            return refusal.answer()
        except NotAllowed as error:
            return not_allowed(error)
        except StoreError:
            raise  # ends the process, by the Guard
        except LfrdError as error:
            return Refusal(500, "failed", str(error)).answer()

    return Route(rule.path, checked, methods=[rule.method])


# ---- who may --------------------------------------------------------------------------------------------


async def _admitted(request: Request, rule: Rule, services: Services) -> Session | None:
    """The session of a request that the rule lets pass. Raises Refusal."""
    # SameSite=Strict keeps the cookie from other sites' requests; this refuses them even so.
    if rule.method != "GET" and not same_site(request):
        raise Refusal(403, "origin", "this request comes from another site")
    if rule.who is PUBLIC:
        return None
    session = await _session(request, services)
    if session is None:
        if rule.who is LOCAL and is_local(request):
            return None
        raise Refusal(401, "session", "sign in first: this browser has no session here, or it was ended")
    if rule.proven:
        problem = services.proofs.check(
            session.device_key,
            request.headers.get(HEADER, ""),
            rule.method,
            target_of(request),
            now=services.clock(),
            tls=request.url.scheme == "https",
        )
        if problem:
            await note_refusal(request, rule, problem, session, services)
            raise Refusal(401, problem, "this browser has not proven that the session is its own: sign in")
    if not allows(rule.who, session.role):
        await note_refusal(request, rule, "role", session, services)
        raise Refusal(403, "role", f"this is not for the role {session.role}")
    if BACKGROUND not in request.headers:
        session = await services.officers.seen(session)
    return session


async def _session(connection: HTTPConnection, services: Services) -> Session | None:
    token = connection.cookies.get(sign_in.cookie_name(connection))
    return await services.officers.session(token) if token else None


def target_of(connection: HTTPConnection) -> str:
    """Path and query as they were sent."""
    path: bytes = connection.scope.get("raw_path") or connection.scope["path"].encode()
    query: bytes = connection.scope["query_string"]
    return (path.partition(b"?")[0] + (b"?" + query if query else b"")).decode("ascii", "replace")


# ---- pictures -------------------------------------------------------------------------------------------


async def probe(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    alert = AlertId(request.path_params["alert"])
    return _picture(await services.log.picture(alert, "probe", session.actor))


async def candidate(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    alert = AlertId(request.path_params["alert"])
    return _picture(await services.log.picture(alert, "candidate", session.actor))


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
    return json(answer, 503 if reasons else 200)


async def metrics(_request: Request, services: Services, _session: Session | None) -> Response:
    return Response(services.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def index(request: Request, _services: Services, _session: Session | None) -> Response:
    return await _file(request, "")


async def static(request: Request, _services: Services, _session: Session | None) -> Response:
    return await _file(request, request.path_params["path"])


async def _file(request: Request, path: str) -> Response:
    files: Files = request.app.state.files
    return await files.answer(path, request.headers)


# ---- phones ---------------------------------------------------------------------------------------------


async def _socket(websocket: WebSocket, rule: Rule, services: Services) -> None:
    """The handshake. The device's proof follows in the first message: a page can add no header to it."""
    if not same_site(websocket):
        await websocket.send_denial_response(
            PlainTextResponse("This connection comes from another site.\n", 403)
        )
        return
    session = await _session(websocket, services)
    if session is not None and not allows(rule.who, session.role):
        with contextlib.suppress(Refusal):
            await note_refusal(websocket, rule, "role", session, services)
        session = None
    if session is None:
        # Accepted only to be told so: a page cannot see why a handshake was refused.
        await websocket.accept()
        await websocket.close(wire.CLOSE_REVOKED, "sign in first")
        return
    await Connection(websocket, services, session).run()


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "index": index,
    "probe": probe,
    "candidate": candidate,
    "health": health,
    "metrics": metrics,
    "static": static,
    **sign_in.ENDPOINTS,
    **passkeys.ENDPOINTS,
    **opening.ENDPOINTS,
    **desk.ENDPOINTS,
    **preview.ENDPOINTS,
    **wake_ups.ENDPOINTS,
    **phone_camera.ENDPOINTS,
    **passages.ENDPOINTS,
}
"""By the names that the table of rules uses; each module of endpoints brings its own."""
