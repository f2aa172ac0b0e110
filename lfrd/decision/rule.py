"""The open-set rule: when a track's evidence is a possible match, and why it is not."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfrd.types import F32, Candidate, NominalId

LOOSER = 1.3
"""A single shot may be this many times as far (1 - score) from the nominal as the threshold allows the fused
template: at a threshold of 0.551 a shot supports from 0.416. docs/decision.md has the measurement."""

LUCK = 1.045
"""The best of several shots is partly luck: it counts as if it were this many times as far from the nominal.
With 1 twice as many strangers' tracks would reach a threshold as without single shots; with this, as many as
are wanted. docs/decision.md has that measurement too."""


class Reason(enum.StrEnum):
    """Stable codes: metrics count by them."""

    TOO_FEW_SHOTS = "too_few_shots"
    BELOW_THRESHOLD = "below_threshold"
    DISAGREEMENT = "disagreement"
    """The score reaches the threshold, but too few single shots point to the same nominal."""
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Verdict:
    """score: of the track to the fused template's nearest nominal, by that template or, less LUCK, by the
    best shot that agrees; None where the list is empty. support: the share of shots that point to that
    nominal by themselves, 0..1. A possible match, never an identification."""

    alert: bool
    reason: Reason
    score: float | None
    support: float


class Rule:
    """Whom the fused template resembles most is the candidate; what it or the best agreeing shot scores is
    the track's score; the single shots may object. docs/decision.md has what that was weighed against."""

    def __init__(self, threshold: float, least_shots: int, agreement: float) -> None:
        if not -1.0 <= threshold <= 1.0:
            raise ValueError(f"threshold must lie between -1 and 1, not {threshold}")
        if least_shots < 1:
            raise ValueError(f"least_shots must be at least 1, not {least_shots}")
        if not 0.0 <= agreement <= 1.0:
            raise ValueError(f"agreement must lie between 0 and 1, not {agreement}")
        self.threshold = threshold  # score of a track from which an alert is made
        self.least_shots = least_shots
        self.agreement = agreement  # least share of shots that support, 0..1
        self.shot_threshold = 1.0 - LOOSER * (1.0 - threshold)  # cosine from which a single shot supports

    def judge(
        self, best: Candidate | None, shot_scores: F32, shot_best: Sequence[NominalId | None]
    ) -> Verdict:
        """Judge one track.

        best: the fused template's nearest nominal, None on an empty list. shot_scores: float32 [n], each
        kept shot's own score to that nominal. shot_best: each shot's own nearest nominal. A shot whose own
        nearest is somebody else counts against, however high its score. Raises ValueError where the two
        differ in length.
        """
        if len(shot_scores) != len(shot_best):
            raise ValueError(f"{len(shot_scores)} scores for {len(shot_best)} shots")
        own = np.array([best is not None and nominal == best.nominal for nominal in shot_best], np.bool_)
        alone = 1.0 - LUCK * (1.0 - shot_scores[own])
        score = None if best is None else max([best.score, *alone.tolist()])
        support = float(np.mean(own & (shot_scores >= self.shot_threshold))) if len(own) else 0.0
        if len(shot_best) < self.least_shots:
            reason = Reason.TOO_FEW_SHOTS
        elif score is None or not score >= self.threshold:  # a score that is not a number is no alert
            reason = Reason.BELOW_THRESHOLD
        elif support < self.agreement:
            reason = Reason.DISAGREEMENT
        else:
            reason = Reason.ALERT
        return Verdict(reason is Reason.ALERT, reason, score, support)
