"""Alerts that wait for an officer, and when each is escalated or expires: pure, the time is passed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lfrd import wire
from lfrd.store.alerts import OpenAlert
from lfrd.types import AlertId

Due = Literal["escalate", "expire"]


@dataclass(slots=True)
class _Waiting:
    """unclaimed_since: None while an officer has it. Times are Unix seconds."""

    view: wire.AlertView
    escalate_seconds: float
    unclaimed_since: float | None

    @property
    def escalates_at(self) -> float | None:
        """None where somebody sees to it, or the others have been told that nobody does."""
        if self.unclaimed_since is None or self.view.escalated or self.view.decision:
            return None
        return self.unclaimed_since + self.escalate_seconds


class Escalation:
    """The alerts on which somebody may still be engaged.

    Told of each stored event, it remembers what waits and drops what is over: as many as are raised within
    the time in which they expire. It decides nothing for good: the store looks again before it writes.
    Every `now` is in Unix seconds of a clock that never goes back.
    """

    def __init__(self) -> None:
        self._waiting: dict[AlertId, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def restore(self, alerts: Iterable[OpenAlert]) -> None:
        """Take up what the store has, after a restart."""
        for alert in alerts:
            if waits(alert.view):
                self._waiting[AlertId(alert.view.id)] = _Waiting(
                    alert.view, alert.escalate_seconds, alert.unclaimed_since
                )

    def told(self, event: wire.Event, escalate_seconds: float) -> None:
        """escalate_seconds: the alert's own; looked at where it was not waiting."""
        alert = AlertId(event.alert.id)
        if event.what == "erased" or not waits(event.alert):
            self._waiting.pop(alert, None)
            return
        waiting = self._waiting.get(alert)
        if waiting is None:
            waiting = self._waiting[alert] = _Waiting(event.alert, escalate_seconds, event.at)
        waiting.view = event.alert
        if event.alert.claimed_by:
            waiting.unclaimed_since = None
        elif waiting.unclaimed_since is None:
            waiting.unclaimed_since = event.at

    def forget(self, alert: AlertId) -> None:
        """It has been deleted."""
        self._waiting.pop(alert, None)

    def expires_at(self, alert: AlertId) -> float | None:
        """None where it does not wait."""
        waiting = self._waiting.get(alert)
        return None if waiting is None else waiting.view.expires_at

    def due(self, now: float) -> list[tuple[AlertId, Due]]:
        """What is to be done now, oldest alert first."""
        found: list[tuple[AlertId, Due]] = []
        for alert, waiting in self._waiting.items():
            if now >= waiting.view.expires_at:
                found.append((alert, "expire"))
            elif waiting.escalates_at is not None and now >= waiting.escalates_at:
                found.append((alert, "escalate"))
        return found


def waits(view: wire.AlertView) -> bool:
    """Whether an officer can still be engaged on it, or decide that one may."""
    over = view.closed or view.expired or view.engaged_by or view.outcome
    return not over and view.decision in ("", "viable")
