"""Tracks' evidence against the list: one search for all of them, then the open-set rule for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfrd.decision.rule import Rule, Verdict
from lfrd.gallery.index import Gallery
from lfrd.tracking.shots import Evidence
from lfrd.types import F32, Candidate


def judge(gallery: Gallery, rule: Rule, people: Sequence[Evidence]) -> list[tuple[Candidate | None, Verdict]]:
    """For each track the nominal nearest to its fused template, and the rule's verdict. For worker threads.

    A shot's own nearest nominal is looked for once under one revision of the list and noted with the shot: of
    ten kept shots nine have been asked about before. What each verdict came to is noted with its evidence.
    """
    fused = [evidence.fused() for evidence in people]
    shots = [evidence.shots() for evidence in people]
    fresh = [shot for kept in shots for shot in kept if shot.asked != gallery.revision]
    queries = [one.vector for one in fused if one is not None] + [shot.template.vector for shot in fresh]
    if not queries:
        return [(None, rule.judge(None, np.empty(0, np.float32), []))] * len(people)
    together: F32 = np.stack(queries)
    try:
        nearest = [ranked[0] if ranked else None for ranked in gallery.search(together, count=1)]
    finally:
        together.fill(0)
        for one in fused:
            if one is not None:
                one.wipe()
    answers = iter(nearest)
    bests = [None if one is None else next(answers) for one in fused]
    for shot, found in zip(fresh, answers, strict=True):
        shot.nearest, shot.asked = found, gallery.revision
    return [
        (best, _verdict(gallery, rule, evidence, best)) for best, evidence in zip(bests, people, strict=True)
    ]


def _verdict(gallery: Gallery, rule: Rule, evidence: Evidence, best: Candidate | None) -> Verdict:
    if best is None:
        return rule.judge(None, np.empty(0, np.float32), [])
    matrix = evidence.matrix()
    try:
        scores = gallery.scores(matrix, best.nominal)
    finally:
        matrix.fill(0)
    nearest = [shot.nearest for shot in evidence.shots()]
    verdict = rule.judge(best, scores, [None if one is None else one.nominal for one in nearest])
    highest = max(one.score for one in [best, *nearest] if one is not None)
    evidence.judged(verdict.alert, highest, rule.shot_threshold)
    return verdict
