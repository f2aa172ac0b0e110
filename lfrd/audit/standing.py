"""Where one alert stands by the records so far: who answered, what was decided, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from lfrd.audit.kinds import (
    AdjudicationWithdrawn,
    AlertAdjudicated,
    AlertClaimed,
    AlertClosed,
    AlertEscalated,
    AlertExpired,
    AlertRaised,
    AlertReleased,
    AlertSighted,
    Engaged,
    OutcomeCoded,
)
from lfrd.policy.adjudication import CAUTION
from lfrd.types import Decision, Outcome


class Truth(StrEnum):
    """Whether an alert was right: confirmed after an engagement, unconfirmed without one."""

    TRUE_CONFIRMED = "true_confirmed"
    """Confirmed true, an arrest, or another disposal: the person was the one who was sought."""
    TRUE_UNCONFIRMED = "true_unconfirmed"
    """Adjudicated viable, and nobody could be spoken to."""
    FALSE_CONFIRMED = "false_confirmed"
    FALSE_UNCONFIRMED = "false_unconfirmed"
    """Adjudicated not viable, and nobody was spoken to. Counts as a false alert from that moment on."""
    UNDETERMINED = "undetermined"
    """Not answered, insufficient, still open, or engaged without finding out."""

    @property
    def is_true(self) -> bool:
        return self in (Truth.TRUE_CONFIRMED, Truth.TRUE_UNCONFIRMED)

    @property
    def is_false(self) -> bool:
        return self in (Truth.FALSE_CONFIRMED, Truth.FALSE_UNCONFIRMED)


CONFIRMED_TRUE: frozenset[Outcome] = frozenset(("confirmed_true", "arrest", "other_disposal"))

AlertBody = (
    AlertSighted
    | AlertClaimed
    | AlertReleased
    | AlertAdjudicated
    | AdjudicationWithdrawn
    | AlertEscalated
    | AlertExpired
    | Engaged
    | OutcomeCoded
    | AlertClosed
)
"""What may follow an alert's first record."""


@dataclass(slots=True)
class Alert:
    """One alert, from its first record on; `follow` takes each later one.

    Times are Unix seconds; actor: the id of whoever did it."""

    segment: int
    camera: str
    blue: bool
    raised_at: float
    answered_at: float | None = None
    """When it was first claimed or adjudicated."""
    reviews: dict[str, tuple[Decision, float]] = field(default_factory=dict)
    """Adjudications that stand, by officer, the earliest first: decision, and seconds since the alert."""
    reviews_needed: int = 1
    withdrawn: int = 0
    engaged: bool = False
    outcome: Outcome | None = None
    arrest_class: str = ""
    corrections: int = 0
    sightings: int = 0
    escalated: bool = False
    expired: bool = False
    closed: bool = False

    @classmethod
    def raised(cls, body: AlertRaised, at: float) -> Alert:
        return cls(body.segment, body.camera, body.blue, at, reviews_needed=body.reviews_needed)

    def follow(self, body: AlertBody, actor: str, at: float) -> None:
        match body:
            case AlertSighted():
                self.sightings += 1
            case AlertClaimed():
                self._answer(at)
            case AlertReleased():
                pass  # it has been answered all the same
            case AlertAdjudicated():
                self._answer(at)
                self.reviews[actor] = body.decision, body.seconds
            case AdjudicationWithdrawn():
                self.reviews.pop(actor, None)  # an officer withdraws their own
                self.withdrawn += 1
            case AlertEscalated():
                self.escalated = True
            case AlertExpired():
                self.expired = True
            case Engaged():
                self.engaged = True
            case OutcomeCoded():
                self.outcome, self.arrest_class = body.outcome, str(body.arrest_class)
                self.corrections += body.correction
            case AlertClosed():
                self.closed = True

    def _answer(self, at: float) -> None:
        if self.answered_at is None:
            self.answered_at = at

    @property
    def decision(self) -> Decision | None:
        """What the reviews that stand come to: the most cautious of them; None until there are as many as are
        needed. The record must not tell the second, blind reviewer what the first one said."""
        if len(self.reviews) < self.reviews_needed:
            return None
        return max((decision for decision, _ in self.reviews.values()), key=CAUTION.index, default=None)

    @property
    def truth(self) -> Truth:
        if self.outcome in CONFIRMED_TRUE:
            return Truth.TRUE_CONFIRMED
        if self.outcome == "confirmed_false":
            return Truth.FALSE_CONFIRMED
        if self.engaged:
            return Truth.UNDETERMINED
        if self.decision == "not_viable":
            return Truth.FALSE_UNCONFIRMED
        if self.decision == "viable" and self.outcome is not None:
            return Truth.TRUE_UNCONFIRMED
        return Truth.UNDETERMINED
