"""Who may use which route and which message: one table, which the server enforces and a test walks."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, Literal

from lfrd import wire


class Who(enum.StrEnum):
    PUBLIC = "public"
    """Anybody who reaches the server."""
    SESSION = "session"
    """An officer who has joined, with a session that stands."""
    POST = "post"
    """The same, and on post."""
    LOCAL = "local"
    """A program on this machine, or an officer."""


@dataclass(frozen=True, slots=True)
class Rule:
    method: Literal["GET", "POST", "WS"]
    path: str
    who: Who
    endpoint: str
    """The name of the function in `server.ENDPOINTS`; the static folder answers where it is 'static'."""


ROUTES: Final = (
    Rule("GET", "/", Who.PUBLIC, "index"),
    Rule("POST", "/api/join", Who.PUBLIC, "join"),
    Rule("POST", "/api/leave", Who.SESSION, "leave"),
    Rule("GET", "/api/me", Who.SESSION, "me"),
    Rule("GET", "/alerts/{alert}/probe.jpg", Who.SESSION, "probe"),
    Rule("GET", "/alerts/{alert}/candidate.jpg", Who.SESSION, "candidate"),
    Rule("WS", "/ws", Who.SESSION, "socket"),
    Rule("GET", "/healthz", Who.PUBLIC, "health"),
    Rule("GET", "/metrics", Who.LOCAL, "metrics"),
    # The page's own files, at the root as well: a service worker governs only what lies below its address.
    Rule("GET", "/static/{path:path}", Who.PUBLIC, "static"),
    Rule("GET", "/{path:path}", Who.PUBLIC, "static"),
)

MESSAGES: Final[dict[type[wire.FromPhone], Who]] = {
    wire.Hello: Who.SESSION,
    wire.OnPost: Who.SESSION,
    wire.OffPost: Who.SESSION,
    wire.Beat: Who.SESSION,
    wire.Receipt: Who.SESSION,
    wire.Claim: Who.POST,
    wire.Adjudicate: Who.POST,
}
