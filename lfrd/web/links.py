"""Addresses that a person opens: of the box, and with an invitation in them."""

from __future__ import annotations

from lfrd.config import Web
from lfrd.errors import SettingError
from lfrd.types import Role
from lfrd.web.serving import Bound, reachable


def box_address(web: Web, given: str | None = None) -> str:
    """Where browsers reach the box: the address given, or what the settings say.

    Raises SettingError where that is no address, or the settings leave the port open.
    """
    if given is not None:
        if not given.startswith(("https://", "http://")):
            raise SettingError("--address", f"'{given}' must begin with https:// or http://")
        return given.rstrip("/")
    if not web.port:
        raise SettingError("web.port", "is 0, and only the server knows which port it got; give --address")
    return Bound(reachable(web.host), web.port, bool(web.certificate)).url


def join_link(address: str, code: str, role: Role = Role.ENGAGEMENT) -> str:
    """The page that uses an invitation: the phone's, or the desk's for every other role.

    The code stands behind the #: browsers never send that part, so it is in no server's log.
    """
    page = "" if role is Role.ENGAGEMENT else "desk/"
    return f"{address.rstrip('/')}/{page}#join={code}"
