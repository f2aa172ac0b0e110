"""What several figures draw alike: lines with intervals, rows with intervals, ends of axes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from lfrd.evaluation.report import style
from lfrd.types import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SERIES: Final = 0.16
"""Inches from one series' mark to the next in a row."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate, difference or ratio with its interval. value: None where nothing could be measured. high: may
    be infinite. counts: what is behind it, as '123 of 140'."""

    label: str
    value: float | None
    low: float
    high: float
    counts: str = ""


def floor(columns: Sequence[F64]) -> float:
    """A little below the smallest share above 0, from 1e-7 to 0.01: where an axis of rates begins."""
    above = [float(column[column > 0].min()) for column in columns if (column > 0).any()]
    return min(0.01, max(1e-7, 0.6 * min(above, default=0.01)))


def roof(columns: Sequence[F64]) -> float:
    """A little above the largest share below 1, from 0.2 to 0.999: where an axis of rates ends."""
    below = [float(column[column < 1].max()) for column in columns if (column < 1).any()]
    return min(0.999, max(0.2, 1.2 * max(below, default=0.2)))


def apart(values: Sequence[int], most: int) -> list[int]:
    """Of rising values above 0 those that stand a `most`-th of a logarithmic axis from one another, the last
    among them: ticks that do not touch."""
    least = math.log(values[-1] / values[0]) / most
    kept = [values[-1]]
    for value in values[-2::-1]:
        if math.log(kept[-1] / value) >= least:
            kept.append(value)
    return kept[::-1]


def share_axis(axes: Axes) -> None:
    """The upright axis from 0 to 100 %."""
    axes.set_ylim(0.0, 1.02)
    axes.set_yticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axes.yaxis.set_major_formatter(style.percent)


def legend(axes: Axes, *, right: bool = False) -> None:
    """Above the axes, where it hides nothing, with what has been drawn with a name; none where nothing has.
    right: over their right end, and on over the names of rows."""
    handles, names = axes.get_legend_handles_labels()
    if not names:
        return
    narrow = style.is_narrow(axes)
    names = [shortened(name, 36 if narrow else 70) for name in names]
    axes.legend(
        handles,
        names,
        loc="lower right" if right else "lower left",
        bbox_to_anchor=(1.0 if right else 0.0, 1.0),
        ncols=max(1, min(len(names), (34 if narrow else 74) // (6 + max(map(len, names))))),
        frameon=False,
        borderaxespad=0.3,
    )


def label(name: str) -> str:
    """A name as matplotlib's legends take it: they leave out what begins with an underscore, or is empty."""
    return f" {name}" if name.startswith("_") else name or "_"


def shortened(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def lines(axes: Axes, series: Mapping[str, Sequence[tuple[float, float, float, float]]]) -> None:
    """(x, value, low, high) as marks with intervals, joined; a colour, a dash and a mark each."""
    for number, (name, rows) in enumerate(series.items()):
        ways = style.way(number)
        x, value, low, high = (np.array([row[k] for row in rows], np.float64) for k in range(4))
        axes.errorbar(
            x,
            value,
            yerr=np.maximum(0.0, [value - low, high - value]),
            color=ways.colour,
            linestyle=ways.dash,
            marker=ways.mark,
            markersize=4.5,
            elinewidth=1.0,
            capsize=2.5,
            label=label(name),
        )
    legend(axes)


def forest(
    axes: Axes,
    series: Mapping[str, Sequence[Estimate]],
    *,
    margin: tuple[float, float] | None,
    reference: float | None,
    logarithmic: bool,
) -> None:
    """A row a label, top to bottom, each estimate a mark on its interval; an interval that goes on beyond the
    axis ends in an arrow. What could not be measured has its row and no mark."""
    low, high = _span([row for several in series.values() for row in several], margin, reference, logarithmic)
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xlim(low, high)
    place = named_rows(axes, row_names(series), len(series))
    if margin is not None:
        axes.axvspan(*margin, color=style.SHADE, linewidth=0, label="margin of equivalence")
    if reference is not None:
        axes.axvline(reference, color=style.INK, linewidth=1.0, linestyle=(0, (4, 3)))
    for number, (name, several) in enumerate(series.items()):
        ways = style.way(number)
        off = _SERIES * (number - (len(series) - 1) / 2)
        for row in several:
            _estimate(axes, row, place[row.label] + off, ways, (low, high))
        axes.plot([], [], marker=ways.mark, color=ways.colour, linestyle="", label=label(name))
    legend(axes, right=True)


def _estimate(axes: Axes, row: Estimate, y: float, ways: style.Way, span: tuple[float, float]) -> None:
    low, high = span
    if row.value is None:
        at = ("axes fraction", "data")
        axes.annotate("not measured", (0.01, y), xycoords=at, va="center", color=style.FAINT)
        return
    ends = max(row.low, low), min(row.high, high)
    axes.plot(ends, (y, y), color=ways.colour, linestyle="-", linewidth=1.6, solid_capstyle="butt")
    for end, beyond, arrow in ((ends[0], row.low < low, "<"), (ends[1], row.high > high, ">")):
        mark = arrow if beyond else "|"
        axes.plot(end, y, marker=mark, color=ways.colour, markersize=6, linestyle="", clip_on=False)
    if low <= row.value <= high:
        axes.plot(row.value, y, marker=ways.mark, color=ways.colour, markersize=5.5, linestyle="")


def uprights(axes: Axes, marks: Mapping[str, float]) -> None:
    """Upright lines with their names to the right; beside a line that is near the next name stands lower."""
    low, high = axes.get_xlim()
    axes.set_xlim(low, high)
    room = (0.08 if style.is_narrow(axes) else 0.05) * (high - low)
    before, level = -math.inf, 0
    for name, at in sorted(marks.items(), key=lambda mark: mark[1]):
        level = (level + 1) % 3 if at - before < room else 0
        before = at
        axes.axvline(at, color=style.LIMIT, linewidth=1.2, linestyle=(0, (5, 3)))
        axes.annotate(
            shortened(name, 24),
            (at, 1.0 - 0.33 * level),
            xycoords=("data", "axes fraction"),
            xytext=(3, -2),
            textcoords="offset points",
            rotation=90,
            va="top",
            color=style.LIMIT,
            fontsize=8,
            bbox={"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 0.8},
        )


def row_names(series: Mapping[str, Sequence[Estimate]]) -> dict[str, str]:
    """Each label in the order in which it is first met, with its counts where they are one series'."""
    rows = [row for several in series.values() for row in several]
    return {row.label: row.counts if len(series) == 1 else "" for row in rows}


def named_rows(axes: Axes, names: Mapping[str, str], series: int = 1) -> dict[str, float]:
    """The upright axis in inches from the top, a row each, as high as its name (and what is in brackets after
    it) needs; returns where the middle of each row lies."""
    narrow = style.is_narrow(axes)
    middles, texts, top = [], [], 0.0
    for label, counts in names.items():
        text = _folded(label, counts, narrow)
        height = _row(text, series)
        middles.append(top + height / 2)
        texts.append(text)
        top += height
    axes.set_ylim(top, 0.0)
    axes.set_yticks(middles, texts)
    axes.tick_params(axis="y", length=0, pad=8)  # room for an arrow that points beyond the axis
    axes.grid(visible=False, axis="y")
    return dict(zip(names, middles, strict=True))


def heights(names: Mapping[str, str], series: int = 1) -> tuple[float, float]:
    """Inches for a figure with such rows, on paper and on a phone."""
    paper, phone = (
        0.95 + sum(_row(_folded(label, counts, narrow), series) for label, counts in names.items())
        for narrow in (False, True)
    )
    return paper, phone


def _row(text: str, series: int) -> float:
    return max(0.16 + 0.15 * (text.count("\n") + 1), 0.14 + _SERIES * series)


def _folded(label: str, counts: str, narrow: bool) -> str:
    """A row's name in lines that leave room for what it names."""
    width = 18 if narrow else 34
    folded = textwrap.wrap(label, width, max_lines=3, placeholder=" …") or [label]
    if counts and len(folded[-1]) + len(counts) + 3 <= width:
        folded[-1] += f" ({counts})"
    elif counts:
        folded.append(f"({counts})")
    return "\n".join(folded)


def _span(
    rows: Sequence[Estimate],
    margin: tuple[float, float] | None,
    reference: float | None,
    logarithmic: bool,
) -> tuple[float, float]:
    """Where the axis begins and ends: around every finite end, the margin and the reference."""
    values = [end for row in rows if row.value is not None for end in (row.low, row.value, row.high)]
    values += [*(margin or ()), *([] if reference is None else [reference])]
    finite = [value for value in values if math.isfinite(value) and (value > 0 or not logarithmic)]
    if not finite:
        return (0.1, 10.0) if logarithmic else (0.0, 1.0)
    least, most = min(finite), max(finite)
    if logarithmic:
        return least / 1.25, most * 1.25
    room = 0.04 * (most - least) or 0.05
    return least - room, most + room
