"""Which parts of a picture are hidden: every face that was seen in it, shortly before it or shortly after."""

from __future__ import annotations

import itertools
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from lfrd.tracking.tracker import Tracker
from lfrd.types import F32, F64, Detections, TrackId
from lfrd.vision.blur import GROWN

LINGER: Final = 0.7
"""Seconds for which a face that is no longer seen stays hidden."""
AHEAD: Final = 1.0
"""Seconds for which a face was hidden before it was first seen, at the most; as far as pictures are held."""
ONCE: Final = 0.25
"""The same, before and after, for what was only ever taken for a face once, and with doubt: mostly a lamp."""
LAPSE: Final = 0.35
"""Seconds between two looks at a face with an alert, at the most, for it to be shown in between."""
KEPT: Final = 3.0
"""Seconds of boxes that are remembered."""
MOST: Final = 512
"""Faces followed at once."""
SLACK: Final = (GROWN - 1) / 2
"""What `blur.hide` covers beyond each side of a box anyhow, in box sides."""
WANDER: Final = 4.0
"""How restless a head is: `tracking.motion.WANDER`, face sizes per second to the power 1.5."""
FIRST_SPEED: Final = 4.0
"""Face sizes a second that a face may make of which no speed is known (`tracking.motion.FIRST_SPEED`)."""
FARTHEST: Final = 1.2
"""Face sizes by which a hidden part is widened at the most, on each side: beyond that the whole view of a
camera with a few people would be hidden, and where a face may be is a guess."""
SAME: Final = 0.4
"""Overlap (over the union) from which two looks at one picture have seen the same face."""


class Look(NamedTuple):
    """The faces of one picture. tracks: recognition's, for each row; None where it follows none."""

    at: float
    found: Detections
    tracks: list[TrackId | None]


class Region(NamedTuple):
    """A part of a picture in which a face is, or may be.

    box: float64 [4], x, y, width, height of the face as it is best known; hidden: the same, as it is given to
    `blur.hide`, wider where it is not known well. track: recognition's, None where it follows none. clear:
    an alert of this very track stands, so it is shown. seen: in this very picture. sure: it was
    at least once more than doubtful.
    """

    box: F64
    hidden: F64
    track: TrackId | None
    clear: bool
    seen: bool
    sure: bool


@dataclass(slots=True)
class _Path:
    """What is known of one face, oldest first: times, boxes [4], recognition's tracks."""

    at: list[float] = field(default_factory=list)
    box: list[F64] = field(default_factory=list)
    track: list[TrackId | None] = field(default_factory=list)
    sure: bool = False  # it was at least once more than doubtful

    def add(self, at: float, box: F64, track: TrackId | None, sure: bool) -> None:
        if self.at and at <= self.at[-1]:
            return
        self.at.append(at)
        self.box.append(box)
        self.track.append(track)
        self.sure |= sure

    def drop(self, before: float) -> None:
        """Forget what is older, but for the newest two."""
        while len(self.at) > 2 and self.at[0] < before:
            del self.at[0], self.box[0], self.track[0]

    def region(self, at: float, cleared: Set[TrackId]) -> Region | None:
        """Where the face is at this time; None where it is too far from any time at which it was seen."""
        after = int(np.searchsorted(self.at, at))
        if after < len(self.at) and self.at[after] == at:
            box, reach, seen = self.box[after], 0.0, True
        elif 0 < after < len(self.at):
            (box, reach), seen = self._between(after - 1, after, at), False
        else:
            near, other = (0, 1) if after == 0 else (len(self.at) - 1, len(self.at) - 2)
            gap = abs(at - self.at[near])
            bound = (AHEAD if after == 0 else LINGER) if self.sure or len(self.at) > 1 else ONCE
            if gap > bound:
                return None
            (box, reach), seen = self._beyond(near, other, at), False
        track, clear = self._clear(at, after, seen, cleared)
        return Region(box, _widened(box, min(reach, FARTHEST)), track, clear, seen, self.sure)

    def _between(self, one: int, other: int, at: float) -> tuple[F64, float]:
        gap = self.at[other] - self.at[one]
        share = (at - self.at[one]) / gap
        box = self.box[one] + share * (self.box[other] - self.box[one])
        return box, _drift(min(at - self.at[one], self.at[other] - at))

    def _beyond(self, near: int, other: int, at: float) -> tuple[F64, float]:
        """Outside of the time in which it was seen: it goes on as it did, and may be farther off."""
        gap = abs(at - self.at[near])
        if len(self.at) == 1:
            return self.box[near], FIRST_SPEED * gap
        pace = (self.box[near] - self.box[other]) / (self.at[near] - self.at[other])
        box = self.box[near] + pace * (at - self.at[near])
        box[2:] = np.clip(box[2:], 0.7 * self.box[near][2:], 1.5 * self.box[near][2:])
        return box, _drift(gap)

    def _clear(self, at: float, after: int, seen: bool, cleared: Set[TrackId]) -> tuple[TrackId | None, bool]:
        """The track by which recognition followed this face then, and whether it may be shown.

        Only where recognition itself saw it there, or just before and just after, and followed nobody else by
        this path of late: where two people cross, whose face it is is in doubt.
        """
        near = (after,) if seen else tuple(k for k in (after - 1, after) if 0 <= k < len(self.at))
        tracks = {self.track[k] for k in near}
        track = next((one for one in tracks if one is not None), None)
        if track is None or tracks != {track} or track not in cleared:
            return track, False
        if not seen and (len(near) < 2 or self.at[near[1]] - self.at[near[0]] > LAPSE):
            return track, False
        around = {one for when, one in zip(self.at, self.track, strict=True) if abs(when - at) <= AHEAD}
        return track, around <= {track, None}


class Veil:
    """One camera's. Follows every face by itself, recognition's doubtful ones and those outside its zone too.

    Boxes are in pixels of the live picture, times in seconds of the source's clock, rising. Pure.
    """

    def __init__(self, *, high: float) -> None:
        """high: the score from which a face is certain enough for recognition to begin a track."""
        self._sure = high / 2
        self._ids = (TrackId(number) for number in itertools.count(1))
        self._tracker = Tracker(
            ids=self._ids,
            high=0.0,  # whatever may be a face is followed as one
            lost_seconds=LINGER,
            longest_seconds=60.0,
            most=MOST,
        )
        self._paths: dict[TrackId, _Path] = {}

    def see(self, look: Look) -> None:
        """Take up the faces of one more picture."""
        update = self._tracker.update(look.found, look.at)
        for row, mine in enumerate(update.tracks):
            box = look.found.boxes[row].astype(np.float64)
            if not np.isfinite(box).all():
                continue
            # Beyond `MOST` nobody is followed, and each face is hidden all the same.
            path = self._paths.setdefault(next(self._ids) if mine is None else mine, _Path())
            path.add(look.at, box, look.tracks[row], bool(look.found.scores[row] >= self._sure))
        for mine in list(self._paths):
            path = self._paths[mine]
            path.drop(look.at - KEPT)
            if path.at[-1] < look.at - KEPT:
                del self._paths[mine]

    def cut(self) -> None:
        """Another scene begins: nobody goes on from here to there."""
        self._tracker.finish()

    def regions(self, at: float, cleared: Set[TrackId] = frozenset()) -> list[Region]:
        """Each face of the picture taken at this time. cleared: recognition's tracks with an alert
        that stands."""
        found = (path.region(at, cleared) for path in self._paths.values())
        return [region for region in found if region is not None]


def hidden(regions: list[Region]) -> F32:
    """The boxes for `blur.hide`, float32 [n, 4]: of all that are not clear."""
    boxes = [region.hidden for region in regions if not region.clear]
    return np.array(boxes, np.float32).reshape(-1, 4)


def together(one: Look, other: Detections) -> Look:
    """Two looks at one picture as one: of a face that both have seen, the first one's box stays."""
    new = np.flatnonzero(_overlaps(other.boxes, one.found.boxes).max(axis=1, initial=0.0) < SAME)
    both = Detections(
        np.concatenate([one.found.boxes, other.boxes[new]]),
        np.concatenate([one.found.points, other.points[new]]),
        np.concatenate([one.found.scores, other.scores[new]]),
    )
    return Look(one.at, both, [*one.tracks, *[None] * len(new)])


def _drift(gap: float) -> float:
    """Face sizes by which a head may have left its course after so many seconds: one standard deviation of
    the tracker's white acceleration."""
    return WANDER * float(np.sqrt(gap**3 / 3))


def _widened(box: F64, reach: float) -> F64:
    """The box that `hide` grows to the face, its usual margin, and `reach` face sizes all around."""
    factor = (GROWN + 2 * max(0.0, reach - SLACK / 2)) / GROWN
    sides = box[2:] * factor
    return np.concatenate([box[:2] + (box[2:] - sides) / 2, sides])


def _overlaps(a: F32, b: F32) -> F64:
    """Intersection over union of each of a, [n, 4], with each of b, [m, 4]: [n, m]."""
    rows, columns = a.astype(np.float64)[:, None], b.astype(np.float64)[None]
    low = np.maximum(rows[..., :2], columns[..., :2])
    high = np.minimum(rows[..., :2] + rows[..., 2:], columns[..., :2] + columns[..., 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    union = rows[..., 2:].prod(axis=-1) + columns[..., 2:].prod(axis=-1) - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float64)
