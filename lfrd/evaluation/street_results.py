"""What measured clips come to: TPIR a passage, false alerts, time to the alert, what misses were lost to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from lfrd.evaluation.bootstrap import METHODS, clustered, method_of
from lfrd.evaluation.street_measure import Measured
from lfrd.evaluation.street_scene import CAUSES, Crossing
from lfrd.policy.intervals import poisson, wilson

Edges = tuple[float, ...]
SIZES: Final[Edges] = (0, 40, 60, 80, 100, 140, math.inf)
"""Pixels of the largest true face of a passage."""
POSES: Final[Edges] = (0, 0.1, 0.2, 0.3, 0.45, math.inf)
"""The larger of yaw and pitch (`Quality`) of the best face found; 0 is frontal."""
LIGHTS: Final[Edges] = (0, 60, 90, 120, 150, 180, math.inf)
"""Mean brightness of the best face found, 0..255."""
CROWDS: Final[Edges] = (1, 2, 3, 5, 8, 12, math.inf)
"""People in view at once, the mean over the passage."""

FACTORS: Final[dict[str, tuple[Edges, Callable[[Crossing], float | None]]]] = {
    "by_size": (SIZES, lambda one: one.width),
    "by_pose": (POSES, lambda one: one.turned),
    "by_light": (LIGHTS, lambda one: one.exposure),
    "by_crowd": (CROWDS, lambda one: one.crowd),
}


def results(measured: Measured, *, seed: int, confidence: float = 0.95) -> dict[str, Any]:
    """For JSON: counts, rates with their intervals, nobody's name. A rate is null where nothing was counted.

    seed: of the bootstrap; confidence: of every interval, 0..1.
    """
    crossings = [one for clip in measured.clips for one in clip.crossings]
    sought = [one for one in crossings if one.sought]
    refused = [one for one in crossings if one.refused]
    tracks = sum(clip.tracks for clip in measured.clips)
    hours = sum(clip.seconds for clip in measured.clips) / 3600
    false = sum(clip.false for clip in measured.clips)
    fpir, threshold = measured.scores[0]
    times = [one.to_alert for one in sought if one.to_alert is not None]
    return {
        "nominals": measured.nominals,
        "refused_at_enrolment": measured.refused,
        "fpir": fpir,
        "threshold": threshold,
        "threshold_source": measured.source,
        "clips": len(measured.clips),
        "hours": hours,
        "frames": sum(clip.frames for clip in measured.clips),
        "analysed": sum(clip.analysed for clip in measured.clips),
        "tracks": tracks,
        "alerts": sum(clip.alerts for clip in measured.clips),
        "passages": len(crossings),
        "strangers": len(crossings) - len(sought) - len(refused),
        "refused": len(refused),
        "sought": len(sought),
        "sought_people": len({one.person for one in sought}),
        **_tpir(sought, seed, confidence),
        "tpir_refused_as_missed": _tpir([*sought, *refused], seed, confidence),
        "false_alerts": {
            "count": false,
            "per_1000_tracks": _rate(false, tracks / 1000, confidence),
            "per_hour": _rate(false, hours, confidence),
        },
        "seconds_to_alert": {
            "passages": len(times),
            "median": float(np.quantile(times, 0.5)) if times else None,
            "p90": float(np.quantile(times, 0.9)) if times else None,
        },
        **{name: _by(sought, edges, value, seed, confidence) for name, (edges, value) in FACTORS.items()},
        "missed": _missed(sought),
        "tracking": {
            "tracks_of_several_people": sum(clip.glued for clip in measured.clips),
            "passages_in_several_tracks": sum(one.tracks > 1 for one in crossings),
        },
        "second_look": {
            "tracks": sum(clip.looked for clip in measured.clips),
            "alerts_that_differ": sum(clip.differ for clip in measured.clips),
            "clips_whose_truth_lies_on_no_face": sum(clip.strayed for clip in measured.clips),
        },
        "thresholds": _thresholds(measured, seed, confidence),
        "confidence": confidence,
        "seed": seed,
    }


def _tpir(
    sought: Sequence[Crossing], seed: int, confidence: float, found: Sequence[bool] | None = None
) -> dict[str, Any]:
    """found: of each; whether an alert came, if None."""
    hits = np.array([one.to_alert is not None for one in sought] if found is None else found, np.bool_)
    people = np.array([one.person for one in sought], np.intp)
    count = int(np.count_nonzero(hits))
    if not len(hits):
        return {"found": 0, "tpir": None, "tpir_low": None, "tpir_high": None, "interval": None}
    low, high = clustered(hits, people, seed=seed, confidence=confidence)
    return {
        "found": count,
        "tpir": count / len(hits),
        "tpir_low": low,
        "tpir_high": high,
        "interval": METHODS[method_of(hits, people)],
    }


def _rate(count: int, exposure: float, confidence: float) -> dict[str, float | None]:
    """Events a unit of exposure; null where nothing is known."""
    low, high = poisson(count, exposure, confidence)
    if not exposure:
        return {"rate": None, "low": None, "high": None}
    return {"rate": count / exposure, "low": low, "high": high}


def _by(
    sought: Sequence[Crossing],
    edges: Edges,
    value: Callable[[Crossing], float | None],
    seed: int,
    confidence: float,
) -> list[dict[str, Any]]:
    """A row each, from one edge up to the next; to: null without end, both null where it is not known."""
    rows: list[dict[str, Any]] = []
    values = [value(one) for one in sought]
    for low, high in pairwise(edges):
        inside = [one for one, at in zip(sought, values, strict=True) if at is not None and low <= at < high]
        to = None if math.isinf(high) else high
        rows.append({"from": low, "to": to, "passages": len(inside), **_tpir(inside, seed, confidence)})
    unknown = [one for one, at in zip(sought, values, strict=True) if at is None]
    if unknown:
        rows.append({"from": None, "to": None, "passages": len(unknown), **_tpir(unknown, seed, confidence)})
    return rows


def _missed(sought: Sequence[Crossing]) -> dict[str, Any]:
    causes = Counter(one.cause for one in sought if one.cause is not None)
    return {
        "count": causes.total(),
        **{
            part: {
                "count": sum(causes[one] for one in among),
                "causes": {str(one): causes[one] for one in among if causes[one]},
            }
            for part, among in CAUSES.items()
        },
    }


def _thresholds(measured: Measured, seed: int, confidence: float) -> list[dict[str, Any]]:
    """The second look at each threshold, the one in use first."""
    crossings = [one for clip in measured.clips for one in clip.crossings]
    tracks = sum(clip.looked for clip in measured.clips)
    rows = []
    for number, (fpir, score) in enumerate(measured.scores):
        found = [hit for clip in measured.clips for hit in clip.rows[number].found]
        of = [(one, hit) for one, hit in zip(crossings, found, strict=True) if one.sought]
        alerted = sum(clip.rows[number].non_mated for clip in measured.clips)
        low, high = wilson(alerted, tracks, confidence)
        rows.append(
            {
                "fpir": fpir,
                "threshold": score,
                **_tpir([one for one, _ in of], seed, confidence, [hit for _, hit in of]),
                "non_mated_alerts": alerted,
                "fpir_track": alerted / tracks if tracks else None,
                "fpir_track_low": low if tracks else None,
                "fpir_track_high": high if tracks else None,
            }
        )
    return rows
