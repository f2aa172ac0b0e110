"""Open-set rates: how many are found and how many left alone at each threshold, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.evaluation.bootstrap import Method, clustered, method_of
from lfrd.evaluation.searches import Searches
from lfrd.types import F64

DEFAULT_FPIRS: Final = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)


@dataclass(frozen=True, slots=True)
class Point:
    """Both rates at one threshold. fpir: the wanted one, NaN where the threshold was given. false: non-mated
    searches that reach it. Rates and their intervals are 0..1; NaN, and an interval of 0 to 1, without any
    such search. The intervals hold at this threshold: that another sample would have led to another one shows
    in fpir_low to fpir_high. tpir_method, fpir_method: keys of bootstrap.METHODS."""

    fpir: float
    threshold: float
    false: int
    fpir_reached: float
    fpir_low: float
    fpir_high: float
    tpir: float
    tpir_low: float
    tpir_high: float
    fnir: float
    tpir_method: Method
    fpir_method: Method


@dataclass(frozen=True, slots=True)
class DetCurve:
    """threshold: ascending, float64 [n]; fpir, fnir: the rates at each, 0..1. Empty without searches of both
    kinds, or where none has a candidate."""

    threshold: F64
    fpir: F64
    fnir: F64


@dataclass(frozen=True, slots=True)
class Histograms:
    """edges: float64 [bins + 1]; mated, non_mated: how many scores lie in each bin, the mated ones to the own
    entry; *_without: searches without such a score, which are in no bin."""

    edges: F64
    mated: NDArray[np.intp]
    non_mated: NDArray[np.intp]
    mated_without: int
    non_mated_without: int


def resolvable(searches: Searches) -> float:
    """The smallest FPIR at which one search may end in a false alert: 1 / k for k non-mated searches;
    math.inf without any.

    To resolve is less than to show: k searches without a false alert show, with 95 % confidence, no more than
    an FPIR below 3 / k (the rule of three: J. A. Hanley and A. Lippman-Hand, "If nothing goes wrong, is
    everything all right?", JAMA 249 (1983), 1743-1745), where each is by another person.
    """
    return 1 / len(searches.top) if len(searches.top) else math.inf


def unresolved(searches: Searches, fpirs: Sequence[float]) -> list[float]:
    """Those wanted FPIRs for which there are too few non-mated searches; `points` leaves them out."""
    return [fpir for fpir in fpirs if threshold_of(searches.top, fpir) is None]


def unresolved_text(searches: Searches, fpirs: Sequence[float]) -> str:
    """That in words for a report, '' where all are resolved."""
    out, k = unresolved(searches, fpirs), len(searches.top)
    if not out:
        return ""
    named = ", ".join(f"{fpir:g}" for fpir in out)
    if not k:
        return f"No search without a listed person: nothing is known of FPIR {named}."
    if not np.isfinite(searches.top).any():
        return f"No search without a listed person had a candidate: no threshold is known for FPIR {named}."
    return (
        f"{k:,} searches without a listed person resolve an FPIR of {1 / k:.2g} at best; left out: {named}."
    )


def threshold_of(scores: F64, share: float) -> float | None:
    """The threshold that at most `share` (0..1) of `scores` reach and that lies no higher than that takes.

    It is the midpoint between the highest score that must stay below and the next one above it: the score
    that decides is one drawn by chance, and neither side of it is favoured. Equal scores are kept out
    together, so fewer than wanted may reach it. Where the score that must stay below is that of a search
    without a candidate, it is the lowest score there is: nothing was measured below. Where the highest scores
    are equal and too many, it is the next number above them. None where not even one score may reach it, or
    there is none. Raises ValueError for a share that is none, and for a score that is none.
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"a wanted share lies between 0 and 1, not {share}")
    if np.isposinf(scores).any() or np.isnan(scores).any():
        raise ValueError("a score is not a finite number")
    most = _at_most(share, len(scores))
    candidates = np.sort(scores[np.isfinite(scores)])
    if most == 0 or not len(candidates):
        return None
    if most >= len(candidates):
        return float(candidates[0])
    below = float(candidates[-most - 1])
    above = candidates[np.searchsorted(candidates, below, side="right") :]
    if not len(above):
        return float(np.nextafter(below, math.inf))
    middle = below / 2 + float(above[0]) / 2
    return middle if middle > below else float(above[0])  # neighbours among floats have no midpoint


def points(
    searches: Searches, fpirs: Sequence[float] = DEFAULT_FPIRS, *, seed: int, confidence: float = 0.95
) -> list[Point]:
    """The rates at the threshold of each wanted FPIR, in the order given.

    An FPIR for which there are too few non-mated searches is left out (`unresolved`). The threshold is
    `threshold_of` the non-mated scores. Intervals are `clustered` by person, with `seed`. Raises ValueError
    for an FPIR that is not within 0..1.
    """
    found: list[Point] = []
    for fpir in fpirs:
        threshold = threshold_of(searches.top, fpir)
        if threshold is not None:
            found.append(at(searches, threshold, fpir=fpir, seed=seed, confidence=confidence))
    return found


def at(
    searches: Searches,
    threshold: float,
    *,
    fpir: float = math.nan,
    seed: int = 1,
    confidence: float = 0.95,
) -> Point:
    """The rates at a threshold, which `fpir` asked for where it is given."""
    hits, false = searches.found(threshold), searches.false(threshold)
    hit = clustered(hits, searches.mated, seed=seed, confidence=confidence)
    wrong = clustered(false, searches.non_mated, seed=seed, confidence=confidence, exact=True)
    return Point(
        fpir=fpir,
        threshold=threshold,
        false=int(np.count_nonzero(false)),
        fpir_reached=_share(false),
        fpir_low=wrong.low,
        fpir_high=wrong.high,
        tpir=_share(hits),
        tpir_low=hit.low,
        tpir_high=hit.high,
        fnir=_share(~hits),
        tpir_method=method_of(hits, searches.mated),
        fpir_method=method_of(false, searches.non_mated, exact=True),
    )


def rank1(searches: Searches) -> tuple[int, int]:
    """(k, m): in k of m mated searches the right person's entry is the best, whatever its score."""
    return int(np.count_nonzero(searches.own > searches.other)), len(searches.own)


def det(searches: Searches, most: int = 400) -> DetCurve:
    """FPIR and FNIR at each threshold where one of them changes, and just above the highest score.

    With more than `most` of them, those are kept whose counts of false alerts and of misses lie evenly on a
    logarithmic scale, as the curve is drawn: its ends, where one search is a step, stay whole.
    """
    own = np.sort(searches.own[searches.own > searches.other])
    top = np.sort(searches.top[np.isfinite(searches.top)])
    steps = np.unique(np.concatenate([top, own]))
    m, k = len(searches.own), len(searches.top)
    if not m or not k or not len(steps):
        return DetCurve(*(np.empty(0) for _ in range(3)))
    steps = np.append(steps, np.nextafter(steps[-1], math.inf))
    false = len(top) - np.searchsorted(top, steps)
    missed = m - len(own) + np.searchsorted(own, steps)
    if len(steps) > most:
        last, each = len(steps) - 1, max(0, most - 2) // 2
        rare_false, rare_missed = last - _spread(false[::-1], each), _spread(missed, each)
        kept = np.unique(np.concatenate([[0, last], rare_false, rare_missed]))
        steps, false, missed = steps[kept], false[kept], missed[kept]
    return DetCurve(steps, false / k, missed / m)


def histograms(searches: Searches, bins: int = 60) -> Histograms:
    """Mated scores to the own entry and highest non-mated scores, in the same bins; 0 to 1 without scores."""
    own = searches.own[np.isfinite(searches.own)]
    top = searches.top[np.isfinite(searches.top)]
    both = np.concatenate([own, top])
    edges = np.histogram_bin_edges(both, bins)
    return Histograms(
        edges,
        np.histogram(own, edges)[0],
        np.histogram(top, edges)[0],
        len(searches.own) - len(own),
        len(searches.top) - len(top),
    )


def _at_most(share: float, n: int) -> int:
    """The largest count whose share of n is at most `share`, as a float64 tells: 29 of 100 are 0.29."""
    count = int(share * n)
    if n and count < n and (count + 1) / n <= share:
        count += 1
    return count - 1 if count and count / n > share else count


def _spread(counts: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Where ascending counts pass `most` numbers that are even on a logarithmic scale."""
    targets = np.geomspace(counts[0] + 1, counts[-1] + 1, most) - 1
    return np.minimum(np.searchsorted(counts, np.round(targets)), len(counts) - 1)


def _share(hits: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(hits) / len(hits)) if len(hits) else math.nan
