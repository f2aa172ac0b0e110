"""A report's JSON, read back to make a card from: checked, and of which pack it speaks."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from lfrd.errors import CorruptError, LfrdError, MissingError
from lfrd.evaluation.report.page import SCHEMA
from lfrd.types import F64

SHOWN: Final = ("FPIR 0.1", "FPIR 0.01", "FPIR 0.001")
"""Of the lines by list size, those that are drawn: more would lie on one another."""

MOST_BYTES: Final = 64 << 20
"""More than any report is."""


class WrittenTable(msgspec.Struct, frozen=True):
    caption: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""


class WrittenSection(msgspec.Struct, frozen=True):
    heading: str
    paragraphs: list[str] = []
    tables: list[WrittenTable] = []


class WrittenData(msgspec.Struct, frozen=True):
    role: str
    digest: str
    counts: dict[str, int]


class WrittenProvenance(msgspec.Struct, frozen=True):
    """`document.Provenance`, as far as a card tells of it."""

    version: str
    machine: str
    command: str
    pack: str
    pack_version: str
    pack_digest: str
    data: list[WrittenData]
    seed: int | None
    settings: dict[str, str] = {}
    measured_on: str = ""


class Written(msgspec.Struct, frozen=True):
    """`page.json_bytes`, as far as a card tells of it."""

    schema: int
    title: str
    summary: list[str]
    results: dict[str, Any]
    sections: list[WrittenSection]
    limits: list[str]
    provenance: WrittenProvenance


@dataclass(frozen=True, slots=True)
class Curve:
    """A DET curve: float64 [n] each, rates of 0..1."""

    fpir: F64
    fnir: F64


@dataclass(frozen=True, slots=True)
class Source:
    """A report and the SHA-256 of its file."""

    path: Path
    sha256: str
    report: Written

    @classmethod
    def read(cls, path: Path) -> Source:
        """Raises MissingError where there is no such file, CorruptError where it is no report's JSON."""
        try:
            with path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            raise MissingError(f"{path}: no such file; `lfrd evaluate ... --report` writes one") from None
        except OSError as error:
            raise MissingError(f"{path}: cannot be read ({error.strerror})") from None
        hint = "give the JSON that stands beside a report's page"
        if len(content) > MOST_BYTES:
            raise CorruptError(path, f"is no report of the laboratory: too long; {hint}")
        try:
            report = msgspec.json.decode(content, type=Written)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CorruptError(path, f"is no report of the laboratory ({error}); {hint}") from None
        if report.schema != SCHEMA:
            raise CorruptError(
                path, f"is a report of form {report.schema}, this lfrd reads form {SCHEMA}; make it anew"
            )
        if any(len(row) != len(t.columns) for s in report.sections for t in s.tables for row in t.rows):
            raise CorruptError(path, f"is no report of the laboratory: a table's row is too long; {hint}")
        return cls(path, hashlib.sha256(content).hexdigest(), report)

    def require_pack(self, name: str, digest: str) -> None:
        """Raises LfrdError where the report was made with a pack of another digest."""
        made = self.report.provenance
        if made.pack_digest != digest:
            raise LfrdError(
                f"{self.path}: was made with another pack ('{made.pack}' {made.pack_version}, digest "
                f"{made.pack_digest[:12]}…); '{name}' has digest {digest[:12]}…: measure it anew"
            )

    def is_of(self, command: str) -> bool:
        """Whether `lfrd evaluate COMMAND` made it."""
        return self.report.provenance.command.split()[:3] == ["lfrd", "evaluate", command]

    def det(self) -> Curve | None:
        """The DET curve that results of identification hold; None in others."""
        found = self.report.results.get("det")
        if not isinstance(found, Mapping):
            return None
        columns = [_numbers(found.get(key)) for key in ("fpir", "fnir")]
        if not columns[0] or len(columns[0]) != len(columns[1]):
            return None
        fpir, fnir = (np.array(column, np.float64) for column in columns)
        return Curve(fpir, fnir)

    def sizes(self) -> dict[str, list[tuple[int, float, float, float]]]:
        """TPIR with its interval by list size, for the FPIRs of SHOWN, where several sizes were measured."""
        found = self.report.results.get("sizes")
        series: dict[str, list[tuple[int, float, float, float]]] = {}
        for size in found if isinstance(found, list) else []:
            entries = size.get("gallery") if isinstance(size, Mapping) else None
            if isinstance(entries, int) and entries > 0:
                for name, *rates in _points(size.get("points")):
                    tpir, low, high = rates
                    series.setdefault(name, []).append((entries, tpir, low, high))
        return {name: rows for name, rows in series.items() if len(rows) > 1 and name in SHOWN}


def _points(found: object) -> Iterator[tuple[str, float, float, float]]:
    for point in found if isinstance(found, list) else []:
        if isinstance(point, Mapping):
            numbers = _numbers([point.get(key) for key in ("fpir", "tpir", "tpir_low", "tpir_high")])
            if len(numbers) == 4:
                fpir, tpir, low, high = numbers
                yield f"FPIR {fpir:g}", tpir, low, high


def _numbers(values: object) -> Sequence[float]:
    """The list where all of it are finite numbers; else none."""
    if not isinstance(values, list):
        return []
    good = all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    return [float(value) for value in values] if good else []
