"""Shares compared: exact intervals, the difference of two, tests for many and for being alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaln

from lfrd.policy.intervals import Interval, tail_of, wilson_of
from lfrd.types import F64

NARROWING_STEPS = 200
"""Halvings of an interval in which a bound is sought; fewer than a hundred exhaust a float64."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether two shares are shown to be alike. p: the smallest alpha at which they would be, 0..1.
    interval: of the difference, with confidence 1 - 2 alpha; equivalent where it lies inside the margin."""

    p: float
    equivalent: bool
    interval: Interval


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a proportion k of n, 0..1: it covers at least as often as it says.

    C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934), 404-413; here by quantiles of the beta distribution. n = 0 says nothing:
    0 to 1. Raises ValueError where k is not within 0..n, or confidence not within 0..1.
    """
    _check(k, n)
    tail = tail_of(confidence)
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return Interval(low, high)


def difference_of(k1: float, n1: float, k2: float, n2: float, confidence: float = 0.95) -> Interval:
    """The interval of the difference k1 / n1 - k2 / n2 of two independent proportions, -1..1. Counts may
    be those that clustered trials are worth, not whole.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
    eleven methods", Statistics in Medicine 17 (1998), 873-890, method 10: Wilson's intervals of both, joined
    by squaring and adding. Nobody in one of them says nothing: -1 to 1. Raises ValueError for impossible
    counts.
    """
    _check(k1, n1)
    _check(k2, n2)
    if n1 == 0 or n2 == 0:
        return Interval(-1.0, 1.0)
    p1, p2 = k1 / n1, k2 / n2
    first, second = wilson_of(p1, n1, confidence), wilson_of(p2, n2, confidence)
    below = math.hypot(p1 - first.low, second.high - p2)
    above = math.hypot(first.high - p1, p2 - second.low)
    return Interval(max(-1.0, p1 - p2 - below), min(1.0, p1 - p2 + above))


def exact_p(k1: int, n1: int, k2: int, n2: int) -> float:
    """Fisher's exact test, two-sided: how probable a table at most as probable as this one is, 0..1, if both
    proportions are the same.

    R. A. Fisher, Statistical Methods for Research Workers (5th ed., 1934), section 21.02; two-sided by adding
    the tables that are no likelier, as R and SciPy do. It never rejects more often than it says, and
    therefore less often than it could where counts are small. Nobody in one of them: 1. Raises ValueError for
    impossible counts.
    """
    _check(k1, n1)
    _check(k2, n2)
    events = k1 + k2
    possible = np.arange(max(0, events - n2), min(n1, events) + 1)
    logs = (
        log_choose(n1, possible) + log_choose(n2, events - possible) - log_choose(n1 + n2, np.array([events]))
    )
    weights = np.exp(logs)
    own = weights[k1 - possible[0]]
    # Tables that are as probable as this one differ from it by rounding only.
    return min(1.0, float(weights[weights <= own * (1 + 1e-7)].sum() / weights.sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for how many comparisons were made, in the order given.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979), 65-70: to call what stays below alpha different is wrong anywhere at all with a chance of at most
    alpha, however the comparisons depend on one another. Raises ValueError for what is no probability.
    """
    if any(not 0.0 <= p <= 1.0 for p in p_values):
        raise ValueError("a p value lies between 0 and 1")
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = largest
    return corrected


def equivalent(k1: float, n1: float, k2: float, n2: float, margin: float, alpha: float = 0.05) -> Equivalence:
    """Two one-sided tests: whether the proportions are shown to differ by less than `margin` (0..1).

    D. J. Schuirmann, "A comparison of the two one-sided tests procedure and the power approach", Journal of
    Pharmacokinetics and Biopharmaceutics 15 (1987), 657-680: at level alpha where the interval of the
    difference with confidence 1 - 2 alpha, here Newcombe's, lies inside -margin..margin. p belongs to the
    same interval, so that the two never contradict one another; 1 where the difference seen is not below the
    margin, or one has nobody. Raises ValueError for impossible counts, a margin or an alpha (0..0.5) that is
    none.
    """
    if not 0.0 < margin <= 1.0:
        raise ValueError(f"a margin lies between 0 and 1, not {margin}")
    if not 0.0 < alpha < 0.5:
        raise ValueError(f"alpha lies between 0 and 0.5, not {alpha}")

    def outside(level: float) -> bool:
        low, high = difference_of(k1, n1, k2, n2, 1 - 2 * level)
        return not -margin < low <= high < margin

    interval = difference_of(k1, n1, k2, n2, 1 - 2 * alpha)
    most, least = 0.5 - 1e-12, 1e-12
    if outside(most):
        p = 1.0
    elif not outside(least):
        p = 0.0
    else:
        p = _edge(outside, least, most)
    return Equivalence(p, -margin < interval.low and interval.high < margin, interval)


def log_choose(n: int, k: NDArray[np.intp]) -> F64:
    """The logarithm of how many ways there are to pick k of n, for counts of any size."""
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), dtype=np.float64)


def _check(k: float, n: float) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"a proportion needs 0 <= k <= n, not {k} of {n}")


def _edge(rejected: Callable[[float], bool], outer: float, inner: float) -> float:
    """Where `rejected` changes between `outer`, which is, and `inner`, which is not: the last that is not."""
    if not rejected(outer):
        return outer
    for _ in range(NARROWING_STEPS):
        middle = (outer + inner) / 2
        if middle in (outer, inner):
            break
        if rejected(middle):
            outer = middle
        else:
            inner = middle
    return inner
