"""Intervals of shares whose searches belong together: a person's several probes are no independent trials."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from lfrd.evaluation.proportions import clopper_pearson
from lfrd.policy.intervals import Interval, wilson, wilson_of

Method = Literal["wilson", "people", "exact", "exact_people", "clustered"]
METHODS: Final[dict[Method, str]] = {
    "wilson": "Wilson's score interval",
    "people": "Wilson's score interval, each person counted once, since all searches ended alike",
    "exact": "Clopper and Pearson's exact interval",
    "exact_people": "Clopper and Pearson's exact interval, each person counted once, since all searches "
    "ended alike",
    "clustered": "bootstrap over people, never narrower than Wilson's interval for as many independent "
    "searches as theirs are worth",
}
"""How an interval was made, in a report's words."""


def method_of(hits: NDArray[np.bool_], cluster: NDArray[np.intp], *, exact: bool = False) -> Method:
    """Which of METHODS `clustered` takes for these searches."""
    if len(np.unique(cluster)) == len(hits):
        return "exact" if exact else "wilson"
    if hits.all() or not hits.any():
        return "exact_people" if exact else "people"
    return "clustered"


def clustered(
    hits: NDArray[np.bool_],
    cluster: NDArray[np.intp],
    *,
    rounds: int = 2000,
    seed: int,
    confidence: float = 0.95,
    exact: bool = False,
) -> Interval:
    """The interval of the share of `hits` (bool [m]) where searches with the same number in `cluster`
    (int [m]) are of one person.

    People are drawn again with all their searches, `rounds` times; the interval lies between percentiles of
    their shares (B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, sections 8.3 and
    13.3; by subject as in ISO/IEC 19795-1). With few people or few hits that alone is too narrow: 86 % of
    the time instead of 95 % it held for 20 people, in the first trial of tests/unit/evaluation/
    test_bootstrap.py. So it is widened, where need be, to Wilson's interval with the effective number of
    searches of E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected
    number of positive counts estimated from survey data", Survey Methodology 24 (1998), 193-201.

    Where each person has one search it is Wilson's interval; exact: Clopper and Pearson's, which is wider and
    never covers less often than it says, for a rate that must not be told too small. Where all searches ended
    alike nothing shows how far a person's searches agree, so each person counts once. Of one person with hits
    and misses nothing follows for anybody else: 0 to 1, as for no search at all. It depends on the seed, not
    on how people are numbered or ordered. Raises ValueError where lengths differ, rounds < 1 or confidence is
    not within 0..1.
    """
    if len(hits) != len(cluster):
        raise ValueError(f"each search has a person: {len(hits)} searches, {len(cluster)} people's numbers")
    if rounds < 1:
        raise ValueError(f"a bootstrap needs a round at least, not {rounds}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence lies between 0 and 1, not {confidence}")
    _, index, sizes = np.unique(cluster, return_inverse=True, return_counts=True)
    people, searches, count = len(sizes), len(hits), int(np.count_nonzero(hits))
    independent = clopper_pearson if exact else wilson
    if people == searches:
        return independent(count, searches, confidence)
    if count in (0, searches):
        return independent(people if count else 0, people, confidence)
    if people == 1:
        return Interval(0.0, 1.0)
    found = np.bincount(index[hits], minlength=people)
    # People with as many searches and hits are interchangeable: how often each such kind comes is drawn
    # instead of who comes, in a hundredth of the time.
    kinds, of_kind = np.unique(np.stack([sizes, found], axis=1), axis=0, return_counts=True)
    drawn = _shares_drawn_again(kinds, of_kind, rounds, seed)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail))
    wide = _worth_of_people(kinds, of_kind, tail)
    return Interval(min(float(low), wide.low), max(float(high), wide.high))


def _shares_drawn_again(
    kinds: NDArray[np.intp], of_kind: NDArray[np.intp], rounds: int, seed: int
) -> NDArray[np.float64]:
    """Float64 [rounds], the share of hits among as many people drawn with replacement. kinds: int [k, 2],
    searches and hits of a person; of_kind: int [k], people of each."""
    people = of_kind.sum()
    times = np.random.default_rng(seed).multinomial(people, of_kind / people, size=rounds)
    return np.asarray((times @ kinds[:, 1]) / (times @ kinds[:, 0]), dtype=np.float64)


def _worth_of_people(kinds: NDArray[np.intp], of_kind: NDArray[np.intp], tail: float) -> Interval:
    """Wilson's interval for as many independent searches as these are worth (Korn and Graubard 1998)."""
    people, searches = int(of_kind.sum()), int(of_kind @ kinds[:, 0])
    share = float(of_kind @ kinds[:, 1]) / searches
    apart = kinds[:, 1] - share * kinds[:, 0]
    between = people / (people - 1) * float(of_kind @ apart**2) / searches**2
    effect = max(1.0, between / (share * (1 - share) / searches))
    z = float(ndtri(1 - tail))
    worth = searches / effect * (z / float(stdtrit(people - 1, 1 - tail))) ** 2
    return wilson_of(share, worth, 1 - 2 * tail)
