"""From a clip and its truth to figures and a page, by the command line alone; and from marked pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from lfrd.evaluation.street import Truth, Walker, make_clip
from lfrd.types import U8, Detections
from tests.commands import Ended, lfrd
from tests.portraits import portrait

pytestmark = pytest.mark.journey

SEED = ("--seed", "3")


@pytest.fixture(scope="module")
def street(
    tmp_path_factory: pytest.TempPathFactory,
    astronaut: Path,
    admiral: Path,
    locate: Callable[[U8], Detections],
) -> Path:
    """A clip in which two people walk by, its truth with boxes and without, and a list of one of the two."""
    folder = tmp_path_factory.mktemp("street")
    walkers = [
        Walker("astronaut", astronaut, enter=-1.0, speed=1.5, far=45, near=110, lane=-0.3),
        Walker("admiral", admiral, enter=-0.5, speed=1.5, far=45, near=110, lane=0.4),
    ]
    truth = make_clip(folder / "clip.mp4", walkers, seconds=4.0, locate=locate, size=(640, 360), seed=3)
    truth.save(folder / "boxes.json")
    noted(truth, folder / "noted.csv")
    person = folder / "list" / "astronaut"
    person.mkdir(parents=True)
    (person / astronaut.name).write_bytes(astronaut.read_bytes())
    return folder


def noted(truth: Truth, path: Path) -> None:
    rows = [f"{one.person},0:{one.enter:05.2f},0:{one.leave:05.2f}" for one in truth.passages]
    path.write_text("\n".join(["person,enter,leave", *rows]) + "\n", encoding="utf-8")


def evaluate(street: Path, packs: Path, truth: str, *words: str | Path) -> Ended:
    return lfrd(
        "evaluate",
        "street",
        street / "clip.mp4",
        "--truth",
        street / truth,
        "-w",
        street / "list",
        *words,
        environment={"LFRD_DATA": str(packs)},
    )


def test_a_clip_with_boxes_becomes_figures_and_a_page_without_names(
    street: Path, packs: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    done = evaluate(street, packs, "boxes.json", *SEED, "--json", "--report", page)
    assert done.code == 0, done.err
    results: dict[str, Any] = json.loads(done.out)
    assert (results["sought"], results["found"], results["strangers"]) == (1, 1, 1)
    assert results["false_alerts"]["count"] == 0
    assert results["second_look"]["alerts_that_differ"] == 0
    assert (results["tpir"], results["nominals"], results["pack"]) == (1.0, 1, "builtin")
    beside = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert beside["results"] == results
    html = page.read_text(encoding="utf-8")
    assert "TPIR a passage: 1 of 1" in html
    for text in (done.out, html, json.dumps(beside)):
        assert not [name for name in ("astronaut", "admiral", "clip.mp4", str(street)) if name in text]


def test_a_truth_of_times_alone_finds_the_same_and_says_what_it_cannot_explain(
    street: Path, packs: Path
) -> None:
    found = evaluate(street, packs, "noted.csv")
    assert found.code == 0, found.err
    assert "TPIR a passage: 1 of 1 passages of 1 listed people" in found.out
    assert "False alerts: 0 in " in found.out
    lost = evaluate(street, packs, "noted.csv", "--threshold", "0.9999")
    assert "TPIR a passage: 0 of 1" in lost.out
    assert "Not explained" in lost.out


def test_a_truth_in_which_nobody_is_listed_is_said_to_tell_no_tpir(
    street: Path, packs: Path, tmp_path: Path
) -> None:
    truth = tmp_path / "others.csv"
    truth.write_text("person,enter,leave\nsomebody,0,2\n", encoding="utf-8")
    done = evaluate(street, packs, str(truth))
    assert done.code == 0
    assert "nobody in the truth is on the watchlist" in done.err
    assert "TPIR is not known" in done.out


def test_a_clip_that_cannot_be_read_to_its_end_gives_no_figures(
    street: Path, packs: Path, tmp_path: Path
) -> None:
    whole = (street / "clip.mp4").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: 2 * len(whole) // 3])
    done = lfrd(
        "evaluate",
        "street",
        cut,
        "--truth",
        street / "boxes.json",
        "-w",
        street / "list",
        environment={"LFRD_DATA": str(packs)},
    )
    assert done.code == 1
    assert "frames could be read; measure on a whole clip" in done.err


def test_marked_pictures_become_precision_and_recall(
    packs: Path, tmp_path: Path, astronaut: Path, locate: Callable[[U8], Detections]
) -> None:
    picture = portrait(astronaut)
    x, y, width, height = locate(picture).boxes[0]
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "one.png"), picture)
    cv2.imwrite(str(tmp_path / "pictures" / "none.png"), 0 * picture + 90)
    truth = tmp_path / "truth.txt"
    truth.write_text(
        f"one.png\n1\n{x} {y} {width} {height} 0 0 0 0 0 0\nnone.png\n0\n0 0 0 0 0 0 0 0 0 0\n",
        encoding="utf-8",
    )
    page = tmp_path / "page.html"
    done = lfrd(
        "evaluate",
        "detect",
        "--pictures",
        tmp_path / "pictures",
        "--truth",
        truth,
        "--report",
        page,
        "--json",
        environment={"LFRD_DATA": str(packs)},
    )
    assert done.code == 0, done.err
    results = json.loads(done.out)
    assert (results["recall"], results["precision"], results["average_precision"]) == (1.0, 1.0, 1.0)
    html = page.read_text(encoding="utf-8")
    assert "1 of 1 faces in 2 pictures were found" in html
    assert "one.png" not in html
