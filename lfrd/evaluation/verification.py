"""Comparisons of two pictures, 1:1: who is accepted at each threshold, and where both errors are equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.evaluation import openset
from lfrd.evaluation.bootstrap import Method
from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.types import F64

DEFAULT_FARS: Final = (0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001)


@dataclass(frozen=True, slots=True)
class Comparisons:
    """What a recogniser answered to pairs of pictures.

    genuine: float64 [m], scores of two pictures of one person; NO_CANDIDATE where one of them gave no
    template: such a comparison is rejected and stays in the count (the generalised rates of ISO/IEC 19795-1).
    person: int [m], whose, by a number. impostor: float64 [k], scores of two people. impostor_person: int
    [k], by whose picture the comparison was made; comparisons of one person are no independent trials. That
    they share the other person too is not allowed for, so intervals hold for these people as the other side.
    NaN is refused: ValueError.
    """

    genuine: F64
    person: NDArray[np.intp]
    impostor: F64
    impostor_person: NDArray[np.intp]

    def __post_init__(self) -> None:
        self.searches()

    def searches(self) -> Searches:
        """The same as searches of lists with one entry: what `openset` offers, its DET curve and histograms
        among it, holds for them, with FAR for FPIR and FRR for FNIR."""
        nobody = np.full(len(self.genuine), NO_CANDIDATE)
        return Searches(self.genuine, nobody, self.person, self.impostor, self.impostor_person, 1)


@dataclass(frozen=True, slots=True)
class TarPoint:
    """Both rates at the threshold of a wanted FAR, 0..1, with their intervals, as `openset.Point`. accepted:
    impostor comparisons that reach the threshold. frr: 1 - tar."""

    far: float
    threshold: float
    accepted: int
    far_reached: float
    far_low: float
    far_high: float
    tar: float
    tar_low: float
    tar_high: float
    frr: float
    tar_method: Method
    far_method: Method


@dataclass(frozen=True, slots=True)
class Eer:
    """Where as many genuine pairs are rejected as impostors accepted: rate, 0..1, its interval, and the
    threshold. NaN, with 0 to 1, where there is no such threshold."""

    rate: float
    low: float
    high: float
    threshold: float


def tar_at_far(
    comparisons: Comparisons,
    fars: Sequence[float] = DEFAULT_FARS,
    *,
    seed: int,
    confidence: float = 0.95,
) -> list[TarPoint]:
    """The rates at the threshold of each wanted FAR, in the order given; an FAR for which there are too few
    impostor comparisons is left out. Thresholds and intervals are those of `openset.points`."""
    return [
        TarPoint(
            far=far,
            threshold=point.threshold,
            accepted=point.false,
            far_reached=point.fpir_reached,
            far_low=point.fpir_low,
            far_high=point.fpir_high,
            tar=point.tpir,
            tar_low=point.tpir_low,
            tar_high=point.tpir_high,
            frr=point.fnir,
            tar_method=point.tpir_method,
            far_method=point.fpir_method,
        )
        for far in fars
        for point in openset.points(comparisons.searches(), [far], seed=seed, confidence=confidence)
    ]


def unresolved(comparisons: Comparisons, fars: Sequence[float] = DEFAULT_FARS) -> list[float]:
    """Those wanted FARs that `tar_at_far` leaves out."""
    return openset.unresolved(comparisons.searches(), fars)


def eer(comparisons: Comparisons, *, seed: int, confidence: float = 0.95) -> Eer:
    """The equal error rate.

    Both rates are steps; between the last threshold with FRR below FAR and the next one each is taken as a
    straight line, and the rate is where these cross. The interval needs no model: at any threshold the true
    equal error rate lies between the true FAR and the true FRR, so it lies between the outer ends of their
    intervals (each with half the error allowed, by Bonferroni). There is none where one kind of comparison is
    missing, or where so many genuine pairs gave no template that FRR is above FAR at every threshold.
    """
    searches = comparisons.searches()
    curve = openset.det(searches, most=2 * (len(searches.own) + len(searches.top)) + 2)
    crossed = np.flatnonzero(curve.fnir >= curve.fpir)
    if not len(crossed) or (crossed[0] == 0 and curve.fnir[0] > curve.fpir[0]):
        return Eer(math.nan, 0.0, 1.0, math.nan)
    after = int(crossed[0])
    before = max(0, after - 1)
    ahead = float(curve.fpir[before] - curve.fnir[before])
    behind = float(curve.fnir[after] - curve.fpir[after])
    weight = ahead / (ahead + behind) if ahead + behind > 0 else 0.0
    rate = float(curve.fnir[before] + weight * (curve.fnir[after] - curve.fnir[before]))
    threshold = float(curve.threshold[after])
    point = openset.at(searches, threshold, seed=seed, confidence=1 - (1 - confidence) / 2)
    return Eer(
        rate,
        min(rate, point.fpir_low, 1 - point.tpir_high),
        max(rate, point.fpir_high, 1 - point.tpir_low),
        threshold,
    )
