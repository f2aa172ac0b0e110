"""How large a trial must be before it may say something, and what the one that was made could have seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtri, ndtr, ndtri, xlog1py, xlogy

from lfrd.evaluation.proportions import log_choose
from lfrd.policy.intervals import wilson, wilson_of
from lfrd.types import F64

AGREEMENT: Final = 0.5
"""How far a person's passages go alike, 0 (like anybody's) to 1 (all the same), where nobody has measured it:
whoever was missed once is likelier to be missed again. An assumption, on the side of more people."""
MOST: Final = 10**12
"""A trial larger than this is none."""
FINE: Final = 0.001
"""How finely a difference is sought, in parts of itself."""
HUNDREDS: Final = 200
"""Expected outcomes of the rarer kind in the smaller cohort from which on a formula is within .01."""
MANY: Final = 1000
"""Expected outcomes of the rarer kind from which on counts are as good as normally distributed."""


@dataclass(frozen=True, slots=True)
class Size:
    """people: of one cohort where cohorts are compared. passages: of all of them, as many by each."""

    people: int
    passages: int


def independent(passages: int, passages_each: int = 1, agreement: float = AGREEMENT) -> Size:
    """How many people must walk `passages_each` times to be worth `passages` of as many different people.

    Each person's passages are worth less by the design effect 1 + (passages_each - 1) * agreement (L. Kish,
    Survey Sampling, 1965, section 5.4). Raises ValueError for fewer than one passage each, or an agreement
    that is not within 0..1.
    """
    if passages_each < 1:
        raise ValueError(f"a person walks once at least, not {passages_each} times")
    if not 0.0 <= agreement <= 1.0:
        raise ValueError(f"agreement lies between 0 and 1, not {agreement}")
    effect = 1 + (passages_each - 1) * agreement
    people = math.ceil(passages * effect / passages_each - 1e-9)
    return Size(people, people * passages_each)


def passages_for_margin(rate: float, margin: float, *, confidence: float = 0.95) -> int:
    """Independent passages after which Wilson's interval of an expected `rate` (0..1) reaches no further than
    `margin` to either side.

    Near 0 and 1 that is more than the textbook's z^2 rate (1 - rate) / margin^2, which takes the interval
    to be symmetric. Raises ValueError for a rate, a margin (0..1) or a confidence that is none.
    """
    _between(rate, "a rate", closed=True)
    _between(margin, "a margin")

    def enough(n: int) -> bool:
        low, high = wilson_of(rate, n, confidence)
        return max(rate - low, high - rate) <= margin

    return _fewest(enough)


def searches_for_bound(fpir: float, *, errors: int = 0, confidence: float = 0.95) -> int:
    """Independent non-mated searches among which at most `errors` false alerts show that the true FPIR lies
    below `fpir` (0..1): the fewest for which more were to be expected with that confidence.

    The one-sided limit of Clopper and Pearson. Without a false alert it is log(1 - confidence) / log(1 -
    fpir), about 3 / fpir at 95 %: the rule of three (Hanley and Lippman-Hand, JAMA 249 (1983), 1743-1745).
    Raises ValueError for what is no FPIR, count or confidence.
    """
    _between(fpir, "an FPIR")
    _between(confidence, "confidence")
    if errors < 0:
        raise ValueError(f"false alerts are counted from 0, not {errors}")
    return _fewest(lambda n: n > errors and float(bdtr(errors, n, fpir)) <= 1 - confidence)


def passing_fpir(searches: int, errors: int, *, power: float = 0.8) -> float:
    """The true FPIR with which a trial of so many searches ends with at most `errors` false alerts in a share
    `power` of times: whoever is no better than the bound itself will hardly ever pass. 0..1."""
    _between(power, "power")
    return float(bdtri(errors, searches, power))


def people_for_difference(
    rate: float, difference: float, *, power: float = 0.8, alpha: float = 0.05, pairs: int = 1
) -> int:
    """Independent people in each of two cohorts so that a true difference between `rate` and `rate` -
    `difference` is found, with that power, by Fisher's exact test at alpha (two-sided).

    J. L. Fleiss, B. Levin and M. C. Paik, Statistical Methods for Rates and Proportions (3rd ed., 2003),
    section 4.2, with the continuity correction that stands for an exact test. pairs: comparisons among which
    it must stand out, alpha being divided by them as in Holm's first step. Raises ValueError for rates that
    are none, or a difference that is larger than the rate.
    """
    _between(power, "power")
    p1, p2 = _rates(rate, difference)
    mean = (p1 + p2) / 2
    at = -float(ndtri(_each(alpha, pairs) / 2))
    root = at * math.sqrt(2 * mean * (1 - mean))
    root += float(ndtri(power)) * math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    plain = (root / difference) ** 2
    return math.ceil(plain / 4 * (1 + math.sqrt(1 + 4 / (plain * difference))) ** 2)


def power_of_difference(
    rate1: float, n1: int, rate2: float, n2: int, *, alpha: float = 0.05, pairs: int = 1
) -> float:
    """How likely n1 and n2 independent people with these true rates are to show a difference by Fisher's
    exact test (`proportions.exact_p`) at alpha, 0..1; 0 where a cohort has nobody.

    Every pair of counts is tried, as often as it comes. Where the smaller cohort alone has hundreds of the
    rarer outcome it is the formula of `people_for_difference` the other way round, for cohorts of different
    sizes (J. L. Fleiss, A. Tytun and H. K. Ury, Biometrics 36 (1980), 343-346); with few it would be far too
    low (.29 instead of .54 for 30 and 300 people with rates of .98 and .85).
    """
    _between(rate1, "a rate", closed=True)
    _between(rate2, "a rate", closed=True)
    if n1 < 0 or n2 < 0:
        raise ValueError(f"people are counted from 0, not {min(n1, n2)}")
    each = _each(alpha, pairs)
    if n1 == 0 or n2 == 0:
        return 0.0
    mean, either = (n1 * rate1 + n2 * rate2) / (n1 + n2), 1 / n1 + 1 / n2
    if min(n1, n2) * min(mean, 1 - mean) < HUNDREDS:
        return _power_of_fishers_test(rate1, n1, rate2, n2, each)
    seen = abs(rate1 - rate2) - either / 2 + float(ndtri(each / 2)) * math.sqrt(mean * (1 - mean) * either)
    spread = math.sqrt(rate1 * (1 - rate1) / n1 + rate2 * (1 - rate2) / n2)
    return float(ndtr(seen / spread)) if spread else 1.0


def smallest_difference(
    rate: float, n1: int, n2: int, *, power: float = 0.8, alpha: float = 0.05, pairs: int = 1
) -> float | None:
    """The smallest difference below `rate` that cohorts of n1 and n2 independent people would show with that
    power whichever of them has the lower rate, to within a thousandth of itself; None where they would not
    even show it if nobody of one cohort were found."""
    _between(power, "power")

    def shown(difference: float) -> bool:
        lower = rate - difference
        return all(
            power_of_difference(rate, higher, lower, other, alpha=alpha, pairs=pairs) >= power
            for higher, other in {(n1, n2), (n2, n1)}
        )

    if not shown(rate):
        return None
    low, high = 0.0, rate
    while high - low > FINE * high:
        middle = (low + high) / 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def people_for_equivalence(
    rate: float, margin: float, *, power: float = 0.8, alpha: float = 0.05, pairs: int = 1
) -> int:
    """Independent people in each of two cohorts, both truly with `rate`, so that two one-sided tests at alpha
    show with that power that they differ by less than `margin`.

    It begins with the formula of S.-C. Chow, J. Shao and H. Wang, Sample Size Calculations in Clinical
    Research (2nd ed., 2008), section 4.2.4, which promises too much near 0 and 1 (135 people for .98 and
    .05, who reach a power of .60), and goes on to what `power_of_equivalence` says is enough. pairs:
    comparisons that must all succeed: the power left over is divided by them, and alpha need not be (R. L.
    Berger, Technometrics 24 (1982), 295-300). Raises ValueError for what is no rate or margin.
    """
    _between(rate, "a rate")
    _between(margin, "a margin")
    _between(power, "power")
    _each(alpha, 1)
    missed = _each(1 - power, pairs)
    reach = float(ndtri(alpha) + ndtri(missed / 2))
    people = max(1, math.ceil(reach**2 * 2 * rate * (1 - rate) / margin**2))
    while power_of_equivalence(rate, people, people, margin, alpha=alpha) < 1 - missed:
        people += max(1, people // 200)
    return people


def power_of_equivalence(rate: float, n1: int, n2: int, margin: float, *, alpha: float = 0.05) -> float:
    """How likely n1 and n2 independent people, both truly with `rate`, are to show with
    `proportions.equivalent` that they differ by less than `margin`, 0..1.

    Every pair of counts is tried, as often as it comes; where many of each outcome are expected, the normal
    distribution gives the same.
    """
    _between(rate, "a rate")
    _between(margin, "a margin")
    _each(alpha, 1)
    if n1 < 0 or n2 < 0:
        raise ValueError(f"people are counted from 0, not {min(n1, n2)}")
    if n1 == 0 or n2 == 0:
        return 0.0
    if min(n1, n2) * min(rate, 1 - rate) > MANY:
        spread = math.sqrt(rate * (1 - rate) * (1 / n1 + 1 / n2))
        return max(0.0, 2 * float(ndtr(margin / spread + float(ndtri(alpha)))) - 1)
    (counts1, chance1), (counts2, chance2) = _outcomes(rate, n1), _outcomes(rate, n2)
    ends1, ends2 = (
        np.array([wilson(int(k), n, 1 - 2 * alpha) for k in counts])
        for n, counts in ((n1, counts1), (n2, counts2))
    )
    share1, share2 = counts1 / n1, counts2 / n2
    difference = share1[:, None] - share2
    # `proportions.difference_of`, of every pair at once.
    below = difference - np.hypot((share1 - ends1[:, 0])[:, None], ends2[:, 1] - share2)
    above = difference + np.hypot((ends1[:, 1] - share1)[:, None], share2 - ends2[:, 0])
    return float(chance1 @ ((below > -margin) & (above < margin)) @ chance2)


def pairs_of(cohorts: int) -> int:
    """How many comparisons there are among so many cohorts, each with each other."""
    if cohorts < 2:
        raise ValueError(f"a comparison needs two cohorts at least, not {cohorts}")
    return cohorts * (cohorts - 1) // 2


def _power_of_fishers_test(rate1: float, n1: int, rate2: float, n2: int, alpha: float) -> float:
    if rate1 + rate2 > 1:  # the same test of the rarer outcome, of which there are fewer to try
        rate1, rate2 = 1 - rate1, 1 - rate2
    counts1, chance1 = _outcomes(rate1, n1)
    counts2, chance2 = _outcomes(rate2, n2)
    power = 0.0
    for events in range(int(counts1[0] + counts2[0]), int(counts1[-1] + counts2[-1]) + 1):
        likely = _likely_tables(n1, n2, events)
        weights = np.exp(
            log_choose(n1, likely) + log_choose(n2, events - likely) - log_choose(n1 + n2, np.array([events]))
        )
        ranked = np.sort(weights)
        # Tables that are as probable differ by rounding only, as in `proportions.exact_p`.
        p = np.cumsum(ranked)[np.searchsorted(ranked, weights * (1 + 1e-7), side="right") - 1]
        accepted = likely[p > alpha]
        pairs = (counts1 >= events - counts2[-1]) & (counts1 <= events - counts2[0])
        if len(accepted):
            pairs &= (counts1 < accepted[0]) | (counts1 > accepted[-1])
        power += float(chance1[pairs] @ chance2[events - counts1[pairs] - counts2[0]])
    return min(1.0, power)


def _likely_tables(n1: int, n2: int, events: int) -> NDArray[np.intp]:
    """How many of all events may be of the first cohort, if it is no different; without those that one table
    in a thousand million is."""
    share = n1 / (n1 + n2)
    wide = 6 * math.sqrt(events * share * (1 - share)) + 20
    low = max(0, events - n2, math.floor(events * share - wide))
    return np.arange(low, min(n1, events, math.ceil(events * share + wide)) + 1)


def _outcomes(rate: float, n: int) -> tuple[NDArray[np.intp], F64]:
    """How many of n people may be found, and how likely each count is; without those that one trial in a
    thousand million comes to."""
    wide = 6 * math.sqrt(n * rate * (1 - rate)) + 20
    counts = np.arange(max(0, math.floor(n * rate - wide)), min(n, math.ceil(n * rate + wide)) + 1)
    logs = log_choose(n, counts) + xlogy(counts, rate) + xlog1py(n - counts, -rate)
    return counts, np.asarray(np.exp(logs), dtype=np.float64)


def _rates(rate: float, difference: float) -> tuple[float, float]:
    _between(rate, "a rate", closed=True)
    _between(difference, "a difference", closed=True)
    if not 0 < difference <= rate:
        raise ValueError(f"a difference of {difference} below {rate} leaves no rate")
    return rate, rate - difference


def _each(alpha: float, pairs: int) -> float:
    _between(alpha, "alpha")
    if pairs < 1:
        raise ValueError(f"there is a comparison at least, not {pairs}")
    return alpha / pairs


def _between(value: float, name: str, *, closed: bool = False) -> None:
    if not (0.0 <= value <= 1.0 if closed else 0.0 < value < 1.0):
        raise ValueError(f"{name} lies between 0 and 1, not {value}")


def _fewest(enough: Callable[[int], bool]) -> int:
    """The smallest number from 1 on that is enough; more of it always is."""
    high = 1
    while not enough(high):
        high *= 2
        if high > MOST:
            raise ValueError("no trial of any size shows that")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
