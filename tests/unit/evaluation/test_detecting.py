"""A detector's run: hand-made faces come to the figures worked out by hand, and a real one finds a face."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from lfrd.config import Config
from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.detect_results import results
from lfrd.evaluation.detecting import Seen, detect, joined
from lfrd.evaluation.wider import Marked
from lfrd.gallery.reading import MAX_SIDE
from lfrd.models import library
from lfrd.types import U8, Detections
from tests.portraits import portrait


def marked(name: str, boxes: list[list[float]], invalid: list[bool] | None = None) -> Marked:
    return Marked(
        name,
        1,
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array(invalid or [False] * len(boxes), np.bool_),
    )


def seen(boxes: list[list[float]], scores: list[float]) -> Seen:
    return Seen(np.array(boxes, np.float64).reshape(-1, 4), np.array(scores, np.float64), "00")


TRUTH = [
    # A face of 30 that is found, one of 100 that is not, an invalid one that is.
    marked("a", [[0, 0, 30, 30], [100, 0, 100, 100], [300, 0, 50, 50]], [False, False, True]),
    # A face of 100 found twice, one of 5 found: too narrow to count.
    marked("b", [[0, 0, 100, 100], [300, 0, 5, 5]]),
    # Nobody, and something of 90 taken for a face; something of 4 as well, too narrow to count.
    marked("c", []),
]
FOUND = [
    seen([[0, 0, 30, 30], [300, 0, 50, 50]], [0.9, 0.8]),
    seen([[0, 0, 100, 100], [1, 0, 100, 100], [300, 0, 5, 5]], [0.95, 0.3, 0.9]),
    seen([[0, 0, 90, 90], [200, 0, 4, 4]], [0.7, 0.9]),
]


def test_hand_made_faces_come_to_the_figures_worked_out_by_hand() -> None:
    made = results(joined(TRUTH, FOUND, least=10, high=0.6), max_side=960, least=10, seed=1)
    assert (made["pictures"], made["faces"], made["found"], made["ignored"]) == (3, 3, 2, 2)
    assert made["recall"] == pytest.approx(2 / 3)
    # The second box on one face has 0.3, below what is certain; the invalid and the narrow are neither.
    assert (made["detections"], made["false"], made["neither"]) == (3, 1, 3)
    assert made["precision"] == pytest.approx(2 / 3)
    # By score: hit, hit, false, false, of 3 faces.
    assert made["average_precision"] == pytest.approx(2 / 3)
    assert 0 <= made["recall_low"] < made["recall"] < made["recall_high"] <= 1
    by_size = {row["from"]: row for row in made["by_size"]}
    assert [(low, row["faces"], row["found"], row["false"]) for low, row in by_size.items()] == [
        (10, 0, 0, 0),
        (20, 1, 1, 0),
        (40, 0, 0, 0),
        (80, 2, 1, 1),
        (160, 0, 0, 0),
    ]
    assert by_size[160]["to"] is None
    assert by_size[160]["recall"] is None
    assert made["curve"][0] == {"score": 0.95, "recall": pytest.approx(1 / 3), "precision": 1.0}


def test_nobody_to_be_found_is_not_known_rather_than_0() -> None:
    made = results(joined([TRUTH[2]], [FOUND[2]], least=10, high=0.6), max_side=960, least=10, seed=1)
    assert (made["recall"], made["average_precision"]) == (None, None)
    assert (made["precision"], made["false"]) == (0, 1)
    silent = joined([TRUTH[0]], [seen([], [])], least=10, high=0.6)
    made = results(silent, max_side=960, least=10, seed=1)
    assert (made["recall"], made["precision"], made["average_precision"]) == (0, None, 0)


def test_the_digest_tells_other_pictures_and_another_truth() -> None:
    first, other_truth, other_picture = (
        joined(truth, found, least=10, high=0.6).digest
        for truth, found in (
            (TRUTH[:1], FOUND[:1]),
            ([marked("a", [[0, 0, 31, 30]])], FOUND[:1]),
            (TRUTH[:1], [Seen(FOUND[0].boxes, FOUND[0].scores, "01")]),
        )
    )
    assert len({first, other_truth, other_picture}) == 3


def test_a_picture_that_is_not_there_is_named_with_its_line_before_any_is_looked_at(
    tmp_path: Path, builtin: Path
) -> None:
    pack = library.open_pack(str(builtin), builtin.parent)
    with pytest.raises(MissingError, match=r"gone\.jpg: no such picture, which line 7 of the truth"):
        detect([Marked("gone.jpg", 7, np.empty((0, 4)), np.empty(0, np.bool_))], tmp_path, pack, Config())
    with pytest.raises(MissingError, match="no such folder"):
        detect(TRUTH, tmp_path / "none", pack, Config())


def test_a_file_that_is_no_picture_is_named(tmp_path: Path, builtin: Path) -> None:
    (tmp_path / "a").write_text("not a picture")
    pack = library.open_pack(str(builtin), builtin.parent)
    with pytest.raises(ExceptionGroup) as caught:
        detect(TRUTH[:1], tmp_path, pack, Config())
    assert caught.group_contains(CorruptError, match="not a picture; give JPEG")


def test_a_real_detector_finds_faces_in_pictures_larger_than_any_that_is_searched(
    tmp_path: Path, builtin: Path, astronaut: Path, locate: Callable[[U8], Detections]
) -> None:
    picture = portrait(astronaut)
    box = locate(picture).boxes[0].astype(np.float64)
    large = 2 * MAX_SIDE / max(picture.shape[:2])
    for name, scale in (("one.png", 1.0), ("large.png", large)):
        cv2.imwrite(str(tmp_path / name), cv2.resize(picture, None, fx=scale, fy=scale))
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((200, 300, 3), 90, np.uint8))
    truth = [
        marked("one.png", [box.tolist()]),
        marked("large.png", [(box * large).tolist()]),
        marked("empty.png", []),
    ]
    told: list[tuple[int, int]] = []
    made = detect(
        truth,
        tmp_path,
        library.open_pack(str(builtin), builtin.parent),
        Config(),
        progress=lambda done, total: told.append((done, total)),
    )
    assert (made.true_score >= made.high).all()
    assert made.pictures == 3
    assert told[-1] == (3, 3)
