"""Intervals of people with several searches each: how often they hold, and what they fall back to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lfrd.evaluation.bootstrap import METHODS, clustered, method_of
from lfrd.evaluation.proportions import clopper_pearson
from lfrd.policy.intervals import wilson

people_with_hits = st.lists(
    st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=60
)  # (hit, person)


def arrays(searches: list[tuple[bool, int]]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    return np.array([hit for hit, _ in searches]), np.array([person for _, person in searches])


def drawn(
    rng: np.random.Generator, people: int, most: int, share: float, agreement: float
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Searches of people who differ: each has a share of their own (beta), 1 to `most` searches."""
    scale = (1 - agreement) / agreement
    cluster = np.repeat(np.arange(people), rng.integers(1, most + 1, people))
    own = rng.beta(share * scale, (1 - share) * scale, people)
    return rng.random(len(cluster)) < own[cluster], cluster


@pytest.mark.parametrize(
    ("people", "most", "share", "agreement"),
    [(20, 9, 0.9, 0.5), (100, 5, 0.9, 0.3), (100, 5, 0.98, 0.3), (1000, 5, 0.003, 0.3), (500, 5, 0.01, 0.05)],
)
def test_it_holds_about_as_often_as_it_says_where_wilson_alone_would_not(
    people: int, most: int, share: float, agreement: float
) -> None:
    rng = np.random.default_rng(people)
    trials, held, wilsons = 400, 0, 0
    for seed in range(trials):
        hits, cluster = drawn(rng, people, most, share, agreement)
        low, high = clustered(hits, cluster, rounds=400, seed=seed)
        held += low <= share <= high
        low, high = wilson(int(hits.sum()), len(hits))
        wilsons += low <= share <= high
    assert held / trials >= 0.915
    assert held > wilsons


def test_it_is_as_wide_as_wilsons_where_people_do_not_differ() -> None:
    rng = np.random.default_rng(3)
    hits, cluster = rng.random(6000) < 0.8, np.repeat(np.arange(2000), 3)
    ours, independent = clustered(hits, cluster, seed=1), wilson(int(hits.sum()), 6000)
    assert ours == pytest.approx(independent, abs=0.003)


def test_searches_that_always_agree_are_worth_one_each() -> None:
    rng = np.random.default_rng(4)
    once = rng.random(500) < 0.8
    ours = clustered(np.repeat(once, 4), np.repeat(np.arange(500), 4), seed=1)
    assert ours == pytest.approx(wilson(int(once.sum()), 500), abs=0.005)


def test_one_search_a_person_is_wilsons_interval() -> None:
    hits = np.arange(40) < 30
    assert clustered(hits, np.arange(40)[::-1], seed=1) == wilson(30, 40)
    assert method_of(hits, np.arange(40)) == "wilson"


def test_a_rate_that_must_not_be_told_too_small_has_the_exact_interval() -> None:
    hits = np.arange(40) < 2
    assert clustered(hits, np.arange(40), seed=1, exact=True) == clopper_pearson(2, 40)
    assert method_of(hits, np.arange(40), exact=True) == "exact"
    none, pairs = np.zeros(40, np.bool_), np.arange(40) // 2
    assert clustered(none, pairs, seed=1, exact=True) == clopper_pearson(0, 20)
    assert method_of(none, pairs, exact=True) == "exact_people"
    assert clopper_pearson(0, 20).high > wilson(0, 20).high


@pytest.mark.parametrize("all_found", [True, False])
def test_where_all_ended_alike_each_person_counts_once(all_found: bool) -> None:
    hits, cluster = np.full(500, all_found), np.repeat(np.arange(20), 25)
    assert clustered(hits, cluster, seed=1) == wilson(20 if all_found else 0, 20)
    assert method_of(hits, cluster) == "people"


def test_one_person_says_nothing_of_others_and_no_search_says_nothing() -> None:
    assert clustered(np.arange(10) < 5, np.zeros(10, np.intp), seed=1) == (0, 1)
    nothing = np.zeros(0, np.bool_), np.zeros(0, np.intp)
    assert clustered(*nothing, seed=1) == (0, 1)
    assert METHODS[method_of(*nothing)]


@given(searches=people_with_hits, seed=st.integers(0, 3), confidence=st.floats(0.5, 0.99))
def test_it_holds_the_share_and_stays_within_bounds(
    searches: list[tuple[bool, int]], seed: int, confidence: float
) -> None:
    hits, cluster = arrays(searches)
    low, high = clustered(hits, cluster, rounds=100, seed=seed, confidence=confidence)
    assert 0 <= low <= hits.mean() + 1e-12
    assert hits.mean() - 1e-12 <= high <= 1


@given(searches=people_with_hits, names=st.permutations(range(10)), data=st.data())
def test_it_depends_neither_on_peoples_numbers_nor_on_the_order_of_searches(
    searches: list[tuple[bool, int]], names: list[int], data: st.DataObject
) -> None:
    renamed = [(hit, 7 * names[person] - 3) for hit, person in data.draw(st.permutations(searches))]
    first, second = (clustered(*arrays(rows), rounds=50, seed=5) for rows in (searches, renamed))
    assert first == second


def test_a_seed_gives_the_same_again_and_more_confidence_a_wider_interval() -> None:
    hits, cluster = drawn(np.random.default_rng(1), 200, 4, 0.8, 0.3)
    assert clustered(hits, cluster, seed=1) == clustered(hits, cluster, seed=1)
    assert clustered(hits, cluster, seed=1) != clustered(hits, cluster, seed=2)
    narrow, wide = (clustered(hits, cluster, seed=1, confidence=c) for c in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_impossible_questions_are_refused() -> None:
    hits, cluster = np.ones(4, np.bool_), np.zeros(4, np.intp)
    with pytest.raises(ValueError, match="each search has a person"):
        clustered(hits, cluster[:3], seed=1)
    with pytest.raises(ValueError, match="round at least"):
        clustered(hits, cluster, rounds=0, seed=1)
    with pytest.raises(ValueError, match="confidence lies"):
        clustered(hits, cluster, seed=1, confidence=1.0)
