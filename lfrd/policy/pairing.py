"""Whether a volunteer who was sent through the zone was found: decided by what happened, in order of time.

An observer says that a volunteer walks now, and says no more: whether it was the right alert, and in time, is
no matter of opinion. The first of these decides: an alert for that volunteer, or a sighting of the one that
stands, finds them; the observer sends the same volunteer once more, and what was not found by then is missed;
the deployment does not go on as it was, and nothing can be said; the window closes, and they are missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

WINDOW_SECONDS = 60.0
"""How long an alert may take from 'walks now': to enter the view, walk through it, and be recognised."""
SAME_SECONDS = 5.0
"""The same volunteer, noted twice within so many seconds, has walked once: two observers, or a second tap."""


class Walk(NamedTuple):
    """Volunteer number `volunteer` walks from `at` on; `until`: when the window closes. Unix seconds."""

    volunteer: int
    at: float
    until: float


class Seen(NamedTuple):
    """An alert of a volunteer was raised, or sighted again."""

    volunteer: int
    alert: str
    at: float


class Sent(NamedTuple):
    """A volunteer was sent through once more."""

    volunteer: int
    at: float


class Halted(NamedTuple):
    """The deployment was paused, suspended, amended or ended, or the server was started anew."""

    at: float


Happening: TypeAlias = Seen | Sent | Halted


class Verdict(NamedTuple):
    """alert: by which they were found. void: it could not be tried."""

    found: bool
    why: Literal["alert", "window", "again", "halted"]
    alert: str = ""

    @property
    def void(self) -> bool:
        return self.why == "halted"


def decide(walk: Walk, after: Iterable[Happening], now: float) -> Verdict | None:
    """What became of a walk; None while its window is open and nothing has decided.

    after: what happened since it was noted, oldest first. A verdict, once there, stays the same whatever
    happens later. Windows of one volunteer never overlap, so that no sighting finds two walks.
    """
    for one in after:
        if one.at >= walk.until:
            break
        match one:
            case Seen(volunteer, alert) if volunteer == walk.volunteer:
                return Verdict(True, "alert", alert)
            case Sent(volunteer) if volunteer == walk.volunteer:
                return Verdict(False, "again")
            case Halted():
                return Verdict(False, "halted")
    return Verdict(False, "window") if now >= walk.until else None
