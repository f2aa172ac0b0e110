"""Figures: axes with ticks, words for what is drawn, degenerate data, and nothing left behind."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from lfrd.evaluation.report import figures, style
from lfrd.evaluation.report.document import Figure
from lfrd.evaluation.report.drawing import PHONE, svg
from lfrd.evaluation.report.marks import Estimate, apart, named_rows
from tests.unit.evaluation.report.made import CURVE, Curve, every_figure

EMPTY = Curve(np.empty(0), np.empty(0))
ALL_OR_NOTHING = Curve(np.array([0.0, 1.0]), np.array([1.0, 0.0]))


def drawn(figure: Figure, width: float = 6.0) -> Axes:
    axes = Sheet(figsize=(width, figure.height), layout="constrained").add_subplot()
    figure.draw(axes)
    style.finish(axes)
    return axes


def texts(figure: Figure) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg(figure, "f"))


def test_loading_the_figures_and_the_page_loads_no_matplotlib_and_drawing_no_pyplot() -> None:
    program = """
import sys
from lfrd.evaluation.report import card, figures, page
assert not [name for name in sys.modules if name.startswith("matplotlib")]
from lfrd.evaluation.report.drawing import svg
svg(figures.bars_figure({"a": 1}), "f")
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("curve", [EMPTY, ALL_OR_NOTHING], ids=["no searches", "all or nothing"])
def test_curves_without_anything_to_draw_are_empty_axes_and_say_so(curve: Curve) -> None:
    for figure in (
        figures.det_figure({"a": curve}),
        figures.roc_figure({"a": (curve.fpir, 1 - curve.fnir)}),
    ):
        assert svg(figure, "f")
    assert "too few searches to say" in figures.det_figure({"a": EMPTY}).text


@pytest.mark.parametrize(
    "make",
    [
        lambda: figures.tpir_by_size_figure({}),
        lambda: figures.tpir_by_size_figure({"a": []}),
        lambda: figures.tpir_by_fpir_figure({"a": []}),
        lambda: figures.histogram_figure([0.0, 1.0], {"a": [0]}, logarithmic=True),
        lambda: figures.interval_figure([]),
        lambda: figures.interval_figure([Estimate("a", None, 0.0, math.inf)], logarithmic=True),
        lambda: figures.bars_figure({}),
        lambda: figures.bars_figure({"a": 0}),
        lambda: figures.det_figure({}),
    ],
)
def test_figures_of_nothing_are_drawn_all_the_same(make: Callable[[], Figure]) -> None:
    assert svg(make(), "f")
    assert svg(make(), "f", PHONE)


def test_normal_deviates_have_the_rates_as_ticks_and_do_not_touch_on_a_phone() -> None:
    figure = figures.det_figure({"a": CURVE})
    for width, share in ((6.0, 0.08), (PHONE, 0.13)):
        axes = drawn(figure, width)
        shown = [label.get_text() for label in axes.get_xticklabels()]
        assert {"0.0001", "0.01", "0.5"} <= set(shown)
        low, high = axes.get_xlim()
        assert np.diff(axes.get_xticks()).min() >= share * (high - low)
        assert [label.get_text() for label in axes.get_yticklabels()][-1] == "20 %"


def test_thresholds_that_let_nobody_through_do_not_stretch_the_axis() -> None:
    curve = Curve(np.array([0.5, 0.01, 0.0]), np.array([0.05, 0.1, 0.999]))
    axes = drawn(figures.det_figure({"a": curve}))
    assert axes.get_ylim()[1] == pytest.approx(style.probit([0.2])[0])


def test_a_long_legend_makes_a_figure_higher_and_the_axes_no_smaller() -> None:
    def height(names: int) -> float:
        rows = [(10, 0.5, 0.4, 0.6), (100, 0.4, 0.3, 0.5)]
        drawing = svg(figures.tpir_by_size_figure({f"name {k}": rows for k in range(names)}), "f", PHONE)
        view = re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', drawing)
        assert view is not None
        return float(view[1])

    assert height(12) > height(2) + 30


def test_lists_of_nearly_the_same_size_share_a_tick() -> None:
    assert apart([100, 963, 1000, 10_000], 8) == [100, 1000, 10_000]
    assert apart([70], 8) == [70]


def test_a_curve_on_normal_deviates_stops_where_a_rate_is_0_or_1() -> None:
    values = style.probit([0.0, 0.5, 1.0])
    assert np.isnan(values[[0, 2]]).all()
    assert values[1] == 0.0


@given(low=st.floats(1e-6, 1e4), factor=st.floats(1.7, 1e6))
@settings(max_examples=40)
def test_a_logarithmic_axis_always_has_three_ticks_in_plain_numbers(low: float, factor: float) -> None:
    axes = Sheet().add_subplot()
    axes.set_xscale("log")
    axes.set_xlim(low, low * factor)
    style.finish(axes)
    inside = [tick for tick in axes.get_xticks() if low <= tick <= low * factor]
    assert len(inside) >= 3
    formatted = [axes.xaxis.get_major_formatter()(tick, 0) for tick in inside]
    assert all(re.fullmatch(r"[\d,]+(\.\d+)?", text) for text in formatted)
    assert len(set(formatted)) == len(formatted)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.00001, "0.00001"), (0.25, "0.25"), (10_000, "10,000"), (-0.05, "-0.05"), (1.0, "1")],
)
def test_numbers_stand_without_powers_of_ten(value: float, shown: str) -> None:
    assert style.plain(value) == shown


def test_an_interval_without_an_end_ends_in_an_arrow_and_the_rest_in_a_bar() -> None:
    axes = drawn(figures.interval_figure([Estimate("a", 4.0, 0.9, math.inf)], logarithmic=True))
    marks = [line.get_marker() for line in axes.get_lines() if line.get_marker() not in ("None", "", None)]
    assert marks[:2] == ["|", ">"]


def test_a_row_that_was_not_measured_says_so_in_its_place() -> None:
    figure = figures.interval_figure([Estimate("Nobody", None, 0.0, 1.0, "0 of 0")])
    assert "not measured" in texts(figure)
    assert "Nobody (0 of 0)" in texts(figure)
    assert "Nobody not measured" in figure.text


def test_the_margin_of_equivalence_is_shaded_and_named() -> None:
    figure = figures.interval_figure([Estimate("a", 0.0, -0.1, 0.1)], margin=(-0.05, 0.05), reference=0.0)
    assert "margin of equivalence" in texts(figure)
    assert style.SHADE in svg(figure, "f")


def test_long_names_of_rows_are_folded_and_their_rows_are_higher() -> None:
    axes = Sheet(figsize=(PHONE, 3.0)).add_subplot()
    place = named_rows(axes, {"short": "", "a name of many words that goes on and on": "3 of 4", "last": ""})
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert max(len(line) for name in names for line in name.split("\n")) <= 18
    assert names[1].endswith("(3 of 4)")
    first, second, third = place.values()
    assert second - first > 0.3
    assert third > second


def test_names_in_other_scripts_and_with_underscores_stand_in_the_legend() -> None:
    shown = texts(figures.tpir_by_size_figure({"女性": [(10, 0.5, 0.4, 0.6)], "_x": [(10, 0.4, 0.3, 0.5)]}))
    assert "女性" in shown
    assert " _x" in shown


def test_marks_that_are_near_one_another_have_their_names_at_other_heights() -> None:
    figure = figures.histogram_figure([0.0, 1.0], {"a": [1]}, marks={"x": 0.5, "y": 0.51, "z": 0.9})
    heights = {text.get_text(): text.xy[1] for text in drawn(figure).texts}  # type: ignore[attr-defined]
    assert heights["x"] == heights["z"] == 1.0
    assert heights["y"] < 1.0


def test_the_words_of_a_figure_name_its_numbers() -> None:
    det, roc, scores, _, sizes, fpirs, cohorts, _, bars = every_figure()
    assert "at FPIR 0.01" in det.text
    assert "list of 1,000" in det.text
    assert "% at 0.001" in roc.text
    assert "Women: nine in ten between" in scores.text
    assert "88 % of a list of 10,000" in sizes.text
    assert "90 % at 0.01" in fpirs.text
    assert "Women 0.91 (0.87 to 0.94), Men 4 (0.9 to no bound)" in cohorts.text
    assert "Women: 12; quality: 0" in bars.text
