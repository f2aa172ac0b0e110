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
    z = float(ndtri(1.0 - _tail(confidence)))
    if n == 0:
        return Interval(0.0, 1.0)
    share = k / n
    scale = 1.0 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1.0 - share) / n + z * z / (4 * n * n))
    # At the ends the formula is exactly 0 or 1, which rounding would miss.
    return Interval(0.0 if k == 0 else centre - half, 1.0 if k == n else centre + half)


def poisson(k: int, exposure: float, confidence: float = 0.95) -> Interval:
    """The interval of a rate of k events in `exposure` (faces, hours), in events a unit of it: exact.

    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936), 437-442: half the
    chi-squared quantiles with 2k and 2k + 2 degrees of freedom, here by the inverse of the regularised gamma
    function, which is the same number. For few events it never covers less than `confidence`. An exposure of
    0 says nothing: 0 to infinity. Raises ValueError where k or exposure is negative.
    """
    if k < 0 or exposure < 0:
        raise ValueError(f"a rate needs k >= 0 and an exposure >= 0, not {k} in {exposure}")
    tail = _tail(confidence)
    if exposure == 0:
        return Interval(0.0, math.inf)
    low = float(gammaincinv(k, tail)) if k else 0.0
    return Interval(low / exposure, float(gammaincinv(k + 1, 1.0 - tail)) / exposure)


def _tail(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence lies between 0 and 1, not {confidence}")
    return (1.0 - confidence) / 2
