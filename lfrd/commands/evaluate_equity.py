"""`lfrd evaluate equity`: rates by cohort, and what the sample can and cannot tell of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
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
    adjusted,
    counted,
    data_folder,
    open_or_build,
    print_json,
    print_table,
)
from lfrd.evaluation.whose import Whose

if TYPE_CHECKING:
    from lfrd.evaluation.equity_trial import Study


def equity(
    gallery: GalleryOption,
    probes: ProbesOption,
    cohorts: Annotated[
        Path,
        typer.Option(
            metavar="FILE.csv",
            help="A row a person: 'person' (a folder's name), then any columns that people declared.",
        ),
    ],
    non_mates: NonMatesOption = None,
    filler: FillerOption = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Compare this column; can be repeated. [default: all]"),
    ] = None,
    cross: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B", help="Compare the intersections of two columns too; can be repeated."),
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=1e-9,
            max=0.5,
            help="FPIR wanted: the pack's card gives its score. [default: the settings', 0.001]",
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(metavar="SCORE", min=-1.0, max=1.0, help="A score instead.")
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            metavar="SHARE", min=0.001, max=0.5, help="Largest difference that counts as equivalent."
        ),
    ] = 0.05,
    factor: Annotated[
        float,
        typer.Option(
            metavar="RATIO", min=1.01, max=100, help="For FPIR instead: largest ratio that counts as such."
        ),
    ] = 2.0,
    power: Annotated[
        float, typer.Option(metavar="SHARE", min=0.5, max=0.99, help="Wanted chance of seeing a difference.")
    ] = 0.8,
    least: Annotated[
        int, typer.Option("--least", metavar="N", min=5, help="Fewest people behind a published cell.")
    ] = 5,
    whose: WhoseOption = Whose.CENTRE,
    config_file: SettingsOption = None,
    pack: PackOption = None,
    data: DataOption = None,
    seed: SeedOption = 1,
    confidence: ConfidenceOption = 0.95,
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whether listed people are found, and others left alone, alike in all cohorts: TPIR, FPIR, FTE and FTA.

    Three answers are possible: a difference was shown, equivalence within the margin was shown, or the sample
    cannot tell. Cohorts of fewer people than --least are pooled. No names come out.
    """
    settings = adjusted(config_file, threshold=threshold, fpir=fpir)
    by_hand, wanted = settings.decision.threshold, settings.decision.fpir
    crosses = [_pair(words) for words in cross or ()]

    from lfrd import memory
    from lfrd.decision.threshold import Threshold
    from lfrd.evaluation.cohorts import read_cohorts
    from lfrd.evaluation.equity import Question
    from lfrd.evaluation.equity_report import report_of
    from lfrd.evaluation.equity_results import results_of
    from lfrd.evaluation.equity_trial import measure, study, threshold_of
    from lfrd.evaluation.people import read_cast
    from lfrd.evaluation.report.page import require_place, write

    if report is not None:
        require_place(report)
    memory.harden()
    declared = read_cohorts(cohorts, column or (), crosses)
    with bar("Reading the folders") as shown:
        cast = read_cast(gallery, probes, non_mates, filler, shown)
    declared.check({name for people in cast for name in people.names})
    opened = open_or_build(pack, data_folder(data), bar)
    if by_hand is None:
        threshold_of(opened, wanted, len(cast.gallery))  # before the work, where the card cannot say
    measured = asyncio.run(measure(cast, opened, settings, bar, whose=whose))
    used = (
        threshold_of(opened, wanted, measured.found.searches.entries)
        if by_hand is None
        else Threshold(by_hand, None, None, False, "set by hand")
    )
    asked = Question(margin, factor, confidence, power, least, seed)
    made = study(measured, declared.numbered(measured.found.names), used, asked)
    results = results_of(made, cast, opened)
    if as_json:
        print_json(results)
    else:
        print(f"{opened.name} {opened.manifest.version}")
        _print(made)
    if report is not None:
        names = [variable.name for variable in declared.variables]
        write(report_of(made, results, cast, opened, settings, names), report)
        note(f"report: {report}")


def _pair(words: str) -> tuple[str, str]:
    parts = [part.strip() for part in words.split(",")]
    if len(parts) != 2 or not all(parts):
        raise typer.BadParameter(f"'{words}' is not two columns, as in sex,age", param_hint="'--cross'")
    return parts[0], parts[1]


def _print(made: Study) -> None:
    from lfrd.evaluation.equity_report import summary_of
    from lfrd.evaluation.equity_words import RATES, row_name

    searches = made.measured.found.searches
    print(
        f"{counted(searches.entries, 'person', 'people')} on the list; "
        f"{counted(len(searches.own), 'mated search', 'mated searches')}, {len(searches.top):,} non-mated"
    )
    print_table(
        ("VARIABLE", "COHORT", "RATE", "PEOPLE", "OF", "SHARE", f"{made.question.confidence:.0%} INTERVAL"),
        [
            (
                one.variable,
                row_name(row, pooled=one.pooled, with_undeclared=one.with_undeclared),
                RATES[one.rate],
                f"{row.people:,}",
                f"{row.trials:,}",
                f"{row.share:.4f}",
                f"{row.low:.4f}-{row.high:.4f}",
            )
            for one in made.comparisons
            for row in one.rows
        ],
    )
    for sentence in summary_of(made):
        print(sentence)
