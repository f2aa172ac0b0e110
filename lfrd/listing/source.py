"""Where a watchlist comes from: a folder looked through once, with what is wrong and a digest of it all."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from lfrd.errors import CorruptError
from lfrd.listing.entries import Problem, SourceEntry, checked
from lfrd.listing.reading import read_entries


@dataclass(frozen=True, slots=True)
class Source:
    """entries: those that may be enrolled, in the file's order. digest: SHA-256, hexadecimal, over the file
    and each picture's name, size and time of change. what: in words that name no person, for the audit.
    built_at: when it was brought together, Unix seconds; None for a folder, which is as it is now."""

    what: str
    path: Path
    digest: str
    lines: int
    entries: list[SourceEntry] = field(repr=False)
    problems: list[Problem] = field(repr=False)
    built_at: float | None = None

    @property
    def wrong_lines(self) -> int:
        return len({problem.line for problem in self.problems})

    def unusable(self) -> str:
        """That no entry is left, and the first reason: there will be no report that has them all."""
        first = f"; first {self.problems[0].text()}" if self.problems else ""
        return f"{self.path}: none of its lines can be used, of {self.lines:,}{first}"


def read_source(
    folder: Path,
    categories: Collection[str] | None,
    today: datetime.date,
    *,
    what: str = "folder",
    digest: str = "",
    built_at: float | None = None,
) -> Source:
    """Read and check everything but the pictures' content. Blocks; raises MissingError and CorruptError.

    categories: those authorised; None, as for an export, takes any. digest: of a package's content, which
    its manifest has; a folder's own if empty.
    """
    file = read_entries(folder)
    entries: list[SourceEntry] = []
    problems: list[Problem] = []
    for result in checked(file.rows, folder, categories, today):
        if isinstance(result, SourceEntry):
            entries.append(result)
        else:
            problems += result
    found = digest or _digest(file.data, entries, file.path)
    return Source(what, file.path, found, len(file.rows), entries, problems, built_at)


def _digest(data: bytes, entries: list[SourceEntry], path: Path) -> str:
    hashed = hashlib.sha256(data)
    for entry in entries:
        for picture in entry.pictures:
            try:
                about = picture.stat()
            except OSError as error:
                raise CorruptError(
                    path, f"line {entry.line}: a picture went away while it was read ({error.strerror})"
                ) from None
            hashed.update(
                f"\0{picture}\0{about.st_size}\0{about.st_mtime_ns}".encode(errors="surrogateescape")
            )
    return hashed.hexdigest()
