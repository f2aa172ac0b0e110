"""A part of a picture: what it shows, and which boxes its edges cut."""

from __future__ import annotations

import numpy as np
import pytest

from lfrd.vision.part import Part

SIZE = 100, 80


def test_a_part_is_a_view_of_its_rows_and_columns() -> None:
    picture = np.arange(80 * 100 * 3).reshape(80, 100, 3).astype(np.uint8)
    part = Part(10, 20, 40, 70)
    assert part.size == (30, 50)
    assert np.array_equal(part.of(picture), picture[20:70, 10:40])
    assert np.shares_memory(part.of(picture), picture)


@pytest.mark.parametrize(
    ("part", "box", "is_cut"),
    [
        (Part(0, 32, 100, 64), (0, 0, 100, 32), False),
        (Part(0, 32, 100, 64), (10, -0.5, 9, 9), True),
        (Part(0, 32, 100, 64), (10, 24, 9, 9), True),
        (Part(0, 32, 100, 64), (-5, 10, 9, 9), False),
        (Part(0, 32, 100, 64), (95, 10, 9, 9), False),
        (Part(0, 0, 100, 64), (10, -5, 9, 9), False),
        (Part(0, 64, 100, 80), (10, 10, 9, 9), False),
        (Part(32, 0, 64, 80), (-1, 10, 9, 9), True),
        (Part(32, 0, 64, 80), (24, 10, 9, 9), True),
        (Part(0, 0, 100, 80), (-9, -9, 200, 200), False),
    ],
)
def test_a_box_is_cut_by_an_edge_of_the_part_and_not_by_the_picture_s(
    part: Part, box: tuple[float, float, float, float], is_cut: bool
) -> None:
    assert part.cuts(np.array([box], np.float32), SIZE).tolist() == [is_cut]


def test_of_no_boxes_none_is_cut() -> None:
    assert len(Part(0, 32, 100, 64).cuts(np.empty((0, 4), np.float32), SIZE)) == 0
