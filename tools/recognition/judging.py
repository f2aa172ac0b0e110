"""Searches of a list as arrays: how like everybody a track is, and up to which threshold it would alert."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from lfrd.decision.rule import LOOSER, LUCK
from lfrd.evaluation.searches import NO_CANDIDATE
from lfrd.gallery.index import rows_at_once
from lfrd.types import F32, F64

TOP = 100  # nearest of the cohort by which a score is normalised


@dataclass(frozen=True, slots=True)
class Listed:
    """rows: float32 [n, k, dim], k templates a person, of length 1. names: n people."""

    rows: F32 = field(repr=False)
    names: tuple[str, ...]

    def scores(self, queries: F32) -> F32:
        """float32 [q, n]: each query's best score over each person's templates."""
        n, k, dim = self.rows.shape
        rows, turned = self.rows.reshape(n * k, dim), np.ascontiguousarray(queries.T)
        found: F32 = np.empty((n * k, len(queries)), np.float32)
        step = rows_at_once(dim, len(queries))  # larger products wake BLAS's threads, which then spin
        for first in range(0, n * k, step):
            np.matmul(rows[first : first + step], turned, out=found[first : first + step])
        return cast(F32, found.reshape(n, k, len(queries)).max(axis=1).T)


Norm = Callable[[F32, F32], F32]
"""Queries float32 [q, dim] and their scores [q, n] to scores [q, n]. Who is taken off the list has -inf."""


def plain(queries: F32, scores: F32) -> F32:
    return scores


def by_cohort(listed: Listed, cohort: F32 | None, *, probe: bool, entry: bool, top: int = TOP) -> Norm:
    """Adaptive s-norm (Cumani and others, "Comparison of speaker recognition approaches for real
    applications", 2011): a score less the mean, over the deviation, of the `top` highest that the probe
    (t-norm), the list's entry (z-norm), or both (s-norm: the mean of the two) have with a cohort, brought
    back to the scale of the scores by the mean and deviation that entries have on average.

    cohort: float32 [c, dim] of strangers; None for the list itself without the two that are compared: then
    no stranger's template need be held.
    """
    n = len(listed.names)
    if cohort is None:
        likeness = np.stack([listed.scores(listed.rows[:, k]) for k in range(listed.rows.shape[1])]).max(
            axis=0
        )
        np.fill_diagonal(likeness, -np.inf)
    else:
        likeness = (listed.rows @ cohort.T).max(axis=1)
    entry_mean, entry_spread = _highest(likeness, min(top, likeness.shape[1] - 1))
    mean, spread = float(entry_mean.mean()), float(entry_spread.mean())

    def normalised(queries: F32, scores: F32) -> F32:
        parts = []
        if probe:
            if cohort is None:
                # The best one is left out: it is the candidate, who must not normalise their own score.
                found = np.sort(scores, axis=1)[:, -min(top, n - 2) - 1 : -1]
                centre, width = found.mean(axis=1), found.std(axis=1)
            else:
                centre, width = _highest(queries @ cohort.T, top)
            parts.append((scores - centre[:, None]) / width[:, None])
        if entry:
            parts.append((scores - entry_mean) / entry_spread)
        return cast(F32, mean + spread * np.mean(parts, axis=0))

    return normalised


def _highest(scores: F32, top: int) -> tuple[F32, F32]:
    top = min(top, scores.shape[1])
    found = np.partition(scores, -top, axis=1)[:, -top:]
    return found.mean(axis=1), found.std(axis=1)


Score = Callable[[F64, F64], float]
"""The candidate's scores: the fused template's to them and to the runner-up [2], and those of the shots that
agree [m], highest first, to the track's score."""


def product(fused: F64, agreeing: F64) -> float:
    """As `lfrd.decision.rule` has it."""
    return float(max([fused[0], *(1 - LUCK * (1 - agreeing[:1]))]))


def fused_alone(fused: F64, agreeing: F64) -> float:
    return float(fused[0])


def best_shot(fused: F64, agreeing: F64) -> float:
    """Without taking off its luck."""
    return float(max([fused[0], *agreeing[:1]]))


def mixed(fused: F64, agreeing: F64) -> float:
    """Half the fused template, half the mean of the shots that agree."""
    return (float(fused[0]) + float(agreeing.mean())) / 2 if len(agreeing) else float(fused[0])


def less_runner_up(share: float) -> Score:
    """A margin to the second candidate: a share of the runner-up's score is taken off."""
    return lambda fused, agreeing: product(fused, agreeing) - share * max(0.0, float(fused[1]))


def level(scores: F32, agreement: float, score: Score = product) -> tuple[int, float]:
    """The candidate, and the highest threshold at which the rule alerts.

    scores: [1 + shots, n], the fused template's first; NO_CANDIDATE for people taken off the list. As
    `lfrd.decision.rule.Rule.judge`: an alert at t needs the score to reach t and `agreement` of the shots,
    each nearest to the candidate, to reach 1 - LOOSER (1 - t).
    """
    fused, shots = scores[0], scores[1:]
    first = int(fused.argmax())
    second = float(np.partition(fused, -2)[-2]) if len(fused) > 1 else NO_CANDIDATE
    own = shots.argmax(axis=1) == first
    agreeing = np.sort(shots[own, first].astype(np.float64))[::-1]
    reached = score(np.array([fused[first], second], np.float64), agreeing)
    wanted = math.ceil(agreement * len(shots) - 1e-9)
    if wanted > len(agreeing):
        return first, NO_CANDIDATE
    if wanted:
        reached = min(reached, 1 - (1 - float(agreeing[wanted - 1])) / LOOSER)
    return first, reached


def without(scores: F32, columns: Sequence[int]) -> F32:
    """The scores on the list without these people."""
    left = scores.copy()
    left[:, list(columns)] = NO_CANDIDATE
    return left
