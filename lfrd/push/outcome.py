"""What has become of one try to wake a phone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What the push service said, or why it said nothing."""

    TAKEN = "taken"
    GONE = "gone"
    """The service knows the phone no more: 404 or 410."""
    BUSY = "busy"
    """429, or a fault of the service's own: try again."""
    REFUSED = "refused"
    """It takes nothing from this site: another key, a wrong clock, no contact."""
    UNREACHABLE = "unreachable"
    """No connection, no certificate that can be believed, or no answer in time: try again."""
    INSIDE = "inside"
    """The service's name leads into this network."""


@dataclass(frozen=True, slots=True)
class Answer:
    outcome: Outcome
    retry_after: float = 0.0
    """Seconds that the service wants to be left alone; 0 where it does not say."""
