"""Shares of several groups set against each other cover the truth as often as they say."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.evaluation import likeness, proportions
from lfrd.evaluation.likeness import Counts


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    n = draw(st.integers(1, 400))
    return Counts(draw(st.integers(0, n)), n)


@given(counts(), counts(), st.floats(0.5, 0.999))
def test_a_difference_of_whole_counts_is_newcombes(a: Counts, b: Counts, confidence: float) -> None:
    expected = proportions.difference_of(int(a.hits), int(a.n), int(b.hits), int(b.n), confidence)
    assert likeness.difference(a, b, confidence) == pytest.approx(expected, abs=1e-9)


@given(counts(), counts(), st.floats(0.5, 0.999))
def test_a_ratio_turned_round_has_its_interval_turned_round(a: Counts, b: Counts, confidence: float) -> None:
    low, high = likeness.ratio(a, b, confidence)
    back = likeness.ratio(b, a, confidence)
    assert 0 <= low <= high
    if a.hits and b.hits:
        assert low <= a.share / b.share * (1 + 1e-9)
        assert high >= a.share / b.share * (1 - 1e-9)
        assert (1 / back.high, 1 / back.low) == pytest.approx((low, high))


def test_a_ratio_without_hits_has_no_limit_on_that_side() -> None:
    assert likeness.ratio(Counts(5, 50), Counts(0, 50), 0.95).high == math.inf
    assert likeness.ratio(Counts(0, 50), Counts(5, 50), 0.95).low == 0
    assert likeness.ratio(Counts(0, 50), Counts(0, 50), 0.95).high == math.inf


@pytest.mark.parametrize(("first", "second", "n"), [(0.9, 0.8, 60), (0.5, 0.5, 100), (0.03, 0.02, 900)])
def test_a_ratios_interval_covers_the_truth(first: float, second: float, n: int) -> None:
    rng = np.random.default_rng(5)
    pairs = rng.binomial(n, [first, second], (4000, 2))
    covered = 0
    for a, b in pairs.tolist():
        low, high = likeness.ratio(Counts(a, n), Counts(b, n), 0.95)
        covered += low <= first / second <= high
    assert covered / 4000 == pytest.approx(0.95, abs=0.02)


def test_two_groups_are_one_pair() -> None:
    assert likeness.pairwise(2, 0.95) == pytest.approx(0.95, abs=1e-6)
    # The studentised range's 5 % point for 4 groups is 3.633 (Pearson and Hartley, table 29).
    assert likeness.pairwise(4, 0.95) == pytest.approx(
        math.erf(3.633 / math.sqrt(2) / math.sqrt(2)), abs=1e-4
    )
    with pytest.raises(ValueError, match="two groups"):
        likeness.pairwise(1, 0.95)


@pytest.mark.parametrize(
    ("shares", "sizes"),
    [
        ((0.8, 0.8, 0.8, 0.8), (200, 200, 200, 200)),
        ((0.85, 0.8, 0.8, 0.7), (60, 400, 100, 50)),
        ((0.02, 0.02, 0.02), (800, 400, 600)),
        ((0.01, 0.03, 0.02), (2000, 800, 600)),
    ],
)
def test_the_interval_of_the_largest_to_the_smallest_covers_though_they_are_picked(
    shares: tuple[float, ...], sizes: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(1)
    truth = max(shares) / min(shares)
    rounds = 1500
    covered = larger = 0
    for hits in rng.binomial(sizes, shares, (rounds, len(shares))).tolist():
        spread = likeness.spread_of([Counts(k, n) for k, n in zip(hits, sizes, strict=True)], 0.95)
        covered += spread.low <= truth <= spread.high
        larger += spread.ratio > truth
    # Within two standard errors of 1500 rounds; the ratio as seen is too large most of the time.
    assert covered / rounds >= 0.95 - 0.011
    assert larger / rounds > 0.5


def test_without_any_hit_the_ratio_is_not_known_and_not_bounded() -> None:
    spread = likeness.spread_of([Counts(0, 50), Counts(0, 70)], 0.95)
    assert math.isnan(spread.ratio)
    assert (spread.low, spread.high) == (1.0, math.inf)


@given(st.lists(counts(), min_size=2, max_size=4), st.floats(0.01, 0.5))
def test_all_alike_is_the_least_alike_pair(groups: list[Counts], margin: float) -> None:
    each = [
        proportions.equivalent(int(a.hits), int(a.n), int(b.hits), int(b.n), margin).p
        for a, b in itertools.combinations(groups, 2)
    ]
    assert likeness.alike_p(groups, margin) == pytest.approx(max(each), abs=1e-6)


@given(counts(), counts(), st.floats(1.1, 10))
def test_alike_by_a_factor_agrees_with_the_ratios_interval(a: Counts, b: Counts, factor: float) -> None:
    p = likeness.alike_p([a, b], factor, factor=True)
    low, high = likeness.ratio(a, b, 1 - 2 * 0.05)
    inside = 1 / factor < low and high < factor
    assert (p < 0.05) == inside or p == pytest.approx(0.05, abs=1e-6)


def test_a_margin_that_is_none_is_refused() -> None:
    groups = [Counts(5, 10), Counts(5, 10)]
    for margin, factor in ((0.0, False), (1.5, False), (1.0, True)):
        with pytest.raises(ValueError, match="margin"):
            likeness.alike_p(groups, margin, factor=factor)


def test_what_is_visible_is_the_same_for_a_share_and_for_what_it_leaves() -> None:
    seen = [likeness.smallest_visible(share, 300.9, 200.2, power=0.8, alpha=0.05) for share in (0.02, 0.98)]
    assert seen[0] == pytest.approx(seen[1])
    assert likeness.smallest_visible(0.5, 3, 3, power=0.8, alpha=0.01) is None
