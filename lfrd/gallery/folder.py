"""The watchlist's folder: who is listed, and which pictures show them."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from lfrd.errors import CorruptError, MissingError
from lfrd.types import NominalId

NOT_OURS = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""What file managers leave behind in lower case; hidden files (with a leading dot) are passed over too."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One sought person: the folder's name, or the picture's without its ending, is the reference.

    `pictures` are in natural order and may be none, or files that are no pictures: enrolment says so.
    """

    nominal: NominalId
    pictures: tuple[Path, ...]


def read_folder(folder: Path) -> list[Entry]:
    """Everyone in a folder that holds a folder of pictures per person, or one picture each, or both.

    In natural order (p2 before p10). Folders inside a person's folder are not entered, so links that lead in
    circles end. Raises MissingError where the folder is not there, cannot be read or lists nobody, and
    CorruptError where two entries have one reference: whether they are one person is not ours to guess.
    """
    if not folder.is_dir():
        what = "is not a folder" if os.path.lexists(folder) else "no such folder"
        raise MissingError(
            f"watchlist {shown(folder)}: {what}; give a folder with one folder of pictures a person"
        )
    entries: dict[str, Entry] = {}
    origin: dict[str, str] = {}
    for path in _listed(folder):
        is_person = path.is_dir()
        reference = reference_of(path.name if is_person else path.stem)
        if reference in entries:
            raise CorruptError(
                folder,
                f"'{origin[reference]}' and '{shown(path.name)}' are both called '{reference}'; "
                "put one person's pictures into one folder, or rename one",
            )
        pictures = tuple(p for p in _listed(path) if not p.is_dir()) if is_person else (path,)
        entries[reference] = Entry(NominalId(reference), pictures)
        origin[reference] = shown(path.name)
    if not entries:
        raise MissingError(
            f"watchlist {shown(folder)}: nobody is in it; add a folder of pictures for each person"
        )
    return list(entries.values())


def _listed(folder: Path) -> list[Path]:
    try:
        found = [p for p in folder.iterdir() if not p.name.startswith(".") and p.name.lower() not in NOT_OURS]
    except OSError as error:
        raise MissingError(
            f"watchlist {shown(folder)}: cannot be read ({error.strerror}); check its permissions"
        ) from error
    return sorted(found, key=lambda p: natural(p.name))


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A sort key that reads numbers as numbers and passes over case: p2, P3, p10."""
    parts = [part for part in re.split(r"([0-9]+)", name.casefold()) if part]
    return [(0, int(p), "") if p[0] in "0123456789" else (1, 0, p) for p in parts], name


def reference_of(name: str) -> str:
    """A file's name as a reference: composed Unicode; what cannot be shown is spelt out (\\xe9, \\n)."""
    return shown(unicodedata.normalize("NFC", name))


def shown(name: str | Path) -> str:
    """A name as text that any terminal, log and message can carry, whatever bytes the file system holds."""
    text = os.fsencode(str(name)).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
