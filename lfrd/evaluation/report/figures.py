"""The laboratory's figures: curves, histograms, and rates with their intervals; each with its words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike

from lfrd.evaluation.report import style
from lfrd.evaluation.report.document import Figure
from lfrd.evaluation.report.marks import (
    Estimate,
    apart,
    floor,
    forest,
    heights,
    label,
    legend,
    lines,
    named_rows,
    roof,
    row_names,
    share_axis,
    uprights,
)
from lfrd.types import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Curve(Protocol):
    """Both error rates (0..1) by threshold, from lax to strict."""

    @property
    def fpir(self) -> ArrayLike: ...
    @property
    def fnir(self) -> ArrayLike: ...


class Point(Protocol):
    """Both rates (0..1) at one threshold, with their intervals; NaN for one that could not be measured."""

    @property
    def fpir_reached(self) -> float: ...
    @property
    def fpir_low(self) -> float: ...
    @property
    def fpir_high(self) -> float: ...
    @property
    def tpir(self) -> float: ...
    @property
    def tpir_low(self) -> float: ...
    @property
    def tpir_high(self) -> float: ...


def det_figure(
    curves: Mapping[str, Curve],
    points: Mapping[str, Sequence[Point]] | None = None,
    *,
    entries: int | None = None,
    caption: str = "Detection error trade-off (DET)",
) -> Figure:
    """Misses against false positives (to 0.5) on normal deviates, a curve each by its name. points: marked
    with their intervals, by the curve's name. entries: the list's size, N."""
    listed = f" on a list of {entries:,}" if entries else ""

    def draw(axes: Axes) -> None:
        shown = [_to_half(curve) for curve in curves.values()]
        seen = [fnir[fpir > 0] for fpir, fnir in shown]  # beyond, thresholds go on that let nobody through
        low_x, high_x = floor([fpir for fpir, _ in shown]), 0.5
        low_y, high_y = floor(seen), roof(seen)
        for number, (name, (fpir, fnir)) in enumerate(zip(curves, shown, strict=True)):
            ways = style.way(number)
            axes.plot(
                style.probit(fpir),
                style.probit(fnir),
                color=ways.colour,
                linestyle=ways.dash,
                label=label(name),
            )
            for point in (points or {}).get(name, ()):
                _mark(axes, point, ways, (low_x, high_x), (low_y, high_y))
        style.probit_axis(axes, "x", low_x, high_x)
        style.probit_axis(axes, "y", low_y, high_y)
        axes.set_xlabel("False positive identifications (FPIR)")
        axes.set_ylabel("Misses (FNIR)")
        if len(curves) > 1:
            legend(axes)

    said = "; ".join(f"{name}: {_at_some(curve)}" for name, curve in curves.items())
    return Figure(
        caption,
        f"Misses (FNIR) against false positives (FPIR){listed}, both axes on normal deviates. {said}.",
        draw,
    )


def roc_figure(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    x_label: str = "False accepts (FAR)",
    y_label: str = "True accepts (TAR)",
    caption: str = "Receiver operating characteristic (ROC)",
) -> Figure:
    """Found against false, each 0..1, on a logarithmic axis of the false: (false, found) by curve's name."""

    def draw(axes: Axes) -> None:
        for number, (name, (false, found)) in enumerate(curves.items()):
            x, y = np.asarray(false, np.float64), np.asarray(found, np.float64)
            axes.plot(
                x[x > 0],
                y[x > 0],
                color=style.way(number).colour,
                linestyle=style.way(number).dash,
                label=label(name),
            )
        axes.set_xscale("log")
        axes.set_xlim(floor([np.asarray(false, np.float64) for false, _ in curves.values()]), 1.0)
        share_axis(axes)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if len(curves) > 1:
            legend(axes)

    said = []
    for name, (false, found) in curves.items():
        x, y = np.asarray(false, np.float64), np.asarray(found, np.float64)
        picked = [
            f"{style.percent(float(y[x <= limit].max()))} at {style.plain(limit)}"
            for limit in (0.1, 0.01, 0.001, 0.0001)
            if (x <= limit).any() and (x > 0).any() and limit >= x[x > 0].min()
        ]
        said.append(f"{name}: {', '.join(picked) or 'too few pairs to say'}")
    return Figure(
        caption, f"{y_label} against {x_label}. {'; '.join(said)}.", draw, height=3.3, phone_height=3.0
    )


def histogram_figure(
    edges: ArrayLike,
    counts: Mapping[str, ArrayLike],
    *,
    marks: Mapping[str, float] | None = None,
    x_label: str = "Score",
    y_label: str = "Share of each",
    logarithmic: bool = False,
    caption: str = "Scores",
) -> Figure:
    """Counts in bins as shares of each series, outlined over one another. edges: [bins + 1], rising; counts:
    [bins] each. marks: upright lines with their names, as thresholds. logarithmic: upwards, to see few."""
    limits = np.asarray(edges, np.float64)
    series = {name: np.asarray(values, np.float64) for name, values in counts.items()}
    names = [f"{name} ({int(values.sum()):,})" for name, values in series.items()]

    def draw(axes: Axes) -> None:
        for number, (name, values) in enumerate(zip(names, series.values(), strict=True)):
            ways = style.way(number)
            shares = values / max(1.0, float(values.sum()))
            axes.stairs(shares, limits, color=ways.colour, alpha=0.18, fill=True)
            axes.stairs(
                shares, limits, color=ways.colour, linestyle=ways.dash, linewidth=1.5, label=label(name)
            )
        if logarithmic:
            axes.set_yscale("log")
            axes.set_ylim(bottom=0.5 / max(1.0, *(float(values.sum()) for values in series.values())))
        else:
            axes.set_ylim(bottom=0)
        uprights(axes, marks or {})
        axes.yaxis.set_major_formatter(style.percent)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.grid(visible=False, axis="x")
        legend(axes)

    said = [f"{name}: {_middle(limits, values)}" for name, values in series.items()]
    said += [f"{name} at {style.plain(at)}" for name, at in (marks or {}).items()]
    return Figure(
        caption, f"Histogram of {x_label.lower()}. {'; '.join(said)}.", draw, height=3.3, phone_height=3.0
    )


def tpir_by_size_figure(
    series: Mapping[str, Sequence[tuple[int, float, float, float]]],
    *,
    caption: str = "Recognition by the size of the list",
) -> Figure:
    """TPIR (0..1) with its interval by list size, a line each by its name: (entries, tpir, low, high)."""

    def draw(axes: Axes) -> None:
        lines(axes, series)
        sizes = sorted({row[0] for rows in series.values() for row in rows}) or [1]
        axes.set_xscale("log")
        ticks = apart(sizes, 5 if style.is_narrow(axes) else 8)
        axes.set_xticks(ticks, [f"{size:,}" for size in ticks])
        axes.minorticks_off()
        axes.set_xlim(sizes[0] / 1.4, sizes[-1] * 1.4)
        share_axis(axes)
        axes.set_xlabel("People on the list (N)")
        axes.set_ylabel("Recognised (TPIR)")

    said = "; ".join(
        f"{name}: " + ", ".join(f"{style.percent(row[1])} of a list of {row[0]:,}" for row in rows)
        for name, rows in series.items()
    )
    return Figure(caption, f"Recognition (TPIR) by list size. {said}.", draw, height=3.1, phone_height=2.9)


def tpir_by_fpir_figure(
    series: Mapping[str, Sequence[tuple[float, float, float, float]]],
    *,
    caption: str = "Recognition by the false positives accepted",
) -> Figure:
    """TPIR (0..1) with its interval by FPIR, a line each by its name: (fpir, tpir, low, high)."""

    def draw(axes: Axes) -> None:
        lines(axes, series)
        axes.set_xscale("log")
        share_axis(axes)
        axes.set_xlabel("False positive identifications (FPIR)")
        axes.set_ylabel("Recognised (TPIR)")

    said = "; ".join(
        f"{name}: " + ", ".join(f"{style.percent(row[1])} at {style.plain(row[0])}" for row in rows)
        for name, rows in series.items()
    )
    return Figure(caption, f"Recognition (TPIR) by FPIR. {said}.", draw, height=3.1, phone_height=2.9)


def interval_figure(
    rows: Sequence[Estimate],
    *,
    x_label: str = "Recognised (TPIR)",
    margin: tuple[float, float] | None = None,
    reference: float | None = None,
    logarithmic: bool = False,
    shares: bool = True,
    caption: str = "Rates with their intervals",
) -> Figure:
    """A forest plot: a row each, with its interval. margin: shaded, what was declared equivalent before the
    test. reference: an upright line, as no difference. shares: the axis is 0..1 and shown as percentages;
    logarithmic: for ratios."""
    return category_figure(
        {"": rows},
        x_label=x_label,
        margin=margin,
        reference=reference,
        logarithmic=logarithmic,
        shares=shares,
        caption=caption,
    )


def category_figure(
    series: Mapping[str, Sequence[Estimate]],
    *,
    x_label: str = "Recognised (TPIR)",
    margin: tuple[float, float] | None = None,
    reference: float | None = None,
    logarithmic: bool = False,
    shares: bool = True,
    caption: str = "Rates by category",
) -> Figure:
    """The same with several marks a row: the series' estimates by label (a size, a pose), each series with a
    mark of its own. Rows stand in the order in which labels are first met."""

    def shown(value: float) -> str:
        return "no bound" if math.isinf(value) else style.percent(value) if shares else style.plain(value)

    def draw(axes: Axes) -> None:
        forest(axes, series, margin=margin, reference=reference, logarithmic=logarithmic)
        axes.set_xlabel(x_label)
        if shares:
            axes.xaxis.set_major_formatter(style.percent)

    said = "; ".join(
        f"{name}{': ' if name else ''}"
        + ", ".join(
            f"{row.label} not measured"
            if row.value is None
            else f"{row.label} {shown(row.value)} ({shown(row.low)} to {shown(row.high)})"
            for row in rows
        )
        for name, rows in series.items()
    )
    height, phone = heights(row_names(series), len(series))
    return Figure(caption, f"{x_label} with intervals. {said}.", draw, height=height, phone_height=phone)


def bars_figure(counts: Mapping[str, int], *, x_label: str = "Passages", caption: str = "Counts") -> Figure:
    """How many of each, in bars with their numbers, as reasons for misses."""
    names = dict.fromkeys(counts, "")

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        places = list(named_rows(axes, names).values())
        axes.barh(places, list(counts.values()), height=0.2, color=style.COLOURS[0])
        axes.set_xlim(0, 1.12 * max(1, *counts.values(), 1))
        for place, count in zip(places, counts.values(), strict=True):
            axes.annotate(
                f"{count:,}", (count, place), xytext=(4, 0), textcoords="offset points", va="center"
            )
        axes.xaxis.set_major_formatter(style.plain)
        axes.set_xlabel(x_label)
        axes.xaxis.set_major_locator(MaxNLocator(5 if style.is_narrow(axes) else 9, integer=True))

    said = "; ".join(f"{name}: {count:,}" for name, count in counts.items())
    height, phone = heights(names)
    return Figure(caption, f"{x_label}. {said}.", draw, height=height, phone_height=phone)


def _inside(curve: Curve) -> tuple[F64, F64]:
    return np.asarray(curve.fpir, np.float64), np.asarray(curve.fnir, np.float64)


def _to_half(curve: Curve) -> tuple[F64, F64]:
    """As far as anybody would choose a threshold."""
    fpir, fnir = _inside(curve)
    return fpir[fpir <= 0.5], fnir[fpir <= 0.5]


def _mark(
    axes: Axes, point: Point, ways: style.Way, across: tuple[float, float], upwards: tuple[float, float]
) -> None:
    """A point's mark and its intervals both ways, as far as they lie on the axes."""
    if math.isnan(point.tpir) or math.isnan(point.fpir_reached):
        return

    def placed(shares: Sequence[float], span: tuple[float, float]) -> F64:
        return style.probit(np.clip(shares, *span))

    x = placed([point.fpir_reached] * 2, across)
    y = placed([1.0 - point.tpir] * 2, upwards)
    ends = placed([1.0 - point.tpir_high, 1.0 - point.tpir_low], upwards)
    axes.plot(x, ends, color=ways.colour, linestyle="-", linewidth=1.2)
    ends = placed([point.fpir_low, point.fpir_high], across)
    axes.plot(ends, y, color=ways.colour, linestyle="-", linewidth=1.2, alpha=0.6)
    axes.plot(x[:1], y[:1], color=ways.colour, marker=ways.mark, markersize=5.5, linestyle="")


def _at_some(curve: Curve) -> str:
    fpir, fnir = _inside(curve)
    said = [
        f"FNIR {style.percent(float(fnir[fpir <= limit].min()))} at FPIR {style.plain(limit)}"
        for limit in (0.1, 0.01, 0.001, 0.0001)
        if (fpir <= limit).any() and (fpir > 0).any() and limit >= float(fpir[fpir > 0].min())
    ]
    return ", ".join(said) or "too few searches to say"


def _middle(edges: F64, counts: F64) -> str:
    """Where the middle nine tenths of a histogram lie."""
    if counts.sum() == 0:
        return "none"
    upto = np.cumsum(counts) / counts.sum()
    ends = (float(edges[int(np.searchsorted(upto, share))]) for share in (0.05, 0.95))
    low, high = ends
    return f"nine in ten between {style.plain(low)} and {style.plain(high)}"
