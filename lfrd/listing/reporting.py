"""What an import says to the person who brought the list: counts by code, lines, and a CSV file of them."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lfrd.errors import MissingError
from lfrd.gallery.enrol import ADVICE as PICTURE_ADVICE
from lfrd.gallery.enrol import WARNINGS
from lfrd.gallery.reading import Reason
from lfrd.listing.source import Source
from lfrd.store.entries import Finding, Need

_NEEDS = {
    Need.UNDER_18: "under 18: an authorising officer must approve the entry",
    Need.VULNERABLE: "vulnerable: an authorising officer must approve the entry",
    Need.THIRD_PARTY: "the picture is from a third party: an authorising officer must approve the entry",
    Need.LOW_QUALITY: "doubtful pictures: give better ones, or an authorising officer must approve the entry",
    Need.SAME_FACE: "another entry shows the same face: correct one, or both must be approved",
}
_OTHERS = {
    Reason.NOT_A_PICTURE: "not a JPEG, PNG, WebP or BMP picture; save it as one of these",
    Reason.TOO_LARGE: "the picture is too large; reduce it",
    Reason.UNREADABLE: "the file is damaged or cannot be opened; copy it again",
    Reason.DUPLICATE_PICTURE: "the same file stands at an earlier place of the list; remove the wrong one",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of a report. kind: 'refused', 'doubtful' or 'waiting'. where: the column or the picture's
    file. line: of the source, 0 where the source is not at hand."""

    line: int
    kind: str
    code: str
    where: str
    advice: str
    reference: str = field(repr=False)

    def text(self) -> str:
        where = f" {self.where}:" if self.where else ""
        return f"line {self.line}: {self.kind} ({self.code}):{where} {self.advice}"


def faults(source: Source, findings: Sequence[Finding]) -> list[Fault]:
    """Everything that is wrong or doubtful, in the order of the source's lines. findings: the store's, of
    this import."""
    found = [
        Fault(p.line, "refused", p.code.value, p.column, p.text().partition(f"{p.code}: ")[2], p.reference)
        for p in source.problems
    ]
    entries = {entry.reference: entry for entry in source.entries}
    for finding in findings:
        entry = entries.get(finding.reference)
        line, where = 0, ""
        if entry is not None:
            line = entry.line
            if 0 < finding.picture <= len(entry.pictures):
                where = entry.pictures[finding.picture - 1].name
        found.append(Fault(line, finding.kind, finding.code, where, advice_on(finding), finding.reference))
    return sorted(found, key=lambda fault: fault.line)


def advice_on(finding: Finding) -> str:
    """What to do about it, in words."""
    if finding.kind == "waiting":
        return _NEEDS[Need(finding.code)]
    reason = Reason(finding.code)
    if finding.kind == "doubtful":
        return WARNINGS.get(reason, "")
    return PICTURE_ADVICE.get(reason) or _OTHERS[reason]


def by_code(found: Sequence[Fault]) -> dict[str, int]:
    """How many of each kind and code, the most frequent first: {'refused bad_date': 120}."""
    return dict(Counter(f"{fault.kind} {fault.code}" for fault in found).most_common())


def write_report(path: Path, found: Sequence[Fault]) -> None:
    """All faults as a CSV file that only its owner may read. Raises MissingError where it cannot be made, or
    is there already: reports are kept apart."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise MissingError(f"{path}: is there already; name another file for the report") from None
    except OSError as error:
        raise MissingError(f"{path}: the report cannot be written ({error.strerror})") from None
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:  # the mark is for Excel
        writer = csv.writer(file)
        writer.writerow(("line", "reference", "kind", "code", "where", "advice"))
        writer.writerows(_cells(found))


def _cells(found: Sequence[Fault]) -> Iterator[tuple[object, ...]]:
    for fault in found:
        texts = (fault.reference, fault.kind, fault.code, fault.where, fault.advice)
        yield (fault.line, *map(_harmless, texts))


def _harmless(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is made text."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
