"""What a report of the laboratory holds, whatever was measured: for one HTML file, and JSON beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Table:
    """columns: headings; rows: cells as they are printed, as many as columns. note: below it, in words."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawn curve or histogram. draw: draws it on empty axes. text: what it shows, in words."""

    caption: str
    text: str
    draw: Callable[[Axes], None]
    width: float = 6.0
    height: float = 4.0
    """Inches on paper."""
    phone_height: float | None = None
    """Inches where the page is as narrow as a phone; None: as the width asks. For rows that need lines."""


@dataclass(frozen=True, slots=True)
class Section:
    """Paragraphs, then tables, then figures."""

    heading: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()


@dataclass(frozen=True, slots=True)
class Data:
    """One set of pictures or clips. digest: SHA-256 over names and contents. counts: 'people', 'pictures' and
    what else there is to count."""

    role: str
    digest: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a second person needs to come to the same figures. settings: those that matter to them."""

    version: str
    machine: str
    command: str
    pack: str
    pack_version: str
    pack_digest: str
    files: Mapping[str, str]
    """The pack's files: name to SHA-256."""
    data: Sequence[Data]
    seed: int | None
    settings: Mapping[str, str] = field(default_factory=dict)
    measured_on: str = ""
    """The day, as 2026-03-14; empty where nobody said."""


@dataclass(frozen=True, slots=True)
class Report:
    """summary: the answer in a few plain sentences. limits: what the figures do not say, a sentence each.
    results: what `--json` prints, for the JSON file beside the page."""

    title: str
    summary: Sequence[str]
    sections: Sequence[Section]
    limits: Sequence[str]
    provenance: Provenance
    results: Mapping[str, Any]
