"""The names and addresses under which phones open this box."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TypeAlias

import ifaddr

from lfrd.errors import SettingError

Address: TypeAlias = IPv4Address | IPv6Address

HOSTS = Path("/etc/hosts")
LONGEST = 253
"""Signs of a name at the most (RFC 1035, with the dots)."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_UNIQUE_LOCAL = ipaddress.ip_network("fc00::/7")
_LOOPBACK: tuple[Address, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


@dataclass(frozen=True, slots=True)
class Names:
    """What a certificate is for. dns: small letters, ASCII; the first is what the box is called by."""

    dns: tuple[str, ...]
    addresses: tuple[Address, ...]

    def __len__(self) -> int:
        return len(self.dns) + len(self.addresses)

    def within(self, other: Names) -> bool:
        """Whether `other` has all of these."""
        return set(self.dns) <= set(other.dns) and set(self.addresses) <= set(other.addresses)

    def words(self) -> list[str]:
        """For people: names first."""
        return [*self.dns, *map(str, self.addresses)]


def parse(texts: Iterable[str]) -> Names:
    """Names and addresses as somebody wrote them. Raises ValueError, quoting the one that is neither."""
    dns: list[str] = []
    addresses: list[Address] = []
    for text in texts:
        try:
            addresses.append(ip_address(text.strip("[]")))
        except ValueError:
            dns.append(_name(text))
    return Names(tuple(dict.fromkeys(dns)), tuple(dict.fromkeys(addresses)))


def of_this_box(further: Iterable[str] = (), *, hosts: Path = HOSTS) -> Names:
    """This machine's names and addresses as it knows them itself, and `further` ones (`tls.names`).

    No question leaves the machine for it: what a name server or a router calls the box has to stand in
    `further`. Raises SettingError for one of them that is neither name nor address.
    """
    try:
        given = parse(further)
    except ValueError as error:
        raise SettingError("tls.names", str(error)) from None
    own = list(_own_names(socket.gethostname(), hosts))
    return Names(
        tuple(dict.fromkeys([*own, "localhost", *given.dns])),
        tuple(dict.fromkeys([*_LOOPBACK, *_own_addresses(), *given.addresses])),
    )


def _own_names(hostname: str, hosts: Path) -> Iterator[str]:
    """The host's name, the same under .local (mDNS), and what /etc/hosts has of it with a domain."""
    try:
        own = _name(hostname)
    except ValueError:  # such as my_box, which no browser opens
        return
    label = own.partition(".")[0]
    if label == "localhost":
        return
    yield own
    yield label
    yield f"{label}.local"
    try:
        lines = hosts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        for alias in line.partition("#")[0].split()[1:]:
            if alias.lower().startswith(f"{label}."):
                try:
                    yield _name(alias)
                except ValueError:
                    continue


def _own_addresses() -> Iterator[Address]:
    """Of every interface. Of IPv6 the unique local ones alone: link-local ones stand in no address bar, and
    global ones change by the day on many machines (RFC 8981), so that who wants one names it."""
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            address = ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0].partition("%")[0])
            if address.is_loopback or address.is_unspecified:
                continue
            if address.version == 4 or address in _UNIQUE_LOCAL:
                yield address


def _name(text: str) -> str:
    """A name as a certificate has it. Raises ValueError where it is none; a wildcard is none."""
    try:
        name = text.rstrip(".").lower().encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not name or len(name) > LONGEST or not all(_LABEL.fullmatch(part) for part in name.split(".")):
        raise ValueError(f"'{text}' is neither a name nor an address")
    return name
