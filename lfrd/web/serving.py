"""The listening socket and uvicorn, inside the app's own TaskGroup and without uvicorn's signal handlers."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from lfrd.config import Config, Placed
from lfrd.errors import BusyError, LfrdError, SettingError
from lfrd.web.presented import presented

LARGEST_MESSAGE = 8192
"""Bytes of a phone's message; the largest valid one, an adjudication with its reason, has about 6,200."""
PING_SECONDS = 20.0
"""A phone's browser that does not answer a ping within this time has gone."""
KEEP_SECONDS = 300
"""An idle connection is kept for as long as browsers keep theirs: an alert's pictures then come over one that
stands, and wait for no handshake, which takes two round trips under TLS."""
SHUTDOWN_SECONDS = 3
"""After that, requests that still run are cancelled."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. key: the setting that says the port."""

    host: str
    port: int
    key: str = "web.port"


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
async def serving(
    app: ASGIApp, placed: Placed, group: asyncio.TaskGroup, context: ssl.SSLContext | None = None
) -> AsyncIterator[Bound]:
    """Serves `app` in the caller's `group` while the block runs.

    context: of a `presented.Presented` that is looked after elsewhere; without it the settings' certificate
    is made or read here, and stays. Nothing is served without TLS unless `web.allow_plain_http` says so.

    The socket is bound first, so that the address is known, and granted or refused, before anything starts.
    A crash of the server ends the group. However the block ends, phones get close code 1012, what still runs
    `SHUTDOWN_SECONDS` later is cancelled, and the port is free again.
    Raises SettingError for a certificate that cannot be used; BusyError where the port is taken; LfrdError
    where it cannot be bound.
    """
    web = placed.config.web
    context = context or tls_context(placed)
    async with listener(app, Address(web.host, web.port), group, context) as bound:
        yield bound


@asynccontextmanager
async def listener(
    app: ASGIApp, address: Address, group: asyncio.TaskGroup, context: ssl.SSLContext | None
) -> AsyncIterator[Bound]:
    """One socket with uvicorn behind it; `serving` says how it begins and ends. context: None for no TLS."""
    with _listening(address) as sock:
        bound = Bound(address.host, int(sock.getsockname()[1]), context is not None)
        server = _Server(_configuration(app, context))
        task = group.create_task(_to_the_end(server, sock), name=f"{address.key} server")
        try:
            await server.ready.wait()
            yield bound
        finally:
            server.should_exit = True
            await asyncio.wait({task})


def tls_context(placed: Placed) -> ssl.SSLContext | None:
    """TLS with the settings' certificate; None for plain HTTP. Raises as `presented` does."""
    found, _ = presented(placed, time.time())
    return None if found is None else found.context


def probe(placed: Placed) -> None:
    """Whether the ports are to be had, asked before a long start; each is bound and let go of again.

    Raises as `serving` does, which may find one taken since.
    """
    web, tls = placed.config.web, placed.config.tls
    with _bound(Address(web.host, web.port)):
        pass
    if tls.onboarding_port and has_own_authority(placed.config):
        with _bound(Address(web.host, tls.onboarding_port, "tls.onboarding_port")):
            pass


def has_own_authority(config: Config) -> bool:
    """Whether phones have to be brought to trust this box: neither plain HTTP nor a certificate brought."""
    return not (config.web.allow_plain_http or config.web.certificate)


@contextmanager
def _bound(address: Address) -> Iterator[socket.socket]:
    try:
        family, _, _, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingError("web.host", f"'{address.host}' is no address of this machine ({error})") from None
    # The protocol is named because asyncio sets TCP_NODELAY only where it is: otherwise each answer waits
    # 40 ms for an acknowledgement.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(where)
        except OSError as error:
            raise _bind_error(address, error) from None
        yield sock


@contextmanager
def _listening(address: Address) -> Iterator[socket.socket]:
    with _bound(address) as sock:
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Inherited by each connection: a phone that vanished with unsent data in its buffer is given up
            # by the kernel after this many milliseconds, not after a quarter of an hour.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(2 * PING_SECONDS * 1000))
        try:
            sock.listen(1024)
        except OSError as error:
            raise _bind_error(address, error) from None
        sock.setblocking(False)
        yield sock


def _bind_error(address: Address, error: OSError) -> LfrdError:
    host, port, key = address.host, address.port, address.key
    if error.errno == errno.EADDRINUSE:
        return BusyError(
            f"port {port} on {host} is in use by another process; "
            f"stop that one (another lfrd?) or set another {key}"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return SettingError("web.host", f"{host} is no address of this machine")
    if error.errno in (errno.EACCES, errno.EPERM):
        return SettingError(key, f"{port} may not be opened by this user; choose one above 1023")
    return LfrdError(f"cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}")


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
        timeout_keep_alive=KEEP_SECONDS,
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
