"""What stands around every answer: security headers, the time, and errors that tell the asker nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lfrd.errors import StoreError
from lfrd.operation.fault import Fault
from lfrd.web.proof import TIME_HEADER

_log = structlog.get_logger()

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options": "DENY",  # frame-ancestors, for browsers that do not know it
}


def content_policy(host: str) -> str:
    """The Content-Security-Policy: nothing inline, nothing from elsewhere.

    'self' covers the WebSocket in today's browsers; WebKit before 2022 wants its address by name (W3C
    webappsec-csp, issue 7; WebKit bug 201591). `host` is the Host header: left out if it is not well formed.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        f"connect-src 'self'{sockets}; manifest-src 'self'; worker-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, fault: Fault, clock: Callable[[], float]) -> None:
        self._app = app
        self._fault = fault  # hears of a store that fails
        self._clock = clock  # Unix seconds: a browser whose own are wrong proves with these

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                begun = True
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = content_policy(host)
                for name, value in _ALWAYS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
                headers[TIME_HEADER] = str(int(self._clock() * 1000))
            elif message["type"] in ("websocket.accept", "websocket.close"):
                begun = True
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except StoreError as error:
            self._fault.report(error)
            status, text = 503, "The server cannot read or write its records and is restarting.\n"
        except Exception as error:
            _log.error("request failed", path=scope["path"], error=type(error).__name__, exc_info=True)
            status, text = 500, "Something went wrong in the server; its log says what.\n"
        else:
            return
        if scope["type"] == "http" and not begun:
            await PlainTextResponse(text, status)(scope, receive, guarded)
