"""The builtin pack's measurement: searches counted as they say, and real faces told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfrd.types import F32
from tools.calibrate_builtin import points, read_faces, search


def vectors(*degrees: float) -> F32:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def test_a_non_mated_search_leaves_out_the_persons_own_entry() -> None:
    others, _ = search(vectors(0, 5, 60), np.array([0, 0, 1]))
    assert others == pytest.approx(np.cos(np.radians([60, 55, 60])), abs=1e-6)


def test_a_mated_search_is_found_only_where_its_own_entry_is_the_best() -> None:
    # The third picture is the first person's, and lies nearer to the second person's entry.
    _, mated = search(vectors(0, 5, 50, 60), np.array([0, 0, 0, 1]))
    assert mated == pytest.approx([np.cos(np.radians(5)), -1], abs=1e-6)


def test_no_more_searches_alarm_than_the_rate_allows() -> None:
    non_mated = (np.arange(1000) / 1000 + 0.0005).astype(np.float32)
    first, second = points(non_mated, np.array([0.95, 0.5], np.float32), (0.1, 0.01))
    assert (first.false_positives, second.false_positives) == (100, 10)
    assert (non_mated >= first.score).sum() == 100
    assert (first.tpir, second.tpir) == (0.5, 0.0)


def test_a_persons_two_pictures_are_more_alike_than_those_of_others(shared: Path, tmp_path: Path) -> None:
    for person in sorted((shared / "faces").iterdir())[:24]:
        (tmp_path / person.name).symlink_to(person)
    faces = read_faces(tmp_path, 0.2)
    assert faces.found == len(faces.people)
    _, mated = search(faces.vectors, faces.people)
    assert (mated > -1).mean() > 0.9
