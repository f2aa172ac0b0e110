from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.capture import folder
from lfrd.capture.folder import FolderSource, natural
from lfrd.capture.rate import every
from lfrd.capture.source import make_source, recording
from lfrd.config import Camera, Config
from lfrd.errors import SourceError
from lfrd.types import U8, CameraId
from tests.clips import drawn, number_in, write_pictures


def test_pictures_come_in_the_order_that_people_number_them(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", [10, 9, 100, 1])
    with recording(pictures) as source:
        found = [(frame.captured_at, number_in(frame.picture.scaled(320, 240))) for frame in source]
    assert found == [(0, 1), (1, 9), (2, 10), (3, 100)]


@given(st.text(max_size=20), st.integers(0, 10**9), st.integers(0, 10**9))
def test_natural_order_is_the_order_of_the_numbers(stem: str, a: int, b: int) -> None:
    stem = stem.rstrip("0123456789")
    assert (natural(f"{stem}{a}") < natural(f"{stem}{b}")) == (a < b)


def test_a_folder_loops_in_media_time_at_its_rate(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", range(2))
    camera = Camera(name="c", source=str(pictures), fps=4.0, loop=True, paced=False)
    with make_source(camera, Config().at(tmp_path)) as source:
        frames = list(itertools.islice(source, 5))
    assert [frame.captured_at for frame in frames] == [0, 0.25, 0.5, 0.75, 1]


def test_an_unreadable_picture_is_skipped_and_counted(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", range(3))
    (pictures / "picture1.png").write_bytes(b"not a picture")
    (pictures / "picture5.jpg").write_bytes(b"")
    (pictures / "notes.txt").write_text("not looked at")
    source = recording(pictures)
    with source:
        assert [frame.captured_at for frame in source] == [0, 2]
    assert source.counts.corrupt == 2
    assert source.remark == "2 of 4 pictures cannot be read"


def test_a_folder_in_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", [0])
    (pictures / "picture0.png").write_bytes(b"not a picture")
    with recording(pictures) as source, pytest.raises(SourceError, match="none of its pictures can be read"):
        list(source)


def test_a_folder_without_pictures_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no picture"), recording(tmp_path):
        pass


def test_a_folder_that_is_gone_is_one_clear_line(tmp_path: Path) -> None:
    source = FolderSource(CameraId("c"), tmp_path / "gone", every)
    with pytest.raises(SourceError, match=r"cannot be read \(no such file or directory\)"), source:
        pass


def test_pictures_of_different_sizes_follow_one_another(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", [0])
    cv2.imwrite(str(pictures / "picture1.png"), drawn(1, 641, 481))
    with recording(pictures) as source:
        assert [frame.picture.size for frame in source] == [(320, 240), (641, 481)]


def test_a_picture_that_was_released_is_overwritten(tmp_path: Path) -> None:
    with recording(write_pictures(tmp_path / "pictures", [7])) as source:
        (frame,) = source
        pixels = frame.picture._pixels
        frame.release()
    assert not pixels.any()


def test_a_picture_that_is_not_wanted_is_overwritten_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[U8] = []
    original = folder._read

    def remembered(file: Path) -> U8 | None:
        pixels = original(file)
        assert pixels is not None
        read.append(pixels)
        return pixels

    monkeypatch.setattr(folder, "_read", remembered)
    source = FolderSource(CameraId("c"), write_pictures(tmp_path / "p", range(3)), lambda at: at != 1)
    with source:
        frames = list(source)
    assert source.counts.skipped == 1
    assert [pixels.any() for pixels in read] == [True, False, True]
    assert [frame.sequence for frame in frames] == [0, 2]
