"""A track's evidence: its best shots as templates, fused into one, begun anew when the face changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lfrd.types import F32, Candidate
from lfrd.vision.template import Template

SPLIT_BELOW = 0.40
"""Cosine that a stranger's face does not reach and the same face, a moment later, does: for the pack 'field'.
A score belongs to one model: pass `lfrd.decision.threshold.lowest_score` of the pack's calibration."""
BETTER = 1.1
"""A shot of the same moment must be worth this many times the kept one, and one of a settled track this many
times the best: embedding costs more than looking."""
CLEARLY_BETTER = 1.3
"""Once all places are taken, a shot must be worth this many times the least of them. With 1 a face that comes
nearer is embedded at every look, for nothing: docs/performance.md has what was found with each."""
ENOUGH = 3
"""Kept shots from which a verdict may settle a track: of fewer, one poor moment would have the say."""
LEAST_WORTH = 1e-3
"""A shot that is worth nothing still has a say where there is nothing else."""


@dataclass(slots=True)
class Shot:
    """One face as evidence. worth: `Quality.worth`, larger is better; at: seconds, its frame's time.

    nearest: whom it resembles most on the list of the revision `asked`, and how much; None for nobody, or
    before it is.
    """

    template: Template
    worth: float
    at: float
    nearest: Candidate | None = None
    asked: int | None = None


@dataclass(slots=True)
class _Place:
    """Room for one shot. since: time of its first shot, which a better one does not move: or else a face
    that grows from frame to frame would replace itself for ever and never fill a second place."""

    since: float
    shot: Shot


class Evidence:
    """The best shots of one track, at most `most`, spread in time.

    Where the tracker has glued two people together, `splits_after` shots in a row that resemble none of the
    kept ones (cosine below `split_below`) and resemble one another are another person: the kept ones are
    wiped and the evidence starts from those. Until then, and for ever if the run breaks, they are no
    evidence: one blurred frame changes nothing. To notice a second person whose shots are worth less than
    all kept ones, a shot is wanted every `look_seconds` whatever it is worth.

    A track is settled while more shots like those kept would not change its verdict: it is an alert, or it
    resembles nobody on the list (`judged`). Then only a shot that is better than all of them is wanted, and
    that of every `look_seconds`. Nobody is given up: either of these may unsettle the track.
    """

    def __init__(
        self,
        most: int,
        *,
        spacing: float = 0.15,
        split_below: float = SPLIT_BELOW,
        splits_after: int = 3,
        look_seconds: float = 1.0,
    ) -> None:
        if most < 1 or splits_after < 1:
            raise ValueError("most and splits_after must be at least 1")
        self._most = most
        self._spacing = spacing  # seconds within which two shots are of the same moment and share a place
        self._split_below = split_below
        self._splits_after = splits_after
        self._look_seconds = look_seconds
        self._places: list[_Place] = []  # at most `most`
        self._strangers: list[Shot] = []  # the run of shots that resemble none kept, below `splits_after`
        self._looked = -math.inf  # time of the newest shot added, kept or not
        self._starts = 0
        self._settled = False  # by the newest verdict on the face that is kept

    def __len__(self) -> int:
        """Shots kept."""
        return len(self._places)

    def keeps(self, shot: Shot) -> bool:
        """Whether this very shot is among those kept, and not merely held in doubt."""
        return any(place.shot is shot for place in self._places)

    @property
    def starts(self) -> int:
        """How often the evidence has started anew. When it grows, what was kept of the earlier face
        elsewhere (the picture to show) is another person's."""
        return self._starts

    @property
    def doubts(self) -> bool:
        """Whether the newest shots resemble none of those kept."""
        return bool(self._strangers)

    @property
    def settled(self) -> bool:
        """Whether only a better shot than all that are kept would change the verdict."""
        return self._settled

    def judged(self, alert: bool, nearest: float, supports_from: float) -> None:
        """What the newest verdict found. nearest: the highest cosine of the fused template or a kept shot to
        anybody on the list; supports_from: the one from which a single shot would support an alert.

        Where `split_below` is less than that, it counts instead: packs differ in how near to one another
        their strangers lie.
        """
        far = nearest < min(supports_from, self._split_below)
        self._settled = (alert or far) and len(self._places) >= ENOUGH

    def wants(self, worth: float, at: float) -> bool:
        """Whether a shot of this worth, taken at `at`, would be of use."""
        since = at - self._looked
        if since >= self._look_seconds or (self._strangers and since >= self._spacing):
            return True
        if self._settled and worth < BETTER * max(place.shot.worth for place in self._places):
            return False
        if len(self._places) == self._most:
            least = min(place.shot.worth for place in self._places)
            if worth < least * CLEARLY_BETTER:
                return False
        return self._seat(worth, at)[0]

    def add(self, shot: Shot) -> Shot | None:
        """Take a shot over: from now on it is this evidence's to wipe.

        Returns the shot that went for it, already wiped (this one, where it is worth less than those kept).
        """
        self._looked = max(self._looked, shot.at)
        if self._places and self._likeness(shot) < self._split_below:
            self._doubt(shot)
            return None
        self._forget_strangers()
        return self._keep(shot)

    def fused(self) -> Template | None:
        """The mean of the kept templates, weighted by the square of their worth, at length 1.

        None where none is kept. The caller wipes it. The square is measured: on simulated passages it finds
        4 to 7 in a hundred more than the plain mean, at the same strangers' scores (docs/tracking.md).
        """
        if not self._places:
            return None
        worths = np.array([max(place.shot.worth, LEAST_WORTH) for place in self._places])
        weights = (worths / worths.max()).astype(np.float32) ** 2
        matrix = self.matrix()
        mean = weights @ matrix
        matrix.fill(0)
        try:
            return Template(mean) if np.linalg.norm(mean) > 1e-6 else None
        finally:
            mean.fill(0)

    def shots(self) -> list[Shot]:
        """The kept shots, in the order of `matrix`'s rows; still this evidence's to wipe."""
        return [place.shot for place in self._places]

    def matrix(self) -> F32:
        """The kept templates, float32 [n, dim], or [0, 0] where none is: a copy, which the caller wipes."""
        if not self._places:
            return np.empty((0, 0), np.float32)
        return np.stack([place.shot.template.vector for place in self._places])

    def wipe(self) -> None:
        """Overwrite every template, kept or doubted; the evidence is then empty and may be used again."""
        self._forget_strangers()
        for place in self._places:
            place.shot.template.wipe()
        self._places.clear()
        self._looked = -math.inf
        self._settled = False

    def _seat(self, worth: float, at: float) -> tuple[bool, _Place | None]:
        """Whether a shot would be kept, and the place that it would take from another."""
        near = min(self._places, key=lambda place: abs(at - place.since), default=None)
        if near is not None and abs(at - near.since) < self._spacing:
            return worth > near.shot.worth * BETTER, near
        if len(self._places) < self._most:
            return True, None
        worst = min(self._places, key=lambda place: place.shot.worth)
        return worth > worst.shot.worth, worst

    def _keep(self, shot: Shot) -> Shot | None:
        kept, place = self._seat(shot.worth, shot.at)
        if not kept:
            shot.template.wipe()
            return shot
        if place is None:
            self._places.append(_Place(shot.at, shot))
            return None
        gone, place.shot = place.shot, shot
        if abs(shot.at - place.since) >= self._spacing:
            place.since = shot.at
        gone.template.wipe()
        return gone

    def _likeness(self, shot: Shot) -> float:
        """Cosine to the kept shot that it resembles most: a face that has turned still resembles one."""
        return max(_cosine(place.shot, shot) for place in self._places)

    def _doubt(self, shot: Shot) -> None:
        """Hold a shot that resembles none kept; enough of them, resembling one another, are a person."""
        run = []
        for other in self._strangers:
            if _cosine(other, shot) >= self._split_below:
                run.append(other)
            else:
                other.template.wipe()
        self._strangers = [*run, shot]
        if len(self._strangers) < self._splits_after:
            return
        newcomers, self._strangers = self._strangers, []
        for place in self._places:
            place.shot.template.wipe()
        self._places.clear()
        self._starts += 1
        self._settled = False
        for newcomer in newcomers:
            self._keep(newcomer)

    def _forget_strangers(self) -> None:
        for shot in self._strangers:
            shot.template.wipe()
        self._strangers.clear()


def _cosine(a: Shot, b: Shot) -> float:
    return float(a.template.vector @ b.template.vector)
