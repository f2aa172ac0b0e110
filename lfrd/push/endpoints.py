"""Which addresses the box may be asked to call: a page names one, so each is checked as an attack."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from lfrd.errors import NotAllowed

LONGEST = 1024
"""Characters of an address: Google's have some 200, Mozilla's 400, Microsoft's 600."""
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
"""A whole name in small letters. Its last part begins with a letter: no address in digits is one."""
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]+(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")


def host_of(endpoint: str) -> str:
    """The push service's host, of an address that has been checked."""
    return urlsplit(endpoint).hostname or ""


def check(endpoint: str, services: Iterable[str]) -> None:
    """Refuses what is no address of a push service of this site's settings (`push.services`).

    The box would send a request wherever a signed-in page points: hence https at its own port only, a host
    by name out of the list, nothing before an @, no fragment, and no sign that two programs could read in
    two ways. Whether the name leads outside is looked at when it is called (`line.Outside`).

    Raises NotAllowed: 'endpoint', or 'service' where the host is not in the list. Never quotes the address,
    which alone lets its holder wake the phone.
    """
    wrong = NotAllowed("endpoint", "this browser gave no address that a push service could have")
    if len(endpoint) > LONGEST or not endpoint.startswith("https://"):
        raise wrong
    authority, slash, rest = endpoint.removeprefix("https://").partition("/")
    host = authority.removesuffix(":443")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(slash + rest):
        raise wrong
    if urlsplit(endpoint).hostname != host:  # the library that will send it must read it as this does
        raise wrong
    if not any(fits(host, service) for service in services):
        raise NotAllowed(
            "service", f"this browser's push service ({host}) is not among those that this site may ask"
        )


def fits(host: str, service: str) -> bool:
    """Whether a host is the one that the setting names; *.example.org takes each one below, not itself."""
    service = service.lower()
    if service.startswith("*."):
        return host.endswith(service[1:]) and host != service[1:]
    return host == service
