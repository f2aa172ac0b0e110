"""Folders of people: what is read, what is refused, and that nobody measures a picture against itself."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lfrd.errors import CorruptError, LfrdError, MissingError
from lfrd.evaluation.people import PICTURES, People, Role, read_cast, read_people

EVERYBODY: dict[str, tuple[str, ...]] = {
    "gallery": ("a/1.jpg",),
    "probes": ("a/2.jpg",),
    "non_mates": ("c/1.jpg",),
    "filler": ("d/1.jpg",),
}


def put(folder: Path, *names: str, mark: str = "", contents: str = "") -> Path:
    """Files with `contents`, or each with its own name and `mark`: nothing here looks into a picture."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(contents or f"{mark}{name}", encoding="utf-8")
    return folder


def problem(error: type[LfrdError], function: Callable[[], object]) -> str:
    with pytest.raises(error) as raised:
        function()
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_each_folder_is_a_person_in_natural_order(tmp_path: Path) -> None:
    put(tmp_path, "p10/1.jpg", "p2/b.jpg", "p2/a.png", ".hidden/1.jpg", "p2/.DS_Store", "p2/Thumbs.db")
    put(tmp_path, "cohorts.csv", "p2/deeper/1.jpg")
    (tmp_path / "p3").mkdir()
    people = read_people(tmp_path, Role.GALLERY)
    assert people.names == ("p2", "p3", "p10")
    assert [[file.path.name for file in files] for files in people.pictures] == [
        ["a.png", "b.jpg"],
        [],
        ["1.jpg"],
    ]
    assert people.counts == {"people": 3, "pictures": 3}
    assert [person for person, _ in people.files] == [0, 0, 2]
    data = people.as_data()
    assert (data.role, data.digest, data.counts) == ("gallery", people.digest, people.counts)


def test_progress_reaches_every_file(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    read_people(put(tmp_path, "a/1.jpg", "b/1.jpg"), Role.PROBES, lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]


def test_the_digest_follows_names_and_contents_and_not_the_place(tmp_path: Path) -> None:
    def digest(name: str, *files: str, contents: str = "same") -> str:
        return read_people(put(tmp_path / name, *files, contents=contents), Role.PROBES).digest

    one = digest("one", "a/1.jpg", "b/1.jpg")
    assert digest("same", "b/1.jpg", "a/1.jpg") == one
    others = {
        digest("contents", "a/1.jpg", "b/1.jpg", contents="others"),
        digest("person", "a/1.jpg", "c/1.jpg"),
        digest("picture", "a/1.jpg", "b/2.jpg"),
        digest("more", "a/1.jpg", "b/1.jpg", "b/2.jpg"),
        one,
    }
    assert len(others) == 5


def test_a_folder_that_is_not_what_it_should_be_is_refused_in_one_line(tmp_path: Path) -> None:
    file = put(tmp_path, "file.txt") / "file.txt"
    empty = tmp_path / "empty"
    empty.mkdir()
    hollow = tmp_path / "hollow"
    (hollow / "anna").mkdir(parents=True)
    for folder, said in (
        (tmp_path / "nowhere", "no such folder"),
        (file, "is not a folder"),
        (empty, "nobody is in it"),
        (hollow, "all 1 folders in it are empty"),
    ):
        text = problem(MissingError, functools.partial(read_people, folder, Role.NON_MATES))
        assert text.startswith(f"non-mates {folder}: ")
        assert said in text


@pytest.mark.parametrize("ending", sorted(PICTURES))
def test_pictures_beside_the_folders_are_nobodys(tmp_path: Path, ending: str) -> None:
    put(tmp_path, "anna/1.jpg", f"bert{ending.upper()}")
    text = problem(CorruptError, lambda: read_people(tmp_path, Role.GALLERY))
    assert f"'bert{ending.upper()}' lies beside the people's folders" in text


def test_two_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "Zo\u00eb/1.jpg", "Zoe\u0308/1.jpg")  # composed and decomposed
    assert "two folders are called 'Zo\u00eb'" in problem(
        CorruptError, lambda: read_people(tmp_path, Role.GALLERY)
    )


def test_what_is_no_file_or_too_large_is_kept_for_enrolment_to_refuse(tmp_path: Path) -> None:
    put(tmp_path, "anna/1.jpg")
    os.mkfifo(tmp_path / "anna" / "2.jpg")
    (tmp_path / "anna" / "3.jpg").symlink_to(tmp_path / "nowhere")
    with (tmp_path / "anna" / "4.jpg").open("wb") as large:
        large.truncate(2**26 + 1)
    (files,) = read_people(tmp_path, Role.GALLERY).pictures
    assert [bool(file.digest) for file in files] == [True, False, False, False]


def cast(folder: Path, **files: tuple[str, ...]) -> list[Path | None]:
    """Folders of a measurement, each with contents of its own."""
    return [
        put(folder / role, *files[role], mark=role) if role in files else None
        for role in ("gallery", "probes", "non_mates", "filler")
    ]


def read(folders: list[Path | None]) -> list[People]:
    gallery, probes, non_mates, filler = folders
    assert gallery is not None
    assert probes is not None
    return list(read_cast(gallery, probes, non_mates, filler))


def test_a_cast_has_each_folder_in_its_role(tmp_path: Path) -> None:
    folders = cast(tmp_path, **EVERYBODY)
    assert [people.role for people in read(folders)] == ["gallery", "probes", "non-mates", "filler"]
    assert [people.role for people in read([*folders[:2], None, None])] == ["gallery", "probes"]


def test_probes_of_people_who_are_not_in_the_gallery_are_counted_and_refused(tmp_path: Path) -> None:
    folders = cast(tmp_path, gallery=("a/1.jpg",), probes=("a/2.jpg", "b/1.jpg", "c/1.jpg"))
    text = problem(CorruptError, lambda: read(folders))
    assert "2 of 3 people in it have no folder in" in text
    assert "first 'b'" in text


@pytest.mark.parametrize(
    ("second", "third"), [("gallery", "non_mates"), ("gallery", "filler"), ("non_mates", "filler")]
)
def test_one_name_in_folders_that_exclude_each_other_is_refused(
    tmp_path: Path, second: str, third: str
) -> None:
    files = dict(EVERYBODY)
    files[second] += ("x/1.jpg",)
    files[third] += ("x/2.jpg", "y/2.jpg")
    text = problem(CorruptError, lambda: read(cast(tmp_path, **files)))
    assert "1 of" in text
    assert "'x'" in text


@pytest.mark.parametrize("role", ["probes", "non_mates", "filler"])
def test_a_picture_in_two_folders_is_refused_by_its_contents(tmp_path: Path, role: str) -> None:
    files = dict(EVERYBODY)
    folders = cast(tmp_path, **files)
    person = "a" if role == "probes" else files[role][0][0]
    (tmp_path / role / person / "renamed.png").write_bytes((tmp_path / "gallery/a/1.jpg").read_bytes())
    text = problem(CorruptError, lambda: read(folders))
    assert "1 of 2 pictures in it are in another folder" in text
    assert f"{person}/renamed.png is a/1.jpg of the gallery" in text


def test_a_folder_given_as_gallery_and_as_probes_is_refused(tmp_path: Path) -> None:
    folder = put(tmp_path, "a/1.jpg", "b/1.jpg")
    assert "2 of 2 pictures" in problem(CorruptError, lambda: read([folder, folder, None, None]))


def test_nothing_of_a_person_shows_in_a_repr(tmp_path: Path) -> None:
    people = read_people(put(tmp_path / "secret", "anna/front.jpg"), Role.GALLERY)
    assert "anna" not in repr(people)
    assert "front" not in repr(people)
    assert "secret" not in repr(people)
