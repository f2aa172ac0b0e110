"""`lfrd bench stages`: what each stage costs by itself, and how much of it the pipeline reaches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from lfrd.bench.stages import Result

NAMES = {
    "decode": "decode",
    "scale": "scale for the detector",
    "detect": "detect faces",
    "embed": "embed a face",
    "search": "search the list",
    "copy": "copy from the decoder, wipe",
    "scene": "look for a cut",
    "align": "measure and align faces",
    "track": "follow faces",
    "judge": "fuse and judge",
}


def stages(
    street: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made by `lfrd bench street`.")],
    clips: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the first so many. [default: all]")
    ] = None,
    rounds: Annotated[
        int, typer.Option(metavar="N", min=1, help="Turns of pipeline and stages; medians count.")
    ] = 3,
    config_file: SettingsOption = None,
    pack: PackOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """What each stage costs by itself on all cores, their sum as the limit, and the pipeline's share of it.

    The limit has decoding, scaling, detecting, embedding and searching, as often as the pipeline did each;
    what else the pipeline does counts against it.
    """
    from lfrd.bench import stages as stages_bench
    from lfrd.evaluation.street_set import read_set

    settings = settings_in(config_file)
    made = read_set(street)
    opened = open_or_build(pack, data_folder(data), bar)
    with bar("Replaying") as shown:
        result = stages_bench.run(opened, made, clips=clips, rounds=rounds, settings=settings, progress=shown)
    if as_json:
        print_json(result)
        return
    print(f"{result['machine']}; pack {result['pack']}")
    print_table(
        ("STAGE", "MS EACH", "CPU MS EACH", "A FRAME", "CPU MS A FRAME", "OF THE LIMIT"), _rows(result)
    )
    print(
        f"{result['frames']} frames of {result['clips']} clips, {result['rounds']} rounds; "
        f"{result['batch']:.1f} faces a batch; the pipeline kept {result['busy_cores']:.2f} of "
        f"{result['cores']} cores busy"
    )
    for name, by in (("clock", result), ("processor time", result["processor"])):
        reached = "reaches" if by["share"] >= result["goal"] else "does not reach"
        print(
            f"by the {name}: {by['pipeline_fps']:.1f} frames a second of at most {by['limit_fps']:.1f}, "
            f"a share of {by['share']:.2f}, which {reached} {result['goal']:.2f}"
        )


def _rows(result: Result) -> list[tuple[str, ...]]:
    """One a stage, and the rest of the pipeline's processor time."""
    from lfrd.bench.stages import LIMIT

    by = result["processor"]
    whole = 1000 * result["cores"] / by["limit_fps"]
    rows = []
    rest = 1000 * result["cores"] / by["pipeline_fps"]
    for stage, each in result["stages"].items():
        often = result["per_frame"][stage]
        spent = by["stages"][stage] * often
        rest -= spent
        rows.append(
            (
                NAMES[stage],
                f"{each:.3f}",
                f"{by['stages'][stage]:.3f}",
                f"{often:.3f}",
                f"{spent:.3f}",
                f"{spent / whole:.0%}" if stage in LIMIT else "ours",
            )
        )
    return [*rows, ("anything else", "", "", "", f"{rest:.3f}", "ours")]
