"""What a detector's run comes to: precision and recall by size, average precision, each with its interval."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lfrd.evaluation.bootstrap import clustered
from lfrd.evaluation.detecting import LOW, Detected
from lfrd.evaluation.matching import IOU, Found, average_precision, average_precision_interval, curve
from lfrd.types import F64

SIZES: Final = (20.0, 40.0, 80.0, 160.0)
"""Pixels of a face's width that bound the groups, beyond the least that counts."""
CURVE_POINTS: Final = 200
"""Of precision by recall at the most; the ends are always there."""


def results(
    detected: Detected, *, max_side: int, least: float, seed: int, confidence: float = 0.95
) -> dict[str, Any]:
    """For JSON. A share is null where there was nothing to count.

    max_side: pixels at which pictures were searched; least: width from which a face counts; seed: of the
    bootstrap; confidence: of every interval, 0..1. Faces of one picture are found or lost together, so
    intervals are those of pictures drawn again.
    """
    edges = (least, *(size for size in SIZES if size > least), math.inf)
    groups = []
    for low, high in pairwise(edges):
        there = (detected.true_width >= low) & (detected.true_width < high)
        # A true face is in its group whatever the width of the box that found it.
        found = detected.found[(detected.found.width >= low) & (detected.found.width < high)]
        groups.append(
            {"from": low, "to": None if math.isinf(high) else high}
            | _group(detected, there, found, seed, confidence)
        )
    return {
        "pictures": detected.pictures,
        "iou": IOU,
        "max_side": max_side,
        "least_width": least,
        "score": detected.high,
        "least_score": LOW,
        "ignored": detected.ignored,
        "neither": detected.neither,
        **_group(detected, np.ones(len(detected.true_width), np.bool_), detected.found, seed, confidence),
        "by_size": groups,
        "curve": _curve(detected),
        "digest": detected.digest,
        "confidence": confidence,
        "seed": seed,
    }


def _group(
    detected: Detected, there: NDArray[np.bool_], found: Found, seed: int, confidence: float
) -> dict[str, Any]:
    """The same for all faces or those of a size. found: hits of these faces, and false ones of that size."""
    hit = detected.true_score[there] >= detected.high
    certain = found[found.scores >= detected.high]
    faces = int(np.count_nonzero(there))
    counts = np.bincount(detected.true_picture[there], minlength=detected.pictures)
    area = average_precision(found, faces)
    low, high = average_precision_interval(found, counts, seed=seed, confidence=confidence)
    return {
        "faces": faces,
        "found": int(np.count_nonzero(hit)),
        **_share("recall", hit, detected.true_picture[there], seed, confidence),
        "detections": len(certain),
        "false": int(np.count_nonzero(~certain.hits)),
        **_share("precision", certain.hits, certain.picture, seed, confidence),
        "average_precision": area,
        "average_precision_low": None if area is None else low,
        "average_precision_high": None if area is None else high,
    }


def _share(
    name: str, hits: NDArray[np.bool_], picture: NDArray[np.intp], seed: int, confidence: float
) -> dict[str, float | None]:
    if not len(hits):
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    low, high = clustered(hits, picture, seed=seed, confidence=confidence)
    return {name: float(np.mean(hits)), f"{name}_low": low, f"{name}_high": high}


def _curve(detected: Detected) -> list[dict[str, float]]:
    """Precision and recall at falling scores, so many of them that a page can draw the curve."""
    columns: tuple[F64, ...] = curve(detected.found, len(detected.true_width))
    points = len(columns[0])
    rows = np.unique(np.linspace(0, points - 1, min(points, CURVE_POINTS)).round().astype(int))
    return [
        {"score": float(score), "recall": float(recall), "precision": float(precision)}
        for score, recall, precision in zip(*(column[rows] for column in columns), strict=True)
    ]
