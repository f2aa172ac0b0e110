"""1:1 rates are those of a known truth, and the equal error rate is where both of them meet."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from lfrd.evaluation.openset import det
from lfrd.evaluation.searches import NO_CANDIDATE
from lfrd.evaluation.verification import DEFAULT_FARS, Comparisons, eer, tar_at_far, unresolved
from lfrd.types import F64

score = st.one_of(st.sampled_from([NO_CANDIDATE, 0.1, 0.2, 0.3]), st.floats(-1, 1))
scores = st.lists(score, max_size=60)


def comparisons(genuine: F64 | list[float], impostor: F64 | list[float], each: int = 1) -> Comparisons:
    """`each` comparisons by every person."""
    return Comparisons(
        np.array(genuine, np.float64),
        np.arange(len(genuine)) // each,
        np.array(impostor, np.float64),
        np.arange(len(impostor)) // each,
    )


def normal(m: int, k: int, seed: int, apart: float = 3.0) -> Comparisons:
    rng = np.random.default_rng(seed)
    return comparisons(rng.normal(apart, 1, m), rng.normal(0, 1, k))


def test_normal_scores_give_the_rates_that_theory_has_for_them() -> None:
    found = tar_at_far(normal(5_000, 200_000, seed=1), seed=1, confidence=0.999)
    assert [point.far for point in found] == list(DEFAULT_FARS[:-1])
    for point in found:
        assert point.tar_low <= norm.cdf(3 - point.threshold) <= point.tar_high
        assert point.far_low <= norm.sf(point.threshold) <= point.far_high
        assert point.far_reached == pytest.approx(point.far)
        assert point.accepted == round(point.far * 200_000)
        assert point.frr == pytest.approx(1 - point.tar)
        assert (point.tar_method, point.far_method) == ("wilson", "exact")


def test_an_far_that_the_count_cannot_resolve_is_left_out() -> None:
    few = normal(100, 1_000, seed=1)
    assert unresolved(few) == [0.0001, 0.00001, 0.000001]
    assert [point.far for point in tar_at_far(few, seed=1)] == [0.1, 0.01, 0.001]


def test_scores_that_are_normal_and_apart_have_the_equal_error_rate_of_theory() -> None:
    found = eer(normal(20_000, 20_000, seed=2, apart=2.0), seed=1)
    assert found.rate == pytest.approx(norm.sf(1.0), abs=0.005)
    assert found.threshold == pytest.approx(1.0, abs=0.05)


def test_the_equal_error_rate_lies_in_its_interval_at_least_as_often_as_that_says() -> None:
    held = 0
    for seed in range(300):
        found = eer(normal(150, 400, seed, apart=2.0), seed=1)
        held += found.low <= norm.sf(1.0) <= found.high
    assert held / 300 >= 0.95


def test_the_equal_error_rate_is_where_straight_lines_between_steps_cross() -> None:
    # At 0.5 2 of 4 impostors are accepted and 1 of 4 genuine ones rejected; above it 1 of 4, and 2 of 4.
    found = eer(comparisons([0.4, 0.5, 0.8, 0.9], [0.1, 0.2, 0.5, 0.7]), seed=1)
    assert found.rate == pytest.approx(0.375)
    assert found.threshold == 0.7


def test_scores_that_do_not_overlap_have_no_error_and_an_interval_that_says_how_few_they_are() -> None:
    found = eer(comparisons([0.8] * 20, [0.1] * 50), seed=1)
    assert (found.rate, found.low) == (0, 0)
    assert 0.1 < found.high < 0.25
    assert eer(comparisons([0.8] * 2000, [0.1] * 5000), seed=1).high < 0.003


def test_scores_that_tell_nothing_have_half() -> None:
    assert eer(comparisons([0.5] * 10, [0.5] * 10), seed=1).rate == pytest.approx(0.5)


def test_there_is_no_equal_error_rate_without_a_kind_or_where_most_pairs_were_refused() -> None:
    for nothing in (
        comparisons([], [0.1, 0.2]),
        comparisons([0.1], []),
        comparisons([NO_CANDIDATE] * 3, [NO_CANDIDATE] * 3),
        comparisons([NO_CANDIDATE] * 9 + [0.9], [NO_CANDIDATE] * 9 + [0.1]),
    ):
        found = eer(nothing, seed=1)
        assert math.isnan(found.rate)
        assert (found.low, found.high) == (0, 1)


def test_refused_pairs_are_rejections() -> None:
    [point] = tar_at_far(comparisons([0.9] * 5 + [NO_CANDIDATE] * 5, [0.1] * 9 + [0.2]), [0.1], seed=1)
    assert point.tar == 0.5


def test_comparisons_of_one_person_are_not_independent() -> None:
    rng = np.random.default_rng(1)
    genuine, impostor = np.repeat(rng.normal(2, 1, 200), 5), np.repeat(rng.normal(0, 1, 200), 5)
    [apart], [joint] = (tar_at_far(comparisons(genuine, impostor, each), [0.1], seed=1) for each in (1, 5))
    assert joint.tar_high - joint.tar_low > 2 * (apart.tar_high - apart.tar_low)
    assert joint.far_high - joint.far_low > 2 * (apart.far_high - apart.far_low)
    assert joint.tar_method == "clustered"


@given(genuine=scores, impostor=scores)
def test_the_equal_error_rate_lies_between_both_rates_at_its_threshold(
    genuine: list[float], impostor: list[float]
) -> None:
    both = comparisons(genuine, impostor)
    found = eer(both, seed=1)
    if math.isnan(found.rate):
        return
    accepted = float((both.impostor >= found.threshold).mean())
    rejected = float((both.genuine < found.threshold).mean())
    assert accepted - 1e-12 <= found.rate <= rejected + 1e-12
    assert 0 <= found.low <= found.rate <= found.high <= 1


def test_its_curve_is_that_of_a_list_of_one() -> None:
    both = normal(200, 200, seed=3)
    curve = det(both.searches())
    assert both.searches().entries == 1
    for threshold, far, frr in zip(curve.threshold, curve.fpir, curve.fnir, strict=True):
        assert far == pytest.approx((both.impostor >= threshold).mean())
        assert frr == pytest.approx((both.genuine < threshold).mean())


def test_what_is_no_score_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        comparisons([math.nan], [0.1])
    with pytest.raises(ValueError, match="a person"):
        Comparisons(np.ones(2), np.zeros(1, np.intp), np.ones(1), np.zeros(1, np.intp))
