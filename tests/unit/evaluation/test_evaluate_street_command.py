"""What `lfrd evaluate street` and `lfrd evaluate detect` refuse, each in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import lfrd

PACK = ("--pack", "none")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Not a clip: what is refused here is refused before it is opened."""
    path = tmp_path / "clip.mp4"
    path.touch()
    return path


def test_each_clip_needs_a_truth_and_all_a_watchlist(tmp_path: Path, clip: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("person,enter,leave\n")
    assert "'--truth': give one for each clip" in lfrd("evaluate", "street", clip, "-w", tmp_path).line()
    two = lfrd("evaluate", "street", clip, clip, "--truth", truth, "-w", tmp_path)
    assert "2 clips and 1 truths; give one for each, in the same order" in two.line()
    assert (two.code, "'--watchlist'" in lfrd("evaluate", "street", clip, "--truth", truth).line()) == (
        2,
        True,
    )


def test_a_folder_must_be_a_drawn_street_and_brings_its_own_truth(tmp_path: Path) -> None:
    other = lfrd("evaluate", "street", tmp_path, *PACK)
    assert "no street is in it; make one with lfrd bench street" in other.line()
    assert other.code == 1
    given = lfrd("evaluate", "street", tmp_path, "--truth", tmp_path / "truth.csv")
    assert "a folder has its own truths" in given.line()


def test_what_is_no_clip_or_no_truth_is_named(tmp_path: Path, clip: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("person,enter,leave\nA,5,1\n")
    words = ("evaluate", "street", clip, "--truth", truth, "-w", tmp_path, *PACK)
    assert "clip.mp4: not a video that can be read" in lfrd(*words).line()
    missing = lfrd("evaluate", "street", tmp_path / "none.mp4", "--truth", truth, "-w", tmp_path, *PACK)
    assert "none.mp4: no such file" in missing.line()


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(
    tmp_path: Path, clip: Path
) -> None:
    words = ("evaluate", "street", clip, "--truth", clip, "-w", tmp_path, "--report", tmp_path / "page.pdf")
    assert "page.pdf" in lfrd(*words).line()
    detect = ("evaluate", "detect", "--pictures", tmp_path, "--truth", clip, "--report", tmp_path / "a.pdf")
    assert "a.pdf" in lfrd(*detect).line()


def test_a_detector_s_truth_is_refused_with_its_line(tmp_path: Path) -> None:
    truth = tmp_path / "truth.txt"
    truth.write_text("a.jpg\n1\n1 2 3\n")
    refused = lfrd("evaluate", "detect", "--pictures", tmp_path, "--truth", truth, *PACK)
    assert "truth.txt: line 3: face 1 of 1 is due" in refused.line()
    assert refused.code == 1
