"""Where a request comes from: the same site or another one, this machine or the network."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def same_site(connection: HTTPConnection) -> bool:
    """True if the Origin header names this server as the Host header does.

    A browser always sends Origin when it opens a WebSocket or posts; a page of another site cannot forge it.
    """
    origin = urlsplit(connection.headers.get("origin", ""))
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    return (
        origin.scheme == scheme and origin.netloc.lower() == connection.headers.get("host", "").lower() != ""
    )


def is_local(connection: HTTPConnection) -> bool:
    """True if the other end is a program on this machine that also addresses this machine.

    A web page in a browser here could reach the loopback under a name of its own making (DNS rebinding), so
    the Host must be an address or localhost.
    """
    if connection.client is None:
        return False
    host = urlsplit(f"//{connection.headers.get('host', '')}").hostname or ""
    return is_loopback(connection.client.host) and (host == "localhost" or is_loopback(host))


def is_address(host: str) -> bool:
    """True for an address, not for a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """True for an address of this machine for itself; false for a name."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback
