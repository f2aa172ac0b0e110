"""Rows of a watchlist's file to entries that may be enrolled: complete, authorised, their pictures there."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfrd.gallery.folder import NOT_OURS, natural
from lfrd.listing.codes import ADVICE, Code
from lfrd.listing.reading import OPTIONAL, Row
from lfrd.store.entries import Facts
from lfrd.store.watchlists import as_reference

LONGEST_REFERENCE = 60
LONGEST_TEXT = 2000
MOST_PICTURES = 20

_MISLEADING = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tabs and line ends, marks that override the direction of writing (UAX 9), and halves
of characters, which no file can have."""
_CHECKED = ("reference", "pictures")
"""Columns with a judgement of their own."""
_EARLIEST = datetime.date(1900, 1, 1)
_TEXTS = {
    "image_source": Code.MISSING_IMAGE_SOURCE,
    "lawful_basis": Code.MISSING_LAWFUL_BASIS,
    "rationale": Code.MISSING_RATIONALE,
    "instruction": Code.MISSING_INSTRUCTION,
}
_FLAGS = {
    **dict.fromkeys(("yes", "y", "true", "1"), True),
    **dict.fromkeys(("no", "n", "false", "0", ""), False),
}


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One nominal as the source has it. pictures: files inside the folder, links followed."""

    line: int
    reference: str
    category: str
    blue: bool
    facts: Facts
    pictures: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line gives no entry. column: '' where it is the whole line. Holds nothing of what the line says
    but its reference, which is empty where it has none."""

    line: int
    code: Code
    column: str = ""
    reference: str = field(default="", repr=False)
    detail: str = ""

    def text(self) -> str:
        return f"line {self.line}: {self.code}: {self.detail or ADVICE[self.code]}"


class Checker:
    """Judges rows one after another; knows the references that it has seen.

    folder: where the pictures are. categories: those authorised, None to take any. today: the box's own day.
    """

    def __init__(self, folder: Path, categories: Collection[str] | None, today: datetime.date) -> None:
        self._folder = folder.resolve()
        self._any = categories is None
        self._categories = {_folded(category): category for category in categories or ()}
        self._today = today
        self._lines: dict[str, int] = {}  # folded reference -> the line that has it

    def check(self, row: Row) -> SourceEntry | list[Problem]:
        """The entry, or everything that is wrong with its line."""
        if row.values is None:
            return [Problem(row.line, Code.WRONG_COLUMNS)]
        cells = _Cells(row)
        reference = self._reference(cells)
        cells.reference = reference
        category = self._category(cells)
        texts = {column: cells.required(column, code) for column, code in _TEXTS.items()}
        name = cells.text("name")
        image_date = self._date(cells)
        flags = {column: cells.flag(column) for column in OPTIONAL if column != "name"}
        pictures = self._pictures(cells)
        if cells.problems:
            return cells.problems
        facts = Facts(
            name=name,
            image_date=image_date,
            image_source=texts["image_source"],
            lawful_basis=texts["lawful_basis"],
            rationale=texts["rationale"],
            instruction=texts["instruction"],
            under_18=flags["under_18"],
            vulnerable=flags["vulnerable"],
            third_party=flags["third_party"],
        )
        return SourceEntry(row.line, reference, category, flags["blue"], facts, pictures)

    def _reference(self, cells: _Cells) -> str:
        reference = as_reference(cells.text("reference"))
        if not reference:
            cells.wrong(Code.MISSING_REFERENCE, "reference")
        elif len(reference) > LONGEST_REFERENCE or not reference.isprintable():
            cells.wrong(Code.BAD_REFERENCE, "reference")
            return ""
        else:
            first = self._lines.setdefault(_folded(reference), cells.line)
            if first != cells.line:
                cells.wrong(
                    Code.DUPLICATE_REFERENCE,
                    "reference",
                    f"line {first} has this reference; {ADVICE[Code.DUPLICATE_REFERENCE]}",
                )
        return reference

    def _category(self, cells: _Cells) -> str:
        given = cells.required("category", Code.MISSING_CATEGORY)
        category = self._categories.get(_folded(given), given if self._any else "")
        if given and not category:
            cells.wrong(Code.UNKNOWN_CATEGORY, "category")
        return category

    def _date(self, cells: _Cells) -> str:
        given = cells.required("image_date", Code.MISSING_IMAGE_DATE)
        if not given:
            return ""
        try:
            if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
                raise ValueError
            day = datetime.date.fromisoformat(given)
        except ValueError:
            cells.wrong(Code.BAD_DATE, "image_date")
            return ""
        if day > self._today:
            cells.wrong(Code.FUTURE_DATE, "image_date")
        elif day < _EARLIEST:
            cells.wrong(Code.BAD_DATE, "image_date")
        return given

    def _pictures(self, cells: _Cells) -> tuple[Path, ...]:
        found: list[Path] = []
        names = cells.pictures()
        if not names:
            cells.missing("pictures", Code.MISSING_PICTURES)
        for name in names[: MOST_PICTURES + 1]:
            code = self._picture(name, found)
            if code is not None:
                cells.wrong(code, "pictures")
        if len(found) > MOST_PICTURES or len(names) > MOST_PICTURES:
            cells.wrong(Code.TOO_MANY_PICTURES, "pictures")
        if names and not found:
            cells.missing("pictures", Code.MISSING_PICTURES)
        return tuple(dict.fromkeys(found))

    def _picture(self, name: str, found: list[Path]) -> Code | None:
        """Add the file that is meant, or a folder's files. A code where there is none, or not in here."""
        parts = name.replace("\\", "/").split("/")
        if not all(map(_plain, parts)):
            return Code.PICTURE_OUTSIDE
        try:
            path = self._folder.joinpath(*parts).resolve()
            if not path.is_relative_to(self._folder):
                return Code.PICTURE_OUTSIDE
            inside = _files(path) if path.is_dir() else [path]
            for file in inside:
                if not file.resolve().is_relative_to(self._folder):
                    return Code.PICTURE_OUTSIDE
                if not file.exists():
                    return Code.PICTURE_MISSING
                found.append(file.resolve())
        except (OSError, ValueError, RuntimeError):  # a name that is too long, links in a circle
            return Code.PICTURE_MISSING
        return None


class _Cells:
    """One row's cells, and what is wrong with them."""

    def __init__(self, row: Row) -> None:
        assert row.values is not None
        self.line = row.line
        self.problems: list[Problem] = []
        self.reference = ""
        self._values = row.values

    def wrong(self, code: Code, column: str, detail: str = "") -> None:
        self.problems.append(Problem(self.line, code, column, self.reference, detail))

    def missing(self, column: str, code: Code) -> None:
        """Nothing is there; but where what was there has been refused already, that is said once."""
        if not any(problem.column == column for problem in self.problems):
            self.wrong(code, column)

    def text(self, column: str) -> str:
        value = self._values.get(column, "")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # a reference that is a number
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong(Code.WRONG_TYPE, column)
            return ""
        value = value.strip()
        if len(value) > LONGEST_TEXT:
            self.wrong(Code.TOO_LONG, column)
            return ""
        if column not in _CHECKED and _MISLEADING.search(value):
            self.wrong(Code.BAD_TEXT, column)
            return ""
        return value

    def required(self, column: str, code: Code) -> str:
        value = self.text(column)
        if not value:
            self.missing(column, code)
        return value

    def flag(self, column: str) -> bool:
        value = self._values.get(column, "")
        if isinstance(value, bool):
            return value
        flag = _FLAGS.get(self.text(column).casefold())
        if flag is None:
            self.wrong(Code.BAD_FLAG, column)
        return bool(flag)

    def pictures(self) -> list[str]:
        """Names parted by | or line ends; in JSON a list too."""
        value: Any = self._values.get("pictures", "")
        if isinstance(value, list):
            if not all(isinstance(name, str) for name in value):
                self.wrong(Code.WRONG_TYPE, "pictures")
                return []
            names: Sequence[str] = value
        else:
            names = re.split(r"[|\n]", self.text("pictures"))
        return [name.strip() for name in names if name.strip()]


def checked(
    rows: Sequence[Row], folder: Path, categories: Collection[str] | None, today: datetime.date
) -> Iterator[SourceEntry | list[Problem]]:
    """Each row's entry or problems, in order."""
    checker = Checker(folder, categories, today)
    for row in rows:
        yield checker.check(row)


def _plain(part: str) -> bool:
    return part not in ("", ".", "..") and "\0" not in part and not re.fullmatch(r"[A-Za-z]:.*", part)


def _files(folder: Path) -> list[Path]:
    """What a person's folder holds, as `gallery.folder` lists it: no hidden files, no folders inside it."""
    found = [
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name.lower() not in NOT_OURS and not path.is_dir()
    ]
    return sorted(found, key=lambda path: natural(path.name))


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
