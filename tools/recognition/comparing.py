"""Two ways to recognise compared on the same searches, at the same FPIR each, with an interval by people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.types import F64

FPIRS = (0.03, 0.01, 0.003, 0.001)
ROUNDS = 2000


@dataclass(frozen=True, slots=True)
class Gain:
    """tpir, base: at each of `fpirs`, then the mean of them. gain: tpir less base; low, high: its 95 %
    interval. false_at_base: the share of non-mated searches that are false where the way on trial finds as
    many as the base does at each of `fpirs`; false_unchanged: the same at the base's own thresholds. won,
    lost: searches that only the one, or the other, finds."""

    fpirs: list[float]
    tpir: list[float]
    base: list[float]
    gain: list[float]
    low: list[float]
    high: list[float]
    false_at_base: list[float]
    false_unchanged: list[float]
    won: list[int]
    lost: list[int]
    p: list[float]
    """Of the gain: twice the share of the bootstrap's rounds on the other side of 0, ties counted there."""

    def as_dict(self) -> dict[str, list[float]]:
        return asdict(self)


def thresholds(searches: Searches, fpirs: Sequence[float]) -> F64:
    """float64 [f]: the lowest score at which at most each share of the non-mated searches is false, just
    above the first that would be one too many."""
    return _Ranked(searches).thresholds(fpirs, np.ones(len(searches.top)))


def compared(base: Searches, other: Searches, *, fpirs: Sequence[float] = FPIRS, seed: int = 1) -> Gain:
    """The last column of each list is the mean over the FPIRs, which is what a way is chosen by: one FPIR
    hangs on a few non-mated searches.

    The interval is a bootstrap's percentiles: people are drawn with replacement, all their searches with
    them, and both thresholds are set anew, so that it holds what is uncertain of the thresholds as well.
    """
    if not (np.array_equal(base.mated, other.mated) and np.array_equal(base.non_mated, other.non_mated)):
        raise ValueError("two ways are compared on the same searches only")
    here, there = (
        _Ranked(one).tpirs(fpirs, np.ones(len(one.own)), np.ones(len(one.top))) for one in (other, base)
    )
    people, where = np.unique(np.concatenate([base.mated, base.non_mated]), return_inverse=True)
    mated, non_mated = where[: len(base.mated)], where[len(base.mated) :]
    rng = np.random.default_rng(seed)
    ranked = _Ranked(base), _Ranked(other)
    drawn = []
    for _ in range(ROUNDS):
        times = np.bincount(rng.integers(0, len(people), len(people)), minlength=len(people)).astype(float)
        if times[mated].any() and times[non_mated].any():
            before, after = (one.tpirs(fpirs, times[mated], times[non_mated]) for one in ranked)
            drawn.append(after - before)
    rounds = np.array(drawn)
    low, high = np.quantile(rounds, (0.025, 0.975), axis=0)
    wrong = np.minimum((rounds <= 0).mean(axis=0), (rounds >= 0).mean(axis=0))
    found = [
        (other.found(t), base.found(b))
        for t, b in zip(thresholds(other, fpirs), thresholds(base, fpirs), strict=True)
    ]
    return Gain(
        list(fpirs),
        here.tolist(),
        there.tolist(),
        (here - there).tolist(),
        low.tolist(),
        high.tolist(),
        [_false_at(other, float(b)) for b in there[:-1]],
        [float(other.false(float(threshold)).mean()) for threshold in thresholds(base, fpirs)],
        [int((a & ~b).sum()) for a, b in found],
        [int((b & ~a).sum()) for a, b in found],
        np.minimum(1.0, 2 * np.maximum(wrong, 1 / len(rounds))).tolist(),
    )


class _Ranked:
    """Searches in the order of their scores, so that people can be drawn again two thousand times."""

    def __init__(self, searches: Searches) -> None:
        self._top_order = np.argsort(searches.top)[::-1]
        self._tops = searches.top[self._top_order]  # falling
        reached = np.where(searches.own > searches.other, searches.own, NO_CANDIDATE)
        self._own_order = np.argsort(reached)
        self._reached = reached[self._own_order]  # rising

    def thresholds(self, fpirs: Sequence[float], weights: F64) -> F64:
        """weights: float64 [k], how often each non-mated search counts."""
        share = np.cumsum(weights[self._top_order]) / weights.sum()
        first = np.searchsorted(share, np.asarray(fpirs) + 1e-12, side="right")
        return np.nextafter(self._tops[np.minimum(first, len(share) - 1)], np.inf)

    def tpirs(self, fpirs: Sequence[float], mated: F64, non_mated: F64) -> F64:
        """TPIR at each FPIR and, last, their mean. mated, non_mated: how often each search counts."""
        below = np.concatenate([[0.0], np.cumsum(mated[self._own_order])])
        missed = np.searchsorted(self._reached, self.thresholds(fpirs, non_mated), side="left")
        found = 1 - below[missed] / below[-1]
        return np.array([*found, found.mean()])


def _false_at(searches: Searches, tpir: float) -> float:
    """The share of non-mated searches that are false at the highest threshold that finds this share."""
    right = np.sort(np.where(searches.own > searches.other, searches.own, NO_CANDIDATE))[::-1]
    wanted = round(tpir * len(right))
    return float(searches.false(float(right[wanted - 1])).mean()) if wanted else 0.0
