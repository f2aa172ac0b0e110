"""Addresses that a person opens: of the box, and with an invitation in them."""

from __future__ import annotations

from lfrd.certificates.names import Names, parse
from lfrd.config import Config
from lfrd.errors import SettingError
from lfrd.types import Role
from lfrd.web.origin import is_address, is_loopback
from lfrd.web.serving import Bound, has_own_authority, reachable


def box_address(config: Config, given: str | None = None) -> str:
    """Where browsers reach the box: the address given, or what the settings say.

    Raises SettingError where that is no address, or the settings leave the port open.
    """
    if given is not None:
        if not given.startswith(("https://", "http://")):
            raise SettingError("--address", f"'{given}' must begin with https:// or http://")
        return given.rstrip("/")
    if not config.web.port:
        raise SettingError("web.port", "is 0, and only the server knows which port it got; give --address")
    return Bound(_host(config), config.web.port, not config.web.allow_plain_http).url


def as_opened(config: Config, scheme: str, host: str, port: int | None) -> str:
    """The box as a phone opens it, where somebody has it open as `host` at the desk: the same address, or, on
    the box itself, the one that the network knows."""
    on_the_box = host == "localhost" or is_loopback(host)
    seen = _host(config) if on_the_box else host
    at = Bound(seen, port or (443 if scheme == "https" else 80), scheme == "https").url
    return at.removesuffix(":443" if scheme == "https" else ":80") if port is None else at


def handed_out(config: Config) -> Names:
    """What stands in the links: what a certificate that is brought has to be for."""
    return parse([_host(config)])


def _host(config: Config) -> str:
    """An address, which every network knows; with a certificate that was brought the first of tls.names,
    since certificates that others sign are for names."""
    if config.web.certificate and config.tls.names:
        return config.tls.names[0]
    return reachable(config.web.host)


def onboarding_address(config: Config, opened: str | None = None) -> str:
    """Where a new phone comes to trust the box; empty where it need not, or the page is switched off.

    opened: the host under which whoever asks has opened the box. The answer holds an address, never a name: a
    browser that keeps to HTTPS on a name (HSTS) would not open a page without TLS there.
    """
    if not (config.tls.onboarding_port and has_own_authority(config)):
        return ""
    seen = opened if opened and is_address(opened) and not is_loopback(opened) else reachable(config.web.host)
    return Bound(seen, config.tls.onboarding_port, False).url


def join_link(address: str, code: str, role: Role = Role.ENGAGEMENT) -> str:
    """The page that uses an invitation: the phone's, or the desk's for every other role.

    The code stands behind the #: browsers never send that part, so it is in no server's log.
    """
    page = "" if role is Role.ENGAGEMENT else "desk/"
    return f"{address.rstrip('/')}/{page}#join={code}"


def camera_link(address: str, code: str) -> str:
    """The page on which a phone becomes a camera, with an engineer's invitation."""
    return f"{address.rstrip('/')}/camera#join={code}"
