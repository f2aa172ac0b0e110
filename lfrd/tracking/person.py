"""What is known of somebody whom a camera follows: the track's evidence, and the picture for an officer."""

from __future__ import annotations

from lfrd.tracking.shots import Evidence, Shot
from lfrd.types import U8, AlertId, Face, NominalId, Quality
from lfrd.vision import view
from lfrd.vision.picture import Picture

STILL_SECONDS = 5.0
"""How often a person who stays in view is reported again, of the source's clock."""


class Person:
    """A track's evidence, and the picture of its best shot for the officer."""

    __slots__ = ("_reported", "_starts", "alert", "evidence", "quality", "view")

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.view: U8 | None = None
        self.quality: Quality | None = None
        self.alert: AlertId | None = None  # the newest that was raised for whom this track shows now
        self._starts = 0  # of the evidence, when the view was taken
        self._reported: dict[NominalId, tuple[float, float]] = {}  # for whom: worth of the picture, time

    def add(self, shot: Shot, face: Face, picture: Picture) -> None:
        """Take a shot as evidence; where it is kept and the best so far, its surroundings are shown."""
        self.evidence.add(shot)
        if self.evidence.starts != self._starts:  # what was shown is another person
            self._starts = self.evidence.starts
            self.alert = None
            self._wipe_view()
        if not self.evidence.keeps(shot):
            return
        if self.quality is None or face.quality.worth > self.quality.worth:
            self._wipe_view()
            self.view = view.cut(picture, face.box)
            self.quality = face.quality

    def is_news(self, nominal: NominalId, at: float) -> bool:
        """Whether there is anything to report: another nominal than before, a better picture, or that the
        person is still in view, which keeps a later passage a sighting of the same alert."""
        worth = 0.0 if self.quality is None else self.quality.worth
        told = self._reported.get(nominal)
        if told is not None and worth <= told[0] and at - told[1] < STILL_SECONDS:
            return False
        self._reported[nominal] = (worth, at)
        return True

    def wipe(self) -> None:
        self.evidence.wipe()
        self._wipe_view()

    def _wipe_view(self) -> None:
        if self.view is not None:
            self.view.fill(0)
        self.view = self.quality = None
