"""Of boxes that overlap, the best stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lfrd.types import F32
from lfrd.vision.nms import suppress


def boxes(*rows: tuple[float, float, float, float]) -> F32:
    return np.array(rows, np.float32)


def scores(*values: float) -> F32:
    return np.array(values, np.float32)


def test_of_two_boxes_on_one_face_the_better_stays() -> None:
    kept = suppress(boxes((0, 0, 10, 10), (1, 0, 10, 10), (50, 0, 10, 10)), scores(0.7, 0.9, 0.8), 0.5)
    assert kept.tolist() == [1, 2]


def test_a_box_that_only_a_fallen_box_overlaps_stays() -> None:
    row = boxes((0, 0, 10, 10), (4, 0, 10, 10), (8, 0, 10, 10))
    assert suppress(row, scores(0.9, 0.8, 0.7), 0.4).tolist() == [0, 2]


def test_a_small_box_within_a_large_one_falls_only_when_measured_by_the_smaller() -> None:
    nested = boxes((0, 0, 100, 100), (40, 40, 10, 10))
    assert len(suppress(nested, scores(0.9, 0.8), 0.5)) == 2
    assert suppress(nested, scores(0.9, 0.8), 0.5, by_smaller=True).tolist() == [0]


def test_among_equal_scores_the_first_given_stays() -> None:
    same = boxes((0, 0, 10, 10), (0, 0, 10, 10))
    assert suppress(same, scores(0.5, 0.5), 0.5).tolist() == [0]


@pytest.mark.parametrize("by_smaller", [False, True])
def test_boxes_without_an_area_overlap_nothing(by_smaller: bool) -> None:
    flat = boxes((5, 5, 0, 0), (5, 5, 0, 0), (0, 0, 10, 10))
    assert len(suppress(flat, scores(0.9, 0.8, 0.7), 0.3, by_smaller=by_smaller)) == 3


def test_no_boxes_leave_none() -> None:
    assert suppress(np.empty((0, 4), np.float32), scores(), 0.5).tolist() == []


def overlap(one: F32, other: F32, by_smaller: bool) -> float:
    x = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    y = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, float(x)) * max(0.0, float(y))
    areas = float(one[2] * one[3]), float(other[2] * other[3])
    return shared / (min(areas) if by_smaller else sum(areas) - shared)


# Whole numbers, so that the slow comparison and the fast one round alike.
some_boxes = hnp.arrays(np.int32, st.tuples(st.integers(1, 20), st.just(4)), elements=st.integers(1, 30)).map(
    lambda a: a.astype(np.float32)
)


@given(some_boxes, st.data(), st.sampled_from([0.25, 0.5, 0.75]), st.booleans())
def test_those_kept_are_apart_and_each_fallen_one_lies_on_a_better(
    given_boxes: F32, data: st.DataObject, iou: float, by_smaller: bool
) -> None:
    n = len(given_boxes)
    given_scores = data.draw(hnp.arrays(np.float32, n, elements=st.floats(0, 1, width=32)))
    kept = suppress(given_boxes, given_scores, iou, by_smaller=by_smaller).tolist()
    assert given_scores[kept].tolist() == sorted(given_scores[kept].tolist(), reverse=True)
    for place, one in enumerate(kept):
        assert all(overlap(given_boxes[one], given_boxes[two], by_smaller) <= iou for two in kept[:place])
    for fallen in set(range(n)) - set(kept):
        assert any(
            given_scores[one] >= given_scores[fallen]
            and overlap(given_boxes[one], given_boxes[fallen], by_smaller) > iou
            for one in kept
        )
