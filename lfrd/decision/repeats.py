"""Whether a finding is a new alert, a sighting of one that stands, or nothing new."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from lfrd.types import AlertId, CameraId, NominalId, TrackId


@dataclass(frozen=True, slots=True)
class NewAlert:
    """To be stored; then `attach` its id."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The nominal of a standing alert was seen again, by another track."""

    alert: AlertId


@dataclass(frozen=True, slots=True)
class Known:
    """This track has already been filed for this nominal, under this alert: nobody need be told again."""

    alert: AlertId


Filing = NewAlert | Sighting | Known

Passage = tuple[NominalId, CameraId, TrackId]


@dataclass(slots=True)
class _Standing:
    """A nominal's newest alert. alert: None until it is stored. seen_at: when the nominal was last seen.
    passage: what the alert was filed for, to be known once it is stored; None for a restored one."""

    alert: AlertId | None
    seen_at: float
    passage: Passage | None


class Repeats:
    """One nominal within `repeat_seconds` of when it was last seen, on any camera, is one alert.

    Kept apart by nominal, so that a second person's alert is never swallowed, not even on the same track.
    Bounded: beyond `most` nominals or passages the longest unseen is forgotten, and would be filed anew.
    """

    def __init__(self, repeat_seconds: float, *, most: int = 4096) -> None:
        if repeat_seconds < 0 or most < 1:
            raise ValueError("repeat_seconds must not be negative and most at least 1")
        self._repeat_seconds = repeat_seconds
        self._most = most
        self._standing: OrderedDict[NominalId, _Standing] = OrderedDict()  # longest unseen first
        self._passages: OrderedDict[Passage, AlertId] = OrderedDict()  # stored ones; longest unseen first

    @property
    def seconds(self) -> float:
        """Within which a nominal that is seen again is a sighting."""
        return self._repeat_seconds

    @seconds.setter
    def seconds(self, value: float) -> None:
        if value < 0:
            raise ValueError("repeat_seconds must not be negative")
        self._repeat_seconds = value

    def __len__(self) -> int:
        """Nominals remembered."""
        return len(self._standing)

    def file(self, nominal: NominalId, camera: CameraId, track: TrackId, at: float) -> Filing:
        """File one finding. at: seconds, one clock for all cameras.

        Until `attach` says that the alert is stored, further findings of the nominal are new alerts too: one
        that could not be stored has swallowed nothing.
        """
        passage = (nominal, camera, track)
        standing = self._standing.get(nominal)
        if passage in self._passages:
            self._passages.move_to_end(passage)
            if standing is not None:
                self._see(nominal, standing, at)
            return Known(self._passages[passage])
        if standing is None or standing.alert is None or abs(at - standing.seen_at) > self._repeat_seconds:
            self._remember(nominal, _Standing(None, at, passage))
            return NewAlert()
        self._see(nominal, standing, at)
        self._know(passage, standing.alert)
        return Sighting(standing.alert)

    def attach(self, nominal: NominalId, alert: AlertId) -> None:
        """The alert last filed for this nominal is stored under this id. Raises KeyError where none was."""
        standing = self._standing[nominal]
        standing.alert = alert
        if standing.passage is not None:
            self._know(standing.passage, alert)

    def restore(self, nominal: NominalId, alert: AlertId, seen_at: float) -> None:
        """Take up a stored alert after a restart, in any order. seen_at: its last sighting's time."""
        known = self._standing.get(nominal)
        if known is None or known.seen_at <= seen_at:
            self._remember(nominal, _Standing(alert, seen_at, None))

    def forget(self, alert: AlertId, *, passages: bool = False) -> None:
        """The alert takes no more sightings: whoever it was for raises a new one with their next passage.

        Passages that were filed under it stay known, because nobody need be told again of a person who has
        not even left the view; not so where `passages` are to be forgotten too.
        """
        for nominal in [name for name, standing in self._standing.items() if standing.alert == alert]:
            del self._standing[nominal]
        if passages:
            for passage in [known for known, filed in self._passages.items() if filed == alert]:
                del self._passages[passage]

    def clear(self) -> None:
        """Forget everything, for another deployment."""
        self._standing.clear()
        self._passages.clear()

    def _see(self, nominal: NominalId, standing: _Standing, at: float) -> None:
        standing.seen_at = max(standing.seen_at, at)
        self._standing.move_to_end(nominal)

    def _remember(self, nominal: NominalId, standing: _Standing) -> None:
        self._standing[nominal] = standing
        self._standing.move_to_end(nominal)
        while len(self._standing) > self._most:
            self._standing.popitem(last=False)

    def _know(self, passage: Passage, alert: AlertId) -> None:
        self._passages[passage] = alert
        self._passages.move_to_end(passage)
        while len(self._passages) > self._most:
            self._passages.popitem(last=False)
