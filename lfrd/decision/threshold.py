"""From a pack's calibration: the score for the FPIR wanted, and the false alerts to expect of a score."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from lfrd.errors import CalibrationError
from lfrd.vision.pack import Calibration, Kind

RAREST: Final = 1e-6
"""No card says more of a score than that fewer faces than this raise a false alert: a tail of some thousand
searches does not reach further."""


@dataclass(frozen=True, slots=True)
class CalibrationPoints:
    """One measurement on the pack's card.

    n: nominals on the list; non_mated: searches of people who are on no list that stand behind it;
    points: (FPIR, score) pairs, FPIR within (0, 1), in any order; beyond: those that were extrapolated from
    them, all at a lower FPIR. people: who stand behind the searches, 0 where the card does not say.
    """

    n: int
    non_mated: int
    points: list[tuple[float, float]]
    kind: Kind = "picture"
    beyond: list[tuple[float, float]] = field(default_factory=list)
    people: int = 0


@dataclass(frozen=True, slots=True)
class Threshold:
    """score: a cosine, used as 'at or above'. fpir, n: what it was derived for; None where it was set by
    hand. extrapolated: no measurement reaches that far. source: where it comes from, for people."""

    score: float
    fpir: float | None
    n: int | None
    extrapolated: bool
    source: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What the card says of a score at a list: fpir, the share of faces on no list that raise an alert.

    bound: "over" where the score is below all that was measured, so that more than that share do; "under"
    where fewer do. extrapolated: no measurement reaches that far. kind: what was measured.
    """

    fpir: float
    bound: Literal["", "over", "under"]
    extrapolated: bool
    kind: Kind


def points_of(calibrations: Iterable[Calibration]) -> list[CalibrationPoints]:
    """The measurements of a manifest."""
    return [
        CalibrationPoints(
            row.n,
            row.non_mated,
            list(row.points),
            row.kind,
            [(fpir, score) for fpir, score, _, _ in row.extrapolated],
            row.people,
        )
        for row in calibrations
    ]


def by_hand(score: float) -> Threshold:
    """`decision.threshold`, which overrides the calibration. Raises CalibrationError outside -1..1."""
    if not -1.0 <= score <= 1.0:
        raise CalibrationError(f"decision.threshold: a cosine lies between -1 and 1, not {score}")
    return Threshold(score, None, None, False, "set by hand (decision.threshold)")


def lowest_score(calibrations: Sequence[CalibrationPoints]) -> float | None:
    """The lowest score on the card between single pictures, None where it has no calibration. At an FPIR of
    0.1 with 1,000 nominals, one comparison of strangers in 10,000 reaches it: `Evidence(split_below=...)`
    tells people apart by it."""
    return min((score for c in _preferred(calibrations, "picture") for _, score in c.points), default=None)


def threshold_for(
    calibrations: Sequence[CalibrationPoints], fpir: float, n: int, *, of: Kind = "track"
) -> Threshold:
    """The lowest score that keeps the FPIR at or below `fpir` on a list of `n` pictures.

    Pictures, not people: each is one more template that a stranger may resemble, and with two of everybody
    twice as many strangers reach a score (docs/recognition.md). Cards are measured with one of each.

    of: what is searched with. The decision of the live pipeline is a track's, so its measurements are taken
    where the card has any, and those of single pictures else; the other way round for `of="picture"`.

    Of these the one whose list is nearest in size (as a ratio) is taken, and `fpir` at n turned into the FPIR
    at its size n0 as if comparisons were independent: 1 - (1 - FPIR)^(n0 / n). The National Physical
    Laboratory's street test fits that (1/6,000 at N = 10,000, 1/60,000 at 1,000). Between two points the
    score is linear in log FPIR, measured or extrapolated by the calibration (evaluation.tail); beyond the
    strictest one the slope of the two strictest is followed. Beyond the measured points the threshold says
    that it is extrapolated; it is never below the card's lowest score.

    To ask for less FPIR or to load a longer list never lowers the score: where two measurements disagree,
    the higher score stays. Raises CalibrationError where the card cannot say, ValueError where fpir is not
    within (0, 1) or n is below 1.
    """
    if not 0.0 < fpir < 1.0:
        raise ValueError(f"fpir must lie between 0 and 1, not {fpir}")
    nearest, shorter = _of_size(_curves(calibrations, of), n)
    least = max(
        (curve.score(_at_size(fpir, border, curve.n)) for curve, border in shorter), default=-math.inf
    )
    wanted = _at_size(fpir, n, nearest.n)
    score = min(max(nearest.score(wanted), least), 1.0)
    beyond = wanted < nearest.finest
    if wanted > nearest.laxest and score == nearest.lowest:
        source = (
            f"calibration: the card's lowest score at N = {nearest.n:,} (FPIR {nearest.laxest:g} in "
            f"{nearest.searches}); FPIR {fpir:g} at N = {n:,} would allow less"
        )
    else:
        how = "extrapolated" if beyond else "interpolated"
        source = (
            f"calibration: FPIR {fpir:g} at N = {n:,}, {how} from {nearest.searches} at N = {nearest.n:,}"
        )
    return Threshold(score, fpir, n, beyond, source)


def expected(
    calibrations: Sequence[CalibrationPoints], score: float, n: int, *, of: Kind = "track"
) -> Expected | None:
    """What `threshold_for` would have been asked for to give this score, however it was had: its inverse.

    Where several rates have one score, the lowest of them. None where the card has no measurement, or one
    that contradicts itself. Raises ValueError where n is below 1 or score is no number.
    """
    if math.isnan(score):
        raise ValueError("a score must be a number")
    try:
        nearest, shorter = _of_size(_curves(calibrations, of), n)
    except CalibrationError:
        return None
    found: list[tuple[float, _Curve, float]] = [(_at_size(nearest.fpir(score), nearest.n, n), nearest, n)]
    found += [(_at_size(curve.fpir(score), curve.n, border), curve, border) for curve, border in shorter]
    fpir, curve, size = max(found, key=lambda each: each[0])
    bound: Literal["", "over", "under"] = "over" if score < curve.lowest else ""
    if not bound and (fpir < RAREST or curve.ends_at(score)):
        fpir, bound = max(fpir, RAREST), "under"
    return Expected(fpir, bound, _at_size(fpir, size, curve.n) < curve.finest * (1 - 1e-9), curve.kind)


def _preferred(calibrations: Sequence[CalibrationPoints], kind: Kind) -> Sequence[CalibrationPoints]:
    """Those of the kind; where there is none, all."""
    return [c for c in calibrations if c.kind == kind and c.points] or calibrations


def _curves(calibrations: Sequence[CalibrationPoints], of: Kind) -> list[_Curve]:
    """By size of list. Raises CalibrationError where there is none, or one contradicts itself."""
    chosen = _preferred(calibrations, of)
    curves = [_Curve(c) for c in sorted(chosen, key=lambda c: c.n) if c.points]
    if not curves:
        raise CalibrationError(
            "the model pack's card has no calibration: measure one with `lfrd calibrate`, take a pack that "
            "has one, or set a score by hand (decision.threshold)"
        )
    return curves


def _of_size(curves: list[_Curve], n: int) -> tuple[_Curve, list[tuple[_Curve, float]]]:
    """The curve whose list is nearest to n in size, and each that would be for a shorter one, with the size
    up to which it would. Raises ValueError where n is below 1."""
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    nearest, passed = curves[0], []
    for shorter, longer in itertools.pairwise(curves):
        border = math.sqrt(shorter.n * longer.n)
        if n < border:
            break
        passed.append((shorter, border))
        nearest = longer
    return nearest, passed


class _Curve:
    """One measurement's score over FPIR."""

    def __init__(self, measured: CalibrationPoints) -> None:
        points = sorted({*measured.points, *measured.beyond}, reverse=True)
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
        self.kind: Kind = measured.kind
        what = "tracks" if measured.kind == "track" else "single pictures"
        whose = f" of {measured.people:,} people" if measured.people else ""
        self.searches = f"{measured.non_mated:,} searches with {what}{whose}"
        self.laxest, self.lowest = points[0]
        strictest = min(f for f, _ in measured.points)
        self.finest = max(strictest, 1 / max(measured.non_mated, 1))  # no FPIR below this was measured
        self._logs = [math.log(f) for f, _ in points]  # falling
        self._scores = [s for _, s in points]  # rising

    def score(self, fpir: float) -> float:
        log = math.log(fpir)
        if log >= self._logs[-1]:
            return float(np.interp(-log, [-x for x in self._logs], self._scores))
        slope = self._slope()
        if slope is None:
            raise CalibrationError(
                f"the model pack's card has one score only (N = {self.n}), which does not say what an FPIR "
                f"of {fpir:.1g} needs: set decision.threshold"
            )
        return self._scores[-1] + slope * (self._logs[-1] - log)

    def fpir(self, score: float) -> float:
        """The lowest FPIR whose score is not above this one; the laxest measured where all are."""
        at = bisect.bisect_right(self._scores, score) - 1
        if at < 0:
            return self.laxest
        if at + 1 < len(self._scores):
            low, high = self._scores[at], self._scores[at + 1]
            part = (score - low) / (high - low)
            return math.exp(self._logs[at] + part * (self._logs[at + 1] - self._logs[at]))
        slope = self._slope()
        return math.exp(self._logs[-1] - ((score - self._scores[-1]) / slope if slope else 0.0))

    def ends_at(self, score: float) -> bool:
        """Whether the card says of this score only that it is no laxer than its last."""
        return score > self._scores[-1] and self._slope() is None

    def _slope(self) -> float | None:
        """Of the score over falling log FPIR, between the strictest point and the last below it in score;
        None where there is none."""
        rising = [  # two FPIRs may differ and their logarithms not
            i
            for i in range(len(self._scores) - 1)
            if self._scores[i] < self._scores[-1] and self._logs[i] > self._logs[-1]
        ]
        if not rising:
            return None
        last = rising[-1]
        return (self._scores[-1] - self._scores[last]) / (self._logs[last] - self._logs[-1])


def _at_size(fpir: float, n: float, other: float) -> float:
    """The FPIR at list size `other` of a threshold that gives `fpir` at size n, comparisons independent."""
    rate = -math.expm1(math.log1p(-fpir) * other / n)
    return min(max(rate, 1e-300), 1 - 1e-12)
