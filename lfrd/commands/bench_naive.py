"""`lfrd bench naive`: the loop that anybody would write first, beside this pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lfrd.commands.bars import bar
from lfrd.commands.shared import (
    DataOption,
    JsonOption,
    PackOption,
    SettingsOption,
    data_folder,
    open_or_build,
    print_json,
    print_table,
    settings_in,
)


def naive(
    street: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made by `lfrd bench street`.")],
    clips: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the first so many. [default: all]")
    ] = None,
    config_file: SettingsOption = None,
    pack: PackOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Frames a second and people found, by a plain loop and by this pipeline, clip by clip turn about.

    The plain loop decodes with OpenCV, searches every frame for faces at 960 x 540, and compares every face.
    """
    from lfrd.bench import naive as naive_bench
    from lfrd.evaluation.street_set import read_set

    settings = settings_in(config_file)
    made = read_set(street)
    opened = open_or_build(pack, data_folder(data), bar)
    with bar("Replaying") as shown:
        result = naive_bench.run(opened, made, clips=clips, settings=settings, progress=shown)
    if as_json:
        print_json(result)
        return
    print(f"{result['machine']}; pack {result['pack']}, threshold {result['threshold']:.3f}")
    print_table(
        ("WHAT", "FRAMES /S", "PASSAGES FOUND", "FALSE ALERTS"),
        [
            (
                name,
                f"{fps:.1f}",
                f"{tpir:.3f} of {result['passages']}",
                false,
            )
            for name, fps, tpir, false in (
                ("plain loop", result["naive_fps"], result["naive_tpir"], result["naive_false_alerts"]),
                ("lfrd", result["lfrd_fps"], result["lfrd_tpir"], result["lfrd_false_alerts"]),
            )
        ],
    )
    print(f"{result['frames']} frames of {result['clips']} clips; {result['ratio']:.1f} times the plain loop")
