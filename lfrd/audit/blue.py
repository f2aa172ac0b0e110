"""The blue list's passages as the records tell them, and the recognition rate that they come to."""

from __future__ import annotations

from dataclasses import dataclass, field

from lfrd.audit.figures import BlueFigures, share
from lfrd.audit.kinds_blue import BluePassage, BlueWalk, Why


@dataclass(slots=True)
class Passage:
    """One walk of a volunteer through the zone. Times are Unix seconds.

    volunteer: their number; 0 where the observer noted the result alone. at: when it was noted. until: when
    its window closes; None without one. word, why, by: the newest word on it, with the id of whoever said it;
    None and empty while nobody has.
    """

    name: str
    segment: int
    at: float
    volunteer: int = 0
    until: float | None = None
    word: bool | None = None
    void: bool = False
    why: Why = ""
    by: str = ""
    corrected: bool = False
    """Whether an observer's word stands in the place of the server's."""

    @property
    def walking(self) -> bool:
        """Nobody has said yet what became of it."""
        return self.word is None

    @property
    def paired(self) -> bool:
        """Whether the server's own word stands, and counts."""
        return self.why != "" and not self.void


@dataclass(slots=True)
class BlueTally:
    """Passages, and alerts of volunteers, of one segment or of several."""

    passages: dict[str, Passage] = field(default_factory=dict)
    alerts: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)  # alerts by which a passage was found
    records: int = 0
    """How many it was made from: another number, another tally."""

    def take(self, body: BlueWalk | BluePassage, actor: str, at: float) -> None:
        """The next record. actor: an officer's id, or the server's; at: Unix seconds."""
        self.records += 1
        passage = self.passages.setdefault(body.passage, Passage(body.passage, body.segment, at))
        if isinstance(body, BlueWalk):
            passage.volunteer, passage.until = body.volunteer, at + body.seconds
            return
        passage.corrected = not body.why and (passage.corrected or bool(passage.why))
        passage.word, passage.void, passage.why, passage.by = body.found, body.void, body.why, actor
        if body.alert:
            self.answered.add(body.alert)

    def add(self, other: BlueTally) -> None:
        """Those of a later segment."""
        self.passages |= other.passages
        self.alerts |= other.alerts
        self.answered |= other.answered
        self.records += other.records

    def figures(self) -> BlueFigures:
        said = [passage for passage in self.passages.values() if not passage.walking]
        counted = [passage for passage in said if not passage.void]
        return BlueFigures(
            alerts=len(self.alerts),
            tpir=share(sum(passage.word is True for passage in counted), len(counted)),
            paired=sum(passage.paired for passage in counted),
            corrected=sum(passage.corrected for passage in said),
            void=len(said) - len(counted),
            alerts_unpaired=len(self.alerts - self.answered),
        )
