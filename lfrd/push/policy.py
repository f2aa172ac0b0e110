"""Which phones are woken, and when: pure, fed with what is known of posts, phones and alerts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lfrd import wire
from lfrd.operation.escalation import waits
from lfrd.operation.posts import SILENT
from lfrd.store.sessions import SessionId
from lfrd.types import AlertId

ANSWER_SECONDS = 3.0
"""A connected phone's page has so long to receipt what calls for an officer. In front it takes some tenths of
a second, and one packet that is lost on a mobile network costs a second or two: what is slower sleeps. Of the
20 s until an alert is escalated (a plan's default) most are left."""
PAUSE_SECONDS = 15.0
"""Between two wake-ups of one phone. What calls meanwhile is not forgotten: it waits for the end of it."""
LAPSED_SECONDS = 300.0
"""So long after a post has lapsed its phone is still woken for alerts: its officer believes to be on post."""
UNHEARD_SECONDS = 120.0
"""How long the wake-up of a phone that is not heard any more is worth delivering."""


@dataclass(frozen=True, slots=True)
class PhoneNow:
    """A phone on post, or whose post lapsed lately because it fell silent."""

    session: SessionId
    silent: float
    """Seconds since it was last heard."""
    connected: bool
    receipted: int
    """The newest event that it has shown, as far as is known; 0 for none."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """until: Unix seconds after which it is of no use to anybody."""

    session: SessionId
    until: float
    why: Literal["alert", "unheard", "trial"]


@dataclass(slots=True)
class _Call:
    """An alert that wants an officer. since: when it began to, or was escalated; seq: of that event."""

    since: float
    seq: int
    until: float


@dataclass(slots=True)
class _Phone:
    receipted: int = 0
    woken_at: float = float("-inf")
    woken_for: int = 0
    """The newest call that its last wake-up was for."""


class Policy:
    """Told of each stored event, and asked from time to time whom to wake.

    A phone is woken for an alert that wants an officer and that it has not receipted: at once where it is not
    connected or not heard, else after `ANSWER_SECONDS`. Being escalated, given back or reviewed by the first
    of two is a new call. One wake-up serves for all that calls: the page, once it is open, shows everything.
    A phone that falls silent on post is woken once, while its officer can still save the post.

    Nobody is woken who has left the post. Every time is in Unix seconds of one clock that never goes back.
    """

    def __init__(self, *, grace_seconds: float, heartbeat_seconds: float) -> None:
        self._grace = grace_seconds  # after which a silent phone's post lapses
        self._silence = SILENT * heartbeat_seconds  # after which it counts as not heard
        self._calls: dict[AlertId, _Call] = {}  # until they are answered, or expire
        self._phones: dict[SessionId, _Phone] = {}  # those of the last look

    def told(self, event: wire.Event, at: float) -> None:
        """An event has been stored and published."""
        alert = AlertId(event.alert.id)
        if event.what == "erased" or not wants_officer(event.alert):
            self._calls.pop(alert, None)
            return
        call = self._calls.get(alert)
        if call is None or event.what in ("escalated", "reviewed"):
            call = self._calls[alert] = _Call(at, event.seq, 0.0)
        call.until = event.alert.expires_at

    def look(self, phones: Iterable[PhoneNow], now: float) -> list[WakeUp]:
        """Whom to wake now; each counts as woken from here on."""
        self._calls = {alert: call for alert, call in self._calls.items() if now < call.until}
        known: dict[SessionId, _Phone] = {}
        found: list[WakeUp] = []
        for phone in phones:
            if phone.silent >= self._grace + LAPSED_SECONDS:
                continue
            state = known[phone.session] = self._phones.get(phone.session) or _Phone()
            state.receipted = max(state.receipted, phone.receipted)
            if now - state.woken_at < PAUSE_SECONDS:
                continue
            wake_up = self._alert(phone, state, now) or self._unheard(phone, state, now)
            if wake_up is not None:
                state.woken_at = now
                state.woken_for = max((call.seq for call in self._calls.values()), default=state.woken_for)
                found.append(wake_up)
        self._phones = known
        return found

    def _alert(self, phone: PhoneNow, state: _Phone, now: float) -> WakeUp | None:
        awake = phone.connected and phone.silent < self._silence
        patience = ANSWER_SECONDS if awake else 0.0
        calls = [
            call.until
            for call in self._calls.values()
            if call.seq > max(state.receipted, state.woken_for) and now - call.since >= patience
        ]
        return WakeUp(phone.session, max(calls), "alert") if calls else None

    def _unheard(self, phone: PhoneNow, state: _Phone, now: float) -> WakeUp | None:
        heard_at = now - phone.silent
        if self._silence <= phone.silent < self._grace and state.woken_at < heard_at:
            return WakeUp(phone.session, now + UNHEARD_SECONDS, "unheard")
        return None

    def __len__(self) -> int:
        """Alerts that want an officer now."""
        return len(self._calls)


def wants_officer(view: wire.AlertView) -> bool:
    """Whether an alert stands on which nobody works yet, or that a second reviewer is to decide."""
    return waits(view) and not view.decision and (not view.claimed_by or view.reviews_needed > 1)
