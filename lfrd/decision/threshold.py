"""The score from which a candidate is an alert, derived from a pack's calibration for the FPIR wanted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfrd.errors import CalibrationError


@dataclass(frozen=True, slots=True)
class CalibrationPoints:
    """One measurement on the pack's card.

    n: nominals on the list; non_mated: searches of people who are on no list that stand behind it;
    points: (FPIR, score) pairs, FPIR within (0, 1), in any order.
    """

    n: int
    non_mated: int
    points: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Threshold:
    """score: a cosine, used as 'at or above'. fpir, n: what it was derived for; None where it was set by
    hand. extrapolated: no measurement reaches that far. source: where it comes from, for people."""

    score: float
    fpir: float | None
    n: int | None
    extrapolated: bool
    source: str


def by_hand(score: float) -> Threshold:
    """`decision.threshold`, which overrides the calibration. Raises CalibrationError outside -1..1."""
    if not -1.0 <= score <= 1.0:
        raise CalibrationError(f"decision.threshold: a cosine lies between -1 and 1, not {score}")
    return Threshold(score, None, None, False, "set by hand (decision.threshold)")


def lowest_score(calibrations: Sequence[CalibrationPoints]) -> float | None:
    """The lowest score on the card, None where it has no calibration. At an FPIR of 0.1 with 1,000 nominals,
    one comparison of strangers in 10,000 reaches it: `Evidence(split_below=...)` tells people apart by it."""
    return min((score for c in calibrations for _, score in c.points), default=None)


def threshold_for(calibrations: Sequence[CalibrationPoints], fpir: float, n: int) -> Threshold:
    """The lowest score that keeps the FPIR at or below `fpir` on a list of `n` nominals.

    Of the card's measurements the one whose list is nearest in size (as a ratio) is taken, and `fpir` at n
    turned into the FPIR at its size n0 as if comparisons were independent: 1 - (1 - FPIR)^(n0 / n). The
    National Physical Laboratory's street test fits that (1/6,000 at N = 10,000, 1/60,000 at 1,000). Between
    two points the score is linear in log FPIR; beyond the strictest one the slope of the two strictest is
    followed, and the threshold says that it is extrapolated; it is never below the card's lowest score.

    To ask for less FPIR or to load a longer list never lowers the score: where two measurements disagree,
    the higher score stays. Raises CalibrationError where the card cannot say, ValueError where fpir is not
    within (0, 1) or n is below 1.
    """
    if not 0.0 < fpir < 1.0:
        raise ValueError(f"fpir must lie between 0 and 1, not {fpir}")
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    curves = [_Curve(c) for c in sorted(calibrations, key=lambda c: c.n) if c.points]
    if not curves:
        raise CalibrationError(
            "the model pack's card has no calibration: take a pack that has one, or set a score by hand "
            "(decision.threshold)"
        )
    nearest = curves[0]
    least = -math.inf
    for shorter, longer in itertools.pairwise(curves):
        border = math.sqrt(shorter.n * longer.n)
        if n < border:
            break
        least = max(least, shorter.score(_at_size(fpir, border, shorter.n)))
        nearest = longer
    wanted = _at_size(fpir, n, nearest.n)
    score = min(max(nearest.score(wanted), least), 1.0)
    beyond = wanted < nearest.finest
    if wanted > nearest.laxest and score == nearest.lowest:
        source = (
            f"calibration: the card's lowest score at N = {nearest.n:,} (FPIR {nearest.laxest:g} in "
            f"{nearest.non_mated:,} searches); FPIR {fpir:g} at N = {n:,} would allow less"
        )
    else:
        how = "extrapolated" if beyond else "interpolated"
        source = (
            f"calibration: FPIR {fpir:g} at N = {n:,}, {how} from {nearest.non_mated:,} searches at "
            f"N = {nearest.n:,}"
        )
    return Threshold(score, fpir, n, beyond, source)


class _Curve:
    """One measurement's score over FPIR."""

    def __init__(self, measured: CalibrationPoints) -> None:
        points = sorted(set(measured.points), reverse=True)
        if measured.n < 1 or not all(0 < f < 1 and -1 <= s <= 1 for f, s in points):
            raise CalibrationError(
                f"the model pack's card has a calibration (N = {measured.n}) with an FPIR outside 0..1 or a "
                "score outside -1..1: correct pack.toml, or set decision.threshold"
            )
        if any(stricter[1] < laxer[1] for laxer, stricter in itertools.pairwise(points)):
            raise CalibrationError(
                f"the model pack's card contradicts itself at N = {measured.n}: a lower FPIR has a lower "
                "score; correct pack.toml, or set decision.threshold"
            )
        self.n = measured.n
        self.non_mated = measured.non_mated
        self.laxest, self.lowest = points[0]
        self.finest = max(points[-1][0], 1 / max(measured.non_mated, 1))  # no FPIR below this was measured
        self._logs = [math.log(f) for f, _ in points]  # falling
        self._scores = [s for _, s in points]  # rising

    def score(self, fpir: float) -> float:
        log = math.log(fpir)
        if log >= self._logs[-1]:
            return float(np.interp(-log, [-x for x in self._logs], self._scores))
        rising = [  # two FPIRs may differ and their logarithms not
            i
            for i in range(len(self._scores) - 1)
            if self._scores[i] < self._scores[-1] and self._logs[i] > self._logs[-1]
        ]
        if not rising:
            raise CalibrationError(
                f"the model pack's card has one score only (N = {self.n}), which does not say what an FPIR "
                f"of {fpir:.1g} needs: set decision.threshold"
            )
        last = rising[-1]
        slope = (self._scores[-1] - self._scores[last]) / (self._logs[last] - self._logs[-1])
        return self._scores[-1] + slope * (self._logs[-1] - log)


def _at_size(fpir: float, n: float, other: float) -> float:
    """The FPIR at list size `other` of a threshold that gives `fpir` at size n, comparisons independent."""
    rate = -math.expm1(math.log1p(-fpir) * other / n)
    return min(max(rate, 1e-300), 1 - 1e-12)
