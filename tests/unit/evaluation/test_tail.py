"""The tail is extrapolated with an interval that holds the truth, and errs on the strict side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import genpareto, gumbel_r, norm

from lfrd.evaluation.tail import LEAST, Tail, fitted
from lfrd.types import F64

FPIRS = (1e-3, 1e-4, 1e-5)
ROUNDS = 60

Draw = Callable[[np.random.Generator, int], F64]
Truth = Callable[[float], float]

KNOWN: dict[str, tuple[Draw, Truth]] = {
    "exponential": (
        lambda random, k: 0.3 + random.exponential(0.02, k),
        lambda fpir: float(0.3 - 0.02 * np.log(fpir)),
    ),
    "generalised Pareto, bounded": (
        lambda random, k: 0.3 + genpareto.rvs(-0.2, scale=0.05, size=k, random_state=random),
        lambda fpir: 0.3 + float(genpareto.isf(fpir, -0.2, scale=0.05)),
    ),
    "normal": (
        lambda random, k: random.normal(0.3, 0.03, k),
        lambda fpir: float(norm.isf(fpir, 0.3, 0.03)),
    ),
    "Gumbel": (
        lambda random, k: random.gumbel(0.3, 0.03, k),
        lambda fpir: float(gumbel_r.isf(fpir, 0.3, 0.03)),
    ),
}


def tail(scores: F64, people: object = None, rounds: int = ROUNDS, seed: int = 1) -> Tail | None:
    who = np.arange(len(scores)) if people is None else np.asarray(people, np.intp)
    return fitted(scores, who, FPIRS, seed=seed, rounds=rounds)


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("searches", [500, 2000])
def test_the_true_score_lies_in_the_interval_at_least_as_often_as_it_says(name: str, searches: int) -> None:
    """Of 60 samples at 95 % a fair interval leaves out 7 or more one time in fifty."""
    draw, truth = KNOWN[name]
    left_out = dict.fromkeys(FPIRS, 0)
    for seed in range(60):
        found = tail(draw(np.random.default_rng(seed), searches), seed=seed)
        assert found is not None
        for fpir, (_, low, high) in found.estimates.items():
            left_out[fpir] += not low <= truth(fpir) <= high
    assert max(left_out.values()) <= 6


@pytest.mark.parametrize("name", ["generalised Pareto, bounded", "normal"])
def test_where_the_tail_is_bounded_or_light_the_score_is_above_what_is_needed(name: str) -> None:
    draw, truth = KNOWN[name]
    for seed in range(10):
        found = tail(draw(np.random.default_rng(seed), 2000))
        assert found is not None
        assert not found.heavy
        for fpir in FPIRS[1:]:
            assert found.estimates[fpir].score >= truth(fpir)


def test_a_rarer_false_alert_needs_a_higher_score_and_has_a_wider_interval() -> None:
    found = tail(KNOWN["Gumbel"][0](np.random.default_rng(3), 2000))
    assert found is not None
    estimates = [found.estimates[fpir] for fpir in FPIRS]
    assert estimates == sorted(estimates)
    widths = [high - low for _, low, high in estimates]
    assert widths == sorted(widths)
    assert all(low <= score <= high for score, low, high in estimates)


def test_a_persons_many_searches_are_no_more_people() -> None:
    random = np.random.default_rng(4)
    scores = random.gumbel(0.3, 0.03, 600)
    once = tail(scores, rounds=300)
    often = tail(np.repeat(scores, 8), np.repeat(np.arange(600), 8), rounds=300)
    assert once is not None
    assert often is not None
    for fpir in FPIRS:
        (_, low, high), (_, low8, high8) = once.estimates[fpir], often.estimates[fpir]
        assert high8 - low8 == pytest.approx(high - low, rel=0.25)


def test_a_tail_that_is_clearly_heavier_than_exponential_is_taken_as_it_is() -> None:
    scores = 0.2 + genpareto.rvs(0.45, scale=0.01, size=8000, random_state=np.random.default_rng(5))
    found = tail(np.minimum(scores, 1.0), rounds=200)
    assert found is not None
    assert found.heavy
    exponential = found.above + found.mean * np.log(found.share / 1e-4)
    assert found.estimates[1e-4].score > exponential
    assert "generalised Pareto tail" in found.in_words()


def test_no_score_is_no_cosine() -> None:
    scores = np.minimum(0.9 + np.random.default_rng(6).exponential(0.02, 1000), 1.0)
    found = tail(scores)
    assert found is not None
    assert all(-1 <= end <= 1 for estimate in found.estimates.values() for end in estimate)


def test_the_same_seed_gives_the_same_and_the_order_of_the_searches_does_not_matter() -> None:
    random = np.random.default_rng(7)
    scores, people = random.normal(0.3, 0.05, 900), random.integers(0, 500, 900)
    first, again = tail(scores, people), tail(scores, people)
    assert first == again
    order = random.permutation(900)
    other = tail(scores[order], people[order])
    assert first is not None
    assert other is not None
    assert other.estimates[1e-4].score == pytest.approx(first.estimates[1e-4].score, abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "people"),
    [
        ([], []),
        ([0.4] * 1000, range(1000)),
        ([-np.inf] * 1000, range(1000)),
        (np.linspace(0.1, 0.5, LEAST * 3), range(LEAST * 3)),  # the tail would be a third of all
        (np.linspace(0.1, 0.5, 4000), np.arange(4000) % (LEAST - 1)),
        ([0.5] * 300 + [0.1] * 700, range(1000)),
    ],
    ids=["none", "all equal", "nobody has a candidate", "few searches", "few people", "ties above the level"],
)
def test_too_little_to_extrapolate_from_is_no_tail(scores: object, people: object) -> None:
    found = fitted(np.asarray(scores, np.float64), np.asarray(people, np.intp), FPIRS, seed=1, rounds=20)
    assert found is None


def test_searches_without_a_candidate_count_among_all() -> None:
    random = np.random.default_rng(8)
    scores = random.gumbel(0.3, 0.03, 1000)
    half = tail(np.concatenate([scores, np.full(1000, -np.inf)]))
    all_of_them = tail(scores)
    assert half is not None
    assert all_of_them is not None
    assert half.estimates[1e-3].score < all_of_them.estimates[1e-3].score


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        tail(np.array([0.1, np.nan]))
    with pytest.raises(ValueError, match="each search has a person"):
        tail(np.array([0.1, 0.2]), [1])
