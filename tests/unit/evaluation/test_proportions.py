"""Shares are compared as published: examples of the literature, SciPy's own, how often intervals hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, fisher_exact

from lfrd.evaluation.proportions import (
    clopper_pearson,
    difference_of,
    equivalent,
    exact_p,
    holm,
)
from lfrd.policy.intervals import wilson, wilson_of

Counts = tuple[int, int]
counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.floats(0.5, 0.999)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_clopper_pearson_gives_what_newcombe_published(k: int, n: int, low: float, high: float) -> None:
    """R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17
    (1998), table I, method 5."""
    assert clopper_pearson(k, n) == pytest.approx((low, high), abs=5e-5)


@given(k_n=counts, confidence=confidences)
def test_clopper_pearson_agrees_with_scipy(k_n: Counts, confidence: float) -> None:
    theirs = binomtest(*k_n).proportion_ci(confidence, method="exact")
    assert clopper_pearson(*k_n, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(n=st.integers(1, 60), true=st.floats(0.001, 0.999))
def test_clopper_pearson_never_covers_less_often_than_it_says(n: int, true: float) -> None:
    inside = [k for k in range(n + 1) if clopper_pearson(k, n).low <= true <= clopper_pearson(k, n).high]
    assert np.sum(binom.pmf(inside, n, true)) >= 0.95 - 1e-9


@given(k_n=counts, confidence=confidences)
def test_wilson_of_a_share_is_wilsons_interval_of_its_count(k_n: Counts, confidence: float) -> None:
    k, n = k_n
    assert wilson_of(k / n, n, confidence) == pytest.approx(wilson(k, n, confidence), abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_a_difference_gives_what_newcombe_published(
    first: Counts, second: Counts, low: float, high: float
) -> None:
    """Statistics in Medicine 17 (1998), 873-890, table II, method 10."""
    assert difference_of(*first, *second) == pytest.approx((low, high), abs=5e-5)


@given(first=counts, second=counts, confidence=confidences)
def test_an_interval_of_two_holds_what_was_seen_and_is_mirrored_when_they_change_places(
    first: Counts, second: Counts, confidence: float
) -> None:
    difference = difference_of(*first, *second, confidence)
    p1, p2 = first[0] / first[1], second[0] / second[1]
    assert -1 <= difference.low <= p1 - p2 <= difference.high <= 1
    other = difference_of(*second, *first, confidence)
    assert (other.low, other.high) == pytest.approx((-difference.high, -difference.low))


@pytest.mark.parametrize(("p1", "p2"), [(0.9, 0.8), (0.9, 0.9), (0.98, 0.9), (0.05, 0.02)])
def test_intervals_of_two_cover_about_as_often_as_they_say(p1: float, p2: float) -> None:
    n1, n2 = 60, 40
    chance = np.outer(binom.pmf(np.arange(n1 + 1), n1, p1), binom.pmf(np.arange(n2 + 1), n2, p2))
    covered = 0.0
    for k1, k2 in np.argwhere(chance > 1e-6).tolist():
        low, high = difference_of(k1, n1, k2, n2)
        covered += chance[k1, k2] * (low <= p1 - p2 <= high)
    assert covered > 0.93


def test_fishers_exact_test_gives_what_fisher_found_of_convicted_twins() -> None:
    """10 of 13 monozygotic twins of criminals against 2 of 17 others; two-sided as in R's fisher.test."""
    assert exact_p(10, 13, 2, 17) == pytest.approx(0.0005367, abs=5e-8)
    assert exact_p(3, 4, 1, 4) == pytest.approx(0.4857, abs=5e-5)  # the lady tasting tea


@given(first=counts, second=counts)
def test_fishers_exact_test_agrees_with_scipy(first: Counts, second: Counts) -> None:
    table = np.array([[k, n - k] for k, n in (first, second)])
    assert exact_p(*first, *second) == pytest.approx(fisher_exact(table).pvalue, rel=1e-6, abs=1e-12)
    assert exact_p(*first, *second) == pytest.approx(exact_p(*second, *first), rel=1e-9)


def test_counts_that_are_worth_less_than_they_are_need_not_be_whole() -> None:
    below, between, above = (difference_of(40 * f, 50 * f, 30 * f, 50 * f) for f in (1, 1.01, 1.02))
    assert below.low < between.low < above.low < above.high < between.high < below.high
    assert equivalent(400.5, 500.5, 400.5, 500.5, 0.1).equivalent


def test_nobody_in_a_group_shows_no_difference() -> None:
    assert exact_p(0, 0, 5, 10) == 1
    assert difference_of(0, 0, 5, 10) == (-1, 1)
    assert equivalent(0, 0, 5, 10, 0.5).p == 1
    assert clopper_pearson(0, 0) == (0, 1)


def test_holm_corrects_each_by_how_many_are_left() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # As R's p.adjust(c(.01, .02, .03, .04, .05), "holm").
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([]) == []
    assert holm([0.7, 0.9]) == [1, 1]


@given(values=st.lists(st.floats(0, 1), max_size=30), data=st.data())
def test_holm_never_lowers_a_p_value_and_keeps_their_order(values: list[float], data: st.DataObject) -> None:
    corrected = holm(values)
    assert all(p <= after <= 1 for p, after in zip(values, corrected, strict=True))
    assert all(
        corrected[i] <= corrected[j]
        for i in range(len(values))
        for j in range(len(values))
        if values[i] < values[j]
    )
    order = data.draw(st.permutations(range(len(values))))
    assert holm([values[i] for i in order]) == [corrected[i] for i in order]


def test_alike_is_only_what_a_large_enough_sample_shows_to_be() -> None:
    assert not equivalent(18, 20, 18, 20, 0.05).equivalent  # the same share, of too few
    assert equivalent(1800, 2000, 1805, 2000, 0.05).equivalent
    assert not equivalent(1800, 2000, 1680, 2000, 0.05).equivalent  # .06 apart


@given(
    first=counts,
    second=counts,
    margin=st.floats(0.01, 0.5),
    alpha=st.floats(0.01, 0.2),
)
def test_p_interval_and_verdict_of_equivalence_never_contradict_one_another(
    first: Counts, second: Counts, margin: float, alpha: float
) -> None:
    result = equivalent(*first, *second, margin, alpha)
    assert result.interval == difference_of(*first, *second, 1 - 2 * alpha)
    assert result.equivalent == (-margin < result.interval.low and result.interval.high < margin)
    assume(abs(result.p - alpha) > 1e-9)
    assert result.equivalent == (result.p < alpha)
    if abs(first[0] / first[1] - second[0] / second[1]) > margin:
        assert result.p == 1


@pytest.mark.parametrize(
    ("n1", "n2", "p1", "p2", "margin"),
    [(50, 50, 0.9, 1.0, 0.1), (200, 200, 0.9, 0.95, 0.05), (200, 200, 0.98, 0.95, 0.03)],
)
def test_people_a_whole_margin_apart_are_called_alike_at_most_as_often_as_alpha(
    n1: int, n2: int, p1: float, p2: float, margin: float
) -> None:
    chance = np.outer(binom.pmf(np.arange(n1 + 1), n1, p1), binom.pmf(np.arange(n2 + 1), n2, p2))
    wrong = sum(
        chance[k1, k2]
        for k1, k2 in np.argwhere(chance > 1e-5).tolist()
        if equivalent(k1, n1, k2, n2, margin).equivalent
    )
    assert wrong <= 0.051


def test_impossible_counts_and_levels_are_refused() -> None:
    for function in (difference_of, exact_p):
        for wrong in ((-1, 5, 1, 5), (1, 5, 6, 5)):
            with pytest.raises(ValueError, match="proportion needs"):
                function(*wrong)
    with pytest.raises(ValueError, match="proportion needs"):
        clopper_pearson(6, 5)
    with pytest.raises(ValueError, match="confidence lies"):
        clopper_pearson(1, 5, 0.0)
    with pytest.raises(ValueError, match="share needs"):
        wilson_of(0.5, 0)
    with pytest.raises(ValueError, match="margin lies"):
        equivalent(1, 5, 1, 5, 0)
    with pytest.raises(ValueError, match="alpha lies"):
        equivalent(1, 5, 1, 5, 0.1, alpha=0.5)
    for values in ([0.1, math.nan], [1.1]):
        with pytest.raises(ValueError, match="p value"):
            holm(values)
