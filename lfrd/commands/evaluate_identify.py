"""`lfrd evaluate identify`: open-set identification on folders of pictures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from lfrd.commands.bars import bar
from lfrd.commands.failure import note
from lfrd.commands.laboratory import (
    ConfidenceOption,
    FillerOption,
    GalleryOption,
    NonMatesOption,
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
    from lfrd.evaluation.identify import Identification
    from lfrd.evaluation.identify_results import Figures
    from lfrd.evaluation.openset import Point


def identify(
    gallery: GalleryOption,
    probes: ProbesOption,
    non_mates: NonMatesOption = None,
    filler: FillerOption = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,...",
            help="Shorter lists to try as well. [default: 100,1000,10000, as far as there are people]",
        ),
    ] = None,
    whose: WhoseOption = Whose.CENTRE,
    config_file: SettingsOption = None,
    pack: PackOption = None,
    data: DataOption = None,
    seed: SeedOption = 1,
    confidence: ConfidenceOption = 0.95,
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many listed people are found, and how many others left alone, on folders with a folder a person.

    Whoever could not be enrolled, and pictures without a usable face, count as misses. Nothing of any face is
    kept.
    """
    lengths = None if sizes is None else _lengths(sizes)

    from lfrd import memory
    from lfrd.evaluation.identify import identify as identified
    from lfrd.evaluation.identify_report import report_of
    from lfrd.evaluation.identify_results import figures_of, results_of
    from lfrd.evaluation.people import read_cast
    from lfrd.evaluation.report.page import require_place, write

    if report is not None:
        require_place(report)
    memory.harden()
    settings = settings_in(config_file)
    with bar("Reading the folders") as shown:
        cast = read_cast(gallery, probes, non_mates, filler, shown)
    opened = open_or_build(pack, data_folder(data), bar)
    found = asyncio.run(
        identified(cast, opened, settings, sizes=lengths, seed=seed, whose=whose, progress=bar)
    )
    figures = figures_of(found, opened, seed=seed, confidence=confidence)
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


def _lengths(sizes: str) -> list[int]:
    try:
        lengths = [int(size) for size in sizes.replace("_", "").split(",")]
    except ValueError:
        lengths = [0]
    if min(lengths) < 1:
        raise typer.BadParameter(
            f"'{sizes}' is not a row of numbers from 1, as in 100,1000,10000", param_hint="'--sizes'"
        )
    return lengths


def _print(found: Identification, figures: Figures, confidence: float) -> None:
    from lfrd.evaluation.bootstrap import METHODS
    from lfrd.evaluation.openset import DEFAULT_FPIRS, unresolved_text

    searches = found.searches
    mated, non_mated = len(searches.own), len(searches.top)
    print(
        f"{counted(searches.entries, 'person', 'people')} on the list; {found.people - found.enrolled:,} of "
        f"{found.people:,} in the gallery could not be enrolled (FTE {found.fte:.3f})"
    )
    print(
        f"{counted(mated, 'mated search', 'mated searches')}, {found.mated_failures:,} without a template; "
        f"{non_mated:,} non-mated, {found.non_mated_failures:,} without"
        + (" (each probe on the list without its own person)" if found.own_left_out else "")
    )
    for folder, reasons in found.failures.items():
        if reasons:
            said = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
            print(f"  pictures of {folder} without a template: {said}")
    if figures.rank1 is not None:
        low, high = figures.rank1_interval
        print(f"right person nearest (rank 1): {figures.rank1:.3f} ({low:.3f}-{high:.3f})")
    rows = [(f"{one.entries:,}", *_row(point)) for one, points in figures.by_size for point in points]
    if rows:
        print_table(("LIST", "FPIR", "SCORE", "FALSE", "REACHED", "TPIR", f"{confidence:.0%} INTERVAL"), rows)
    if figures.compared_points:
        print(
            f"where faces were compared ({len(found.compared.own):,} mated, {len(found.compared.top):,} "
            "non-mated searches):"
        )
        print_table(
            ("FPIR", "SCORE", "FALSE", "REACHED", "TPIR", f"{confidence:.0%} INTERVAL"),
            [_row(point) for point in figures.compared_points],
        )
    for method in sorted({point.tpir_method for point in figures.points}):
        print(f"intervals of TPIR: {METHODS[method]}")
    for line in (
        unresolved_text(searches, DEFAULT_FPIRS),
        *(f"a list of {size:,} was asked for: not enough were enrolled" for size in found.sizes_left_out),
        f"{counted(figures.alike, 'non-mated score')} as high as half of the mated ones: look whether one "
        "person lies in two folders"
        if figures.alike
        else "",
    ):
        if line:
            note(line)


def _row(point: Point) -> tuple[str, ...]:
    return (
        f"{point.fpir:g}",
        f"{point.threshold:.4f}",
        f"{point.false:,}",
        f"{point.fpir_reached:.2g}",
        f"{point.tpir:.3f}",
        f"{point.tpir_low:.3f}-{point.tpir_high:.3f}",
    )
