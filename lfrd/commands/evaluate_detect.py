"""`lfrd evaluate detect`: a pack's detector on pictures whose faces are marked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lfrd.commands.bars import bar
from lfrd.commands.laboratory import ConfidenceOption, ReportOption, SeedOption
from lfrd.commands.shared import (
    DataOption,
    JsonOption,
    PackOption,
    SettingsOption,
    adjusted,
    data_folder,
    open_or_build,
    print_json,
    print_table,
)


def detect(
    pictures: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder that the names in the truth begin in.")
    ],
    truth: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the faces are, in WIDER FACE's text format.")
    ],
    config_file: SettingsOption = None,
    pack: PackOption = None,
    max_side: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            min=160,
            max=2048,
            help="Longer side searched, as analysis.max_side. [default: the settings', 960]",
        ),
    ] = None,
    least_width: Annotated[
        float, typer.Option(metavar="PX", min=0, help="Narrower faces do not count, found or not.")
    ] = 10.0,
    confidence: ConfidenceOption = 0.95,
    seed: SeedOption = 1,
    report: ReportOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Precision and recall of a pack's detector at IoU 0.5, by the width of faces, and average precision.

    A truth has, for each picture, a line with its path under the folder, a line with how many faces are in
    it, and a line a face: x y width height blur expression illumination invalid occlusion pose, in pixels
    (the last six may be left out). Faces marked invalid, and narrow ones, are neither to be found nor false.
    """
    from lfrd import config, logs, memory
    from lfrd.evaluation import detecting, wider
    from lfrd.evaluation.detect_report import report as report_of
    from lfrd.evaluation.detect_report import size_rows, summary
    from lfrd.evaluation.detect_results import results as results_of
    from lfrd.evaluation.report import page, provenance
    from lfrd.evaluation.report.document import Data

    memory.harden()
    logs.configure(config.Log(level="warning"))
    if report is not None:
        page.require_place(report)
    settings = adjusted(config_file, max_side=max_side)
    marked = wider.read_wider(truth)
    opened = open_or_build(pack, data_folder(data), bar)
    with bar("Looking for faces") as shown:
        found = detecting.detect(marked, pictures, opened, settings, least=least_width, progress=shown)
    side = settings.analysis.max_side
    results = {
        "pack": opened.name,
        **results_of(found, max_side=side, least=least_width, seed=seed, confidence=confidence),
    }
    if as_json:
        print_json(results)
    else:
        for line in summary(results):
            print(line)
        print()
        print_table(
            ("WIDTH PX", "FACES", "FOUND", "RECALL", "CERTAIN", "FALSE", "PRECISION", "AVERAGE PRECISION"),
            size_rows(results),
        )
    if report is not None:  # last: what was measured is not lost to a full disk
        counts = {"pictures": found.pictures, "faces": results["faces"], "left out": found.ignored}
        used = {
            "analysis.max_side": side,
            "least width": least_width,
            "confidence": confidence,
            "inference.provider": settings.inference.provider,
            "inference.precision": settings.inference.precision,
        }
        made = provenance.of(opened, [Data("pictures", found.digest, counts)], seed, used)
        page.write(report_of(results, made), report)
