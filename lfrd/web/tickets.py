"""Tickets: a page or a download that is navigated to can carry no proof, so a proven request fetches a ticket
for it first, which opens one address, once, for the same session."""

from __future__ import annotations

import secrets
from collections import OrderedDict

from lfrd.store.officers import SessionId

SECONDS = 60.0
"""How long a ticket waits to be used."""
MOST = 1024
"""Tickets that wait; the oldest is dropped for a new one, and whoever holds it asks again."""


class Tickets:
    """Every `at` is in seconds of one clock that does not go back."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, tuple[SessionId, str, float]] = OrderedDict()

    def issue(self, session: SessionId, target: str, at: float) -> str:
        """target: the path, with its query, that the ticket opens."""
        ticket = secrets.token_urlsafe(24)
        self._waiting[ticket] = (session, target, at + SECONDS)
        while len(self._waiting) > MOST:
            self._waiting.popitem(last=False)
        return ticket

    def redeem(self, ticket: str, session: SessionId, at: float) -> str | None:
        """The target; None where the ticket was used, is too old or is another session's. Each try uses it
        up: whoever holds a stolen one cannot try it with another session."""
        held, target, until = self._waiting.pop(ticket, (SessionId(""), "", 0.0))
        return target if held == session and at < until else None

    def __len__(self) -> int:
        return len(self._waiting)
