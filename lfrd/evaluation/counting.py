"""What a run's alerts come to against the truth: passages found, and alerts for whoever was not there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lfrd.evaluation.passages import OVERLAP, overlap
from lfrd.evaluation.street import Passage, Truth
from lfrd.types import Box

SLACK = 0.5
"""Seconds beyond a passage's own in which an alert for it still counts: a face is followed on a little while
it is hardly visible."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One alert or sighting. at: seconds of the clip, of the decisive frame; box: pixels of the clip."""

    person: str
    at: float
    box: Box


@dataclass(slots=True)
class Tally:
    """sought: passages of people on the list, which TPIR divides by. found: those with a hit of the right
    name on the right face. false_alerts: people for whom there was a hit on a face that was not theirs, once
    a clip."""

    sought: int = 0
    found: int = 0
    false_alerts: int = 0

    @property
    def tpir(self) -> float:
        """0 where nobody was sought."""
        return self.found / self.sought if self.sought else 0.0

    def add(self, truth: Truth, sought: frozenset[str], hits: Iterable[Hit]) -> None:
        """Count one clip. sought: the people on the list."""
        passages = [passage for passage in truth.passages if passage.person in sought]
        found: set[int] = set()
        false: set[str] = set()
        for hit in hits:
            own = {number for number, passage in enumerate(passages) if _is_of(hit, passage)}
            found |= own
            if not own:
                false.add(hit.person)
        self.sought += len(passages)
        self.found += len(found)
        self.false_alerts += len(false)


def _is_of(hit: Hit, passage: Passage) -> bool:
    if hit.person != passage.person or not passage.enter - SLACK <= hit.at <= passage.leave + SLACK:
        return False
    _, *sides = min(passage.boxes, key=lambda box: abs(box[0] - hit.at))
    return overlap(hit.box, Box(*sides)) >= OVERLAP
