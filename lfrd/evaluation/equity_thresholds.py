"""The page's part on other thresholds: what lies together at one can lie apart at another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lfrd.evaluation.equity import Glance
from lfrd.evaluation.equity_trial import Study
from lfrd.evaluation.equity_words import RATES, spread_text
from lfrd.evaluation.grouped import Rate
from lfrd.evaluation.report.document import Figure, Section, Table
from lfrd.evaluation.report.marks import lines
from lfrd.evaluation.report.style import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Line = Sequence[tuple[float, float, float, float]]
"""(threshold, share, low, high) of one cohort."""
LABELS: Final = {Rate.TPIR: "Recognised (TPIR)", Rate.FPIR: "False alerts (FPIR)"}
"""The rates that depend on the threshold, as axes are called."""
SHOWN_LINES: Final = 6
"""Cohorts in a figure over thresholds, the largest; more cannot be told apart."""


def thresholds_section(made: Study, columns: Sequence[str]) -> Section:
    """columns: the variables, as they are called."""
    told = [one for one in made.glances if one.ratio is not None]
    figures = [
        figure
        for name in columns
        for rate in LABELS
        if (figure := _over_thresholds([g for g in told if (g.variable, g.rate) == (name, rate)]))
    ]
    return Section(
        "Other thresholds",
        (
            "The same searches at other thresholds: what lies together at the one in use need not at a "
            "laxer one, where there are more false alerts to be seen, nor at a stricter one, where fewer "
            "people are found. The intervals of these ratios are wide enough to hold for all of them at "
            "once. Which threshold is used is decided before, not by looking here.",
        ),
        [
            Table(
                "The highest rate over the lowest, by threshold",
                ("Threshold", "Variable", "Rate", "Lowest", "Highest", "Highest / lowest", "Apart"),
                [_look(one, made.threshold.score) for one in told],
                "Apart: the interval lies above 1. * the threshold of the verdicts.",
            )
        ],
        figures,
    )


def _look(one: Glance, score: float) -> tuple[str, ...]:
    rows = sorted((row for row in one.rows if row.kind == "cohort"), key=lambda row: row.share)
    return (
        f"{one.threshold:.4f}" + (" *" if one.threshold == score else ""),
        one.variable,
        one.rate.value.upper(),
        percent(rows[0].share),
        percent(rows[-1].share),
        spread_text(one.ratio),
        "yes" if one.apart else "",
    )


def _over_thresholds(seen: Sequence[Glance]) -> Figure | None:
    """A line a cohort; None where there is one threshold only."""
    if len(seen) < 2:
        return None
    sizes: dict[str, int] = {}
    for row in seen[0].rows:
        if row.kind == "cohort":
            sizes[row.cohort] = row.trials
    shown = sorted(sorted(sizes, key=lambda name: -sizes[name])[:SHOWN_LINES])
    series: dict[str, Line] = {
        name: [
            (one.threshold, row.share, row.low, row.high)
            for one in seen
            for row in one.rows
            if row.kind == "cohort" and row.cohort == name
        ]
        for name in shown
    }
    rate, variable = seen[0].rate, seen[0].variable

    def draw(axes: Axes) -> None:
        lines(axes, _beside(series))
        axes.set_ylim(bottom=0.0)
        axes.yaxis.set_major_formatter(percent)
        axes.set_xlabel("Threshold")
        axes.set_ylabel(LABELS[rate])

    said = "; ".join(
        f"{name}: " + ", ".join(f"{percent(row[1])} at {row[0]:.3f}" for row in rows)
        for name, rows in series.items()
    )
    fewer = f", the {SHOWN_LINES} largest cohorts" if len(sizes) > SHOWN_LINES else ""
    return Figure(
        f"{RATES[rate]} by {variable} over thresholds",
        f"{LABELS[rate]} by threshold with intervals{fewer}. {said}.",
        draw,
    )


def _beside(series: Mapping[str, Line]) -> dict[str, Line]:
    """The same a little to the left and right of one another, so that intervals do not cover each other."""
    at = [row[0] for row in next(iter(series.values()))]
    step = 0.012 * (max(at) - min(at))
    return {
        name: [(row[0] + step * (place - (len(series) - 1) / 2), *row[1:]) for row in rows]
        for place, (name, rows) in enumerate(series.items())
    }
