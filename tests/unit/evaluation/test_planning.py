"""Trials are as large as textbooks and exact counts say, and no larger than what they shall show needs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from lfrd.evaluation.planning import (
    Size,
    independent,
    pairs_of,
    passages_for_margin,
    passing_fpir,
    people_for_difference,
    people_for_equivalence,
    power_of_difference,
    power_of_equivalence,
    searches_for_bound,
    smallest_difference,
)
from lfrd.evaluation.proportions import clopper_pearson, equivalent
from lfrd.policy.intervals import wilson_of


def fisher_power(p1: float, n1: int, p2: float, n2: int, alpha: float = 0.05) -> float:
    """How often Fisher's test rejects: every pair of counts, as often as it comes."""
    first, second = binom.pmf(np.arange(n1 + 1), n1, p1), binom.pmf(np.arange(n2 + 1), n2, p2)
    power = 0.0
    for events in range(n1 + n2 + 1):
        k = np.arange(max(0, events - n2), min(n1, events) + 1)
        chance = np.asarray(hypergeom.pmf(k, n1 + n2, n1, events))
        at_most = np.where(chance[None, :] <= chance[:, None] * (1 + 1e-7), chance[None, :], 0).sum(axis=1)
        rejected = k[at_most <= alpha]
        power += float((first[rejected] * second[events - rejected]).sum())
    return power


def test_the_rule_of_three_and_exact_tables_give_the_searches_for_a_bound() -> None:
    assert searches_for_bound(0.001) == 2995
    assert searches_for_bound(0.001) == pytest.approx(3 / 0.001, rel=0.002)
    # The samples of reliability engineering for 95 % confidence that at least 95 % (99 %) succeed.
    assert [searches_for_bound(0.05, errors=errors) for errors in range(4)] == [59, 93, 124, 153]
    assert [searches_for_bound(0.01, errors=errors) for errors in range(3)] == [299, 473, 628]


@given(fpir=st.floats(0.0005, 0.5), errors=st.integers(0, 20), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_the_searches_for_a_bound_are_the_fewest_whose_exact_limit_lies_below_it(
    fpir: float, errors: int, confidence: float
) -> None:
    n = searches_for_bound(fpir, errors=errors, confidence=confidence)
    one_sided = 2 * confidence - 1
    assert clopper_pearson(errors, n, one_sided).high <= fpir * (1 + 1e-9)
    assert n == errors + 1 or clopper_pearson(errors, n - 1, one_sided).high > fpir * (1 - 1e-9)


@given(searches=st.integers(1, 10_000), errors=st.integers(0, 20), power=st.sampled_from([0.5, 0.8, 0.95]))
def test_a_trial_passes_as_often_as_is_said(searches: int, errors: int, power: float) -> None:
    if errors >= searches:
        errors = searches - 1
    true = passing_fpir(searches, errors, power=power)
    assert binom.cdf(errors, searches, true) == pytest.approx(power)


def test_who_is_just_as_good_as_the_bound_hardly_ever_passes() -> None:
    searches = searches_for_bound(0.001)
    assert binom.cdf(0, searches, 0.001) <= 0.05
    assert 1 / passing_fpir(searches, 0) == pytest.approx(13_400, rel=0.01)


@pytest.mark.parametrize(
    ("rate", "margin"), [(0.9, 0.05), (0.5, 0.05), (0.98, 0.01), (1.0, 0.05), (0.0, 0.1)]
)
def test_the_passages_for_a_margin_are_the_fewest_that_reach_it(rate: float, margin: float) -> None:
    n = passages_for_margin(rate, margin)
    for passages, enough in ((n, True), (n - 1, False)):
        low, high = wilson_of(rate, passages)
        assert (max(rate - low, high - rate) <= margin) is enough


def test_the_passages_for_a_margin_come_to_the_textbooks_in_the_middle() -> None:
    """z^2 p (1 - p) / d^2: 385 for a half to within .05, 9,604 to within .01."""
    assert passages_for_margin(0.5, 0.05) == pytest.approx(385, abs=5)
    assert passages_for_margin(0.5, 0.01) == pytest.approx(9604, abs=5)
    assert passages_for_margin(0.9, 0.05) > 139  # at .9 the textbook's interval is too short below


def test_the_passages_of_one_person_are_worth_less_than_those_of_many() -> None:
    assert independent(196) == Size(196, 196)
    assert independent(196, 4, agreement=0.0).people == 49
    assert independent(196, 4, agreement=1.0).people == 196
    half = independent(196, 4, agreement=0.5)
    assert half == Size(123, 492)  # 196 * 2.5 / 4


def test_the_people_for_a_difference_are_those_of_fleiss() -> None:
    """Fleiss, Levin and Paik (2003), table A.4, two-sided .05, power .80: .50 against .70 and .60 against
    .70, with the continuity correction."""
    assert people_for_difference(0.7, 0.2) == 103
    assert people_for_difference(0.7, 0.1) == 376


@pytest.mark.parametrize(("rate", "difference"), [(0.7, 0.2), (0.9, 0.1), (0.95, 0.1)])
def test_the_people_for_a_difference_give_fishers_test_the_power_wanted(
    rate: float, difference: float
) -> None:
    n = people_for_difference(rate, difference)
    assert fisher_power(rate, n, rate - difference, n) >= 0.8
    assert fisher_power(rate, math.floor(0.9 * n), rate - difference, math.floor(0.9 * n)) < 0.8
    assert power_of_difference(rate, n, rate - difference, n) == pytest.approx(0.8, abs=0.025)


@pytest.mark.parametrize(
    ("n1", "rate1", "n2", "rate2"),
    [
        (60, 0.9, 200, 0.75),
        (200, 0.9, 60, 0.75),
        (30, 0.98, 200, 0.85),
        (80, 0.02, 40, 0.2),
        (90, 0.9, 40, 0.9),
    ],
)
def test_the_power_that_a_sample_had_is_how_often_fishers_test_rejects(
    n1: int, rate1: float, n2: int, rate2: float
) -> None:
    true = fisher_power(rate1, n1, rate2, n2)
    assert power_of_difference(rate1, n1, rate2, n2) == pytest.approx(true, abs=1e-9)
    assert power_of_difference(rate2, n2, rate1, n1) == pytest.approx(true, abs=1e-9)


@pytest.mark.parametrize(("n1", "n2"), [(2000, 2000), (2000, 20_000)])
def test_the_formula_takes_over_from_trying_all_without_a_step(n1: int, n2: int) -> None:
    below, above = (power_of_difference(0.9, share * n1 // 100, 0.88, n2) for share in (93, 97))
    assert below == pytest.approx(above, abs=0.03)


def test_the_smallest_difference_that_shows_is_the_one_that_the_sample_was_planned_for() -> None:
    assert smallest_difference(0.9, 726, 726) == pytest.approx(0.05, rel=0.01)
    assert smallest_difference(0.9, 219, 219) == pytest.approx(0.1, rel=0.03)
    seen = smallest_difference(0.9, 50, 50)
    assert seen is not None
    assert 0.8 <= power_of_difference(0.9, 50, 0.9 - seen, 50) < 0.802
    uneven = smallest_difference(0.9, 30, 300)
    assert uneven is not None
    assert uneven == smallest_difference(0.9, 300, 30)
    assert power_of_difference(0.9, 30, 0.9 - uneven, 300) >= 0.8
    assert power_of_difference(0.9, 300, 0.9 - uneven, 30) >= 0.8
    assert smallest_difference(0.9, 3, 3) is None
    assert smallest_difference(0.9, 0, 500) is None


@pytest.mark.parametrize(("rate", "margin", "least"), [(0.9, 0.1, 155), (0.98, 0.05, 135), (0.5, 0.1, 429)])
def test_the_people_for_equivalence_reach_the_power_wanted(rate: float, margin: float, least: int) -> None:
    """least: by the formula of Chow, Shao and Wang alone."""
    n = people_for_equivalence(rate, margin)
    assert least <= n < 1.4 * least
    assert power_of_equivalence(rate, n, n, margin) >= 0.8
    assert power_of_equivalence(rate, 4 * n // 5, 4 * n // 5, margin) < 0.8


def test_the_power_of_equivalence_is_how_often_the_test_says_so() -> None:
    first, second = (binom.pmf(np.arange(n + 1), n, 0.9) for n in (80, 60))
    power = sum(
        first[k1] * second[k2]
        for k1, k2 in np.argwhere(np.outer(first, second) > 1e-7).tolist()
        if equivalent(k1, 80, k2, 60, 0.15).equivalent
    )
    assert power_of_equivalence(0.9, 80, 60, 0.15) == pytest.approx(power, abs=1e-3)


def test_the_normal_distribution_takes_over_without_a_step() -> None:
    below, above = (power_of_equivalence(0.5, n, n, 0.05) for n in (2000, 2002))
    assert below == pytest.approx(above, abs=0.005)


def test_more_comparisons_need_more_people() -> None:
    assert pairs_of(2) == 1
    assert pairs_of(4) == 6
    for people in (people_for_difference, people_for_equivalence):
        assert people(0.9, 0.05) < people(0.9, 0.05, pairs=6) < people(0.9, 0.05, pairs=45)
    assert power_of_difference(0.9, 200, 0.8, 200, pairs=6) < power_of_difference(0.9, 200, 0.8, 200)


@settings(deadline=None)
@given(rate=st.floats(0.5, 0.99), difference=st.floats(0.03, 0.4), power=st.floats(0.5, 0.95))
def test_more_power_and_a_smaller_difference_need_more_people(
    rate: float, difference: float, power: float
) -> None:
    for people in (people_for_difference, people_for_equivalence):
        fewest = people(rate, difference, power=power)
        assert fewest <= people(rate, difference, power=power + 0.04)
        assert fewest <= people(rate, difference * 0.9, power=power)


def test_nobody_in_a_cohort_shows_nothing() -> None:
    assert power_of_difference(0.9, 0, 0.1, 500) == 0
    assert power_of_equivalence(0.9, 0, 500, 0.5) == 0
    assert power_of_difference(1.0, 50, 0.0, 50) == 1
    assert power_of_difference(1.0, 50, 1.0, 50) == 0


def test_impossible_plans_are_refused() -> None:
    for attempt, words in (
        (lambda: passages_for_margin(1.2, 0.05), "a rate lies"),
        (lambda: passages_for_margin(0.9, 0.0), "a margin lies"),
        (lambda: searches_for_bound(0.0), "an FPIR lies"),
        (lambda: searches_for_bound(1e-13), "no trial"),
        (lambda: searches_for_bound(0.1, errors=-1), "counted from 0"),
        (lambda: searches_for_bound(0.1, confidence=1.0), "confidence lies"),
        (lambda: passing_fpir(10, 0, power=1.0), "power lies"),
        (lambda: people_for_difference(0.1, 0.2), "leaves no rate"),
        (lambda: people_for_difference(0.9, 0.1, pairs=0), "there is a comparison"),
        (lambda: people_for_difference(0.9, 0.1, alpha=0.0), "alpha lies"),
        (lambda: people_for_equivalence(1.0, 0.1), "a rate lies"),
        (lambda: power_of_difference(0.9, -1, 0.9, 5), "counted from 0"),
        (lambda: power_of_equivalence(0.9, 5, -1, 0.1), "counted from 0"),
        (lambda: smallest_difference(0.9, 5, 5, power=0.0), "power lies"),
        (lambda: independent(100, 0), "walks once"),
        (lambda: independent(100, 2, agreement=1.5), "agreement lies"),
        (lambda: pairs_of(1), "two cohorts"),
    ):
        with pytest.raises(ValueError, match=words):
            attempt()
