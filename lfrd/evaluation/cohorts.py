"""Who declared what of themselves: a CSV with a row a person, read into cohorts."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.errors import CorruptError, MissingError
from lfrd.gallery.folder import reference_of

PERSON: Final = "person"
"""The heading of the first column: the names of people's folders."""
UNDECLARED: Final = "not declared"
"""What an empty cell stands for; who writes it out means the same."""
JOINED: Final = " × "
"""Stands between the two columns, and the two cohorts, of an intersection."""
LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes. A row has some 30: this is half a million people."""
LONGEST_LABEL: Final = 60
"""Characters of a heading or a cohort: what is longer is a remark and not a cohort."""
DELIMITERS: Final = (",", ";", "\t")
"""What spreadsheets write, by the country they are set to."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One variable as people declared it. of: person to cohort; who is not in it declared nothing. sides: of
    an intersection, the two variables that meet."""

    name: str
    of: Mapping[str, str] = field(repr=False)
    sides: tuple[Declared, ...] = ()


@dataclass(frozen=True, slots=True)
class Labels:
    """The same by people's numbers. cohorts: in the order of their names. of: int [people], the number of a
    person's cohort, -1 where none is declared. sides: of an intersection, `of` for each of the two variables
    that meet."""

    name: str
    cohorts: tuple[str, ...]
    of: NDArray[np.intp] = field(repr=False)
    sides: tuple[NDArray[np.intp], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class CohortFile:
    """variables: the columns asked for, then the intersections. lines: person to the line of their row."""

    path: Path
    variables: tuple[Declared, ...]
    lines: Mapping[str, int] = field(repr=False)

    def check(self, known: Collection[str]) -> None:
        """Raises CorruptError where a row names nobody of `known`: a slip of the pen would otherwise make
        somebody 'not declared'. The message has the line's number and not the name."""
        strange = sorted(line for person, line in self.lines.items() if person not in known)
        if strange:
            more = f" (and {len(strange) - 1} further lines)" if len(strange) > 1 else ""
            raise CorruptError(
                self.path,
                f"line {strange[0]}{more}: no folder has this person's name; correct it, or take the row out",
            )

    def numbered(self, names: Sequence[str]) -> list[Labels]:
        """The variables for people whose number is their place in `names`."""
        return [_numbered(variable, names) for variable in self.variables]


def read_cohorts(
    path: Path, columns: Sequence[str] = (), crosses: Sequence[tuple[str, str]] = ()
) -> CohortFile:
    """Read the file. columns: those to compare; none means all. crosses: pairs of columns to intersect.

    The file is UTF-8, with or without a byte order mark, or UTF-16 with one (a spreadsheet's "Unicode text");
    cells stand between commas, semicolons or tabs. Its first line has the headings, 'person' first. Labels
    that differ only in case or in spaces are one cohort. The same row twice counts once.

    Raises MissingError where there is no such file; CorruptError, with the line, for anything else in it that
    cannot be meant: another encoding, no 'person', a column that is not there, two rows that contradict each
    other, a row with more or fewer cells than headings.
    """
    rows = _rows(path, _text(path))
    try:
        _, headings = next(rows)
    except StopIteration:
        raise CorruptError(path, "is empty; it needs a line of headings, 'person' first") from None
    chosen = _chosen(path, headings, columns, crosses)
    cells: dict[str, tuple[int, list[str]]] = {}
    for line, row in rows:
        if len(row) != len(headings):
            raise CorruptError(
                path, f"line {line}: has {len(row)} cells where there are {len(headings)} headings"
            )
        person, values = reference_of(row[0]), row[1:]
        if not person:
            raise CorruptError(path, f"line {line}: has no person; the first cell is the name of a folder")
        before = cells.setdefault(person, (line, values))
        if [_key(value) for value in before[1]] != [_key(value) for value in values]:
            raise CorruptError(
                path, f"lines {before[0]} and {line} say different things of one person; keep one of them"
            )
    if not cells:
        raise CorruptError(path, "has headings and no row; it needs one a person")
    singles = {
        name: _column(path, name, {person: (line, row[at - 1]) for person, (line, row) in cells.items()})
        for at, name in enumerate(headings)
        if name in chosen or any(name in pair for pair in crosses)
    }
    variables = [singles[name] for name in chosen] + [_crossed(singles[a], singles[b]) for a, b in crosses]
    return CohortFile(path, tuple(variables), {person: line for person, (line, _) in cells.items()})


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except IsADirectoryError:
        raise CorruptError(path, "is a folder; --cohorts takes a CSV file") from None
    except OSError as error:
        raise MissingError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise CorruptError(path, f"is larger than {LARGEST_FILE // 1024**2} MiB; it needs one row a person")
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorruptError(
            path, f"line {line}: is not UTF-8; save it from the spreadsheet as 'CSV UTF-8'"
        ) from None
    if "\0" in text:
        raise CorruptError(path, "is not text; save it from the spreadsheet as 'CSV UTF-8'")
    return text


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells without spaces at their ends); lines without any content are left out."""
    delimiter = _delimiter(path, text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            # Composed only now: one of Unicode's question marks composes to a semicolon.
            cells = [unicodedata.normalize("NFC", " ".join(cell.split())) for cell in row]
            if any(cells) and not (reader.line_num == 1 and _is_hint(cells[0])):
                yield reader.line_num, cells
    except csv.Error as error:
        raise CorruptError(path, f"line {reader.line_num}: is not CSV ({error})") from None


def _delimiter(path: Path, text: str) -> str:
    """The one that leaves 'person' alone in the first cell of the headings."""
    heads = (line for line in text.splitlines() if line.strip() and not _is_hint(line))
    head = next(heads, "")
    for delimiter in DELIMITERS:
        if head.split(delimiter)[0].strip().strip('"').casefold() == PERSON:
            return delimiter
    if not head:
        return DELIMITERS[0]
    raise CorruptError(
        path, "the first column must be headed 'person'; cells stand between commas, semicolons or tabs"
    )


def _is_hint(line: str) -> bool:
    """`sep=;`, which some spreadsheets put first."""
    return line.lower().startswith("sep=")


def _chosen(
    path: Path, headings: list[str], columns: Sequence[str], crosses: Sequence[tuple[str, str]]
) -> list[str]:
    there = headings[1:]
    if not there:
        raise CorruptError(path, "has no column beside 'person'; each further column is a variable")
    for heading in there:
        if not heading:
            raise CorruptError(path, "a column has no heading")
        if there.count(heading) > 1:
            raise CorruptError(path, f"two columns are headed '{_short(heading)}'")
        if len(heading) > LONGEST_LABEL:
            raise CorruptError(
                path, f"the heading '{_short(heading)}' is longer than {LONGEST_LABEL} letters"
            )
    for asked in (*columns, *(column for pair in crosses for column in pair)):
        if asked not in there:
            raise CorruptError(path, f"has no column '{_short(asked)}'; it has: {', '.join(there)}")
    for first, second in crosses:
        if first == second:
            raise CorruptError(path, f"column '{first}' cannot be crossed with itself")
    return list(dict.fromkeys(columns or there))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else text[:LONGEST_LABEL] + "…"


def _column(path: Path, name: str, cells: Mapping[str, tuple[int, str]]) -> Declared:
    """cells: person to (line, cell). A cohort is spelt as it is first."""
    spelt: dict[str, str] = {}
    of = {}
    for person, (line, cell) in cells.items():
        if len(cell) > LONGEST_LABEL:
            raise CorruptError(
                path, f"line {line}: a cell of '{name}' is longer than {LONGEST_LABEL} letters: no cohort"
            )
        if cell and _key(cell) != UNDECLARED:
            of[person] = spelt.setdefault(_key(cell), cell)
    return Declared(name, of)


def _key(cell: str) -> str:
    return cell.casefold()


def _crossed(first: Declared, second: Declared) -> Declared:
    """Who declared only one of the two has not declared the intersection."""
    both = {
        person: f"{cohort}{JOINED}{second.of[person]}"
        for person, cohort in first.of.items()
        if person in second.of
    }
    return Declared(f"{first.name}{JOINED}{second.name}", both, (first, second))


def _numbered(variable: Declared, names: Sequence[str]) -> Labels:
    cohorts = tuple(sorted({variable.of[name] for name in names if name in variable.of}))
    number = {cohort: place for place, cohort in enumerate(cohorts)}
    of = np.array([number[variable.of[name]] if name in variable.of else -1 for name in names], np.intp)
    return Labels(variable.name, cohorts, of, tuple(_numbered(side, names).of for side in variable.sides))
