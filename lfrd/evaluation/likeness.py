"""Shares of several groups set against each other: all pairs at once, the largest against the smallest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import studentized_range

from lfrd.evaluation.planning import smallest_difference
from lfrd.evaluation.proportions import difference_of, equivalent
from lfrd.policy.intervals import Interval, wilson_of


class Counts(NamedTuple):
    """hits of n > 0 trials, as many as independent ones would be worth: neither need be whole."""

    hits: float
    n: float

    @property
    def share(self) -> float:
        return self.hits / self.n

    @property
    def others(self) -> Counts:
        """The same trials, counting what did not hit."""
        return Counts(self.n - self.hits, self.n)


@dataclass(frozen=True, slots=True)
class Spread:
    """The largest share over the smallest. ratio: as seen, which is more than the true one on average, since
    the two are picked for being far apart. low, high: of the true ratio of the truly largest to the truly
    smallest, whichever these are; high is math.inf where nothing bounds it. ratio is NaN where all are 0."""

    ratio: float
    low: float
    high: float


def difference(first: Counts, second: Counts, confidence: float) -> Interval:
    """The interval of first - second, -1..1: Newcombe's (`proportions.difference_of`)."""
    return difference_of(*first, *second, confidence)


def ratio(first: Counts, second: Counts, confidence: float) -> Interval:
    """The interval of first / second, 0..infinity, from Wilson's of both on the logarithm.

    G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a general approach",
    Statistics in Medicine 27 (2008), 1693-1702, section 3: the same way as Newcombe's difference, so that the
    two tell one story. Where one has no hit its logarithm has no middle, and the limit on that side is that
    of the two intervals' far ends, which is wider. No upper limit where the second has no hit.
    """
    a, b = (wilson_of(one.share, one.n, confidence) for one in (first, second))
    if not second.hits:
        return Interval(a.low / b.high, math.inf)
    if not first.hits:
        return Interval(0.0, a.high / b.low)
    seen = math.log(first.share / second.share)
    below = math.hypot(math.log(first.share / a.low), math.log(b.high / second.share))
    above = math.hypot(math.log(a.high / first.share), math.log(second.share / b.low))
    return Interval(math.exp(seen - below), math.exp(seen + above))


def pairwise(groups: int, confidence: float) -> float:
    """The confidence of each pair's interval with which those of all pairs of so many groups hold at once.

    By the studentised range (J. W. Tukey 1953; C. Y. Kramer, Biometrics 12 (1956), 307-310), which for
    unequal sizes is on the safe side (A. J. Hayter, Annals of Statistics 12 (1984), 61-75). Raises ValueError
    for fewer than two groups.
    """
    if groups < 2:
        raise ValueError(f"a pair needs two groups at least, not {groups}")
    return float(2 * ndtr(_studentised(groups, confidence) / math.sqrt(2)) - 1)


def spread_of(groups: Sequence[Counts], confidence: float) -> Spread:
    """How far the truly largest share lies above the truly smallest, as a ratio.

    The true ratio is the largest of all ordered pairs' true ratios. With the intervals of all pairs holding
    at once it lies between the largest of their lower and the largest of their upper limits, whichever two
    groups are picked: so the picking costs nothing, and no bootstrap is needed, which fails here (the maximum
    is not smooth where groups are alike). Raises ValueError for fewer than two groups.
    """
    each = pairwise(len(groups), confidence)
    pairs = [ratio(a, b, each) for a, b in itertools.permutations(groups, 2)]
    shares = [group.share for group in groups]
    least = min(shares)
    seen = max(shares) / least if least else math.inf if max(shares) else math.nan
    return Spread(seen, max(1.0, *(pair.low for pair in pairs)), max(pair.high for pair in pairs))


def alike_p(groups: Sequence[Counts], margin: float, *, factor: bool = False) -> float:
    """The p value, 0..1, of all groups' shares lying within `margin` of one another: the smallest alpha at
    which two one-sided tests show it for every pair.

    At level alpha a pair is alike where the interval of its difference with confidence 1 - 2 alpha lies
    inside -margin..margin (D. J. Schuirmann 1987); factor: that of its ratio inside 1 / margin..margin. All
    pairs must be, so the largest p counts and needs no correction for their number (R. L. Berger,
    "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982), 295-300).

    Raises ValueError for a margin that is none.
    """
    if not (margin > 1 if factor else 0 < margin <= 1):
        raise ValueError(f"a margin is a share, and a factor is more than 1, not {margin}")
    pairs = itertools.combinations(groups, 2)
    return max(_within_factor_p(a, b, margin) if factor else equivalent(*a, *b, margin).p for a, b in pairs)


def smallest_visible(share: float, n1: float, n2: float, *, power: float, alpha: float) -> float | None:
    """The smallest difference from a common share that groups of n1 and n2 trials would show at alpha, with
    that power, in whichever direction there is more room; None where not even the largest."""
    return smallest_difference(max(share, 1 - share), int(n1), int(n2), power=power, alpha=alpha)


def _within_factor_p(a: Counts, b: Counts, factor: float) -> float:
    """As `proportions.equivalent` gives it for a difference: the smallest alpha at which the interval of the
    ratio lies inside 1 / factor..factor."""

    def room(alpha: float) -> float:
        low, high = ratio(a, b, 1 - 2 * alpha)
        return math.log(factor) - max(-math.log(low) if low else math.inf, math.log(high))

    least, most = 1e-9, 0.5 - 1e-9
    if not room(most) > 0:
        return 1.0
    if room(least) > 0:
        return least
    return float(brentq(room, least, most, xtol=1e-12))


@cache
def _studentised(groups: int, confidence: float) -> float:
    return float(studentized_range.ppf(confidence, groups, math.inf))
