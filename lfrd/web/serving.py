"""The listening socket and uvicorn, inside the app's own TaskGroup and without uvicorn's signal handlers."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from lfrd.config import Placed, Web
from lfrd.errors import BusyError, LfrdError, SettingError

LARGEST_MESSAGE = 8192
"""Bytes of a phone's message; the largest valid one, an adjudication with its reason, has about 6,200."""
PING_SECONDS = 20.0
"""A phone's browser that does not answer a ping within this time has gone."""
SHUTDOWN_SECONDS = 3
"""After that, requests that still run are cancelled."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Where the server listens."""

    host: str
    port: int
    tls: bool

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reachable(host: str) -> str:
    """The address that a phone on the same network can open. Asks the routing table; sends nothing."""
    if host not in {"0.0.0.0", "::"}:  # noqa: S104
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737: connecting a datagram socket sends nothing
            return str(sock.getsockname()[0])
        except OSError:
            return "127.0.0.1"


@asynccontextmanager
async def serving(app: ASGIApp, placed: Placed, group: asyncio.TaskGroup) -> AsyncIterator[Bound]:
    """Serves `app` in the caller's `group` while the block runs.

    The socket is bound first, so that the address is known, and granted or refused, before anything starts.
    A crash of the server ends the group. However the block ends, phones get close code 1012, what still runs
    `SHUTDOWN_SECONDS` later is cancelled, and the port is free again.
    Raises SettingError for a network address without certificate, and for a certificate that cannot be used;
    BusyError where the port is taken; LfrdError where it cannot be bound.
    """
    web = placed.config.web
    check(web)
    context = tls_context(placed)
    with _listening(web) as sock:
        bound = Bound(web.host, int(sock.getsockname()[1]), context is not None)
        server = _Server(_configuration(app, context))
        task = group.create_task(_to_the_end(server, sock), name="web server")
        try:
            await server.ready.wait()
            yield bound
        finally:
            server.should_exit = True
            await asyncio.wait({task})


def check(web: Web) -> None:
    """Faces and sessions cross a network only under TLS. Raises SettingError."""
    if not (is_loopback(web.host) or web.certificate or web.allow_plain_http):
        raise SettingError(
            "web.certificate",
            f"web.host is {web.host}: other machines reach it only with a certificate; set web.certificate "
            "and web.key, or set web.allow_plain_http for a demonstration with pictures that are public",
        )


def tls_context(placed: Placed) -> ssl.SSLContext | None:
    """TLS 1.2 and up with the configured certificate; None without one. Raises SettingError."""
    web = placed.config.web
    if not web.certificate:
        return None
    certificate, key = placed.path(web.certificate), placed.path(web.key)
    for name, path in (("web.certificate", certificate), ("web.key", key)):
        if problem := _unreadable(path):
            raise SettingError(name, f"{path} cannot be read ({problem})")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An empty password: a key that wants one is refused instead of asking on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or "not a PEM file that can be used"
        raise SettingError(
            "web.certificate", f"{certificate} and {key} do not work together ({reason})"
        ) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return error.strerror


def probe(placed: Placed) -> None:
    """Whether `serving` will be able to, asked before a long start; the address is bound and let go of again.

    Raises as `serving` does, which may find the port taken since.
    """
    check(placed.config.web)
    tls_context(placed)
    with _bound(placed.config.web):
        pass


@contextmanager
def _bound(web: Web) -> Iterator[socket.socket]:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            web.host, web.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingError("web.host", f"'{web.host}' is no address of this machine ({error})") from None
    # The protocol is named because asyncio sets TCP_NODELAY only where it is: otherwise each answer waits
    # 40 ms for an acknowledgement.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(address)
        except OSError as error:
            raise _bind_error(web, error) from None
        yield sock


@contextmanager
def _listening(web: Web) -> Iterator[socket.socket]:
    with _bound(web) as sock:
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Inherited by each connection: a phone that vanished with unsent data in its buffer is given up
            # by the kernel after this many milliseconds, not after a quarter of an hour.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(2 * PING_SECONDS * 1000))
        try:
            sock.listen(1024)
        except OSError as error:
            raise _bind_error(web, error) from None
        sock.setblocking(False)
        yield sock


def _bind_error(web: Web, error: OSError) -> LfrdError:
    if error.errno == errno.EADDRINUSE:
        return BusyError(
            f"port {web.port} on {web.host} is in use by another process; "
            "stop that one (another lfrd?) or set another web.port"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return SettingError("web.host", f"{web.host} is no address of this machine")
    if error.errno in (errno.EACCES, errno.EPERM):
        return SettingError("web.port", f"{web.port} may not be opened by this user; choose one above 1023")
    return LfrdError(f"cannot listen on {web.host} port {web.port}: {os.strerror(error.errno or 0)}")


def _configuration(app: ASGIApp, context: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,  # events are small; and compression beside secrets leaks their length
        lifespan="off",
        log_config=None,
        access_log=False,  # addresses of alerts' pictures do not belong in a log
        proxy_headers=False,  # X-Forwarded-For must not make anybody local
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )


async def _to_the_end(server: uvicorn.Server, sock: socket.socket) -> None:
    """Serve; when cancelled, first let uvicorn close its connections, whose tasks are not in our group."""
    serving = asyncio.ensure_future(server.serve(sockets=[sock]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()  # set when connections are accepted

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The app owns the signals: uvicorn would raise SIGTERM again before the store is closed."""
        yield
