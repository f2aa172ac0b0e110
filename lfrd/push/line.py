"""The one way out of this box: an empty request to a push service, and nothing that it could answer leads on.

Everything here is off unless `push.enabled` is set (rule 30).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

AT_ONCE = 32
"""Requests under way together."""
CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 8.0
"""From the look-up to the answer's headers."""


class Inside(OSError):
    """A push service's name leads to an address that is not of the internet."""


class Outside(AbstractResolver):
    """Looks names up, and gives only addresses of the internet.

    Whoever answers this site's name look-ups could otherwise point a push service's name at a machine in
    here. One address of the inside is enough to refuse the name. The address that is looked at is the one
    that is called: there is no second look-up between.
    """

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not all(_is_outside(one["host"]) for one in found):
            raise Inside(f"{host} leads to an address of this network")
        return found

    async def close(self) -> None:
        await self._inner.close()


def _is_outside(address: str) -> bool:
    """False for anything that a router of the internet would not carry, hidden in IPv6 or not."""
    found = ipaddress.ip_address(address.partition("%")[0])
    hidden: list[ipaddress.IPv4Address | None] = []
    if isinstance(found, ipaddress.IPv6Address):
        hidden = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if found in _NAT64:
            hidden.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
    return all(
        one.is_global and not one.is_multicast for one in (found, *(one for one in hidden if one is not None))
    )


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Ways:
    """How the world is reached. The tests put a push service of their own in its place."""

    resolver: Callable[[], AbstractResolver] = Outside
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context
    """Whose certificates are believed: those of the system."""


@dataclass(frozen=True, slots=True)
class Reply:
    """All that is kept of an answer, in the form in which pywebpush reads one. Its body is never read."""

    status: int
    reason: str
    headers: Mapping[str, str]

    async def text(self) -> str:
        return ""


class Line:
    """What pywebpush takes for its session.

    By itself it would follow a redirect to any address, wait for 10,000 s and read an answer of any length
    into a log line. Here none of that is possible, whatever it asks for.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def post(
        self, url: str, *, timeout: object = None, data: bytes | None = None, headers: Mapping[str, str]
    ) -> Reply:
        """timeout: pywebpush's, which does not count. Raises aiohttp.ClientError, OSError, TimeoutError; and
        ValueError where there is a body, or the address is no https."""
        if data is not None or not url.startswith("https://"):
            raise ValueError("a wake-up has no contents and goes over TLS")
        async with (
            self._slots,
            asyncio.timeout(WHOLE_SECONDS),
            self._session.post(url, headers=headers, allow_redirects=False) as answer,
        ):
            answer.close()  # whatever follows the headers is not waited for
            return Reply(answer.status, answer.reason or "", answer.headers)


@asynccontextmanager
async def opened(ways: Ways | None = None) -> AsyncIterator[Line]:
    """The line, for as long as the block runs. No proxy, no cookie and no .netrc is taken from anywhere.
    ways: None for the internet's."""
    ways = ways or Ways()
    trust = await asyncio.to_thread(ways.trust)  # reads the system's certificates
    connector = aiohttp.TCPConnector(resolver=ways.resolver(), ssl=trust, limit=AT_ONCE)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=WHOLE_SECONDS, connect=CONNECT_SECONDS),
        headers={"user-agent": "lfrd"},
        skip_auto_headers=("accept-encoding", "accept", "content-type"),
        auto_decompress=False,
    ) as session:
        yield Line(session)
