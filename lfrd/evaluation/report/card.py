"""A model pack's card as a page: what it is, what was measured of it, and what it is not for.

After M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019: details, use, factors, metrics, data,
figures, ethical considerations, caveats; from the pack's manifest and from reports of the laboratory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lfrd.evaluation.report import style
from lfrd.evaluation.report.document import Figure, Section, Table
from lfrd.evaluation.report.figures import det_figure, tpir_by_fpir_figure, tpir_by_size_figure
from lfrd.evaluation.report.page import beside, encoded, rendered, require_place
from lfrd.evaluation.report.placing import place
from lfrd.evaluation.report.source import Source
from lfrd.policy.intervals import wilson

SCHEMA: Final = 1
"""Of the JSON beside the card."""


@dataclass(frozen=True, slots=True)
class Card:
    """facts: of the pack, as `lfrd.models.library.facts` gives them. measured: a section for the calibration,
    and one a report. cohorts: whether any of the reports compares groups of people."""

    facts: Mapping[str, Any]
    sources: Sequence[Source]
    measured: Sequence[Section]
    limits: Sequence[str]
    cohorts: bool


def card(facts: Mapping[str, Any], sources: Sequence[Source]) -> Card:
    """The card of a pack. Raises LfrdError where a report was made with another."""
    for source in sources:
        source.require_pack(str(facts["name"]), str(facts["digest"]))
    limits = dict.fromkeys(limit for source in sources for limit in source.report.limits)
    return Card(
        facts=facts,
        sources=sources,
        measured=[_calibration(facts), *map(_section, sources)],
        limits=list(limits),
        cohorts=any(source.is_of("equity") for source in sources),
    )


def write(made: Card, path: Path) -> None:
    """The card at `path` and its JSON beside it, as `page.write` does it, and with its errors."""
    require_place(path)
    place({path: html(made).encode(), beside(path): json_bytes(made)})


def html(made: Card) -> str:
    return rendered("card.html", card=made, facts=made.facts)


def json_bytes(made: Card) -> bytes:
    """The pack's facts, and of each report the digest of its file, words, results and provenance."""
    return encoded(
        {
            "schema": SCHEMA,
            "pack": {key: value for key, value in made.facts.items() if key != "folder"},
            "reports": [
                {
                    "sha256": source.sha256,
                    "title": source.report.title,
                    "summary": source.report.summary,
                    "limits": source.report.limits,
                    "results": source.report.results,
                    "provenance": source.report.provenance,
                }
                for source in made.sources
            ],
        }
    )


def _calibration(facts: Mapping[str, Any]) -> Section:
    rows: Sequence[Mapping[str, Any]] = facts["calibration"]
    if not rows:
        return Section(
            "Calibration",
            [
                "The pack has no calibration: nobody has measured which score keeps which rate of false "
                "alerts. lfrd refuses it for live use; `lfrd calibrate` measures one."
            ],
        )
    return Section("Calibration", tables=list(map(_points, rows)), figures=list(_recognition(rows)))


def _points(row: Mapping[str, Any]) -> Table:
    intervals = [*(row.get("intervals") or ())]
    found = dict(map(tuple, row.get("tpir") or ()))
    cells = []
    for number, (fpir, score) in enumerate(row["points"]):
        span = intervals[number] if number < len(intervals) else None
        cells.append((style.plain(fpir), f"{score:.4f}", _span(span), _share(found.get(fpir)), "measured"))
    for fpir, score, low, high in row.get("extrapolated") or ():
        span = (low, high)
        cells.append(
            (style.plain(fpir), f"{score:.4f}", _span(span), _share(found.get(fpir)), "extrapolated")
        )
    return Table(
        f"Scores of {_searched(row)} on a list of {row['n']:,}",
        ("FPIR", "Score that keeps it", "95 % interval", "Found (TPIR)", "How known"),
        cells,
        " ".join(_behind(row)),
    )


def _behind(row: Mapping[str, Any]) -> Iterator[str]:
    people = f"{row['people']:,} people" if row.get("people") else "people"
    yield f"Measured on {row['data']}: {row['non_mated']:,} searches for {people} who were not on the list,"
    yield f"{row['mated']:,} for people who were." if row.get("mated") else "none for people who were."
    if row.get("lists", 1) > 1:
        yield f"The searches were shared out to {row['lists']:,} lists."
    if row.get("extrapolated"):
        yield (
            "Extrapolated scores lie beyond what was measured and rest on the assumed shape of the tail"
            + (f": {row['tail']}." if row.get("tail") else ".")
        )
    if row.get("digest"):
        yield f"SHA-256 of the data: {row['digest']}."


def _searched(row: Mapping[str, Any]) -> str:
    return "whole tracks" if row.get("kind") == "track" else "single pictures"


def _recognition(rows: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    series = {}
    for row in rows:
        if not row.get("tpir"):
            continue
        name = f"{_searched(row)}, N = {row['n']:,}"
        spans = [(fpir, tpir, wilson(round(tpir * row["mated"]), row["mated"])) for fpir, tpir in row["tpir"]]
        series[name] = [(fpir, tpir, span.low, span.high) for fpir, tpir, span in spans]
    if series:
        yield tpir_by_fpir_figure(
            series, caption="Recognition by the false positives accepted, 95 % intervals (Wilson)"
        )


def _section(source: Source) -> Section:
    report = source.report
    tables = [table for section in report.sections for table in section.tables]
    return Section(
        report.title,
        report.summary,
        [Table(table.caption, table.columns, table.rows, table.note) for table in tables],
        list(_figures(source)),
    )


def _figures(source: Source) -> Iterator[Figure]:
    """Those curves that the results themselves hold; a report has more than its results can be drawn again
    from."""
    curve = source.det()
    if curve is not None:
        yield det_figure({source.report.title: curve}, caption="Detection error trade-off (DET)")
    sizes = source.sizes()
    if sizes:
        yield tpir_by_size_figure(sizes)


def _span(span: Sequence[float] | None) -> str:
    return "–" if span is None else f"{span[0]:.4f} to {span[1]:.4f}"


def _share(share: float | None) -> str:
    return "–" if share is None else style.percent(share)
