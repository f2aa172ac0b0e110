"""A watchlist's file is read in whatever way is unambiguous; else one line says what and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import CorruptError, MissingError
from lfrd.listing.reading import COLUMNS, MOST_ROWS, REQUIRED, read_entries, template
from tests.unit.listing.kit import row, write_csv

HEADING = ",".join(REQUIRED)
LINE = ",".join(row("N1").values())


def put(folder: Path, data: str | bytes, name: str = "entries.csv") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def lines(folder: Path) -> list[tuple[int, object]]:
    return [
        (one.line, None if one.values is None else one.values["reference"])
        for one in read_entries(folder).rows
    ]


def refused(folder: Path, problem: str) -> None:
    with pytest.raises((CorruptError, MissingError), match=problem) as caught:
        read_entries(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_read_with_commas_semicolons_or_tabs(folder: Path, delimiter: str) -> None:
    write_csv(folder, [row("N1"), row("N2", rationale="one, two; three")], delimiter)
    (_, second) = read_entries(folder).rows
    assert second.values is not None
    assert (second.line, second.values["rationale"]) == (3, "one, two; three")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_excels_encodings_are_read(folder: Path, encoding: str) -> None:
    text = f"{HEADING}\r\n{LINE.replace('failed to appear', 'né à Zürich')}\r\n"
    put(folder, text.encode(encoding))
    (one,) = read_entries(folder).rows
    assert one.values is not None
    assert one.values["rationale"] == "né à Zürich"


def test_excels_note_on_the_delimiter_is_read_and_counted_as_a_line(folder: Path) -> None:
    put(folder, f"sep=;\r\n{HEADING.replace(',', ';')}\r\n{LINE.replace(',', ';')}\r\n")
    assert lines(folder) == [(3, "N1")]


def test_headings_are_known_whatever_their_case_and_spaces(folder: Path) -> None:
    put(folder, f"{HEADING.replace('image_source', ' Image Source ').upper()}\n{LINE}\n")
    assert lines(folder) == [(2, "N1")]


def test_each_row_knows_the_line_it_begins_on_across_quoted_line_ends_and_empty_lines(folder: Path) -> None:
    quoted = LINE.replace("failed to appear", '"failed\nto\nappear"')
    put(folder, f"{HEADING}\n{quoted}\n\n,,,,,,,\n{LINE.replace('N1', 'N2', 1)}\n")
    assert lines(folder) == [(2, "N1"), (7, "N2")]


def test_a_line_that_does_not_fit_the_heading_is_its_own_fault_only(folder: Path) -> None:
    put(folder, f"{HEADING}\n{LINE},more\nN2,few\n{LINE.replace('N1', 'N3', 1)},,\n")
    assert lines(folder) == [(2, None), (3, None), (4, "N3")]


@pytest.mark.parametrize(
    ("heading", "problem"),
    [
        (HEADING.replace("category", "catgory"), "line 1: unknown column 'catgory'; did you mean 'category'"),
        (HEADING.replace(",category", ""), "line 1: without the column category"),
        (HEADING + ",colour", "line 1: unknown column 'colour'; known are"),
        (HEADING + ",category", "line 1: the column 'category' is there twice"),
        (HEADING.replace("category", ""), r"line 1: unknown column '\(empty\)'"),
        ("p1,wanted,custody", "line 1: unknown column 'p1'"),
    ],
)
def test_a_wrong_or_missing_column_is_one_line_and_nothing_is_read(
    folder: Path, heading: str, problem: str
) -> None:
    put(folder, f"{heading}\n{LINE}\n")
    refused(folder, problem)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (f"{HEADING}\n{LINE}\nN2,é".encode("latin-1"), "line 3: not UTF-8; save it as 'CSV UTF-8'"),
        (b"", "empty; its first line must name the columns"),
        (f"{HEADING}\n", "no entries"),
        (f'{HEADING}\n{LINE}\nN2,"wanted\n{LINE}\n', "line 3: a quote is opened and never closed"),
        (b"PK\x03\x04\x00\x00", "not"),
        (bytes(100), "not text"),
        (b"%PDF-1.7\n", "line 1: unknown column"),
    ],
)
def test_a_file_that_cannot_be_understood_is_one_line(folder: Path, data: str | bytes, problem: str) -> None:
    put(folder, data)
    refused(folder, problem)


def test_a_folder_without_a_list_or_with_two_is_one_line(folder: Path) -> None:
    refused(folder, "no such folder")
    folder.mkdir()
    refused(folder, "neither entries.csv nor entries.json")
    put(folder, "[]", "entries.json")
    put(folder, HEADING)
    refused(folder, "both in it")


def test_a_list_that_is_no_file_is_one_line(folder: Path) -> None:
    (folder / "entries.csv").mkdir(parents=True)
    refused(folder, "not a file")


def test_json_is_read_and_each_entry_knows_its_line(folder: Path) -> None:
    text = json.dumps([row("N1"), row("N2") | {"pictures": ["a.png", "b.png"], "blue": True}], indent=1)
    put(folder, text, "entries.json")
    rows = read_entries(folder).rows
    assert [one.line for one in rows] == [2, 12]
    assert rows[1].values is not None
    assert rows[1].values["pictures"] == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"entries": []}', "line 1: not a list of entries"),
        ('[\n{"reference": "N1"},\n{"reference": }\n]', "line 3: not JSON"),
        ('[{"reference": "N1"}\n', "not JSON .the list does not end"),
        ('[{"reference": "N1"},]', "a comma before the end"),
        ('[{"reference": "N1"}] and', "more follows"),
        ('[{"reference": "N1", "reference": "N2"}]', "the same name twice"),
        ('[\n{"colour": "red"}]', "line 2: unknown name 'colour'"),
        ("[1]", "line 1: not an entry"),
        ("[" * 100_000, "lists within lists"),
        ("[]", "no entries"),
    ],
)
def test_json_that_is_wrong_is_one_line(folder: Path, text: str, problem: str) -> None:
    put(folder, text, "entries.json")
    refused(folder, problem)


def test_a_number_of_too_many_digits_is_one_line(folder: Path) -> None:
    put(folder, '[{"reference": ' + "9" * 5000 + "}]", "entries.json")
    refused(folder, "line 1: not an entry: a number is too long")


def test_a_list_of_too_many_rows_is_read_no_further_than_it_must_be(folder: Path) -> None:
    # The last line could not be read at all; it is not come to.
    put(folder, "\n".join([HEADING, *["a,a,a,a,a,a,a,a"] * (MOST_ROWS + 1), '"never closed']))
    refused(folder, "more than 200,000 entries")


def test_the_template_is_a_list_that_is_read(folder: Path) -> None:
    put(folder, template())
    (one,) = read_entries(folder).rows
    assert one.values is not None
    assert tuple(one.values) == COLUMNS


@given(st.binary(max_size=400), st.sampled_from(["entries.csv", "entries.json"]))
def test_any_bytes_are_rows_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / name).write_bytes(HEADING.encode() + b"\n" + data if name.endswith("csv") else b"[" + data)
    problem = ""
    try:
        assert read_entries(folder).rows
    except (CorruptError, MissingError) as error:
        problem = str(error)
    assert "\n" not in problem
