"""A report with one of every figure, for the tests of this folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lfrd.evaluation.report import figures
from lfrd.evaluation.report.document import Data, Figure, Provenance, Report, Section, Table
from lfrd.evaluation.report.marks import Estimate
from lfrd.types import F64

HOSTILE = "</svg><script>alert(1)</script> & \"$\\frac{x}$\" <img src='http://x.test/a.png'>"
"""As a cohort in somebody's CSV could be called."""
DIGEST = "0123456789abcdef" * 4


@dataclass(frozen=True)
class Curve:
    fpir: F64
    fnir: F64


@dataclass(frozen=True)
class Point:
    fpir_reached: float
    fpir_low: float
    fpir_high: float
    tpir: float
    tpir_low: float
    tpir_high: float


CURVE = Curve(np.logspace(-4, 0, 60), 0.4 * np.linspace(1.0, 0.0, 60) ** 2)
POINTS = (Point(0.01, 0.006, 0.014, 0.9, 0.87, 0.93), Point(0.0, 0.0, 0.004, math.nan, 0.0, 1.0))
SIZES = {"FPIR 0.01": [(100, 0.95, 0.93, 0.97), (10_000, 0.88, 0.86, 0.9)]}


def every_figure(name: str = "Women") -> list[Figure]:
    """Each kind once, where it can with `name` in it."""
    rows = [
        Estimate(name, 0.91, 0.87, 0.94, "182 of 200"),
        Estimate("Men", 4.0, 0.9, math.inf),
        Estimate("Nobody", None, 0.0, 1.0, "0 of 0"),
    ]
    return [
        figures.det_figure({name: CURVE, "other": CURVE}, {name: POINTS}, entries=1000),
        figures.roc_figure({name: (CURVE.fpir, 1 - CURVE.fnir)}),
        figures.histogram_figure([0.0, 0.5, 1.0], {name: [3, 1]}, marks={"a": 0.5, "b": 0.51}),
        figures.histogram_figure([0.0, 0.5, 1.0], {name: [3, 0]}, logarithmic=True),
        figures.tpir_by_size_figure({name: SIZES["FPIR 0.01"]}),
        figures.tpir_by_fpir_figure({name: [(0.01, 0.9, 0.8, 0.95), (0.001, 0.8, 0.7, 0.85)]}),
        figures.interval_figure(rows, margin=(0.5, 1.5), reference=1.0, logarithmic=True, shares=False),
        figures.category_figure({"day": rows[:1], "dusk": rows[:1]}),
        figures.bars_figure({name: 12, "quality": 0}),
    ]


def report(name: str = "Women", results: Mapping[str, object] | None = None) -> Report:
    return Report(
        title=f"Trial of {name}",
        summary=[f"{name}: 82.5 % were found."],
        sections=[
            Section("Method", [f"As {name} do it."]),
            Section(
                "Rates",
                tables=[Table(name, ("Who", "TPIR"), [(name, "0.91")], f"Note on {name}.")],
                figures=every_figure(name),
            ),
        ],
        limits=[f"Says nothing of others than {name}."],
        provenance=Provenance(
            version="0.1.0",
            machine="a machine",
            command="lfrd evaluate identify GALLERY PROBES --seed 7",
            pack="field",
            pack_version="1",
            pack_digest=DIGEST,
            files={"detector.onnx": "ab" * 32},
            data=(Data("gallery", "cd" * 32, {"people": 1000, "pictures": 1663}),),
            seed=7,
            settings={"decision.fpir": "0.001"},
            measured_on="2026-03-14",
        ),
        results={"gallery": 1000} if results is None else results,
    )
