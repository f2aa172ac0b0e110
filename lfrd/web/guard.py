"""What stands around every answer: security headers, the time, and errors that tell the asker nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lfrd.errors import StoreError
from lfrd.operation.fault import Fault
from lfrd.web.origin import is_address
from lfrd.web.proof import TIME_HEADER

_log = structlog.get_logger()

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "x-frame-options": "DENY",  # frame-ancestors, for browsers that do not know it
}
_DEVICES = (
    *("accelerometer", "bluetooth", "camera", "display-capture", "geolocation", "gyroscope", "hid"),
    *("magnetometer", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking"),
)
"""What no page may use of a phone; `CAMERA_PAGE` alone may use its camera."""
CAMERA_PAGE = "/camera"
SERVICE_WORKER = "sw.js"
_NO_DOCUMENTS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
"""Files that become no page; an SVG drawing, opened by itself, is one, and could run code."""
SEEN_FROM_ELSEWHERE = "/healthz"
"""The page without TLS that brings a phone to trust this box asks for it, to learn whether it does. What it
says is not read: a page of another site gets an opaque answer."""

HSTS_OWN, HSTS_BROUGHT = 30 * 86400, 365 * 86400
"""Seconds for which a browser refuses plain HTTP, and to pass over a wrong certificate, on this name: shorter
under the site's own authority, since the name may be another machine's one day. See docs/tls.md."""


def content_policy(host: str, *, tls: bool = False) -> str:
    """The Content-Security-Policy: nothing inline, nothing from elsewhere.

    'self' covers the WebSocket in today's browsers; WebKit before 2022 wants its address by name (W3C
    webappsec-csp, issue 7; WebKit bug 201591). `host` is the Host header: left out if it is not well formed.
    """
    socket = f" {'wss' if tls else 'ws'}://{host}" if well_formed(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        f"connect-src 'self'{socket}; manifest-src 'self'; worker-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


def permissions_policy(path: str) -> str:
    """Nothing of the device, but the camera on the one page that is for it."""
    allowed = {"camera": "(self)"} if path == CAMERA_PAGE else {}
    return ", ".join(f"{device}={allowed.get(device, '()')}" for device in _DEVICES)


def needs_policies(path: str, status: int, kind: str) -> bool:
    """Whether this answer can become a page or a worker of ours: browsers read the two policies of nothing
    else, and over 400 bytes on each of thirty files are felt on a poor network.

    A service worker is held to the policy of its own script, not to its page's (W3C Service Workers, "Run
    Service Worker"). kind: the Content-Type, which is not said with 304.
    """
    name = PurePosixPath(path)
    wanted = _NO_DOCUMENTS.get(name.suffix)
    if wanted is None or name.name == SERVICE_WORKER:
        return True
    return status != 304 and (status != 200 or kind.partition(";")[0] != wanted)


def strict_transport(host: str, seconds: int) -> str:
    """Strict-Transport-Security for this Host header; empty where it would do harm or nothing.

    Browsers pass it over where they came by an address (RFC 6797, 8.1.1). On `localhost` it would reach every
    other server that a person runs on that machine.
    """
    name = host.rpartition(":")[0] or host
    if not well_formed(host) or name == "localhost" or host.startswith("[") or is_address(name):
        return ""
    return f"max-age={seconds}"


def well_formed(host: str) -> bool:
    """Whether a Host header is a name or an address, with or without a port."""
    return _HOST.fullmatch(host) is not None


class _Gone(OSError):
    """Whoever was to be answered has left: ASGI's servers raise an OSError then."""


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, fault: Fault, clock: Callable[[], float], hsts_seconds: int) -> None:
        self._app = app
        self._hsts_seconds = hsts_seconds  # for answers over TLS
        self._fault = fault  # hears of a store that fails
        self._clock = clock  # Unix seconds: a browser whose own are wrong proves with these

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        tls = scope["scheme"] in ("https", "wss")
        strict = strict_transport(host, self._hsts_seconds) if tls else ""
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                begun = True
                headers = MutableHeaders(scope=message)
                if needs_policies(scope["path"], message["status"], headers.get("content-type", "")):
                    # An endpoint may be stricter still, with a file that is not ours.
                    headers.setdefault("content-security-policy", content_policy(host, tls=tls))
                    headers["permissions-policy"] = permissions_policy(scope["path"])
                for name, value in _ALWAYS.items():
                    headers[name] = value
                if scope["path"] == SEEN_FROM_ELSEWHERE:
                    headers["cross-origin-resource-policy"] = "cross-origin"
                if strict:
                    headers["strict-transport-security"] = strict
                headers.setdefault("cache-control", "no-store")
                if headers.get("content-type") == "application/json" and scope["path"].startswith("/api/"):
                    # Opened by itself it is a file, never a page.
                    headers.setdefault("content-disposition", 'attachment; filename="api.json"')
                headers[TIME_HEADER] = str(int(self._clock() * 1000))
            elif message["type"] in ("websocket.accept", "websocket.close"):
                begun = True
            try:
                await send(message)
            except OSError as error:
                raise _Gone from error

        try:
            await self._app(scope, receive, guarded)
        except _Gone:
            return
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
