"""How long things are kept: one table, and every deletion by the server follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from lfrd.types import Outcome

HOUR = 3600.0
DAY = 24 * HOUR

TYING: frozenset[Outcome] = frozenset({"confirmed_true", "arrest", "other_disposal"})
"""Outcomes that an alert is kept for: something came of it that a court or a complaint may ask about. After a
false, unconfirmed or unanswered alert nothing did, and its pictures go with those that have no outcome."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of data. after: seconds since `since` after which the sweep deletes it; None for what stays.
    ceiling: seconds after which it must be gone whatever happened, legal hold excepted; None where the rule
    has none of its own. exception: what may keep it longer."""

    name: str
    what: str
    since: str
    after: float | None
    ceiling: float | None = None
    exception: str = ""

    def due_at(self, since: float) -> float | None:
        """Unix seconds at which it is to be deleted; None for what stays."""
        return None if self.after is None else since + self.after

    def is_late(self, since: float, now: float) -> bool:
        """Whether it should have been gone by now: a sweep has failed, or something is under hold."""
        return self.ceiling is not None and now > since + self.ceiling


_HOLD = "a legal hold, until it is lifted"

_RULES = (
    Rule(
        "alerts",
        "alerts without an outcome that ties them: pictures, scores, sightings, decisions, events",
        "the alert",
        DAY,
        31 * DAY,
        f"an outcome ({', '.join(sorted(TYING))}); {_HOLD}",
    ),
    Rule("alerts_with_outcome", "alerts with such an outcome", "the alert", 31 * DAY, 31 * DAY, _HOLD),
    Rule("alerts_revoked", "what a revocation left under legal hold", "the hold's end", 0, DAY, _HOLD),
    Rule(
        "watchlists",
        "watchlist entries, their pictures and templates, and the key that sealed them",
        "the end of the deployment",
        0,
        DAY,
    ),
    Rule(
        "unused_watchlists",
        "the same of a deployment that has not been started: its list is too old for a start",
        "the build of the list",
        DAY,
        2 * DAY,
    ),
    Rule("erased_alerts", "events that tell phones to drop a deleted alert", "the deletion", 31 * DAY),
    Rule("phone_receipts", "how far each phone has shown its alerts", "the end of its session", DAY),
    Rule("sessions", "sessions that were revoked or have expired", "their end", DAY),
    Rule("invitations", "invitations that are used up or out of date", "their last moment", DAY),
    Rule("holds", "legal holds that were lifted", "the lifting", 31 * DAY),
    Rule("manifests", "references and digests of those who were listed", "", None),
    Rule("deployments", "plans, authorisations and frozen terms", "", None),
    Rule("officers", "names, roles and ranks of those who acted", "", None),
    Rule("audit", "the audit and its checkpoints", "", None),
    Rule("deletion_receipts", "receipts of what was deleted", "", None),
)

RETENTION: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _RULES})
"""By name, in the order in which a sweep goes through them."""


def of_alert(outcome: str | None, *, revoked: bool) -> Rule:
    """The rule for an alert. outcome: the newest one coded, None where there is none. revoked: whether its
    deployment has been revoked. Raises ValueError for an outcome that is none."""
    if outcome is not None and outcome not in get_args(Outcome):
        raise ValueError(f"'{outcome}' is no outcome")
    if revoked:
        return RETENTION["alerts_revoked"]
    return RETENTION["alerts_with_outcome" if outcome in TYING else "alerts"]


def in_words(seconds: float | None) -> str:
    """A time as a person says it: 'kept', 'at once', '24 h', '31 days'."""
    if seconds is None:
        return "kept"
    if seconds == 0:
        return "at once"
    return f"{seconds / DAY:g} days" if seconds >= 2 * DAY else f"{seconds / HOUR:g} h"
