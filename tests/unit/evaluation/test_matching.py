"""Found faces are matched with true ones as is written down, and average precision is what was reckoned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.evaluation.matching import (
    FALSE,
    HIT,
    NEITHER,
    Found,
    Matched,
    average_precision,
    average_precision_interval,
    curve,
    match,
    overlaps,
)
from lfrd.policy.intervals import wilson


def matched(
    boxes: Sequence[Sequence[float]],
    scores: Sequence[float],
    truth: Sequence[Sequence[float]],
    ignored: Sequence[bool] = (),
) -> Matched:
    return match(
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array(scores, np.float64),
        np.array(truth, np.float64).reshape(-1, 4),
        np.array([*ignored] or [False] * len(truth), np.bool_),
    )


def found(scores: list[float], hits: list[bool], picture: list[int] | None = None) -> Found:
    return Found(
        np.array(scores, np.float64),
        np.array(hits, np.bool_),
        np.array(picture or [0] * len(scores), np.intp),
        np.full(len(scores), 50.0),
    )


def test_intersection_over_union_is_what_geometry_says() -> None:
    a = np.array([[0.0, 0, 10, 10], [0, 0, 0, 0]])
    b = np.array([[0.0, 0, 10, 10], [5, 0, 10, 10], [5, 5, 10, 10], [20, 0, 10, 10], [0, 0, 0, 0]])
    assert overlaps(a, b)[0] == pytest.approx([1, 1 / 3, 1 / 7, 0, 0])
    assert not overlaps(a, b)[1].any()


def test_each_face_found_exactly_is_a_hit() -> None:
    boxes = [[0.0, 0, 10, 10], [50.0, 0, 10, 10]]
    made = matched(boxes, [0.9, 0.8], boxes[::-1])
    assert made.kinds.tolist() == [HIT, HIT]
    assert made.of.tolist() == [1, 0]


@pytest.mark.parametrize(("shift", "kind"), [(0, HIT), (9.9, HIT), (10, HIT), (10.1, FALSE), (40, FALSE)])
def test_a_shifted_box_is_a_hit_up_to_half_an_intersection_over_union(shift: float, kind: int) -> None:
    # Two squares of 30 that lie 10 apart share 600 of 1,200.
    assert matched([[shift, 0.0, 30, 30]], [0.9], [[0.0, 0, 30, 30]]).kinds.tolist() == [kind]


def test_a_second_box_on_the_same_face_is_false_and_the_higher_score_has_it() -> None:
    made = matched([[1.0, 0, 10, 10], [0, 0, 10, 10], [0, 1, 10, 10]], [0.7, 0.6, 0.9], [[0.0, 0, 10, 10]])
    assert made.kinds.tolist() == [FALSE, FALSE, HIT]


def test_a_box_over_two_faces_takes_the_one_that_is_free() -> None:
    truth = [[0.0, 0, 12, 10], [3.0, 0, 12, 10]]
    made = matched([[0.0, 0, 12, 10], [1, 0, 12, 10]], [0.9, 0.8], truth)
    assert made.of.tolist() == [0, 1]
    assert made.kinds.tolist() == [HIT, HIT]


def test_boxes_on_an_ignored_face_are_neither_hits_nor_false_however_many() -> None:
    truth = [[0.0, 0, 10, 10], [100.0, 0, 10, 10]]
    boxes = [[100.0, 0, 10, 10], [101.0, 0, 10, 10], [0.0, 0, 10, 10], [200.0, 0, 10, 10]]
    made = matched(boxes, [0.9, 0.8, 0.7, 0.6], truth, [False, True])
    assert made.kinds.tolist() == [NEITHER, NEITHER, HIT, FALSE]


def test_a_true_face_goes_before_an_ignored_one_beside_it() -> None:
    made = matched([[1.0, 0, 10, 10]], [0.9], [[1.0, 0, 10, 10], [0, 0, 10, 10]], [True, False])
    assert (made.kinds.tolist(), made.of.tolist()) == ([HIT], [1])


def test_pictures_without_faces_and_without_found_ones_are_no_trouble() -> None:
    assert matched([], [], [[0.0, 0, 10, 10]]).kinds.tolist() == []
    assert matched([[0.0, 0, 10, 10]], [0.9], []).kinds.tolist() == [FALSE]
    assert matched([], [], []).kinds.tolist() == []


squares = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(5, 20), st.integers(5, 20)), max_size=8
)


@given(boxes=squares, truth=squares, cut=st.integers(0, 8), seed=st.integers(0, 99))
def test_what_lies_below_a_score_changes_nothing_above_it_and_no_face_is_hit_twice(
    boxes: list[tuple[int, ...]], truth: list[tuple[int, ...]], cut: int, seed: int
) -> None:
    scores = np.sort(np.random.default_rng(seed).random(len(boxes)))[::-1].tolist()
    every = [list(map(float, box)) for box in boxes]
    true = [list(map(float, box)) for box in truth]
    ignored = [bool(number % 3 == 2) for number in range(len(true))]
    whole, part = (matched(every[:n], scores[:n], true, ignored) for n in (len(every), cut))
    assert whole.kinds[:cut].tolist() == part.kinds.tolist()
    taken = whole.of[whole.kinds == HIT].tolist()
    assert len(taken) == len(set(taken))
    assert not any(ignored[face] for face in taken)


def test_average_precision_of_a_hit_a_false_one_and_a_hit_is_five_sixths() -> None:
    # Recall 1/2 at precision 1, recall 1 at precision 2/3: 1/2 x 1 + 1/2 x 2/3.
    assert average_precision(found([0.9, 0.8, 0.7], [True, False, True]), 2) == pytest.approx(5 / 6)
    # The same with a false one first: both recalls at their best precision beyond, 2/3.
    assert average_precision(found([0.8, 0.9, 0.7], [True, False, True]), 2) == pytest.approx(2 / 3)


def test_average_precision_at_the_ends() -> None:
    assert average_precision(found([0.9, 0.8], [True, True]), 2) == 1
    assert average_precision(found([0.9, 0.8], [True, True]), 4) == pytest.approx(0.5)
    assert average_precision(found([0.9], [False]), 2) == 0
    assert average_precision(found([], []), 2) == 0
    assert average_precision(found([0.9], [False]), 0) is None


@given(
    rows=st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.8]), st.booleans()), min_size=1, max_size=12),
    seed=st.integers(0, 99),
)
def test_the_order_of_equal_scores_does_not_matter(rows: list[tuple[float, bool]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    one = found([row[0] for row in rows], [row[1] for row in rows])
    faces = max(1, int(one.hits.sum()))
    assert average_precision(one[order], faces) == pytest.approx(average_precision(one, faces))
    for ours, theirs in zip(curve(one[order], faces), curve(one, faces), strict=True):
        assert ours.tolist() == pytest.approx(theirs.tolist())


def test_the_curve_has_a_point_for_each_score() -> None:
    scores, recall, precision = curve(found([0.9, 0.8, 0.8, 0.7], [True, False, True, False]), 4)
    assert scores.tolist() == [0.9, 0.8, 0.7]
    assert recall.tolist() == [0.25, 0.5, 0.5]
    assert precision.tolist() == pytest.approx([1, 2 / 3, 1 / 2])
    assert all(len(column) == 0 for column in curve(found([0.9], [False]), 0))


def test_the_interval_of_average_precision_holds_it_and_repeats_itself() -> None:
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 40, 200).tolist()
    some = found(rng.random(200).tolist(), (rng.random(200) < 0.8).tolist(), picture)
    faces = np.bincount(picture, minlength=40)
    low, high = average_precision_interval(some, faces, seed=1)
    area = average_precision(some, 200)
    assert area is not None
    assert low < area < high
    assert 0.02 < high - low < 0.3
    assert average_precision_interval(some, faces, seed=1) == (low, high)
    assert average_precision_interval(some, faces, seed=2) != (low, high)


def test_all_found_in_a_few_pictures_is_no_certainty() -> None:
    one_each, nothing = np.ones(5, np.intp), found([], [])
    all_found = found([0.9] * 5, [True] * 5, list(range(5)))
    assert average_precision_interval(all_found, one_each, seed=1) == wilson(5, 5)
    assert average_precision_interval(nothing, one_each, seed=1) == wilson(0, 5)


def test_one_picture_says_nothing_of_others() -> None:
    assert average_precision_interval(found([0.9], [True]), np.array([1, 0]), seed=1) == (0, 1)
