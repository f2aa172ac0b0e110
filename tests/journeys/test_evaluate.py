"""The laboratory's commands on folders of photographs, from files to figures and a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import Ended, lfrd

pytestmark = pytest.mark.journey

LISTED = range(1, 21)
STRANGERS = range(351, 381)
MORE = range(501, 521)


@pytest.fixture(scope="module")
def folders(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Links to photographs: a first one of each listed person, their others, strangers, and more people.
    One person on the list has no picture that can be used."""
    made = tmp_path_factory.mktemp("folders")
    for number in (*LISTED, *STRANGERS, *MORE):
        person = shared / "faces" / f"p{number:04}"
        if not person.is_dir():
            pytest.skip("needs ../shared/faces")
        for place, picture in enumerate(sorted(person.iterdir())):
            listed = "gallery" if place == 0 else "probes"
            role = "non-mates" if number in STRANGERS else "filler" if number in MORE else listed
            target = made / role / person.name / picture.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(picture)
    (made / "gallery" / "nobody").mkdir()
    (made / "gallery" / "nobody" / "notes.jpg").write_bytes(b"not a picture")
    return made


def evaluated(shared: Path, what: str, folders: Path, *words: str | Path) -> Ended:
    pack = shared / "models" / "field"
    listed = ("--gallery", folders / "gallery", "--probes", folders / "probes")
    return lfrd("evaluate", what, *listed, "--pack", pack, *words)


def test_who_is_found_on_a_list_and_who_is_left_alone(shared: Path, folders: Path, tmp_path: Path) -> None:
    words = ("--non-mates", folders / "non-mates", "--filler", folders / "filler", "--sizes", "10,30")
    page = tmp_path / "report.html"
    ended = evaluated(shared, "identify", folders, *words, "--json", "--report", page)
    assert ended.code == 0, ended.err
    results = json.loads(ended.out)
    probes = sum(1 for _ in (folders / "probes").glob("*/*"))
    assert (results["mated"], results["non_mated"]) == (probes, len(STRANGERS))
    assert results["people"]["gallery"] == len(LISTED) + 1
    assert results["fte"] == pytest.approx(1 - results["people"]["enrolled"] / (len(LISTED) + 1))
    assert results["fte"] >= 1 / 21
    assert results["failures"]["gallery"]["not_a_picture"] == 1
    assert results["gallery"] == results["people"]["enrolled"] + results["people"]["filler_enrolled"]
    assert [one["gallery"] for one in results["sizes"]] == [10, 30, results["gallery"]]
    assert results["compared"]["rank1"] > 0.9
    assert results["points"][0]["tpir"] > 0.6
    assert json.loads(page.with_suffix(".json").read_bytes())["results"] == results
    for text in (ended.out, ended.err.replace(str(page), ""), page.read_text(encoding="utf-8")):
        assert "p0001" not in text
        assert ".jpg" not in text
        assert str(folders) not in text
    again = evaluated(shared, "identify", folders, *words, "--json")
    assert json.loads(again.out) == results


def test_the_same_for_people_to_read_and_without_strangers(shared: Path, folders: Path) -> None:
    ended = evaluated(shared, "identify", folders)
    assert ended.code == 0, ended.err
    assert "each probe on the list without its own person" in ended.out
    assert "LIST" in ended.out
    assert "p0001" not in ended.out + ended.err


def test_two_pictures_are_of_one_person_or_not(shared: Path, folders: Path, tmp_path: Path) -> None:
    ended = evaluated(shared, "verify", folders, "--json", "--report", tmp_path / "verify.html")
    assert ended.code == 0, ended.err
    results = json.loads(ended.out)
    assert results["genuine"] == sum(1 for _ in (folders / "probes").glob("*/*"))
    assert results["compared"]["eer"]["rate"] < 0.05
    assert (tmp_path / "verify.html").exists()
    shown = evaluated(shared, "verify", folders, "--most", "100")
    assert shown.code == 0, shown.err
    assert "equal error rate" in shown.out


def test_folders_that_would_fool_are_refused_in_one_line(shared: Path, folders: Path) -> None:
    same = lfrd("evaluate", "verify", "--gallery", folders / "gallery", "--probes", folders / "gallery")
    assert same.code == 1
    assert "a picture compared with itself proves nothing" in same.line()
    listed = evaluated(shared, "identify", folders, "--non-mates", folders / "probes")
    assert listed.code == 1
    assert "non-mates must be other people" in listed.line()
    sizes = evaluated(shared, "identify", folders, "--sizes", "5,none")
    assert sizes.code == 2
    assert "'5,none' is not a row of numbers" in sizes.line()
    nowhere = lfrd("evaluate", "identify", "--gallery", folders / "nowhere", "--probes", folders / "probes")
    assert nowhere.code == 1
    assert "no such folder" in nowhere.line()
