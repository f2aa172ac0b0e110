"""From which score two faces of a list look alike, and from which they are probably one person's."""

from __future__ import annotations

from dataclasses import dataclass

from lfrd.decision.threshold import Threshold, by_hand, points_of, threshold_for
from lfrd.policy.plan import Plan
from lfrd.vision.pack import Pack

CHANCE = 0.1
"""Strangers' pairs at the level of one face that are to be expected on a whole list: one list in ten."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Scores, -1..1. lookalike: the deployment's own alert threshold at this list's size: whoever stands
    before a camera raises an alert for the other as well. same_face: never below it."""

    lookalike: float
    same_face: float


def levels(pack: Pack, plan: Plan, n: int) -> Levels:
    """The levels for a list of n pictures.

    A list of n compared with itself is n searches that each meet n - 1 others, every pair twice. At an FPIR
    of f, n x f / 2 pairs of strangers are expected; `same_face` is the score at which that is CHANCE, so at
    f = 2 x CHANCE / n, read off the pack's calibration of single pictures as `decision.threshold` does. With
    a threshold set by hand on a pack without calibration both levels are that threshold: then every such pair
    waits.

    Raises CalibrationError where the pack's card cannot say.
    """
    calibrations = points_of(pack.manifest.calibration)
    n = max(2, n)
    alert: Threshold
    if plan.threshold is not None:
        alert = by_hand(plan.threshold)
        if not calibrations:
            return Levels(alert.score, alert.score)
    else:
        alert = threshold_for(calibrations, plan.fpir, n)
    same = threshold_for(calibrations, min(0.5, 2 * CHANCE / n), n, of="picture")
    return Levels(alert.score, max(alert.score, same.score))
