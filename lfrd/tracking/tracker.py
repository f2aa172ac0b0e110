"""Faces of one camera, frame by frame, joined into tracks: one track, one passage of one person."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from lfrd.tracking.motion import Motion, measured, surprise
from lfrd.tracking.shake import common_shift
from lfrd.types import F64, Detections, TrackId

GATE = 16.27
"""A face that fits a track worse than this is not its: the 99.9 % point of chi-squared with 3 degrees."""
GATE_DOUBTFUL = 7.81
"""The 95 % point: a doubtful face must fit better to be believed."""
REACH = 2.0
"""Face sizes between a prediction and a face, at most, however long the track has been lost."""
CEILING = 20.0
"""A pair that costs more (misfit, and vagueness of the prediction) is better left apart. Costs are logarithms
of likelihoods, so that a track just begun, which fits everything, does not take a settled one's face."""
CONFIRMED = 2
"""Confident faces that make a track a face seen: one alone is too often a lamp or a logo."""

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Update:
    """What one frame did.

    tracks: for each row of the detections its track; None for a doubtful face that carries no track, and
    where the camera already has `most` tracks. Each track is named once in `began`, at most once in
    `confirmed` (it then counts as a face seen), and once in `ended`, here or by `expire` or `finish`.
    """

    tracks: list[TrackId | None]
    began: list[TrackId] = field(default_factory=list)
    ended: list[TrackId] = field(default_factory=list)
    confirmed: list[TrackId] = field(default_factory=list)


class Tracker:
    """Two-stage association over Kalman predictions, as in ByteTrack and OC-SORT, made for faces."""

    def __init__(
        self, *, ids: Iterator[TrackId], high: float, lost_seconds: float, longest_seconds: float, most: int
    ) -> None:
        if lost_seconds <= 0 or longest_seconds <= 0 or most < 1:
            raise ValueError("lost_seconds, longest_seconds and most must be positive")
        self._new_ids = ids  # shared by the cameras, so that an id names one track of the process
        self._high = high  # score from which a face may begin a track
        self.lost_seconds = lost_seconds
        """A track that has not been seen for longer ends; may be changed between two frames."""
        self._longest = longest_seconds
        self._most = most
        self._latest = -math.inf  # time of the newest frame
        self._camera: F64 = np.zeros(3)  # how far the camera has moved (x, y, 0); motion is kept without it
        self._motion = Motion()  # row for row with the three below
        self._ids: list[TrackId] = []
        self._began: F64 = np.empty(0)  # time of each track's first face
        self._hits = np.empty(0, np.int64)  # confident faces of each track

    def __len__(self) -> int:
        return len(self._ids)

    def update(self, found: Detections, at: float) -> Update:
        """Join one frame's faces to the tracks. at: seconds, the frame's own time.

        A frame of the same instant as the last one is taken as a second look. A time before the last one is
        another time altogether (a recording that starts again): it ends every track, as a gap longer than
        `lost_seconds` does, since what is far apart in time is never glued. Raises ValueError where `at` is
        not a finite number.
        """
        if not math.isfinite(at):
            raise ValueError(f"a frame's time must be finite, not {at}")
        ended = self.finish() if at < self._latest else self.expire(at)
        self._latest = at
        z = measured(found.boxes)
        sure = found.scores >= self._high
        owner = self._join(z, sure, at)

        seen = np.flatnonzero(owner >= 0)
        self._motion.observe(owner[seen], z[seen] - self._camera, at, ~sure[seen])
        hit = owner[seen][sure[seen]]
        self._hits[hit] += 1
        confirmed = [self._ids[row] for row in np.sort(hit[self._hits[hit] == CONFIRMED])]

        began = self._renew(at, ended, confirmed)
        fresh = np.flatnonzero((owner < 0) & sure)[: max(self._most - len(self._ids), 0)]
        owner[fresh] = np.arange(len(self._ids), len(self._ids) + len(fresh))
        began += self._begin(z[fresh] - self._camera, at)
        return Update([self._ids[row] if row >= 0 else None for row in owner], began, ended, confirmed)

    def expire(self, at: float) -> list[TrackId]:
        """End the tracks that have not been seen for longer than `lost_seconds` at the time `at`."""
        return self._end(at - self._motion.when > self.lost_seconds)

    def finish(self) -> list[TrackId]:
        """End every track: the camera stops, or its time has jumped."""
        return self._end(np.ones(len(self._ids), np.bool_))

    def _join(self, z: F64, sure: NDArray[np.bool_], at: float) -> Rows:
        """For each face the row of its track, or -1. Moves `_camera` where the whole picture has moved."""
        owner = np.full(len(z), -1, np.intp)
        if not len(self._ids) or not len(z):
            return owner
        place, spread = self._motion.predicted(at)
        place += self._camera
        confident = np.flatnonzero(sure)
        step = at - self._motion.when.max()
        recent = self._motion.when == self._motion.when.max()
        shift = common_shift(place[recent], z[confident], step)
        self._camera += shift
        place += shift
        pairs = assign(place, spread, z[confident], GATE)
        owner[confident[pairs[1]]] = pairs[0]

        free = np.setdiff1d(np.arange(len(place)), pairs[0])
        doubtful = np.flatnonzero(~sure)
        pairs = assign(place[free], spread[free], z[doubtful], GATE_DOUBTFUL)
        owner[doubtful[pairs[1]]] = free[pairs[0]]
        return owner

    def _begin(self, z: F64, at: float) -> list[TrackId]:
        began = [next(self._new_ids) for _ in z]
        self._motion.begin(z, at)
        self._ids += began
        self._began = np.concatenate([self._began, np.full(len(z), at)])
        self._hits = np.concatenate([self._hits, np.ones(len(z), np.int64)])
        return began

    def _renew(self, at: float, ended: list[TrackId], confirmed: list[TrackId]) -> list[TrackId]:
        """Give tracks older than `longest_seconds` a new id: what was gathered of them must go."""
        began = []
        for row in np.flatnonzero((at - self._began > self._longest) & (self._motion.when == at)):
            ended.append(self._ids[row])
            self._ids[row] = next(self._new_ids)
            self._began[row] = at
            began.append(self._ids[row])
            if self._hits[row] >= CONFIRMED:
                confirmed.append(self._ids[row])
        return began

    def _end(self, over: NDArray[np.bool_]) -> list[TrackId]:
        if not over.any():
            return []
        ended = [track for track, gone in zip(self._ids, over, strict=True) if gone]
        self._ids = [track for track, gone in zip(self._ids, over, strict=True) if not gone]
        self._motion.keep(~over)
        self._began, self._hits = self._began[~over], self._hits[~over]
        if not self._ids:
            self._camera = np.zeros(3)
        return ended


def assign(place: F64, spread: F64, z: F64, gate: float) -> tuple[Rows, Rows]:
    """The likeliest pairs of predictions (rows) and measurements (columns) within the gate."""
    none = np.empty(0, np.intp)
    if not len(place) or not len(z):
        return none, none
    fit, vague = surprise(place, spread, z)
    size = np.exp(np.maximum(place[:, None, 2], z[None, :, 2]))
    apart = np.linalg.norm(z[None, :, :2] - place[:, None, :2], axis=2) / size
    possible = (fit <= gate) & (fit + vague < CEILING) & (apart <= REACH)
    # A pair that is not possible costs nothing, every other less than nothing: no one is forced together.
    cost = np.where(possible, fit + vague - CEILING, 0.0)
    rows, columns = linear_sum_assignment(cost)
    real = possible[rows, columns]
    return rows[real], columns[real]
