"""`lfrd evaluate street`: passages in clips against their truth, by the product's own pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfrd.commands.bars import bar
from lfrd.commands.failure import note
from lfrd.commands.laboratory import ConfidenceOption, ReportOption, SeedOption
from lfrd.commands.shared import (
    DataOption,
    JsonOption,
    PackOption,
    SettingsOption,
    WatchlistFolder,
    adjusted,
    data_folder,
    open_or_build,
    print_json,
    print_table,
)
from lfrd.errors import CalibrationError, MissingError

if TYPE_CHECKING:
    from lfrd.config import Config
    from lfrd.evaluation.report.document import Data
    from lfrd.evaluation.street_measure import Measured
    from lfrd.evaluation.street_truth import Clip
    from lfrd.vision.pack import Pack


def street(
    videos: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO", help="Recorded clips; or one folder made by `lfrd bench street`."),
    ],
    truth: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Who passes when: one for each clip, in the same order."),
    ] = None,
    watchlist: Annotated[
        Path | None,
        typer.Option("--watchlist", "-w", metavar="DIR", help=WatchlistFolder + " [default: the folder's]"),
    ] = None,
    config_file: SettingsOption = None,
    pack: PackOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="SCORE", help="Score that raises an alert, instead of the pack's calibration."),
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="False alerts wanted a face seen, at most. [default: the settings', 0.001]",
        ),
    ] = None,
    confidence: ConfidenceOption = 0.95,
    seed: SeedOption = 1,
    report: ReportOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """How many passages raise the right alert, how many alerts are false, how soon, and why others are lost.

    A truth says who passes in a clip, and when. As CSV: a line `person,enter,leave`, then one line a passage,
    with times in seconds, m:ss or h:mm:ss from the clip's beginning; persons are called as in the watchlist,
    strangers anything else. As JSON, with boxes, as `lfrd bench street` writes it: a list of
    {"person", "enter", "leave", "boxes": [[seconds, x, y, width, height], ...]}. With boxes, an alert counts
    when it is on that person's face, and misses are explained; without, when it comes while they pass.
    """
    settings = adjusted(config_file, threshold=threshold, fpir=fpir)
    drawn = len(videos) == 1 and videos[0].is_dir()
    if drawn and truth:
        raise typer.BadParameter("a folder has its own truths; leave it out", param_hint="'--truth'")
    if not drawn and not truth:
        raise typer.BadParameter("give one for each clip, in the same order", param_hint="'--truth'")
    if not drawn and len(truth or ()) != len(videos):
        raise typer.BadParameter(
            f"{len(videos)} clips and {len(truth or ())} truths; give one for each, in the same order",
            param_hint="'--truth'",
        )
    if not drawn and watchlist is None:
        raise typer.BadParameter("say whom to look for", param_hint="'--watchlist'")

    from lfrd import config, logs, memory
    from lfrd.evaluation.report import page, provenance
    from lfrd.evaluation.street_report import report as report_of
    from lfrd.evaluation.street_results import results as results_of
    from lfrd.evaluation.street_words import summary

    memory.harden()
    logs.configure(config.Log(level="warning"))
    if report is not None:
        page.require_place(report)
    clips = _drawn(videos[0]) if drawn else _given(videos, truth or [])
    people = watchlist or videos[0] / "watchlist"
    _warn_of_strangers(clips, people)
    sources = _sources(clips, people)
    opened = open_or_build(pack, data_folder(data), bar)
    measured = _measured(clips, opened, people, settings)
    results = {
        "pack": opened.name,
        "data": {one.role: one.digest for one in sources},
        **results_of(measured, seed=seed, confidence=confidence),
    }
    if as_json:
        print_json(results)
    else:
        for line in summary(results):
            print(line)
        _print_tables(results)
    if report is not None:  # last: what was measured is not lost to a full disk
        made = provenance.of(opened, sources, seed, {**_told(settings), "confidence": confidence})
        page.write(report_of(measured, results, made), report)


def _drawn(folder: Path) -> list[Clip]:
    from lfrd.evaluation.street_set import read_set
    from lfrd.evaluation.street_truth import read_clip

    made = read_set(folder)
    return [read_clip(clip, clip.with_suffix(".json"), made.size) for clip in made.clips]


def _given(videos: Sequence[Path], truths: Sequence[Path]) -> list[Clip]:
    from lfrd.evaluation.street_truth import read_clip

    for video in videos:
        if video.is_dir():
            raise MissingError(
                f"{video}: a folder; give clips, or one folder made by lfrd bench street alone"
            )
    return [read_clip(video, told) for video, told in zip(videos, truths, strict=True)]


def _warn_of_strangers(clips: Sequence[Clip], watchlist: Path) -> None:
    from lfrd.gallery.folder import read_folder

    listed = {entry.nominal for entry in read_folder(watchlist)}
    passing = {passage.person for clip in clips for passage in clip.truth.passages}
    if passing and not passing & listed:
        note(
            "nobody in the truth is on the watchlist: all count as strangers; "
            "people must be called as in the watchlist"
        )


def _sources(clips: Sequence[Clip], watchlist: Path) -> list[Data]:
    """What is measured on, by digests and counts."""
    from lfrd.evaluation.digests import digest_of
    from lfrd.evaluation.report.document import Data
    from lfrd.gallery.folder import read_folder

    entries = read_folder(watchlist)
    passages = [passage for clip in clips for passage in clip.truth.passages]
    pictures = [(entry.nominal, picture) for entry in entries for picture in entry.pictures]
    return [
        Data(
            "clips",
            digest_of(("", path) for clip in clips for path in (clip.video, clip.told)),
            {"clips": len(clips), "passages": len(passages), "people": len({one.person for one in passages})},
        ),
        Data(
            "watchlist",
            digest_of((f"{nominal}/{picture.name}", picture) for nominal, picture in pictures),
            {"people": len(entries), "pictures": len(pictures)},
        ),
    ]


def _measured(clips: Sequence[Clip], pack: Pack, watchlist: Path, settings: Config) -> Measured:
    from lfrd.evaluation.street_measure import measure
    from lfrd.watching import derive

    try:
        derive(pack, settings, 1)  # before a long list is enrolled for nothing
    except CalibrationError as error:
        raise CalibrationError(f"{error} (here: --threshold SCORE)") from None
    with bar("Enrolling the watchlist") as enrolling, bar("Playing the clips") as playing:

        def played(done: float, total: float) -> None:
            enrolling.close()  # a terminal has room for one
            playing(round(10 * done), round(10 * total))

        return asyncio.run(measure(clips, pack, watchlist, settings, enrolling=enrolling, progress=played))


def _told(settings: Config) -> dict[str, object]:
    """The settings that matter to the figures, as the settings' file calls them."""
    tables = {
        "analysis": ("rate", "max_side", "eye_distance_pixels", "sharpness", "pose", "darkest", "brightest"),
        "tracking": ("lost_seconds", "shots"),
        "decision": ("fpir", "threshold", "least_shots", "agreement"),
        "inference": ("provider", "precision"),
    }
    said = {
        f"{table}.{key}": getattr(getattr(settings, table), key)
        for table, keys in tables.items()
        for key in keys
    }
    del said["decision.threshold" if settings.decision.threshold is None else "decision.fpir"]
    return said


def _print_tables(results: Mapping[str, Any]) -> None:
    from lfrd.evaluation.street_words import factor_rows, miss_rows

    misses = [row[:3] for row in miss_rows(results)]
    if misses:
        print()
        print_table(("LOST TO", "BECAUSE", "PASSAGES"), misses)
    rows = factor_rows(results)
    if rows:
        print()
        print_table(("", "PASSAGES", "FOUND", "TPIR"), rows)
