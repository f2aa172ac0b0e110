"""Confidence intervals of published rates: how far a figure may be from what the next thousand faces show."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import gammaincinv, ndtri


class Interval(NamedTuple):
    """Both ends of a two-sided interval, in the rate's own unit. high is math.inf where nothing is known."""

    low: float
    high: float


def wilson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """The interval of a proportion k of n, 0..1: Wilson's score interval without continuity correction.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927),
    209-212; recommended for small n and for proportions near 0 and 1 by Brown, Cai and DasGupta, "Interval
    estimation for a binomial proportion", Statistical Science 16 (2001), 101-133. n = 0 says nothing: 0 to 1.
    Raises ValueError where k is not within 0..n, or confidence not within 0..1.
    """
    if not 0 <= k <= n:
        raise ValueError(f"a proportion needs 0 <= k <= n, not {k} of {n}")
    tail_of(confidence)  # refused where n = 0 as well
    return wilson_of(k / n, n, confidence) if n else Interval(0.0, 1.0)


def wilson_of(share: float, n: float, confidence: float = 0.95) -> Interval:
    """The same of a share 0..1 of n > 0 where neither n nor the count need be whole: an effective number of
    searches, or a plan's. Raises ValueError for what is no share, no number or no confidence."""
    if not 0.0 <= share <= 1.0 or not n > 0:
        raise ValueError(f"a share needs 0 <= share <= 1 and n > 0, not {share} of {n}")
    z = float(ndtri(1.0 - tail_of(confidence)))
    scale = 1.0 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1.0 - share) / n + z * z / (4 * n * n))
    # At the ends the formula is exactly 0 or 1, which rounding would miss.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    return Interval(low, 1.0 if share == 1 else min(1.0, centre + half))


def poisson(k: int, exposure: float, confidence: float = 0.95) -> Interval:
    """The interval of a rate of k events in `exposure` (faces, hours), in events a unit of it: exact.

    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936), 437-442: half the
    chi-squared quantiles with 2k and 2k + 2 degrees of freedom, here by the inverse of the regularised gamma
    function, which is the same number. For few events it never covers less than `confidence`. An exposure of
    0 says nothing: 0 to infinity. Raises ValueError where k or exposure is negative.
    """
    if k < 0 or exposure < 0:
        raise ValueError(f"a rate needs k >= 0 and an exposure >= 0, not {k} in {exposure}")
    tail = tail_of(confidence)
    if exposure == 0:
        return Interval(0.0, math.inf)
    low = float(gammaincinv(k, tail)) if k else 0.0
    return Interval(low / exposure, float(gammaincinv(k + 1, 1.0 - tail)) / exposure)


def tail_of(confidence: float) -> float:
    """The share on each side of a two-sided interval. Raises ValueError for what is no confidence."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence lies between 0 and 1, not {confidence}")
    return (1.0 - confidence) / 2
