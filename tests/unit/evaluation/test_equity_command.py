"""`lfrd evaluate equity` from folders and a file of cohorts to verdicts, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import lfrd


def drawn(folder: Path, *people: str) -> Path:
    """Folders of people without a usable picture: what is refused is refused before any is looked at."""
    for person in people:
        (folder / person).mkdir(parents=True)
        (folder / person / "a.png").write_bytes(f"{folder.name}{person}".encode())
    return folder


def words(tmp_path: Path, cohorts: str, *more: str) -> list[str | Path]:
    gallery, probes = (drawn(tmp_path / name, "ann", "bob") for name in ("gallery", "probes"))
    file = tmp_path / "cohorts.csv"
    file.write_text(cohorts, encoding="utf-8")
    return ["evaluate", "equity", "--gallery", gallery, "--probes", probes, "--cohorts", file, *more]


@pytest.mark.parametrize(
    ("cohorts", "more", "says"),
    [
        ("person,sex\nann,f\n", ["--column", "age"], "no column 'age'; it has: sex"),
        ("person,sex\nann,f\nzoe,f\n", [], "line 3: no folder has this person's name"),
        ("person,sex\nann,f\nann,m\n", [], "lines 2 and 3 say different things"),
        ("name,sex\nann,f\n", [], "must be headed 'person'"),
        ("person,sex\nann,f\n", ["--report", "page.pdf"], "page.pdf"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, cohorts: str, more: list[str], says: str
) -> None:
    ended = lfrd(*words(tmp_path, cohorts, *more), cwd=tmp_path)
    assert ended.code != 0
    assert says in ended.line()


@pytest.mark.parametrize(
    "more",
    [
        ["--cross", "sex"],
        ["--fpir", "0.01", "--threshold", "0.5"],
        ["--margin", "0"],
        ["--factor", "1"],
        ["--least", "4"],
    ],
)
def test_options_that_contradict_or_go_too_far_are_refused(tmp_path: Path, more: list[str]) -> None:
    ended = lfrd(*words(tmp_path, "person,sex\nann,f\n", *more), cwd=tmp_path)
    assert ended.code == 2
    assert more[-2] in ended.err


@pytest.mark.shared
def test_folders_and_cohorts_become_verdicts_and_a_page(shared: Path, tmp_path: Path) -> None:
    gallery, probes, others = (tmp_path / name for name in ("gallery", "probes", "others"))
    rows = ["person;group;side"]
    for number in range(1, 13):
        person = f"p{number:04}"
        first, second, *_ = sorted((shared / "faces" / person).iterdir())
        for folder, picture in ((gallery, first), (probes, second)):
            (folder / person).mkdir(parents=True)
            (folder / person / picture.name).symlink_to(picture)
        rows.append(f"{person};{'even' if number % 2 == 0 else 'odd'};{'' if number > 10 else 'left'}")
    for number in range(351, 363):
        person = f"p{number:04}"
        (others / person).mkdir(parents=True)
        (picture,) = (shared / "faces" / person).iterdir()
        (others / person / picture.name).symlink_to(picture)
        rows.append(f"{person};{'Even ' if number % 2 == 0 else 'odd'};left")
    file = tmp_path / "cohorts.csv"
    file.write_text("\n".join(rows), encoding="utf-8-sig")
    page = tmp_path / "page.html"
    ended = lfrd(
        *("evaluate", "equity", "--gallery", gallery, "--probes", probes, "--non-mates", others),
        *("--cohorts", file, "--pack", shared / "models" / "field", "--json", "--report", page),
        *("--data", tmp_path / "packs"),
    )
    assert ended.code == 0, ended.err
    results = json.loads(ended.out)
    verdicts = {(one["variable"], one["rate"]): one for one in results["verdicts"]}
    assert set(verdicts) == {
        (variable, rate) for variable in ("group", "side") for rate in ("tpir", "fpir", "fte", "fta")
    }
    assert {one["verdict"] for one in verdicts.values()} == {"the sample cannot tell"}
    tpir = verdicts["group", "tpir"]
    assert [(row["cohort"], row["people"]) for row in tpir["cohorts"]] == [("even", 5), ("odd", 5)]
    assert tpir["people_left_out"] == 2  # the two who did not declare a side
    assert json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["results"]["gallery"] <= 12
    assert "p0001" not in page.read_text(encoding="utf-8")
    assert "p0001" not in ended.out
