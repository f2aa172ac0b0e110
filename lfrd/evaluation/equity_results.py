"""What `lfrd evaluate equity --json` prints: rates by cohort and verdicts, without anybody in them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lfrd import __version__
from lfrd.evaluation.equity import Comparison, Glance, Row
from lfrd.evaluation.equity_trial import Study
from lfrd.evaluation.equity_words import verdict_text
from lfrd.evaluation.likeness import Spread
from lfrd.evaluation.people import Cast
from lfrd.vision.pack import Pack


def results_of(made: Study, cast: Cast, pack: Pack) -> dict[str, Any]:
    """For JSON. Shares are 0..1, ratios 0..infinity; what is not known, or not bounded, is null."""
    found, asked = made.measured.found, made.question
    return {
        "gallery": found.searches.entries,
        "mated": len(found.searches.own),
        "non_mated": len(found.searches.top),
        "non_mated_are": "the probes, each on the list without its own person"
        if found.own_left_out
        else "people on no list",
        "whose": found.whose,
        "threshold": asdict(made.threshold),
        "question": asdict(asked),
        "comparisons": sum(len(one.pairs) for one in made.comparisons),
        "verdicts": [_comparison(one, made) for one in made.comparisons],
        "sweep": [_glance(one) for one in made.glances],
        "pack": {"name": pack.name, "version": pack.manifest.version, "digest": pack.manifest.digest},
        "data": {people.role.value: {"sha256": people.digest, **people.counts} for people in cast},
        "software": __version__,
    }


def _comparison(one: Comparison, made: Study) -> dict[str, Any]:
    return {
        "variable": one.variable,
        "rate": one.rate.value,
        "verdict": one.verdict.value,
        "reason": one.reason.value or None,
        "sentence": verdict_text(one, made.question),
        "cohorts": [_row(row) for row in one.rows],
        "small_cohorts_pooled": one.pooled,
        "not_declared_in_pool": one.with_undeclared,
        "people_left_out": one.left_out,
        "agreement": one.agreement,
        "ratio": _spread(one.ratio),
        "miss_ratio": _spread(one.miss_ratio),
        "ratio_of_alike_cohorts": one.chance_ratio,
        "equivalence_p": one.alike_p,
        "equivalence_p_corrected": one.alike_corrected,
        "smallest_visible_difference": one.visible,
        "pairs": [asdict(pair) for pair in one.pairs],
    }


def _glance(one: Glance) -> dict[str, Any]:
    return {
        "threshold": one.threshold,
        "variable": one.variable,
        "rate": one.rate.value,
        "cohorts": [_row(row) for row in one.rows],
        "ratio": _spread(one.ratio),
        "apart": one.apart,
    }


def _row(row: Row) -> dict[str, Any]:
    return {**asdict(row), "cohort": row.cohort or None}


def _spread(spread: Spread | None) -> dict[str, float] | None:
    return None if spread is None else asdict(spread)
