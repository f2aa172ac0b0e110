"""Which phone has which alert, and when each was last heard: live knowledge, in memory only.

What the store keeps of receipts is written a second later and is for the record. This is for whoever stands
at the desk now and asks whether the officers have been told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lfrd import wire

REMEMBERED = 256
"""Alerts whose way to the phones is timed, the newest ones."""


@dataclass(slots=True)
class Known:
    """What one session's phone has said. Times are Unix seconds."""

    heard: float
    """When it last said anything."""
    receipted: int
    """It has shown every event up to this number; anew from each `hello`, since a page that is loaded again
    begins with an empty screen."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By alert: from its storing to this phone's first receipt."""


@dataclass(frozen=True, slots=True)
class _Stored:
    seq: int
    at: float


class Reach:
    """Fed by the connections and by each stored event. Every `at` is in Unix seconds, of the clock by which
    events are stored.

    Grows with sessions that stand (`drop` is told of the others) times the alerts that are remembered.
    """

    def __init__(self, *, remembered: int = REMEMBERED) -> None:
        if remembered < 1:
            raise ValueError(f"remembered must be at least 1, not {remembered}")
        self._remembered = remembered
        self._alerts: dict[str, _Stored] = {}  # by alert's id, oldest first; the event that made it
        self._phones: dict[str, Known] = {}  # by session

    def stored(self, event: wire.Event) -> None:
        """An event is in the log, and phones are about to be told."""
        if event.what == "alert":
            self._alerts[event.alert.id] = _Stored(event.seq, event.at)
            while len(self._alerts) > self._remembered:
                self._forget(next(iter(self._alerts)))
        elif event.what == "erased":
            self._forget(event.alert.id)

    def greeted(self, session: str, receipted: int, at: float) -> None:
        """The phone said hello, and what it had receipted before."""
        phone = self._phones.setdefault(session, Known(at, 0))
        phone.heard, phone.receipted = at, receipted

    def heard(self, session: str, at: float) -> None:
        """The phone said something. Before its hello that counts for nothing."""
        if (phone := self._phones.get(session)) is not None:
            phone.heard = at

    def receipted(self, session: str, seq: int, at: float) -> None:
        """All events up to `seq` are on the phone's screen."""
        phone = self._phones.get(session)
        if phone is None or seq <= phone.receipted:
            return
        for alert, stored in reversed(self._alerts.items()):
            if stored.seq <= phone.receipted:
                break
            if stored.seq <= seq:
                phone.seconds.setdefault(alert, max(0.0, at - stored.at))
        phone.receipted = seq

    def drop(self, sessions: Iterable[str]) -> None:
        """These sessions no longer stand."""
        for session in sessions:
            self._phones.pop(session, None)

    @property
    def phones(self) -> Mapping[str, Known]:
        """By session, of those that have said hello since this server started."""
        return self._phones

    def _forget(self, alert: str) -> None:
        self._alerts.pop(alert, None)
        for phone in self._phones.values():
            phone.seconds.pop(alert, None)
