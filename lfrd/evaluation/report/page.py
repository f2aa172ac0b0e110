"""A report as one HTML file for the screen and for A4, and as JSON beside it."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from lfrd.errors import MissingError
from lfrd.evaluation.report import drawing
from lfrd.evaluation.report.document import Figure, Report, Table
from lfrd.evaluation.report.placing import place, require_room

SCHEMA: Final = 1
"""Of the JSON beside the page: what reads it may rely on its keys."""

_FOLDER = Path(__file__).parent / "templates"


def require_place(path: Path) -> None:
    """Whether a report can be written there, to be asked before the measurement. Raises MissingError: a name
    that does not end in .html, no folder, or a page or its JSON that is there already."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise MissingError(f"{path}: a report is a page; give it a name that ends in .html")
    require_room(path, beside(path))


def beside(path: Path) -> Path:
    """Where the JSON of the page at `path` stands."""
    return path.with_suffix(".json")


def write(report: Report, path: Path) -> None:
    """The page at `path` and its JSON beside it, both whole or neither. Raises as `require_place` does, and
    OSError with the file's name where they cannot be written."""
    require_place(path)
    place({path: html(report).encode(), beside(path): json_bytes(report)})


def html(report: Report) -> str:
    """The page: one file with its style and its figures, without a script and without an address."""
    return rendered("report.html", report=report)


def json_bytes(report: Report) -> bytes:
    """The same report for programs: words, tables, provenance, and the results as `--json` prints them."""
    return encoded(
        {
            "schema": SCHEMA,
            "title": report.title,
            "summary": report.summary,
            "results": report.results,
            "sections": [
                {"heading": s.heading, "paragraphs": s.paragraphs, "tables": s.tables}
                for s in report.sections
            ],
            "limits": report.limits,
            "provenance": report.provenance,
        }
    )


def encoded(value: object) -> bytes:
    """JSON for people to read as well. NumPy's numbers are numbers; what is not finite is null, as in what
    `--json` prints."""
    return msgspec.json.format(msgspec.json.encode(_plain(value)), indent=2) + b"\n"


def rendered(template: str, **values: Any) -> str:
    """One of this folder's pages."""
    style = Markup((_FOLDER / "report.css").read_text(encoding="utf-8"))  # noqa: S704 - a file of this package
    return _environment().get_template(template).render(style=style, numbers=_Numbers(), **values)


class _Numbers:
    """Gives each figure of a page a name that no other has."""

    def __init__(self) -> None:
        self._last = 0

    def pictures(self, figure: Figure) -> tuple[Markup, Markup | None]:
        """The figure for a desk and for paper, and for a phone where that needs another."""
        self._last += 1
        name = f"figure-{self._last}"
        wide = drawing.svg(figure, name)
        if figure.width <= drawing.PHONE:
            return wide, None
        return wide, drawing.svg(figure, f"{name}-phone", drawing.PHONE)


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    return value


def figure_columns(table: Table) -> list[bool]:
    """Which columns after the first hold figures, to be set to the right and each kept on one line."""
    shown = re.compile(r"([-−+–<>≤≥±∞(]|\d|none\b|no |not ).{0,40}|")
    return [
        False,
        *(all(shown.fullmatch(row[k]) for row in table.rows) for k in range(1, len(table.columns))),
    ]


def _unbroken(value: object) -> object:
    """No line ends between a number and its per cent sign."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", value)
    return value


def _prose(text: str) -> Markup:
    """Words with `commands` in them, as a page has them; everything else in them is text."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(_unbroken(text)))))  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_unbroken,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = _prose
    environment.globals["figure_columns"] = figure_columns
    return environment
