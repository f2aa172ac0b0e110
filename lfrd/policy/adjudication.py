"""Who may do what about an alert, and when: from the first claim to the last correction.

Each rule looks at what is recorded and raises NotAllowed with one of the codes of `wire.Refused`; what it
lets pass is then recorded as a new row. Nothing recorded is ever changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from lfrd.errors import NotAllowed
from lfrd.types import Actor, Decision, Outcome

CAUTION: tuple[Decision, ...] = ("viable", "insufficient", "not_viable")
"""From the least cautious to the most: where two reviewers disagree, the later one in this list counts."""

ENGAGED_OUTCOMES: tuple[Outcome, ...] = (
    "confirmed_true", "confirmed_false", "unconfirmed", "arrest", "other_disposal",
)  # fmt: skip
"""Only where somebody was spoken to. 'unconfirmed': spoken to, and who they are stayed open."""


@dataclass(frozen=True, slots=True)
class Review:
    """One officer's adjudication. id: its row. withdrawn: taken back by the same officer later."""

    id: int
    by: Actor
    decision: Decision
    reason: str
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Coded:
    """An outcome as it was coded. correction: why an earlier one was not right; empty for the first."""

    by: Actor
    outcome: Outcome
    arrest_class: str
    correction: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is recorded of one alert, as far as the rules ask.

    expires_at: Unix seconds. reviews: in the order in which they were given. disclosed: the officers have
    been told a joint decision once, so that nobody is blind to it any more. outcome: the newest.
    """

    blue: bool
    expires_at: float
    reviews_needed: int = 1
    holder: Actor | None = None
    reviews: tuple[Review, ...] = ()
    disclosed: bool = False
    engaged_by: Actor | None = None
    outcome: Coded | None = None
    closed: bool = False

    @property
    def valid(self) -> tuple[Review, ...]:
        """The reviews that have not been withdrawn."""
        return tuple(review for review in self.reviews if not review.withdrawn)

    @property
    def decision(self) -> Decision | None:
        """The joint decision; None until as many have decided as are needed."""
        if len(self.valid) < self.reviews_needed:
            return None
        return max((review.decision for review in self.valid), key=CAUTION.index)

    def review_of(self, officer: Actor) -> Review | None:
        """The officer's review that stands."""
        return next((review for review in self.valid if review.by.id == officer.id), None)


def is_blind(standing: Standing) -> bool:
    """Whether what reviewers have said, and who has, must stay hidden: the second has yet to decide."""
    return standing.decision is None


def claims_with_it(standing: Standing) -> bool:
    """Whether an adjudication takes an alert that nobody has. Not with two reviewers: a claim that comes with
    the first decision would tell the second whose it is."""
    return standing.holder is None and standing.reviews_needed == 1


def may_claim(standing: Standing, officer: Actor, *, named: bool = True) -> None:
    """named: see `may_adjudicate`; whoever has the alert is one of its reviewers."""
    _is_open(standing)
    _is_free(standing, officer)
    _is_known(standing, named)


def may_release(standing: Standing, officer: Actor) -> None:
    """Before the officer's own adjudication only."""
    _is_open(standing)
    _is_free(standing, officer)
    if standing.holder is None:
        raise NotAllowed("not_claimed", "you do not have this alert")
    if standing.review_of(officer) is not None:
        raise NotAllowed("adjudicated", "you have decided: withdraw your decision first")


def may_adjudicate(
    standing: Standing, officer: Actor, decision: Decision, reason: str, *, named: bool = True
) -> int:
    """Which review this is: 1 or 2.

    Whoever has claimed the alert is one of its reviewers. Another officer may be the second, before or after
    them, without a claim. named: somebody else has said who the officer is. Where two are needed both must
    be known so: one person with two phones and a shift's invitation would be two officers otherwise.
    """
    _is_open(standing)
    if standing.decision is not None:
        names = " and ".join(review.by.name for review in standing.valid)
        raise NotAllowed("adjudicated", f"{names} {'has' if len(standing.valid) == 1 else 'have'} decided")
    if standing.review_of(officer) is not None:
        raise NotAllowed("same_reviewer", "you have decided: the second reviewer must be another officer")
    if standing.reviews_needed > 1 and standing.disclosed and _has_reviewed(standing, officer):
        raise NotAllowed(
            "same_reviewer", "you know what the other reviewer said: another officer must decide"
        )
    others = [review for review in standing.valid if standing.holder and review.by.id != standing.holder.id]
    if len(others) + 1 >= standing.reviews_needed:
        _is_free(standing, officer)
    _is_known(standing, named)
    if decision != "viable" and not reason:
        raise NotAllowed("reason_missing", "say in a few words why")
    return len(standing.valid) + 1


def may_withdraw(standing: Standing, officer: Actor, reason: str) -> Review:
    """The review that is to be withdrawn: the officer's own, before an engagement."""
    _is_open(standing)
    review = standing.review_of(officer)
    if review is None:
        raise NotAllowed("not_adjudicated", "you have no decision here that could be withdrawn")
    if standing.engaged_by is not None:
        raise NotAllowed("engaged", f"{standing.engaged_by.name} is speaking to the person already")
    if not reason:
        raise NotAllowed("reason_missing", "say in a few words why you take it back")
    return review


def may_engage(standing: Standing, at: float) -> None:
    """at: Unix seconds. Only on a viable decision, within the alert's time, and never on the blue list."""
    _is_open(standing)
    if standing.blue:
        raise NotAllowed("blue", "a volunteer of the blue list: nobody is to be engaged")
    if standing.engaged_by is not None:
        raise NotAllowed("engaged", f"{standing.engaged_by.name} is speaking to the person already")
    if standing.decision is None:
        wanted = "" if standing.reviews_needed == 1 else f" by {standing.reviews_needed} officers"
        raise NotAllowed("not_adjudicated", f"the alert must be adjudicated{wanted} first")
    if standing.decision != "viable":
        raise NotAllowed("not_viable", "the alert was not found viable: nobody is to be engaged on it")
    if at >= standing.expires_at:
        raise NotAllowed("expired", "the person was last seen too long ago: wait for a new sighting")


def may_code(standing: Standing, outcome: Outcome, arrest_class: str, correction: str, at: float) -> None:
    """Also of a closed alert, as a correction: what a court or a comparison finds out comes late."""
    if (outcome == "arrest") != bool(arrest_class):
        message = "an arrest needs its class" if outcome == "arrest" else "only an arrest has a class"
        raise NotAllowed("arrest_class", message)
    if standing.engaged_by is None and outcome in ENGAGED_OUTCOMES:
        raise NotAllowed(
            "not_engaged", "nobody was engaged on this alert: record that first, or 'no engagement'"
        )
    if standing.engaged_by is not None and outcome == "no_engagement":
        raise NotAllowed("engaged", f"{standing.engaged_by.name} has engaged: say what came of it")
    waits = standing.engaged_by is None and standing.decision is None and at < standing.expires_at
    if waits and not standing.blue:
        raise NotAllowed("not_adjudicated", "the alert waits for an adjudication: give that first")
    if standing.outcome is None and correction:
        raise NotAllowed("outcome_missing", "there is no outcome yet to be corrected")
    if standing.outcome is not None and not correction:
        raise NotAllowed(
            "correction_missing", f"{standing.outcome.by.name} has coded it: say why that is corrected"
        )


def may_close(standing: Standing) -> None:
    _is_open(standing)
    if standing.outcome is None:
        raise NotAllowed("outcome_missing", "code the outcome first")
    if standing.engaged_by is not None and standing.outcome.outcome == "no_engagement":
        raise NotAllowed("outcome_missing", "somebody was engaged since: correct the outcome first")


def _is_open(standing: Standing) -> None:
    if standing.closed:
        raise NotAllowed("closed", "this alert is closed")


def _is_free(standing: Standing, officer: Actor) -> None:
    if standing.holder is not None and standing.holder.id != officer.id:
        raise NotAllowed("claimed", f"{standing.holder.name} has it")


def _is_known(standing: Standing, named: bool) -> None:
    if standing.reviews_needed > 1 and not named:
        raise NotAllowed(
            "unnamed",
            "two reviewers are needed who are known by name: join with an invitation in your own name",
        )


def _has_reviewed(standing: Standing, officer: Actor) -> bool:
    return any(review.by.id == officer.id for review in standing.reviews)
