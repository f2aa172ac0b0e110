"""Intervals are the published ones: tables of the literature, scipy's own, and their coverage."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2
from scipy.stats import poisson as poisson_distribution

from lfrd.policy.intervals import poisson, wilson


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_what_newcombe_published(k: int, n: int, low: float, high: float) -> None:
    """R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17
    (1998), table I, method 3."""
    assert wilson(k, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("k", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (2, 0.2422, 7.225), (5, 1.623, 11.668), (10, 4.795, 18.390)],
)
def test_poisson_gives_what_garwood_tabulated(k: int, low: float, high: float) -> None:
    assert poisson(k, 1) == pytest.approx((low, high), abs=1e-3)


@given(n=st.integers(1, 5_000), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_wilson_agrees_with_scipy(n: int, share: float, confidence: float) -> None:
    k = round(share * n)
    theirs = binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert wilson(k, n, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(k=st.integers(0, 3_000), faces=st.integers(1, 10_000_000), confidence=st.floats(0.5, 0.999))
def test_poisson_agrees_with_chi_squared(k: int, faces: int, confidence: float) -> None:
    tail = (1 - confidence) / 2
    low = chi2.ppf(tail, 2 * k) / 2 if k else 0.0
    theirs = (low / faces, chi2.ppf(1 - tail, 2 * k + 2) / 2 / faces)
    assert poisson(k, faces, confidence) == pytest.approx(theirs, rel=1e-7)


@given(rate=st.floats(0.01, 30))
def test_poisson_covers_the_true_rate_at_least_as_often_as_it_says(rate: float) -> None:
    counts = range(int(rate + 12 * math.sqrt(rate) + 40))
    covered = sum(
        float(poisson_distribution.pmf(k, rate))
        for k in counts
        if (interval := poisson(k, 1)).low <= rate <= interval.high
    )
    assert covered >= 0.95 - 1e-9


@given(n=st.integers(0, 10_000), share=st.floats(0, 1))
def test_an_interval_holds_its_own_rate_and_stays_within_bounds(n: int, share: float) -> None:
    k = round(share * n)
    low, high = wilson(k, n)
    assert 0 <= low <= (k / n if n else 0) <= high <= 1
    low, high = poisson(k, n)
    assert 0 <= low <= (k / n if n else 0) <= high


def test_nothing_seen_says_nothing() -> None:
    assert wilson(0, 0) == (0, 1)
    assert poisson(0, 0) == (0, math.inf)


def test_no_event_still_has_an_upper_bound() -> None:
    assert poisson(0, 100_000).high == pytest.approx(3.689e-5, rel=1e-3)


def test_impossible_counts_are_refused() -> None:
    for k, n in ((-1, 5), (6, 5)):
        with pytest.raises(ValueError, match="proportion"):
            wilson(k, n)
    for count, exposure in ((-1, 5.0), (1, -5.0)):
        with pytest.raises(ValueError, match="exposure"):
            poisson(count, exposure)
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 2, 1.0)
