"""Faces that a detector found against those that are there: hits, false ones, and average precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lfrd.policy.intervals import Interval, wilson
from lfrd.types import F64

IOU = 0.5
"""Intersection over union from which a found face is a true one, as WIDER FACE's and PASCAL VOC's."""

HIT, FALSE, NEITHER = 1, 0, -1
"""What a found face is."""


@dataclass(frozen=True, slots=True)
class Matched:
    """One picture's faces. kinds: int8 [d], HIT, FALSE or NEITHER for each found face; of: int [d], the true
    face of a hit, else -1."""

    kinds: NDArray[np.int8]
    of: NDArray[np.intp]


def match(boxes: F64, scores: F64, truth: F64, ignored: NDArray[np.bool_]) -> Matched:
    """Give each true face at most one found face, greedily by score.

    boxes: float64 [d, 4], truth: [t, 4], x, y, width, height; scores: [d]; ignored: bool [t]. From the
    highest score down (ties: the earlier row), a found face takes the free true face that it overlaps most,
    where that is IOU or more: a hit. One that finds none free but overlaps an ignored face so much is neither
    hit nor false; any other, a second one on the same face too, is false. What is left out below a score
    changes nothing above it, so one matching serves every threshold.
    """
    kinds = np.full(len(boxes), FALSE, np.int8)
    of = np.full(len(boxes), -1, np.intp)
    shares = overlaps(boxes, truth)
    near = shares >= IOU
    free = ~ignored
    for row in np.argsort(-scores, kind="stable"):
        if not near[row].any():
            continue
        able = near[row] & free
        if able.any():
            chosen = int(np.argmax(np.where(able, shares[row], -1.0)))
            free[chosen] = False
            kinds[row], of[row] = HIT, chosen
        elif (near[row] & ignored).any():
            kinds[row] = NEITHER
    return Matched(kinds, of)


def overlaps(a: F64, b: F64) -> F64:
    """Intersection over union of every box of a [n, 4] with every one of b [m, 4]: float64 [n, m]; 0 where
    both have no area."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    whole = np.prod(a[:, 2:], axis=1)[:, None] + np.prod(b[:, 2:], axis=1)[None, :] - shared
    return np.asarray(np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0))


@dataclass(frozen=True, slots=True)
class Found:
    """All pictures' found faces that are hits or false, one row each. scores: float64 [d]; hits: bool [d];
    picture: int [d]; width: float64 [d], pixels: the true face's of a hit, the found one's of a false one."""

    scores: F64
    hits: NDArray[np.bool_]
    picture: NDArray[np.intp]
    width: F64

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Found:
        return Found(self.scores[rows], self.hits[rows], self.picture[rows], self.width[rows])

    def __len__(self) -> int:
        return len(self.scores)

    def ranked(self) -> Found:
        """Highest score first."""
        return self[np.argsort(-self.scores, kind="stable")]


def curve(found: Found, faces: int) -> tuple[F64, F64, F64]:
    """Score, recall and precision at each score that occurs, falling; of `faces` true ones. Empty without
    faces or anything found."""
    ranked = found.ranked()
    if not faces or not len(ranked):
        return np.empty(0), np.empty(0), np.empty(0)
    ends = np.append(np.flatnonzero(np.diff(ranked.scores)), len(ranked) - 1)
    hits = np.cumsum(ranked.hits)[ends]
    return ranked.scores[ends], hits / faces, hits / (ends + 1)


def average_precision(found: Found, faces: int) -> float | None:
    """The area under precision by recall, 0..1, each recall with the best precision at it or beyond (M.
    Everingham and others, "The PASCAL visual object classes challenge: a retrospective", IJCV 111 (2015), as
    from 2010 on). None where no face is there to be found."""
    if not faces:
        return None
    ranked = found.ranked()
    return float(_areas(ranked, np.ones((1, len(ranked))), np.array([float(faces)]))[0])


def average_precision_interval(
    found: Found,
    faces: NDArray[np.intp],
    *,
    rounds: int = 500,
    seed: int,
    confidence: float = 0.95,
) -> Interval:
    """The percentile bootstrap's interval: pictures are drawn again with all that is in them, for the faces
    of one picture are found or lost together.

    faces: int [pictures], how many are there in each. 0 to 1 where fewer than two pictures have any. Where
    every drawing gives the same area, as with all found and nothing false before them, nothing shows how far
    pictures differ: it is then Wilson's interval, each picture with faces counted once. With few pictures a
    percentile bootstrap is rather too narrow.
    """
    pictures = len(faces)
    if np.count_nonzero(faces) < 2:
        return Interval(0.0, 1.0)
    ranked = found.ranked()
    rng = np.random.default_rng(seed)
    areas = []
    for _ in range(rounds):
        times = np.bincount(rng.integers(0, pictures, pictures), minlength=pictures).astype(np.float64)
        total = float(times @ faces)
        if total:
            areas.append(_areas(ranked, times[ranked.picture][None], np.array([total]))[0])
    tail = (1 - confidence) / 2
    low, high = np.quantile(areas, (tail, 1 - tail))
    if np.ptp(areas) < 1e-12:
        pictures = int(np.count_nonzero(faces))
        return wilson(round(float(areas[0]) * pictures), pictures, confidence)
    return Interval(float(low), float(high))


def _areas(ranked: Found, weights: F64, faces: F64) -> F64:
    """Average precision where each found face counts `weights` [k, d] times, of `faces` [k]: float64 [k]."""
    if not len(ranked):
        return np.zeros(len(faces))
    last = np.append(np.diff(ranked.scores) != 0, True)  # of faces with one score, together
    hits = np.cumsum(weights * ranked.hits, axis=1)[:, last]
    taken = np.cumsum(weights, axis=1)[:, last]
    precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    gained = np.diff(hits, axis=1, prepend=0.0)
    return np.asarray((best * gained).sum(axis=1) / faces, np.float64)
