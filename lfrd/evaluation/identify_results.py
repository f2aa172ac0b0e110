"""What `lfrd evaluate identify --json` prints: the figures of an identification, without anybody in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfrd import __version__
from lfrd.decision.threshold import points_of, threshold_for
from lfrd.errors import CalibrationError
from lfrd.evaluation import openset
from lfrd.evaluation.bootstrap import METHODS, clustered
from lfrd.evaluation.identify import Identification
from lfrd.evaluation.openset import DEFAULT_FPIRS, Point
from lfrd.evaluation.people import Cast
from lfrd.evaluation.searches import Searches
from lfrd.policy.intervals import Interval
from lfrd.vision.pack import Pack


@dataclass(frozen=True, slots=True)
class CardPoint:
    """What the pack's card promised of single pictures and what came, at the threshold that it gives for
    `fpir` on a list of this length. Unlike `points`, no threshold is chosen by these very searches."""

    fpir: float
    extrapolated: bool
    point: Point


@dataclass(frozen=True, slots=True)
class Figures:
    """An identification's rates with their intervals. rank1: share of mated searches; compared_points: of
    those in which faces were compared; by_size: points of each length of list, the whole list's last. alike:
    non-mated searches that score as high as half of the mated ones do to their own entry."""

    points: list[Point]
    rank1: float | None
    rank1_interval: Interval
    compared_points: list[Point]
    compared_rank1: float | None
    by_size: list[tuple[Searches, list[Point]]]
    card: list[CardPoint]
    alike: int


def figures_of(found: Identification, pack: Pack, *, seed: int, confidence: float = 0.95) -> Figures:
    """seed: of the bootstrap. confidence: of each interval, within 0..1."""

    def points(searches: Searches) -> list[Point]:
        return openset.points(searches, seed=seed, confidence=confidence)

    searches = found.searches
    whole = points(searches)
    right = searches.own > searches.other
    own = searches.own[np.isfinite(searches.own)]
    return Figures(
        points=whole,
        rank1=_share(openset.rank1(searches)),
        rank1_interval=clustered(right, searches.mated, seed=seed, confidence=confidence),
        compared_points=points(found.compared) if len(found.compared.own) else [],
        compared_rank1=_share(openset.rank1(found.compared)),
        by_size=[*((shorter, points(shorter)) for shorter in found.shorter), (searches, whole)],
        card=_card_points(searches, pack, seed, confidence),
        alike=int(np.count_nonzero(searches.top >= np.median(own))) if len(own) else 0,
    )


def results_of(
    found: Identification, figures: Figures, cast: Cast, pack: Pack, *, seed: int, confidence: float
) -> dict[str, Any]:
    """For JSON. Shares are 0..1; what is not known is null."""
    searches = found.searches
    curve, bins = openset.det(searches), openset.histograms(searches)
    mated, non_mated = len(searches.own), len(searches.top)
    return {
        "gallery": searches.entries,
        "mated": mated,
        "non_mated": non_mated,
        "fte": found.fte,
        "fta": _share((found.mated_failures, mated)),
        "non_mated_fta": _share((found.non_mated_failures, non_mated)),
        "rank1": figures.rank1,
        "rank1_low": figures.rank1_interval.low,
        "rank1_high": figures.rank1_interval.high,
        "points": _plain(figures.points),
        "resolvable_fpir": openset.resolvable(searches),
        "unresolved_fpirs": openset.unresolved(searches, DEFAULT_FPIRS),
        "sizes": [
            {
                "gallery": one.entries,
                "rank1": _share(openset.rank1(one)),
                "points": _plain(points),
            }
            for one, points in figures.by_size
        ],
        "sizes_left_out": found.sizes_left_out,
        "compared": {
            "mated": len(found.compared.own),
            "non_mated": len(found.compared.top),
            "rank1": figures.compared_rank1,
            "points": _plain(figures.compared_points),
        },
        "card": [{"extrapolated": one.extrapolated, **dataclasses.asdict(one.point)} for one in figures.card],
        "people": {
            "gallery": found.people,
            "enrolled": found.enrolled,
            "filler": found.filler,
            "filler_enrolled": found.filler_enrolled,
            "without_probes": found.idle,
            "mated": len(np.unique(searches.mated)),
            "non_mated": len(np.unique(searches.non_mated)),
        },
        "non_mated_are": "the probes, each on the list without its own person"
        if found.own_left_out
        else "people on no list",
        "non_mated_alike": figures.alike,
        "failures": found.failures,
        "whose": found.whose,
        "det": {
            "threshold": curve.threshold.tolist(),
            "fpir": curve.fpir.tolist(),
            "fnir": curve.fnir.tolist(),
        },
        "histograms": {
            "edges": bins.edges.tolist(),
            "mated": bins.mated.tolist(),
            "non_mated": bins.non_mated.tolist(),
            "mated_without": bins.mated_without,
            "non_mated_without": bins.non_mated_without,
        },
        "confidence": confidence,
        "intervals": dict(METHODS),
        "seed": seed,
        "pack": {"name": pack.name, "version": pack.manifest.version, "digest": pack.manifest.digest},
        "data": {people.role.value: {"sha256": people.digest, **people.counts} for people in cast},
        "software": __version__,
    }


def _card_points(searches: Searches, pack: Pack, seed: int, confidence: float) -> list[CardPoint]:
    """Nothing where the card does not say which score to take."""
    card = points_of(pack.manifest.calibration)
    found = []
    for fpir in DEFAULT_FPIRS:
        try:
            threshold = threshold_for(card, fpir, searches.entries, of="picture")
        except CalibrationError:
            break
        point = openset.at(searches, threshold.score, fpir=fpir, seed=seed, confidence=confidence)
        found.append(CardPoint(fpir, threshold.extrapolated, point))
    return found


def _plain(points: Sequence[Point]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(point) for point in points]


def _share(counts: tuple[int, int]) -> float | None:
    k, n = counts
    return k / n if n else None
