"""How the laboratory's figures look: one style for all, fixed axes and ticks that can be read in print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lfrd.types import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

INK: Final = "#10151c"
FAINT: Final = "#4a5563"
LINE: Final = "#c4ccd6"
LIMIT: Final = "#a3180f"
SHADE: Final = "#dfe6ee"
COLOURS: Final = ("#24476f", "#c2500a", "#007a5a", "#8a3b8f", "#7a6100", "#4a5563")
"""4.5 to 1 or more against white; lines and marks differ in form as well, for those who see no colours."""
DASHES: Final = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKS: Final = ("o", "s", "D", "^", "v", "P")


class Way(NamedTuple):
    """How one series of a figure is drawn."""

    colour: str
    dash: Any
    mark: str


def way(number: int) -> Way:
    """The series' way by its number, from 0; after six they begin again with other dashes."""
    return Way(COLOURS[number % 6], DASHES[(number + number // 6) % 6], MARKS[number % 6])


NARROW: Final = 4.5
"""Inches: a figure below it is for a phone, and has room for fewer ticks."""

SETTINGS: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": False,
    "axes.titlesize": 9,
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],  # matplotlib carries it: every machine measures texts alike
    "font.size": 9,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "legend.fontsize": 8.5,
    "legend.framealpha": 0.9,
    "legend.edgecolor": LINE,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "lfrd",
    "text.color": INK,
    "text.parse_math": False,  # a cohort's name may hold a dollar sign
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
}

_PROBIT_TICKS: Final = (
    *(1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999),
)  # fmt: skip


def is_narrow(axes: Axes) -> bool:
    sheet = axes.get_figure(root=True)
    return sheet is not None and float(sheet.get_size_inches()[0]) < NARROW


def plain(value: float, _place: object = None) -> str:
    """10,000, 0.25, 0.00001: a number without powers of ten."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float, _place: object = None) -> str:
    """0.05 as 5 %, 0.0001 as 0.01 %."""
    return f"{plain(100 * share)} %"


def probit(shares: Sequence[float] | F64) -> F64:
    """Normal deviates of shares; NaN, which is not drawn, where a share is 0 or 1."""
    from scipy.special import ndtri

    values = np.asarray(shares, np.float64)
    inside = (values > 0) & (values < 1)
    return np.where(inside, ndtri(np.where(inside, values, 0.5)), np.nan)


def probit_axis(axes: Axes, which: str, low: float, high: float) -> None:
    """The 'x' or 'y' axis, whose data are normal deviates, from one share to another (0..1, not the ends
    themselves), with the shares as its ticks."""
    axis: Axis = getattr(axes, f"{which}axis")
    ends = probit([low, high])
    getattr(axes, f"set_{which}lim")(float(ends[0]), float(ends[1]))
    apart = (0.13 if is_narrow(axes) else 0.08) * float(ends[1] - ends[0])
    ticks: list[float] = []
    for tick in _PROBIT_TICKS:
        fits = not ticks or which == "y" or float(np.diff(probit([ticks[-1], tick]))[0]) >= apart
        if low <= tick <= high and fits:
            ticks.append(tick)
    shown = plain if which == "x" else percent
    axis.set_ticks(list(map(float, probit(ticks))), [shown(tick) for tick in ticks])


def legend_height(axes: Axes) -> float:
    """Inches that a legend takes beyond its first row: it stands above the axes, which must not shrink."""
    legend = axes.get_legend()
    if legend is None:
        return 0.0
    columns = int(getattr(legend, "_ncols", 1))
    return 0.17 * (math.ceil(len(legend.get_texts()) / columns) - 1)


def finish(axes: Axes) -> None:
    """What every figure needs once it is drawn: log axes with three ticks at least, in plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogFormatter, LogLocator, MaxNLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() != "log":
            continue
        if isinstance(axis.get_major_formatter(), LogFormatter):  # powers of ten, in mathematical type
            axis.set_major_formatter(FuncFormatter(plain))
        axis.set_minor_formatter(NullFormatter())
        if not isinstance(axis.get_major_locator(), LogLocator):  # ticks of the figure's own
            continue
        low, high = sorted(map(float, axis.get_view_interval()))
        for locator in (
            *(LogLocator(subs=steps, numticks=12) for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0))),
            MaxNLocator(5),
        ):
            axis.set_major_locator(locator)
            if sum(low <= tick <= high for tick in axis.get_majorticklocs()) >= 3:
                break
