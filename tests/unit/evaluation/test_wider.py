"""WIDER FACE's text format is read, and what is wrong with a file is said with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.wider import Marked, read_wider


def read(tmp_path: Path, text: str) -> list[Marked]:
    path = tmp_path / "truth.txt"
    path.write_text(text, encoding="utf-8")
    return read_wider(path)


def test_pictures_faces_and_what_is_invalid_are_read(tmp_path: Path) -> None:
    first, second = read(
        tmp_path,
        "0--Parade/one.jpg\n2\n449 330 122 149 0 0 0 0 0 0 \n10 20 5 6 2 0 0 1 2 0 \n"
        "1--Handshaking/two.jpg\n1\n1.5 2 3 4\n",
    )
    assert (first.name, first.line, second.name, second.line) == (
        "0--Parade/one.jpg",
        1,
        "1--Handshaking/two.jpg",
        5,
    )
    assert first.boxes.tolist() == [[449, 330, 122, 149], [10, 20, 5, 6]]
    assert first.invalid.tolist() == [False, True]
    assert second.boxes.tolist() == [[1.5, 2, 3, 4]]


@pytest.mark.parametrize("dummy", ["0 0 0 0 0 0 0 0 0 0\n", ""])
def test_a_picture_without_faces_may_have_a_line_of_zeros(tmp_path: Path, dummy: str) -> None:
    empty, full = read(tmp_path, f"a.jpg\n0\n{dummy}b.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n")
    assert empty.boxes.shape == (0, 4)
    assert len(empty.invalid) == 0
    assert (full.name, len(full.boxes)) == ("b.jpg", 1)


def test_an_invalid_face_may_have_no_width(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "a.jpg\n1\n1 2 0 0 0 0 0 1 0 0\n")
    assert one.invalid.tolist() == [True]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a.jpg\n", 1, "the file ends where a count"),
        ("a.jpg\ntwo\n", 2, "a count of faces is due"),
        ("a.jpg\n-1\n", 2, "a count of faces is due"),
        ("a.jpg\n1.5\n", 2, "a count of faces is due"),
        ("a.jpg\n2\n1 2 3 4\n", 3, "ends after 1 of 2 faces"),
        ("a.jpg\n2\n1 2 3 4\nb.jpg\n0\n", 4, "face 2 of 2 is due"),
        ("a.jpg\n1\n1 2 3\n", 3, "face 1 of 1 is due"),
        ("a.jpg\n1\n1 2 3 4 5\n", 3, "face 1 of 1 is due"),
        ("a.jpg\n1\n1 2 nan 4\n", 3, "face 1 of 1 is due"),
        ("a.jpg\n1\n1 2 -3 4\n", 3, "below 0"),
        ("a.jpg\n1\n1 2 3 4\n5 6 7 8\n", 4, "a picture's name is due"),
        ("a.jpg\n0\n\nb.jpg\n0\na.jpg\n0\n", 6, "the same picture as in line 1"),
        ("../a.jpg\n0\n", 1, "outside the folder"),
        ("/a.jpg\n0\n", 1, "outside the folder"),
    ],
)
def test_a_malformed_truth_is_refused_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(CorruptError, match=rf"truth\.txt: line {line}: .*{words}"):
        read(tmp_path, text)


def test_a_truth_that_is_empty_missing_or_no_text_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="names no picture"):
        read(tmp_path, "\n\n")
    with pytest.raises(MissingError, match="cannot be read"):
        read_wider(tmp_path / "not there.txt")
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff\xe0\x90")
    with pytest.raises(CorruptError, match="not text"):
        read_wider(tmp_path / "picture")
