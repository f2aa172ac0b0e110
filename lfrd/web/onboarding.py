"""The page without TLS by which a new phone comes to trust this box: the authority and nothing else.

A listener of its own, on a port of its own. It knows no session, no invitation and no store: whatever goes
through plain HTTP may be read and changed on its way, so that nothing may stand here that is secret, and what
is taken from here is to be compared with what the desk shows. docs/tls.md has the argument.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lfrd.certificates.authority import Authority
from lfrd.certificates.fingerprint import rows
from lfrd.certificates.profile import MEDIA_TYPE, profile
from lfrd.config import Placed
from lfrd.web.answers import json
from lfrd.web.files import Files
from lfrd.web.guard import permissions_policy, well_formed
from lfrd.web.presented import Presented
from lfrd.web.serving import Address, Bound, listener

FILES = ("", "onboarding.css", "onboarding.js", "words.js")
"""Of static/onboarding; the first is the page."""
KEY = "tls.onboarding_port"


@asynccontextmanager
async def onboarding(
    placed: Placed, certificate: Presented | None, main: Bound, static: Path, group: asyncio.TaskGroup
) -> AsyncIterator[Bound | None]:
    """The page while the block runs, in the caller's group; nothing, and None, where no phone needs it: in
    plain HTTP, with a certificate that was brought, or where `tls.onboarding_port` is 0. Raises as `serving`
    does."""
    port = placed.config.tls.onboarding_port
    if certificate is None or certificate.authority is None or not port:
        yield None
        return
    app = make_onboarding(certificate, main.port, static)
    async with listener(app, Address(placed.config.web.host, port, KEY), group, None) as bound:
        yield bound


def make_onboarding(certificate: Presented, secure_port: int, static: Path) -> Starlette:
    """static: the folder of all pages. secure_port: where the box itself listens."""
    files = Files(static / "onboarding")

    def authority() -> Authority:
        if certificate.authority is None:  # settings do not change while the server runs
            raise HTTPException(404)
        return certificate.authority

    async def page(request: Request) -> Response:
        path = request.path_params.get("path", "")
        if path not in FILES:
            raise HTTPException(404)
        return await files.answer(path, request.headers)

    async def facts(request: Request) -> Response:
        """What the page shows; where it asks whether this phone trusts the box already."""
        shown = authority()
        return json(
            {
                "authority": shown.name,
                "fingerprint": rows(shown.digest),
                "secure": secure_address(request.headers.get("host", ""), secure_port),
            }
        )

    async def for_android(_request: Request) -> Response:
        return _file(authority().der, "application/x-x509-ca-cert", "lfrd-authority.crt")

    async def for_ios(_request: Request) -> Response:
        return _file(profile(authority()), MEDIA_TYPE, "lfrd-authority.mobileconfig")

    routes = [
        Route("/facts.json", facts),
        Route("/lfrd-authority.crt", for_android),
        Route("/lfrd-authority.mobileconfig", for_ios),
        Route("/", page),
        Route("/{path}", page),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(_Headers, secure_port=secure_port)])
    app.router.redirect_slashes = False  # would send people to whatever the Host header names
    return app


def secure_address(host: str, port: int) -> str:
    """The box itself, under the name by which the page was opened; empty for a Host that is none."""
    if not well_formed(host):
        return ""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return f"https://{name}:{port}"


def _file(data: bytes, media_type: str, name: str) -> Response:
    disposition = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=disposition)


class _Headers:
    """What stands around every answer. No HSTS: it would forbid this very page."""

    def __init__(self, app: ASGIApp, secure_port: int) -> None:
        self._app = app
        self._secure_port = secure_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        secure = secure_address(Headers(scope=scope).get("host", ""), self._secure_port)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = (
                    f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {secure}; "
                    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
                )
                headers["permissions-policy"] = permissions_policy("")
                headers["x-content-type-options"] = "nosniff"
                headers["x-frame-options"] = "DENY"
                headers["referrer-policy"] = "no-referrer"
                headers["cross-origin-resource-policy"] = "same-origin"
                headers["cache-control"] = "no-store"
            await send(message)

        await self._app(scope, receive, guarded)
