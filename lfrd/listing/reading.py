"""A watchlist's file, entries.csv or entries.json, to rows: each with the line that it begins on."""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from lfrd.errors import CorruptError, MissingError

REQUIRED = (
    "reference",
    "category",
    "image_source",
    "lawful_basis",
    "image_date",
    "rationale",
    "instruction",
    "pictures",
)
OPTIONAL = ("name", "blue", "under_18", "vulnerable", "third_party")
COLUMNS = REQUIRED + OPTIONAL

MOST_BYTES = 64 * 2**20
"""Largest file that is read: 20,000 entries take some 10 MB."""
MOST_ROWS = 200_000

_NAMES = ("entries.csv", "entries.json")
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True, slots=True)
class Row:
    """line: of the file, from 1. values: by column; None where the line does not fit the heading."""

    line: int
    values: Mapping[str, Any] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class EntriesFile:
    path: Path
    data: bytes = field(repr=False)
    rows: list[Row] = field(repr=False)


def read_entries(folder: Path) -> EntriesFile:
    """The rows of the folder's entries.csv or entries.json.

    Raises MissingError where there is neither, and CorruptError, naming the line, where the file as a whole
    cannot be understood: then nothing of it is used. What is wrong with one row is for `entries` to say.
    """
    path = _the_one(folder)
    data = _read(path)
    text = _decoded(path, data)
    found = _csv(path, text) if path.suffix == ".csv" else _json(path, text)
    rows = list(itertools.islice(found, MOST_ROWS + 1))  # a row takes many times its bytes in memory
    if not rows:
        raise CorruptError(path, "no entries; add a line for each nominal")
    if len(rows) > MOST_ROWS:
        raise CorruptError(path, f"more than {MOST_ROWS:,} entries; split the list")
    return EntriesFile(path, data, rows)


def template() -> str:
    """An entries.csv with its heading and one made-up line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerow(
        (
            "N-0001",
            "wanted on warrant",
            "custody image",
            "warrant of the magistrates' court, 2026-01-15",
            "2025-11-30",
            "failed to appear; believed to live near the place",
            "arrest on the warrant",
            "n0001/front.jpg|n0001/side.jpg",
            "",
            *(("no",) * 4),
        )
    )
    return text.getvalue()


def _the_one(folder: Path) -> Path:
    if not folder.is_dir():
        raise MissingError(f"{folder}: no such folder or package; give the folder that holds entries.csv")
    found = [folder / name for name in _NAMES if os.path.lexists(folder / name)]
    if not found:
        raise MissingError(
            f"watchlist {folder}: neither entries.csv nor entries.json is in it; "
            "`lfrd watchlist template` prints one to begin with"
        )
    if len(found) > 1:
        raise CorruptError(folder, "entries.csv and entries.json are both in it; remove the one not meant")
    return found[0]


def _read(path: Path) -> bytes:
    try:
        about = path.stat()  # before opening: a pipe would wait for its writer for ever
        if not stat.S_ISREG(about.st_mode):
            raise CorruptError(path, "not a file")
        if about.st_size > MOST_BYTES:
            raise CorruptError(path, f"larger than {MOST_BYTES >> 20} MB; split the list")
        return path.read_bytes()
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def _decoded(path: Path, data: bytes) -> str:
    """UTF-8, or UTF-16 with its mark, as Excel's 'Unicode text' has it. Others look alike and are refused."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorruptError(path, f"line {line}: not UTF-8; save it as 'CSV UTF-8'") from None
    if "\0" in text:
        raise CorruptError(path, "not text; save it as 'CSV UTF-8', or as JSON")
    return text


# ---- CSV (RFC 4180) ------------------------------------------------------------------------------------


def _csv(path: Path, text: str) -> Iterator[Row]:
    start = 0
    first = text.partition("\n")[0].strip().lower()
    if first.startswith("sep=") and len(first) == 5:  # Excel's own note on the delimiter
        start = text.find("\n") + 1 or len(text)
        delimiter = first[-1]
    else:
        delimiter = _delimiter(text)
    lines = csv.reader(io.StringIO(text[start:], newline=""), delimiter=delimiter, strict=True)
    before = 1 if start else 0  # lines of the file ahead of the reader's first
    columns: list[str] | None = None
    begins = before + 1
    try:
        for cells in lines:
            line, begins = begins, before + lines.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue  # Excel keeps rows whose cells were emptied
            if columns is None:
                columns = _columns(path, cells, line, delimiter)
            elif len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
                yield Row(line, None)
            else:
                yield Row(line, dict(zip(columns, cells, strict=False)))
    except csv.Error as error:
        problem = "a quote is opened and never closed" if "end of data" in str(error) else str(error)
        raise CorruptError(path, f"line {begins}: {problem}; nothing of the file is used") from None
    if columns is None:
        raise CorruptError(path, f"empty; its first line must name the columns: {', '.join(REQUIRED)}")


def _delimiter(text: str) -> str:
    """The one that splits the heading into the most columns that are known."""
    heading = text.lstrip().partition("\n")[0]

    def known(delimiter: str) -> int:
        return sum(_plain(cell.strip('"')) in COLUMNS for cell in heading.split(delimiter))

    return max(_DELIMITERS, key=known)


def _columns(path: Path, cells: list[str], line: int, delimiter: str) -> list[str]:
    columns = [_plain(cell) for cell in cells]
    while columns and not columns[-1]:  # Excel's, where cells beyond the table were emptied
        columns.pop()
    for column in columns:
        if column not in COLUMNS:
            shown = column or "(empty)"
            near = difflib.get_close_matches(column, COLUMNS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(COLUMNS)}"
            _refuse(path, line, f"unknown column '{shown[:60]}'; {hint}")
        if columns.count(column) > 1:
            _refuse(path, line, f"the column '{column}' is there twice; remove one")
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        parted = _DELIMITERS.get(delimiter, f"'{delimiter}'")
        _refuse(path, line, f"without the column {', '.join(missing)} (read as parted by {parted})")
    return columns


def _plain(name: str) -> str:
    return "_".join(name.strip().casefold().replace("-", " ").replace("_", " ").split())


def _refuse(path: Path, line: int, problem: str) -> NoReturn:
    raise CorruptError(path, f"line {line}: {problem}")


# ---- JSON ----------------------------------------------------------------------------------------------


class _Doubled(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name twice in one entry has two meanings, of which Python would take the second without a word."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise _Doubled
    return values


def _json(path: Path, text: str) -> Iterator[Row]:
    """A list of entries, read one by one, so that each knows its line."""
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    at, line, counted = _blank(text, 0), 1, 0
    if text[at : at + 1] != "[":
        _refuse(path, 1, "not a list of entries: it must begin with [")
    at = _blank(text, at + 1)
    while text[at : at + 1] != "]":
        line += text.count("\n", counted, at)
        counted = at
        try:
            values, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            _refuse(path, error.lineno, f"not JSON ({error.msg}); nothing of the file is used")
        except RecursionError:
            _refuse(path, line, "not an entry: lists within lists")
        except _Doubled:
            _refuse(path, line, "an entry has the same name twice; nothing of the file is used")
        except ValueError:  # Python reads no number of more than some thousand digits
            _refuse(path, line, "not an entry: a number is too long")
        if not isinstance(values, dict):
            _refuse(path, line, "not an entry: each one is an object { }")
        _known(path, line, values)
        yield Row(line, values)
        at = _blank(text, at)
        if text[at : at + 1] == ",":
            at = _blank(text, at + 1)
            if text[at : at + 1] == "]":
                _refuse(path, text.count("\n", 0, at) + 1, "not JSON (a comma before the end of the list)")
        elif text[at : at + 1] != "]":
            _refuse(path, text.count("\n", 0, at) + 1, "not JSON (the list does not end); copy it again")
    if text[at + 1 :].strip():
        _refuse(path, text.count("\n", 0, at + 1) + 1, "more follows after the end of the list")


def _known(path: Path, line: int, values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(COLUMNS)}"
            _refuse(path, line, f"unknown name '{name[:60]}'; {hint}")


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
