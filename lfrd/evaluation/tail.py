"""The tail of non-mated scores beyond what was measured: how high a score a rarer false alert needs.

Excesses over a high level are fitted by an exponential and by a generalised Pareto distribution (J. Pickands,
"Statistical inference using extreme order statistics", Annals of Statistics 3 (1975), 119-131). A cosine ends
at 1, so the tail that it belongs to is bounded and its shape negative: the exponential one, whose shape is 0,
is then the conservative bound, and it is what a threshold is taken from. The other only widens the interval,
because it promises too much: fitted to 150 of 940 people it let pass, one time in ten, five to ten times as
many false alerts as wanted (docs/decision.md has the figures). Where the tail is clearly heavier than
exponential, which no cosine can keep up and one person in two folders can bring about, the Pareto one is
taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfrd.types import F64

SHARE: Final = 0.1
"""Of the searches, whose scores make the tail. With 0.2 and 0.05 the rates reached were no nearer."""
MOST: Final = 0.25
"""Of the searches, where fewer do not have `LEAST` people behind them: further down is no tail."""
LEAST: Final = 50
"""People whose scores make the tail, at least. With fewer nothing is extrapolated."""
ROUNDS: Final = 1000
HEAVIEST: Final = 0.5
"""Largest shape; with more, a mean to fit by does not exist."""


class Estimate(NamedTuple):
    """A score and its interval, all within -1..1."""

    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tail:
    """above: the level. share: of all searches, how many lie above it. mean: of the excesses, the exponential
    tail's scale. shape, scale: the generalised Pareto's, by probability-weighted moments. heavy: the shape's
    interval (shape_low to shape_high) lies above 0, so that the Pareto tail is taken."""

    above: float
    excesses: int
    people: int
    share: float
    mean: float
    shape: float
    shape_low: float
    shape_high: float
    scale: float
    estimates: dict[float, Estimate]
    """By FPIR."""

    @property
    def heavy(self) -> bool:
        return self.shape_low > 0

    def in_words(self) -> str:
        """How the scores were had, for the card."""
        kind = "generalised Pareto" if self.heavy else "exponential"
        return (
            f"{kind} tail of {self.excesses:,} scores of {self.people:,} people above {self.above:.4f}; "
            f"the generalised Pareto's shape is {self.shape:.2f} "
            f"({self.shape_low:.2f} to {self.shape_high:.2f})"
        )


def fitted(
    scores: F64,
    people: NDArray[np.intp],
    fpirs: Sequence[float],
    *,
    seed: int,
    confidence: float = 0.95,
    rounds: int = ROUNDS,
) -> Tail | None:
    """The tail of the highest score of each non-mated search, with the score for each FPIR.

    scores: float64 [k], one a search, -inf for a search without a candidate. people: int [k], whose search it
    was. fpirs: within (0, 1). None where too few people stand in the tail, or all of its scores are one.

    The interval holds the percentiles, for both distributions, of the same fit to people drawn again with all
    their searches (`rounds` times, with `seed`). Raises ValueError where lengths differ or a score is NaN.
    """
    if len(scores) != len(people):
        raise ValueError(f"each search has a person: {len(scores)} scores, {len(people)} people's numbers")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    above = _level(scores, people)
    if above is None:
        return None
    _, index = np.unique(people, return_inverse=True)
    over = np.flatnonzero(scores > above)
    over = over[np.argsort(scores[over])]
    excesses, owners = scores[over] - above, index[over]
    number = int(index.max()) + 1
    searches = np.bincount(index, minlength=number)
    one = _fit(excesses, np.ones((1, len(over))), np.array([len(scores)], np.float64))
    drawn = _drawn_again(excesses, owners, searches, rounds, seed)
    ends = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = (float(end) for end in np.quantile(drawn.shape, ends))
    estimates = {}
    for fpir in fpirs:
        spread = [
            np.quantile(above + excess, ends) for excess in (drawn.exponential(fpir), drawn.pareto(fpir))
        ]
        taken = one.pareto(fpir) if low > 0 else one.exponential(fpir)
        score = above + float(taken[0])
        estimates[fpir] = Estimate(
            _cosine(score),
            _cosine(min(score, *(float(each[0]) for each in spread))),
            _cosine(max(score, *(float(each[1]) for each in spread))),
        )
    return Tail(
        above=above,
        excesses=len(over),
        people=len(np.unique(owners)),
        share=float(one.share[0]),
        mean=float(one.mean[0]),
        shape=float(one.shape[0]),
        shape_low=low,
        shape_high=high,
        scale=float(one.scale[0]),
        estimates=estimates,
    )


@dataclass(frozen=True, slots=True)
class _Fits:
    """Float64 [rounds] each: both distributions fitted to weighted excesses."""

    share: F64
    mean: F64
    shape: F64
    scale: F64

    def exponential(self, fpir: float) -> F64:
        """The excess that `fpir` of all searches reach."""
        return np.asarray(self.mean * np.log(self.share / fpir), np.float64)

    def pareto(self, fpir: float) -> F64:
        """The same; (ratio^shape - 1) / shape tends to the logarithm where the shape tends to 0."""
        log = np.log(self.share / fpir)
        near = np.abs(self.shape) < 1e-6
        shape = np.where(near, 1.0, self.shape)
        return np.asarray(self.scale * np.where(near, log, np.expm1(shape * log) / shape), np.float64)


def _level(scores: F64, people: NDArray[np.intp]) -> float | None:
    """The highest score below the tail; None where there is no tail to speak of."""
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(people[order], return_index=True)
    if len(first) < LEAST:
        return None
    most = max(math.ceil(SHARE * len(scores)), int(np.sort(first)[LEAST - 1]) + 1)
    if most > MOST * len(scores):
        return None
    above = float(scores[order[most]])
    over = scores > above
    if not math.isfinite(above) or len(np.unique(people[over])) < LEAST or np.ptp(scores[over]) == 0:
        return None
    return above


def _fit(excesses: F64, weights: F64, searches: F64) -> _Fits:
    """excesses: float64 [m], ascending. weights: float64 [rounds, m], how often each was drawn. searches:
    float64 [rounds], all that were drawn.

    Probability-weighted moments: J. R. M. Hosking and J. R. Wallis, "Parameter and quantile estimation for
    the generalized Pareto distribution", Technometrics 29 (1987), 339-349; better than maximum likelihood
    for some hundred excesses, and always to be had.
    """
    total = np.maximum(weights.sum(1), 1e-9)
    mean = weights @ excesses / total
    above = 1 - (np.cumsum(weights, 1) - weights / 2) / total[:, None]
    second = ((weights * above) @ excesses) / total
    apart = np.maximum(mean - 2 * second, 1e-12)
    shape = np.clip(2 - mean / apart, -2.0, HEAVIEST)
    return _Fits(np.maximum(total / searches, 1e-12), mean, shape, mean * (1 - shape))


def _drawn_again(
    excesses: F64, owners: NDArray[np.intp], searches: NDArray[np.intp], rounds: int, seed: int
) -> _Fits:
    """Fits to people drawn with replacement, each with all their searches. Fifty rounds at a time: a table of
    all would be large. Draws with fewer than two excesses say nothing and are left out."""
    generator = np.random.default_rng(seed)
    number = len(searches)
    parts = []
    for start in range(0, rounds, 50):
        times = generator.multinomial(number, np.full(number, 1 / number), size=min(50, rounds - start))
        weights = times[:, owners].astype(np.float64)
        kept = weights.sum(1) >= 2
        parts.append(_fit(excesses, weights[kept], (times[kept] @ searches).astype(np.float64)))
    return _Fits(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("share", "mean", "shape", "scale")
        )
    )


def _cosine(score: float) -> float:
    return min(max(score, -1.0), 1.0)
