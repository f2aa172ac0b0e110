"""`lfrd calibrate`: the score for a wanted rate of false alerts, measured and put on a pack's card."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from lfrd.commands.bars import bar
from lfrd.commands.failure import note
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

if TYPE_CHECKING:
    from lfrd.config import Config
    from lfrd.evaluation.calibration import Calibrated, Sample
    from lfrd.vision.pack import Pack


def calibrate(
    faces: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of pictures a person, for scores of single pictures."),
    ] = None,
    street: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Clips made by `lfrd bench street`, for scores of tracks."),
    ] = None,
    config_file: SettingsOption = None,
    pack: PackOption = None,
    fpir: Annotated[
        list[float] | None,
        typer.Option(
            metavar="RATE", help="A wanted FPIR; may be repeated. [default: 0.1 to 0.00001, eight of them]"
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="People on each list. [default: four in five of those there]"),
    ] = None,
    about: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Whose pictures they are, in words, for the card.")
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A person's folder to leave out; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the lists and the intervals.")] = 1,
    write: Annotated[
        bool, typer.Option("--write", help="Put it on the pack's card, in place of what is of its kind.")
    ] = False,
    add: Annotated[bool, typer.Option("--add", help="Put it on the card beside what is there.")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Measure the score for each wanted FPIR, the share of faces on no list that may raise an alert.

    Pictures: some of the people are the list, the others search it. Tracks: everybody who walks by is judged
    on the list without themselves, as in live use, whose thresholds come from tracks where the card has them.
    Rates beyond what was measured are extrapolated, and marked so, with an interval; people are drawn again
    for it, not pictures. Nothing of any face is kept.
    """
    if faces is None and street is None:
        raise typer.BadParameter("give --faces, --street or both", param_hint="'--faces'")
    if fpir is not None and not all(0 < rate < 1 for rate in fpir):
        raise typer.BadParameter("must lie between 0 and 1, both left out", param_hint="'--fpir'")
    if about is not None and not about.strip():
        raise typer.BadParameter("say in a few words whose pictures they are", param_hint="'--about'")

    from lfrd import memory
    from lfrd.evaluation.calibration import FPIRS, calibrated
    from lfrd.models import card_file
    from lfrd.vision.pack import calibration_toml

    memory.harden()
    folder, settings = data_folder(data), settings_in(config_file)
    opened = as_found = open_or_build(pack, folder, bar)
    made: list[Calibrated] = []
    for kind, where in (("picture", faces), ("track", street)):
        if where is None:
            continue
        sample = (
            _pictures(opened, settings, where, about, leave_out or [], size, seed)
            if kind == "picture"
            else _tracks(opened, settings, where, about, leave_out or [])
        )
        made.append(calibrated(sample, fpir or FPIRS, seed=seed))
        opened = _with(opened, made[-1])  # tracks are split by the scores of single pictures
    added = [one.calibration for one in made]
    if write or add:
        card_file.calibrate(as_found, added, folder, keep=add)
    if as_json:
        print_json(_results(opened, made, seed=seed, written=write or add))
        return
    print(f"{opened.name} {opened.manifest.version}")
    for one in made:
        _print(one)
    if write or add:
        print(f"written to the card of {opened.name}: live use and replays take their threshold from it")
    else:
        print("\nNot written: --write puts this into the pack's pack.toml.")
        print("".join(map(calibration_toml, added)), end="")


def _pictures(
    pack: Pack,
    settings: Config,
    folder: Path,
    about: str | None,
    leave_out: list[str],
    size: int | None,
    seed: int,
) -> Sample:
    from lfrd.evaluation.calibration_pictures import of_pictures, without
    from lfrd.evaluation.people import Role, read_people

    with bar("Reading the folder") as shown:
        everyone = read_people(folder, Role.GALLERY, shown)
    people = without(everyone, leave_out)
    counts = people.counts
    words = about or f"{counted(counts['pictures'], 'picture')} of {counts['people']:,} people"
    if leave_out:
        words += f"; {counted(len(leave_out), 'person', 'people')} left out"
    words += _computed(settings)
    with bar("Calibrating on pictures") as shown:
        return asyncio.run(
            of_pictures(pack, people, settings, about=words, size=size, seed=seed, progress=shown)
        )


def _tracks(pack: Pack, settings: Config, folder: Path, about: str | None, leave_out: list[str]) -> Sample:
    from lfrd.evaluation.calibration_tracks import of_street
    from lfrd.evaluation.street_set import read_set

    street = read_set(folder)
    passages = sum(len(truth.passages) for truth in street.truths)
    words = about or f"drawn street clips, {passages:,} passages in {len(street.clips)} clips"
    if leave_out:
        words += f"; {counted(len(leave_out), 'person', 'people')} left out"
    words += _computed(settings)
    with bar("Calibrating on tracks") as shown:
        return asyncio.run(of_street(pack, street, settings, about=words, left_out=leave_out, progress=shown))


def _computed(settings: Config) -> str:
    """For the card, what was not computed in full precision."""
    precision = settings.inference.precision
    return "" if precision == "float32" else f"; in {precision}"


def _with(pack: Pack, made: Calibrated) -> Pack:
    """The pack as it will be with this on its card."""
    from dataclasses import replace

    kept = tuple(row for row in pack.manifest.calibration if row.kind != made.calibration.kind)
    return replace(
        pack,
        manifest=msgspec.structs.replace(pack.manifest, calibration=(*kept, made.calibration)),
    )


def _results(pack: Pack, made: list[Calibrated], *, seed: int, written: bool) -> dict[str, Any]:
    manifest = pack.manifest
    return {
        "pack": {"name": manifest.name, "version": manifest.version, "digest": manifest.digest},
        "seed": seed,
        "written": written,
        "calibrations": [
            {
                "kind": row.kind,
                "n": row.n,
                "lists": row.lists,
                "non_mated": row.non_mated,
                "people": row.people,
                "mated": row.mated,
                "data": row.data,
                "digest": row.digest,
                "points": [
                    {
                        "fpir": fpir,
                        "threshold": score,
                        "low": low,
                        "high": high,
                        "fpir_reached": reached,
                        "false_people": people,
                    }
                    for (fpir, score), (low, high), reached, people in zip(
                        row.points, row.intervals, one.fpir_reached, one.false_people, strict=True
                    )
                ],
                "extrapolated": [
                    {"fpir": fpir, "threshold": score, "low": low, "high": high}
                    for fpir, score, low, high in row.extrapolated
                ],
                "tail": row.tail,
                "heavy_tail": one.tail is not None and one.tail.heavy,
                "unmeasured": one.unmeasured,
                "tpir": [{"fpir": fpir, "tpir": tpir} for fpir, tpir in row.tpir],
            }
            for one in made
            for row in [one.calibration]
        ],
    }


def _print(one: Calibrated) -> None:
    row = one.calibration
    what = "tracks" if row.kind == "track" else "single pictures"
    print(
        f"\n{what}: {counted(row.non_mated, 'non-mated search', 'non-mated searches')} of "
        f"{counted(row.people, 'person', 'people')} on {counted(row.lists, 'list')} of {row.n:,}; "
        f"{row.mated:,} mated"
    )
    tpir = dict(row.tpir)
    rows = [
        (f"{fpir:g}", f"{score:.4f}", f"{low:.4f}-{high:.4f}", f"{people:,}", _share(tpir.get(fpir)))
        for (fpir, score), (low, high), people in zip(
            row.points, row.intervals, one.false_people, strict=True
        )
    ]
    rows += [
        (f"{fpir:g}", f"{score:.4f}", f"{low:.4f}-{high:.4f}", "extrapolated", _share(tpir.get(fpir)))
        for fpir, score, low, high in row.extrapolated
    ]
    print_table(("FPIR", "SCORE", "95 % INTERVAL", "FALSE FOR PEOPLE", "TPIR"), rows)
    if row.extrapolated:
        print(f"extrapolated: {row.tail}")
    elif one.unmeasured:
        note(f"{what}: too few people to say anything of FPIR {', '.join(f'{f:g}' for f in one.unmeasured)}")
    if one.tail is not None and one.tail.heavy:
        note(
            f"{what}: some score far higher than the rest would let expect; look whether one person lies in "
            "two folders, and leave one of them out (--leave-out)"
        )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
