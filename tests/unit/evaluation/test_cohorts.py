"""A file of cohorts is read as it was meant, or refused with the line to look at."""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.cohorts import CohortFile, read_cohorts

TEXT = "person,sex,age\nann,female,18-25\nbob,male,\ncy,,26-40\n"


def read(
    folder: Path, content: str | bytes, *columns: str, crosses: tuple[tuple[str, str], ...] = ()
) -> CohortFile:
    path = folder / "cohorts.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_cohorts(path, columns, crosses)


def declared(file: CohortFile) -> dict[str, dict[str, str]]:
    return {variable.name: dict(variable.of) for variable in file.variables}


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.replace(",", ";").encode("utf-8-sig"),
        TEXT.replace(",", "\t").encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode(),
        b"sep=;\r\n" + TEXT.replace(",", ";").encode(),
        TEXT.replace("person", " Person ").encode(),
        TEXT.replace("bob,male,", '"bob", "male" ,not declared').replace(' "male" ', '"male"').encode(),
        (TEXT + "\n,,\n").encode(),
        (TEXT + "bob,male,\n").encode(),
    ],
    ids=[
        "plain",
        "byte order mark",
        "semicolons",
        "UTF-16 with tabs",
        "carriage returns",
        "a hint of the delimiter",
        "a heading with spaces",
        "quotes",
        "empty lines",
        "the same row twice",
    ],
)
def test_what_spreadsheets_write_is_read_alike(tmp_path: Path, content: bytes) -> None:
    assert declared(read(tmp_path, content)) == {
        "sex": {"ann": "female", "bob": "male"},
        "age": {"ann": "18-25", "cy": "26-40"},
    }


def test_labels_that_differ_in_case_or_spaces_are_one_cohort(tmp_path: Path) -> None:
    file = read(tmp_path, "person,sex\na,Non  binary\nb,non binary\nc, NON BINARY\n")
    assert set(declared(file)["sex"].values()) == {"Non binary"}


def test_only_the_columns_asked_for_are_compared(tmp_path: Path) -> None:
    assert list(declared(read(tmp_path, TEXT, "age"))) == ["age"]


def test_an_intersection_takes_those_who_declared_both(tmp_path: Path) -> None:
    file = read(tmp_path, TEXT, "sex", crosses=(("sex", "age"),))
    assert declared(file) == {
        "sex": {"ann": "female", "bob": "male"},
        "sex × age": {"ann": "female × 18-25"},
    }


def test_people_get_their_cohorts_by_number_and_without_a_row_none(tmp_path: Path) -> None:
    (sex, both) = read(tmp_path, TEXT, "sex", crosses=(("sex", "age"),)).numbered(
        ["bob", "nobody", "ann", "cy"]
    )
    assert (sex.cohorts, sex.of.tolist()) == (("female", "male"), [1, -1, 0, -1])
    assert both.of.tolist() == [-1, -1, 0, -1]
    assert [side.tolist() for side in both.sides] == [[1, -1, 0, -1], [-1, -1, 0, 1]]


def test_a_sign_that_composes_to_a_semicolon_divides_no_cell(tmp_path: Path) -> None:
    assert declared(read(tmp_path, "person;sex\nann;f\u037e\n")) == {"sex": {"ann": "f;"}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"person,sex\n", "no row"),
        (b"person\nann\n", "no column beside 'person'"),
        (b"name,sex\nann,f\n", "must be headed 'person'"),
        (b"person|sex\nann|f\n", "must be headed 'person'"),
        (b"person,sex,sex\nann,f,f\n", "two columns are headed 'sex'"),
        (b"person,sex,\nann,f,\n", "a column has no heading"),
        (b"person,sex\nann,f\nbob,m,25\n", "line 3: has 3 cells where there are 2"),
        (b"person,sex\nann,f\n,m\n", "line 3: has no person"),
        (b"person,sex\nann,f\nbob,m\nann,m\n", "lines 2 and 4 say different things"),
        (b'person,sex\nann,"f\n', "line 2: is not CSV"),
        ("person,heritage\nann,Français\n".encode("cp1252"), "line 2: is not UTF-8"),
        (b"person,sex\nann,\0\n", "is not text"),
        (b"person,sex\nann," + b"f" * 61 + b"\n", "line 2: a cell of 'sex' is longer"),
        (b"person," + b"f" * 61 + b"\nann,f\n", "is longer than 60 letters"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(CorruptError) as caught:
        read(tmp_path, content)
    assert says in str(caught.value)
    assert "cohorts.csv" in str(caught.value)
    assert "ann" not in str(caught.value).replace(str(tmp_path), "")
    assert "\n" not in str(caught.value)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(CorruptError, match="no column 'skin'; it has: sex, age"):
        read(tmp_path, TEXT, "skin")
    with pytest.raises(CorruptError, match="no column 'height'"):
        read(tmp_path, TEXT, crosses=(("sex", "height"),))
    with pytest.raises(CorruptError, match="crossed with itself"):
        read(tmp_path, TEXT, crosses=(("sex", "sex"),))


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"nothing\.csv"):
        read_cohorts(tmp_path / "nothing.csv")
    with pytest.raises(CorruptError, match="is a folder"):
        read_cohorts(tmp_path)


def test_a_row_of_somebody_unknown_is_refused_by_its_line_without_the_name(tmp_path: Path) -> None:
    file = read(tmp_path, TEXT)
    file.check({"ann", "bob", "cy", "dee"})
    with pytest.raises(CorruptError, match=r"line 3 \(and 1 further lines\): no folder") as caught:
        file.check({"ann"})
    assert "bob" not in str(caught.value).replace(str(tmp_path), "")


CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=12
).filter(lambda cell: cell.casefold() != "not declared")


@given(
    rows=st.dictionaries(CELL.filter(str.isalnum), CELL, min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t"]),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_whatever_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, str], delimiter: str, codec: str
) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows([("person", "group"), *rows.items()])
    composed = {unicodedata.normalize("NFC", person) for person in rows}
    if len(composed) < len(rows) or not all(map(str.isprintable, composed)):
        return
    file = read(tmp_path_factory.mktemp("rows"), written.getvalue().encode(codec))
    (group,) = declared(file).values()
    assert {person: cohort.casefold() for person, cohort in group.items()} == {
        unicodedata.normalize("NFC", person): unicodedata.normalize("NFC", cell).casefold()
        for person, cell in rows.items()
    }
