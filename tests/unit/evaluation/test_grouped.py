"""A person's several trials are worth what they tell, and a test shuffles people and not trials."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import fisher_exact, permutation_test

from lfrd.evaluation.grouped import Grouped, Rate, Trials
from lfrd.evaluation.small_cells import NOWHERE, Cells


def grouped(hits: NDArray[np.bool_], person: NDArray[np.intp], of: NDArray[np.intp]) -> Grouped:
    names = tuple("abcdef"[: int(of.max()) + 1])
    return Grouped(Trials(Rate.TPIR, hits, person), Cells("v", names, of.astype(np.intp), 0, False))


def people(
    share: tuple[float, ...], each: int, count: int, agreement: float, seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.intp], NDArray[np.intp]]:
    """count people a group, with as many trials each, which agree with one another as often as told."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(share)), count)
    person = np.repeat(np.arange(len(of)), each)
    own = rng.random(len(of)) < np.array(share)[of]
    alone = rng.random(len(person)) < np.array(share)[of][person]
    # Each trial is the person's own outcome with probability sqrt(agreement): two agree with agreement.
    hits = np.where(rng.random(len(person)) < math.sqrt(agreement), own[person], alone)
    return hits, person.astype(np.intp), of.astype(np.intp)


@pytest.mark.parametrize("agreement", [0.0, 0.3, 0.8, 1.0])
def test_agreement_and_design_effect_are_those_the_trials_were_made_with(agreement: float) -> None:
    made = grouped(*people((0.8, 0.6), 4, 800, agreement, 3))
    assert made.agreement == pytest.approx(agreement, abs=0.05)
    assert made.effect(0) == pytest.approx(1 + 3 * agreement, abs=0.15)
    worth = made.worth(0)
    assert worth.n == pytest.approx(3200 / made.effect(0))
    assert worth.share == pytest.approx(made.raw(0)[2] / 3200)


def test_with_few_of_the_rarer_outcome_a_person_counts_once() -> None:
    hits = np.zeros(400, np.bool_)
    hits[:9] = True
    made = grouped(hits, np.repeat(np.arange(200), 2), np.repeat([0, 1], 100))
    assert (made.agreement, made.worth(0).n) == (1.0, 100)


def test_people_in_no_table_are_not_counted() -> None:
    hits, person, of = people((0.5, 0.5), 2, 20, 0.0, 1)
    of[:5] = NOWHERE
    assert grouped(hits, person, of).raw(0)[:2] == (15, 30)


def test_one_trial_each_is_fishers_test() -> None:
    hits, person, of = people((0.9, 0.7), 1, 60, 0.0, 4)
    made = grouped(hits, person, of)
    (_, n1, k1), (_, n2, k2) = made.raw(0), made.raw(1)
    expected = fisher_exact(np.array([[k1, n1 - k1], [k2, n2 - k2]])).pvalue
    assert made.differ_p(0, 1, 99, np.random.default_rng(1)) == pytest.approx(float(expected))


def test_the_same_trials_twice_are_worth_no_more_than_once() -> None:
    hits, person, of = people((0.9, 0.7), 1, 60, 0.0, 4)
    once = grouped(hits, person, of)
    twice = grouped(np.tile(hits, 2), np.tile(person, 2), of)
    assert twice.worth(0) == pytest.approx(once.worth(0), rel=0.02)
    p = [made.differ_p(0, 1, 9999, np.random.default_rng(1)) for made in (once, twice)]
    # Two-sided in two ways: tables that are no likelier, and twice the smaller tail.
    assert p[1] == pytest.approx(p[0], rel=0.5)
    assert p[1] > 0.3 * p[0]


def test_several_trials_each_are_scipys_test_of_shuffled_people() -> None:
    hits, person, of = people((0.8, 0.6), 3, 40, 0.6, 2)
    found, size = (
        np.bincount(person, weights).astype(np.float64) for weights in (hits, np.ones(len(person)))
    )

    def apart(x: NDArray[np.intp], y: NDArray[np.intp], axis: int) -> NDArray[np.float64]:
        first, second = (found[rows].sum(axis) / size[rows].sum(axis) for rows in (x, y))
        return np.asarray(first - second, np.float64)

    members = [np.flatnonzero(of == group) for group in (0, 1)]
    expected = permutation_test(
        members, apart, vectorized=True, n_resamples=9999, rng=np.random.default_rng(1)
    )
    p = grouped(hits, person, of).differ_p(0, 1, 9999, np.random.default_rng(1))
    assert p == pytest.approx(float(expected.pvalue), abs=0.01)
    assert 0.001 < p < 0.5


def test_groups_without_any_hit_or_any_miss_do_not_differ() -> None:
    for outcome in (np.zeros(80, np.bool_), np.ones(80, np.bool_)):
        made = grouped(outcome, np.repeat(np.arange(40), 2), np.repeat([0, 1], 20))
        assert made.differ_p(0, 1, 99, np.random.default_rng(1)) == 1.0


def test_alike_groups_are_called_different_no_more_often_than_they_may_be() -> None:
    called = 0
    for seed in range(300):
        made = grouped(*people((0.7, 0.7), 3, 25, 0.7, seed))
        called += made.differ_p(0, 1, 999, np.random.default_rng(seed)) <= 0.05
    # Binomial: more than 24 of 300 at 5 % in 1 of 100 such runs.
    assert called <= 24


def test_the_ratio_of_alike_groups_by_chance_falls_with_their_sizes() -> None:
    small, large = (
        grouped(*people((0.8,) * 4, 2, count, 0.5, 2)).chance_ratio(4, 0.95, 400, np.random.default_rng(1))
        for count in (25, 400)
    )
    assert 1 < large < 1.12 < small
    nobody = grouped(np.zeros(20, np.bool_), np.arange(20), np.repeat([0, 1], 10))
    assert nobody.chance_ratio(2, 0.95, 50, np.random.default_rng(1)) == math.inf


def test_trials_without_their_person_are_refused() -> None:
    with pytest.raises(ValueError, match="each trial has a person"):
        Trials(Rate.TPIR, np.zeros(3, np.bool_), np.zeros(2, np.intp))
