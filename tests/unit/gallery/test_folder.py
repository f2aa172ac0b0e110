"""A watchlist's folder is read in natural order, and what is ambiguous in it is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import CorruptError, MissingError
from lfrd.gallery.folder import natural, read_folder, reference_of


def lay(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def listing(folder: Path) -> list[tuple[str, list[str]]]:
    return [(entry.nominal, [p.name for p in entry.pictures]) for entry in read_folder(folder)]


def test_a_folder_a_person_and_a_picture_a_person_may_stand_side_by_side(tmp_path: Path) -> None:
    lay(tmp_path, "anna/2.jpg", "anna/1.jpg", "bert.png")
    assert listing(tmp_path) == [("anna", ["1.jpg", "2.jpg"]), ("bert", ["bert.png"])]


def test_people_and_pictures_come_in_natural_order(tmp_path: Path) -> None:
    lay(tmp_path, "p10/b.jpg", "p2/12.jpg", "p2/3.jpg", "P3.jpg")
    assert listing(tmp_path) == [("p2", ["3.jpg", "12.jpg"]), ("P3", ["P3.jpg"]), ("p10", ["b.jpg"])]


@given(st.lists(st.text(max_size=12), max_size=12, unique=True))
def test_natural_order_is_a_total_order(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(names, key=natural) == sorted(backwards, key=natural)


def test_hidden_files_and_what_file_managers_leave_are_passed_over(tmp_path: Path) -> None:
    lay(
        tmp_path,
        ".DS_Store",
        "Thumbs.db",
        "anna/.hidden.jpg",
        "anna/desktop.ini",
        "anna/1.jpg",
        ".git/config",
    )
    assert listing(tmp_path) == [("anna", ["1.jpg"])]


def test_an_empty_persons_folder_is_an_entry_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    assert listing(tmp_path) == [("anna", [])]


@pytest.mark.parametrize("other", ["anna/1.jpg", "anna.png"])
def test_two_entries_with_one_reference_are_refused_by_name(tmp_path: Path, other: str) -> None:
    lay(tmp_path, "anna.jpg", other)
    with pytest.raises(
        CorruptError, match="are both called 'anna'; put one person's pictures into one folder"
    ):
        read_folder(tmp_path)


def test_references_that_look_alike_in_composed_and_decomposed_letters_are_one(tmp_path: Path) -> None:
    lay(tmp_path, "jos\u00e9.jpg", "jose\u0301/1.jpg")
    with pytest.raises(CorruptError, match="both called 'jos\u00e9'"):
        read_folder(tmp_path)


def test_a_folder_that_is_missing_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(
        MissingError, match="no such folder; give a folder with one folder of pictures a person"
    ):
        read_folder(tmp_path / "none")


def test_a_file_in_place_of_the_folder_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="is not a folder"):
        read_folder(lay(tmp_path, "list") / "list")


def test_a_folder_with_nobody_in_it_is_an_error(tmp_path: Path) -> None:
    lay(tmp_path, ".hidden")
    with pytest.raises(MissingError, match="nobody is in it"):
        read_folder(tmp_path)


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    lay(tmp_path, "anna/1.jpg")
    (tmp_path / "anna" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert listing(tmp_path) == [("anna", ["1.jpg"]), ("self", ["self"])]


def test_a_folder_inside_a_persons_folder_is_not_entered(tmp_path: Path) -> None:
    lay(tmp_path, "anna/1.jpg", "anna/old/2.jpg")
    assert listing(tmp_path) == [("anna", ["1.jpg"])]


def test_a_name_that_is_not_utf8_is_spelt_out_so_that_it_can_be_shown(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/jos\xe9.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    entry = read_folder(tmp_path)[0]
    assert entry.nominal == "jos\\xe9"
    assert entry.pictures[0].exists()


@given(st.binary(min_size=1, max_size=20).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_every_reference_can_be_shown_and_encoded(name: bytes) -> None:
    reference = reference_of(os.fsdecode(name))
    assert reference.encode("utf-8")
    assert reference.isprintable()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir(mode=0)
    with pytest.raises(MissingError, match="cannot be read"):
        read_folder(tmp_path)
