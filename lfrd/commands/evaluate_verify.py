"""`lfrd evaluate verify`: comparisons of two pictures, 1:1, on folders of pictures."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Annotated

import typer

from lfrd.commands.bars import bar
from lfrd.commands.failure import note
from lfrd.commands.laboratory import (
    ConfidenceOption,
    GalleryOption,
    ProbesOption,
    ReportOption,
    SeedOption,
    WhoseOption,
)
from lfrd.commands.shared import (
    DataOption,
    JsonOption,
    PackOption,
    SettingsOption,
    counted,
    data_folder,
    open_or_build,
    print_json,
    print_table,
    settings_in,
)
from lfrd.evaluation.whose import Whose

if TYPE_CHECKING:
    from lfrd.evaluation.verify import Verification
    from lfrd.evaluation.verify_report import Figures


def verify(
    gallery: GalleryOption,
    probes: ProbesOption,
    most: Annotated[
        int, typer.Option(metavar="N", min=1, help="Comparisons of two people at the most; drawn of more.")
    ] = 2_000_000,
    whose: WhoseOption = Whose.CENTRE,
    config_file: SettingsOption = None,
    pack: PackOption = None,
    data: DataOption = None,
    seed: SeedOption = 1,
    confidence: ConfidenceOption = 0.95,
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many pictures of one person are accepted as such, and how many of two people, on folders with a
    folder a person.

    Whoever could not be enrolled, and pictures without a usable face, count as rejected. Nothing of any face
    is kept.
    """
    from lfrd import memory
    from lfrd.evaluation.people import read_cast
    from lfrd.evaluation.report.page import require_place, write
    from lfrd.evaluation.verify import verify as verified
    from lfrd.evaluation.verify_report import figures_of, report_of, results_of

    if report is not None:
        require_place(report)
    memory.harden()
    settings = settings_in(config_file)
    with bar("Reading the folders") as shown:
        cast = read_cast(gallery, probes, progress=shown)
    opened = open_or_build(pack, data_folder(data), bar)
    found = asyncio.run(verified(cast, opened, settings, most=most, seed=seed, whose=whose, progress=bar))
    figures = figures_of(found, seed=seed, confidence=confidence)
    results = results_of(found, figures, cast, opened, seed=seed, confidence=confidence)
    if as_json:
        print_json(results)
    else:
        print(f"{opened.name} {opened.manifest.version}")
        _print(found, figures, confidence)
    if report is not None:
        page = report_of(found, figures, results, cast, opened, settings, seed=seed, confidence=confidence)
        write(page, report)
        note(f"report: {report}")


def _print(found: Verification, figures: Figures, confidence: float) -> None:
    from lfrd.evaluation.verification import unresolved

    comparisons = found.comparisons
    print(
        f"{counted(len(comparisons.genuine), 'genuine comparison')}, {found.probe_failures:,} of whose "
        f"probes gave no template; {len(comparisons.impostor):,} impostor ones; "
        f"{found.people - found.enrolled:,} of {counted(found.people, 'person', 'people')} could not be "
        f"enrolled (FTE {found.fte:.3f})"
    )
    for folder, reasons in found.failures.items():
        if reasons:
            said = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
            print(f"  pictures of {folder} without a template: {said}")
    for name, points, eer in (
        ("all", figures.points, figures.eer),
        ("where both sides gave a template", figures.compared_points, figures.compared_eer),
    ):
        rate = f"{eer.rate:.4f} ({eer.low:.4f}-{eer.high:.4f})" if math.isfinite(eer.rate) else "none"
        print(f"{name}: equal error rate {rate}")
        if points:
            print_table(
                ("FAR", "SCORE", "ACCEPTED", "REACHED", "TAR", f"{confidence:.0%} INTERVAL"),
                [
                    (
                        f"{point.far:g}",
                        f"{point.threshold:.4f}",
                        f"{point.accepted:,}",
                        f"{point.far_reached:.2g}",
                        f"{point.tar:.3f}",
                        f"{point.tar_low:.3f}-{point.tar_high:.3f}",
                    )
                    for point in points
                ],
            )
    left = unresolved(comparisons)
    if left:
        note(f"too few comparisons of two people for FAR {', '.join(f'{far:g}' for far in left)}: left out")
