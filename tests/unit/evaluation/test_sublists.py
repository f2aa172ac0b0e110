"""The list as a matrix answers as the product's gallery does, and its beginnings as shorter galleries."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lfrd.evaluation import sublists
from lfrd.evaluation.searches import NO_CANDIDATE
from lfrd.evaluation.sublists import NOBODY, Sublists
from lfrd.gallery.index import Gallery
from lfrd.types import F32, NominalId

DIM = 8


def directions(rng: np.random.Generator, count: int) -> F32:
    """Float32 [count, DIM], rows of length 1."""
    rows = rng.standard_normal((count, DIM)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def drawn(rng: np.random.Generator, people: int) -> tuple[F32, NDArray[np.intp]]:
    """One to three pictures of most people of `people`; some are left out, as if refused."""
    person = np.repeat(np.arange(people), rng.integers(0, 4, people))
    person = person if len(person) else np.array([0])
    return directions(rng, len(person)), person


def gallery_of(vectors: F32, person: NDArray[np.intp], listed: list[int]) -> Gallery:
    rows = {NominalId(str(number)): vectors[person == number] for number in listed}
    return Gallery(rows, dim=DIM)


def order_of(lists: Sublists, people: int) -> list[int]:
    """Who stands at each place of the list."""
    place = lists.places(np.arange(people))
    listed = [number for number in range(people) if place[number] != NOBODY]
    return sorted(listed, key=lambda number: int(place[number]))


@given(seed=st.integers(0, 2**32 - 1), people=st.integers(1, 12))
def test_every_list_gives_the_candidates_of_a_gallery_with_the_same_people(seed: int, people: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, person = drawn(rng, people)
    lists = Sublists(vectors, person, people, seed=seed)
    order = order_of(lists, people)
    assert sorted(order) == sorted(set(person.tolist()))
    queries = directions(rng, 9)
    own = rng.integers(NOBODY, people, 9)
    sizes = list(range(1, len(lists) + 1))
    answers = lists.search(queries, own, sizes)
    for q in range(len(queries)):
        mine = int(own[q])
        others = [number for number in order if number != mine]
        listed = mine in order
        for number, size in enumerate(sizes):
            with_own = [*others[: size - 1], mine] if listed else others[:size]
            without = others[:size]
            found = gallery_of(vectors, person, with_own).search(queries[q : q + 1], count=2)[0]
            best_other = next((c.score for c in found if c.nominal != str(mine)), NO_CANDIDATE)
            assert answers.other[number, q] == pytest.approx(best_other, abs=1e-6)
            right = answers.own[q] > answers.other[number, q]
            assert right == (found[0].nominal == str(mine))
            if right:
                assert answers.own[q] == pytest.approx(found[0].score, abs=1e-6)
            expected = (
                gallery_of(vectors, person, without).search(queries[q : q + 1])[0][0].score
                if without
                else NO_CANDIDATE
            )
            assert answers.top[number, q] == pytest.approx(expected, abs=1e-6)
        if not listed:
            assert answers.own[q] == NO_CANDIDATE


def test_blocks_of_queries_come_to_the_same_as_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    vectors, person = drawn(rng, 40)
    queries, own = directions(rng, 23), rng.integers(NOBODY, 40, 23)
    with_one = Sublists(vectors, person, 40, seed=1).search(queries, own, [3, 10])
    monkeypatch.setattr(sublists, "QUERIES", 4)
    with_many = Sublists(vectors, person, 40, seed=1).search(queries, own, [3, 10])
    for one, many in ((with_one.own, with_many.own), (with_one.other, with_many.other)):
        np.testing.assert_allclose(one, many, atol=1e-6)
    np.testing.assert_allclose(with_one.top, with_many.top, atol=1e-6)


def test_the_order_is_the_seeds_and_not_that_of_the_folder() -> None:
    rng = np.random.default_rng(0)
    vectors, person = directions(rng, 50), np.arange(50)
    orders = [order_of(Sublists(vectors, person, 50, seed=seed), 50) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != list(range(50))


def test_a_search_without_a_template_has_no_candidate() -> None:
    rng = np.random.default_rng(0)
    lists = Sublists(directions(rng, 3), np.arange(3), 3, seed=1)
    answers = lists.search(np.zeros((1, DIM), np.float32), np.array([0]), [3])
    assert (answers.own[0], answers.other[0, 0], answers.top[0, 0]) == (NO_CANDIDATE,) * 3


def test_a_list_of_one_has_nobody_else() -> None:
    rng = np.random.default_rng(0)
    vectors = directions(rng, 1)
    answers = Sublists(vectors, np.array([0]), 1, seed=1).search(vectors, np.array([0]), [1])
    assert answers.own[0] == pytest.approx(1)
    assert (answers.other[0, 0], answers.top[0, 0]) == (NO_CANDIDATE, NO_CANDIDATE)


def test_the_templates_are_copied_overwritten_and_never_pickled() -> None:
    rng = np.random.default_rng(0)
    vectors = directions(rng, 4)
    lists = Sublists(vectors, np.array([0, 0, 1, 2]), 3, seed=1)
    lists.close()
    assert vectors.any()
    assert all(not scores.any() for _, scores in lists.scores(vectors))
    with pytest.raises(TypeError):
        pickle.dumps(lists)
