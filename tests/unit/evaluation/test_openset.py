"""Open-set rates are those of a known truth; ties, refusals and missing searches are told as they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from lfrd.evaluation.openset import (
    DEFAULT_FPIRS,
    at,
    det,
    histograms,
    points,
    rank1,
    resolvable,
    threshold_of,
    unresolved,
    unresolved_text,
)
from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.types import F64

# Few different values, so that ties are common.
score = st.one_of(st.sampled_from([NO_CANDIDATE, 0.1, 0.2, 0.2000001, 0.3]), st.floats(-1, 1))
scores = st.lists(score, max_size=60)
share = st.one_of(st.sampled_from(DEFAULT_FPIRS), st.floats(0.001, 1.0))


def searches(
    own: F64 | list[float], top: F64 | list[float], other: F64 | list[float] | None = None
) -> Searches:
    """Each search by a person of its own."""
    m, k = len(own), len(top)
    return Searches(
        np.array(own, np.float64),
        np.full(m, NO_CANDIDATE) if other is None else np.array(other, np.float64),
        np.arange(m),
        np.array(top, np.float64),
        m + np.arange(k),
        1000,
    )


@st.composite
def any_searches(draw: st.DrawFn) -> Searches:
    own = draw(scores)
    other = draw(st.lists(score, min_size=len(own), max_size=len(own)))
    return searches(own, draw(scores), other)


def normal(m: int, k: int, seed: int, apart: float = 3.0) -> Searches:
    """Own scores normal about `apart`, non-mated ones about 0: TPIR at FPIR f is phi(apart - z(1 - f))."""
    rng = np.random.default_rng(seed)
    return searches(rng.normal(apart, 1, m), rng.normal(0, 1, k))


def test_normal_scores_give_the_rates_that_theory_has_for_them() -> None:
    found = points(normal(20_000, 20_000, seed=1), seed=1, confidence=0.999)
    assert [point.fpir for point in found] == list(DEFAULT_FPIRS)
    for point in found:
        assert point.fpir_low <= norm.sf(point.threshold) <= point.fpir_high
        assert point.tpir_low <= norm.cdf(3 - point.threshold) <= point.tpir_high
        assert point.tpir == pytest.approx(
            norm.cdf(3 - norm.isf(point.fpir)), abs=4 / math.sqrt(point.false * 6)
        )
        assert point.false == round(point.fpir * 20_000)
        assert point.fpir_reached == pytest.approx(point.fpir)
        assert point.fnir == pytest.approx(1 - point.tpir)


@pytest.mark.parametrize("fpir", [0.1, 0.01])
def test_the_interval_of_fpir_holds_the_true_one_at_the_threshold_never_less_often_than_it_says(
    fpir: float,
) -> None:
    held = 0
    for seed in range(500):
        [point] = points(normal(1, 1000, seed), [fpir], seed=1)
        held += point.fpir_low <= norm.sf(point.threshold) <= point.fpir_high
    assert 0.94 <= held / 500 <= 0.995


def test_a_persons_several_searches_widen_the_intervals() -> None:
    rng = np.random.default_rng(1)
    own, top = np.repeat(rng.normal(2, 1, 300), 4), np.repeat(rng.normal(0, 1, 300), 4)
    together = Searches(
        own, np.full(1200, NO_CANDIDATE), np.arange(1200) // 4, top, 300 + np.arange(1200) // 4, 1
    )
    [apart], [joint] = (points(s, [0.1], seed=1) for s in (searches(own, top), together))
    assert (apart.tpir, apart.threshold) == (joint.tpir, joint.threshold)
    assert joint.tpir_high - joint.tpir_low > 1.8 * (apart.tpir_high - apart.tpir_low)
    assert joint.fpir_high - joint.fpir_low > 1.8 * (apart.fpir_high - apart.fpir_low)
    assert (joint.tpir_method, joint.fpir_method) == ("clustered", "clustered")
    assert (apart.tpir_method, apart.fpir_method) == ("wilson", "exact")


def test_the_threshold_is_the_midpoint_between_who_must_stay_below_and_who_may_reach_it() -> None:
    top = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert threshold_of(top, 0.1) == pytest.approx(0.95)
    assert threshold_of(top, 0.19) == pytest.approx(0.95)
    assert threshold_of(top, 0.3) == pytest.approx(0.75)
    assert threshold_of(top, 1.0) == pytest.approx(0.1)
    assert threshold_of(top, 0.09) is None


@given(top=scores, wanted=share)
def test_a_threshold_never_lets_more_than_the_wanted_share_through_and_no_lower_one_measured_would_do(
    top: list[float], wanted: float
) -> None:
    values = np.array(top, np.float64)
    threshold = threshold_of(values, wanted)
    if threshold is None:
        assert not np.isfinite(values).any() or 1 / len(values) > wanted
        return
    assert (values >= threshold).sum() / len(values) <= wanted
    below = values[(values < threshold) & np.isfinite(values)]
    assert not len(below) or (values >= below.max()).sum() / len(values) > wanted


@pytest.mark.parametrize(("count", "wanted"), [(29, 0.29), (3, 0.03), (57, 0.57), (1, 0.01)])
def test_a_share_that_the_count_allows_exactly_is_used_whole(count: int, wanted: float) -> None:
    """0.29 * 100 is 28.999... as a float64."""
    top = np.arange(100.0)
    threshold = threshold_of(top, wanted)
    assert threshold is not None
    assert (top >= threshold).sum() == count


def test_a_share_just_below_what_the_count_allows_is_never_rounded_up() -> None:
    top = np.arange(100.0)
    for count in range(2, 100):
        threshold = threshold_of(top, float(np.nextafter(count / 100, 0)))
        assert threshold is not None
        assert (top >= threshold).sum() == count - 1


def test_equal_scores_are_kept_out_together() -> None:
    tied = searches([1.0], [0.9, 0.5, 0.5, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1])
    [point] = points(tied, [0.3], seed=1)
    assert point.false == 1
    assert point.threshold == pytest.approx(0.7)
    [highest] = points(searches([1.0], [0.5] * 10), [0.3], seed=1)
    assert highest.false == 0
    assert highest.threshold == np.nextafter(0.5, 1)


def test_neighbours_among_floats_are_told_apart() -> None:
    low = 0.5
    high = float(np.nextafter(low, 1))
    assert threshold_of(np.array([low, high]), 0.5) == high


def test_an_fpir_that_the_count_cannot_resolve_is_left_out_and_said() -> None:
    few = normal(100, 500, seed=1)
    assert resolvable(few) == 1 / 500
    assert [point.fpir for point in points(few, seed=1)] == [0.1, 0.03, 0.01, 0.003]
    assert unresolved(few, DEFAULT_FPIRS) == [0.001, 0.0003, 0.0001]
    text = unresolved_text(few, DEFAULT_FPIRS)
    assert text == (
        "500 searches without a listed person resolve an FPIR of 0.002 at best; "
        "left out: 0.001, 0.0003, 0.0001."
    )
    assert unresolved_text(few, [0.1]) == ""


def test_without_non_mates_nothing_is_said_of_fpir_and_a_given_threshold_still_of_tpir() -> None:
    alone = searches([0.9, 0.8, 0.2], [])
    assert resolvable(alone) == math.inf
    assert points(alone, seed=1) == []
    assert "nothing is known" in unresolved_text(alone, DEFAULT_FPIRS)
    point = at(alone, 0.5)
    assert point.tpir == pytest.approx(2 / 3)
    assert math.isnan(point.fpir_reached)
    assert math.isnan(point.fpir)
    assert (point.fpir_low, point.fpir_high) == (0, 1)
    assert len(det(alone).threshold) == 0
    assert histograms(alone).non_mated.sum() == 0


def test_where_every_search_was_refused_no_threshold_is_known_and_nobody_is_found() -> None:
    refused = searches([NO_CANDIDATE] * 20, [NO_CANDIDATE] * 30)
    assert points(refused, seed=1) == []
    assert "no threshold is known" in unresolved_text(refused, [0.1])
    assert rank1(refused) == (0, 20)
    point = at(refused, 0.0)
    assert (point.tpir, point.fnir, point.false, point.fpir_reached) == (0, 1, 0, 0)
    assert point.tpir_high < 0.2
    assert len(det(refused).threshold) == 0
    drawn = histograms(refused, bins=10)
    assert (drawn.mated.sum(), drawn.mated_without, drawn.non_mated_without) == (0, 20, 30)


def test_refused_probes_stay_in_the_count() -> None:
    half = searches([0.9] * 10 + [NO_CANDIDATE] * 10, [0.5, 0.4] + [NO_CANDIDATE] * 8)
    [point] = points(half, [0.1], seed=1)
    assert (point.tpir, point.false, point.fpir_reached) == (0.5, 1, 0.1)
    [lax] = points(half, [0.5], seed=1)
    assert (lax.threshold, lax.false) == (0.4, 2)  # nothing was measured below


def test_one_person_is_one_trial() -> None:
    one = Searches(
        np.array([0.9, 0.8]),
        np.full(2, NO_CANDIDATE),
        np.zeros(2, np.intp),
        np.array([0.1]),
        np.ones(1, np.intp),
        1,
    )
    point = at(one, 0.5)
    assert (point.tpir, point.tpir_high) == (1, 1)
    assert point.tpir_low == pytest.approx(0.2065, abs=1e-4)  # Wilson's, 1 of 1
    assert point.tpir_method == "people"


def test_somebody_else_nearest_is_no_find_however_low_the_threshold() -> None:
    confused = searches([0.8, 0.7, 0.6], [0.1], other=[0.9, 0.7, 0.2])
    assert rank1(confused) == (1, 3)
    assert at(confused, 0.0).tpir == pytest.approx(1 / 3)
    assert det(confused).fnir[0] == pytest.approx(2 / 3)


@given(found=any_searches(), first=st.floats(-1, 1), second=st.floats(-1, 1))
def test_a_higher_threshold_never_finds_more_and_never_alerts_more(
    found: Searches, first: float, second: float
) -> None:
    lax, strict = at(found, min(first, second)), at(found, max(first, second))
    if len(found.own):
        assert strict.tpir <= lax.tpir
        assert lax.tpir_low <= lax.tpir <= lax.tpir_high
        assert lax.tpir + lax.fnir == pytest.approx(1)
    if len(found.top):
        assert strict.fpir_reached <= lax.fpir_reached
        assert lax.fpir_low <= lax.fpir_reached <= lax.fpir_high


@given(found=any_searches(), most=st.sampled_from([8, 20, 400]))
def test_each_step_of_the_det_curve_is_what_its_threshold_gives(found: Searches, most: int) -> None:
    curve = det(found, most)
    assert len(curve.threshold) == len(curve.fpir) == len(curve.fnir) <= most
    assert (np.diff(curve.threshold) > 0).all()
    for threshold, fpir, fnir in zip(curve.threshold, curve.fpir, curve.fnir, strict=True):
        point = at(found, threshold)
        assert (point.fpir_reached, point.fnir) == pytest.approx((fpir, fnir))
    if len(curve.threshold):
        assert (curve.fpir[-1], curve.fnir[-1]) == (0, 1)


def test_a_thinned_det_curve_keeps_its_rare_end_whole() -> None:
    many = normal(5000, 5000, seed=2)
    curve, whole = det(many, most=200), det(many, most=10**6)
    assert len(curve.threshold) <= 200 < len(whole.threshold)
    assert set(range(1, 11)) <= set(np.round(curve.fpir * 5000).astype(int))
    assert set(range(1, 11)) <= set(np.round(curve.fnir * 5000).astype(int))
    assert np.abs(norm.isf(curve.fpir[20:-20]) - curve.threshold[20:-20]).max() < 0.3


@given(found=any_searches(), bins=st.integers(1, 40))
def test_histograms_leave_nobody_out(found: Searches, bins: int) -> None:
    drawn = histograms(found, bins)
    assert len(drawn.edges) == bins + 1
    assert drawn.mated.sum() + drawn.mated_without == len(found.own)
    assert drawn.non_mated.sum() + drawn.non_mated_without == len(found.top)


def test_what_is_no_share_or_no_score_is_refused() -> None:
    for wrong in (0.0, 1.1, math.nan, -0.1):
        with pytest.raises(ValueError, match="wanted share"):
            threshold_of(np.ones(3), wrong)
    for value in (math.inf, math.nan):
        with pytest.raises(ValueError, match="finite number"):
            threshold_of(np.array([0.1, value]), 0.5)
    with pytest.raises(ValueError, match="not a number"):
        searches([math.nan], [0.1])
