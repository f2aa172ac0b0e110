"""Each entry is complete, authorised and has its pictures in the folder, or is refused with its reasons."""

from __future__ import annotations

import ast
import datetime
import inspect
import os
from pathlib import Path

import pytest

from lfrd.listing import codes
from lfrd.listing.codes import ADVICE, Code
from lfrd.listing.entries import Checker, Problem, SourceEntry
from lfrd.listing.reading import Row
from lfrd.listing.reporting import by_code, faults, write_report
from lfrd.listing.source import read_source
from tests.unit.listing.kit import draw, row, write_csv

TODAY = datetime.date(2025, 10, 9)
CATEGORIES = ["Wanted on warrant", "missing person"]


@pytest.fixture
def checker(folder: Path) -> Checker:
    draw(folder / "N1.png", 1)
    return Checker(folder, CATEGORIES, TODAY)


def check(checker: Checker, **change: object) -> SourceEntry | list[Problem]:
    return checker.check(Row(2, row("N1") | change))


def codes_of(checker: Checker, **change: object) -> list[Code]:
    found = check(checker, **change)
    return [] if isinstance(found, SourceEntry) else [problem.code for problem in found]


def test_a_complete_entry_has_everything_and_the_plans_own_spelling_of_the_category(
    checker: Checker, folder: Path
) -> None:
    entry = check(checker, category=" WANTED  on warrant", name="Ann Other", blue="yes", under_18="Y")
    assert isinstance(entry, SourceEntry)
    assert (entry.reference, entry.category, entry.blue) == ("N1", "Wanted on warrant", True)
    assert entry.facts.under_18
    assert not entry.facts.vulnerable
    assert entry.pictures == ((folder / "N1.png").resolve(),)
    assert "Ann" not in repr(entry.facts)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reference": " "}, Code.MISSING_REFERENCE),
        ({"reference": "N" * 61}, Code.BAD_REFERENCE),
        ({"reference": "N\u202e1"}, Code.BAD_REFERENCE),
        ({"category": ""}, Code.MISSING_CATEGORY),
        ({"category": "anyone"}, Code.UNKNOWN_CATEGORY),
        ({"image_source": ""}, Code.MISSING_IMAGE_SOURCE),
        ({"lawful_basis": ""}, Code.MISSING_LAWFUL_BASIS),
        ({"image_date": ""}, Code.MISSING_IMAGE_DATE),
        ({"image_date": "31/01/2025"}, Code.BAD_DATE),
        ({"image_date": "2025-02-30"}, Code.BAD_DATE),
        ({"image_date": "2025-W01-1"}, Code.BAD_DATE),
        ({"image_date": "1899-12-31"}, Code.BAD_DATE),
        ({"image_date": "2025-10-10"}, Code.FUTURE_DATE),
        ({"rationale": ""}, Code.MISSING_RATIONALE),
        ({"instruction": ""}, Code.MISSING_INSTRUCTION),
        ({"rationale": "x" * 2001}, Code.TOO_LONG),
        ({"instruction": "do not \u202etserra"}, Code.BAD_TEXT),
        ({"name": "\u2066Ann\u2069"}, Code.BAD_TEXT),
        ({"name": "\ud800"}, Code.BAD_TEXT),
        ({"rationale": "\x1b[2J"}, Code.BAD_TEXT),
        ({"blue": "perhaps"}, Code.BAD_FLAG),
        ({"under_18": "2"}, Code.BAD_FLAG),
        ({"pictures": " | "}, Code.MISSING_PICTURES),
        ({"pictures": "|".join(["N1.png"] * 21)}, Code.TOO_MANY_PICTURES),
        ({"pictures": "N2.png"}, Code.PICTURE_MISSING),
        ({"pictures": "x" * 300}, Code.PICTURE_MISSING),
        ({"pictures": "../N1.png"}, Code.PICTURE_OUTSIDE),
        ({"pictures": "/etc/passwd"}, Code.PICTURE_OUTSIDE),
        ({"pictures": "C:\\people\\1.jpg"}, Code.PICTURE_OUTSIDE),
        ({"pictures": "."}, Code.PICTURE_OUTSIDE),
        ({"pictures": "N1.png\0.jpg"}, Code.PICTURE_OUTSIDE),
        ({"rationale": ["a"]}, Code.WRONG_TYPE),
        ({"pictures": [1]}, Code.WRONG_TYPE),
    ],
)
def test_an_entry_that_lacks_something_is_rejected_with_its_reason(
    checker: Checker, change: dict[str, object], code: Code
) -> None:
    assert codes_of(checker, **change) == [code]


def test_texts_of_any_language_pass(checker: Checker) -> None:
    names = (
        "Zoë\u00a0Ng",
        "\u0646\u06cc\u0645\u200c\u0641\u0627\u0635\u0644\u0647",
        "Ann\tOther\nJr",
        "李\u3000雷",
    )
    for number, name in enumerate(names):
        assert isinstance(check(checker, name=name, reference=f"N{number}"), SourceEntry), name


def test_everything_that_is_wrong_with_a_line_is_said_at_once(checker: Checker) -> None:
    assert codes_of(checker, category="", image_date="soon", instruction="") == [
        Code.MISSING_CATEGORY,
        Code.MISSING_INSTRUCTION,
        Code.BAD_DATE,
    ]


def test_an_earlier_reference_counts_and_the_later_one_names_its_line(checker: Checker) -> None:
    assert isinstance(check(checker), SourceEntry)
    found = checker.check(Row(7, row("n1") | {"pictures": "N1.png"}))
    assert isinstance(found, list)
    assert found[0].code == Code.DUPLICATE_REFERENCE
    assert found[0].text().startswith("line 7: duplicate_reference: line 2 has this reference")


def test_a_number_is_a_reference_in_json_and_none_is_empty(checker: Checker) -> None:
    entry = check(checker, reference=1234, name=None, blue=False)
    assert isinstance(entry, SourceEntry)
    assert (entry.reference, entry.facts.name) == ("1234", "")


def test_links_that_lead_out_of_the_folder_are_not_followed_and_those_inside_are(
    checker: Checker, folder: Path, tmp_path: Path
) -> None:
    draw(tmp_path / "elsewhere" / "1.png", 1)
    (folder / "out.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    (folder / "in.png").symlink_to("N1.png")
    (folder / "round.png").symlink_to("round.png")
    (folder / "mixed").mkdir()
    (folder / "mixed" / "1.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    (tmp_path / "elsewhere" / "empty").mkdir()
    for name in ("out.png", "out/1.png", "out/empty", "out", "mixed"):
        assert codes_of(checker, pictures=name) == [Code.PICTURE_OUTSIDE], name
    assert codes_of(checker, pictures="in.png") == []
    assert codes_of(checker, pictures="round.png") == [Code.PICTURE_MISSING]


def test_a_folder_stands_for_its_pictures_in_natural_order_and_windows_paths_are_read(
    checker: Checker, folder: Path
) -> None:
    for name in ("10.png", "2.png", ".hidden", "Thumbs.db"):
        draw(folder / "anna" / "x.png", 1)
        (folder / "anna" / "x.png").rename(folder / "anna" / name)
    entry = check(checker, pictures="anna")
    assert isinstance(entry, SourceEntry)
    assert [path.name for path in entry.pictures] == ["2.png", "10.png"]
    assert codes_of(checker, pictures="anna\\2.png|N1.png") == []
    (folder / "empty").mkdir()
    assert codes_of(checker, pictures="empty") == [Code.MISSING_PICTURES]


def test_every_code_has_advice_and_most_say_more_than_their_name() -> None:
    assert set(ADVICE) == set(Code)
    tree = ast.parse(inspect.getsource(codes))
    kind = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    said = sum(isinstance(node, ast.Expr) for node in kind.body)
    assert said >= len(Code) - 2


def test_of_20000_entries_300_are_wrong_and_19700_are_usable(folder: Path, tmp_path: Path) -> None:
    draw(folder / "one.png", 1)
    rows = []
    for number in range(1, 20_001):
        os.link(folder / "one.png", folder / f"{number}.png")
        rows.append(row(f"N{number}", pictures=f"{number}.png"))
    for number in range(0, 20_000, 200):
        rows[number]["category"] = "anyone"
        rows[number + 1]["image_date"] = "31/12/2024"
        rows[number + 2]["pictures"] = "gone.png"
    write_csv(folder, rows)
    source = read_source(folder, ["wanted on warrant"], TODAY)
    assert (source.lines, len(source.entries), source.wrong_lines) == (20_000, 19_700, 300)
    found = faults(source, [])
    assert by_code(found) == {
        "refused unknown_category": 100,
        "refused bad_date": 100,
        "refused picture_missing": 100,
    }
    assert [fault.line for fault in found[:4]] == [2, 3, 4, 202]
    write_report(tmp_path / "report.csv", found)
    written = (tmp_path / "report.csv").read_text("utf-8-sig").splitlines()
    assert len(written) == 301
    assert written[0] == "line,reference,kind,code,where,advice"
    assert written[1].startswith("2,N1,refused,unknown_category,category,")
    assert (tmp_path / "report.csv").stat().st_mode & 0o777 == 0o600


def test_a_report_runs_no_formula_in_a_spreadsheet(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    write_csv(folder, [row("=cmd|' /C calc'!A0")])
    write_report(tmp_path / "report.csv", faults(read_source(folder, ["wanted on warrant"], TODAY), []))
    assert ",'=cmd|" in (tmp_path / "report.csv").read_text("utf-8-sig")


def test_a_source_is_another_one_when_its_file_or_a_picture_changes(folder: Path) -> None:
    draw(folder / "N1.png", 1)
    write_csv(folder, [row("N1")])

    def digest() -> str:
        return read_source(folder, ["wanted on warrant"], TODAY).digest

    digests = [digest(), digest()]
    draw(folder / "N1.png", 2)
    os.utime(folder / "N1.png", ns=(1, 1))
    digests.append(digest())
    write_csv(folder, [row("N1", name="Ann")])
    digests.append(digest())
    assert len(set(digests)) == 3
