"""`lfrd bench cameras`: how many street cameras this machine carries, and whether everybody is found."""

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
    from lfrd.bench.cameras import Result


def cameras(
    street: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made by `lfrd bench street`.")],
    count: Annotated[
        int, typer.Option(metavar="N", min=1, max=200, help="Cameras, each with a decoder of its own.")
    ] = 10,
    largest: Annotated[
        bool, typer.Option("--largest", help="Go on with one camera more until that is not held.")
    ] = False,
    phones: Annotated[int, typer.Option(metavar="N", min=1, max=500, help="Phones on post.")] = 5,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", min=2, help="Only the first so many of each clip.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", min=0.1, help="A soak: the clips again and again, for so long."),
    ] = None,
    kept: Annotated[
        bool,
        typer.Option(
            "--kept", help="Take the exhaustive run that is kept in FOLDER, though the code has changed."
        ),
    ] = False,
    config_file: SettingsOption = None,
    pack: PackOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play N cameras at their own speed through a whole site to phones on WebSockets.

    Passages found are compared with an exhaustive run of the same clips, every frame analysed; what that has
    found is kept in FOLDER. N is held where TPIR is within a point of it, nothing is lost, no camera starves,
    and neither lag nor memory grows. The site, with its data in a folder that is not kept, and the phones are
    processes of their own.
    """
    from lfrd import config, logs
    from lfrd.bench import cameras as cameras_bench
    from lfrd.bench.cameras import Asked
    from lfrd.evaluation.street_set import read_set

    logs.configure(config.Log(level="error"))
    settings = settings_in(config_file)
    made = read_set(street)
    opened = open_or_build(pack, data_folder(data), bar)

    def run(number: int) -> Result:
        asked = Asked(number, phones, seconds, minutes, kept, settings)
        return cameras_bench.run(opened, made, asked, bar)

    if not largest:
        result = run(count)
        if as_json:
            print_json(result)
        else:
            _print([result])
        return
    results = [run(count)]
    while results[-1]["held"]:
        if not as_json:
            _print(results[-1:])
        results.append(run(results[-1]["cameras"] + 1))
    held = max((one["cameras"] for one in results if one["held"]), default=0)
    if as_json:
        print_json({"largest": held, "runs": results})
        return
    _print(results[-1:])
    print(f"the largest number held: {held}" if held else f"{count} are not held; begin with fewer")


def _print(results: list[Result]) -> None:
    first = results[0]
    print(f"{first['machine']}; pack {first['pack']}, threshold {first['threshold']:.3f}")
    print_table(
        (
            *("CAMERAS", "HELD", "TPIR", "EXHAUSTIVE", "FALSE", "DECODED", "DUE", "ANALYSED", "DROPPED"),
            *("P50 MS", "P95 MS", "P99 MS", "CORES", "PEAK MB"),
        ),
        [
            (
                one["cameras"],
                "yes" if one["held"] else "no",
                f"{one['tpir']:.3f}",
                f"{one['tpir_exhaustive']:.3f}",
                one["false_alerts"],
                *(one["frames_decoded"], one["frames_due"], one["frames_analysed"], one["frames_dropped"]),
                *(_shown(ms) for ms in (one["latency_ms"][share] for share in ("p50", "p95", "p99"))),
                f"{one['cpu_cores']:.2f}",
                f"{one['peak_rss_mb']:.0f}",
            )
            for one in results
        ],
    )
    for one in results:
        print(
            f"{one['found']} of {one['passages']} passages found; {one['alerts']} alerts to {one['phones']} "
            f"phones, {one['lost']} events lost; {one['analysed_least']} to {one['analysed_most']} frames "
            f"analysed a camera; median lag of the slowest camera {_shown(one['lag_ms'][0])} ms at first, "
            f"{_shown(one['lag_ms'][1])} ms at last"
        )
        threads = ", ".join(f"{kind} {ms:.0f}" for kind, ms in one["threads_ms"].items())
        print(f"{one['templates']} templates; milliseconds of processor time a second: {threads}")
        print(f"the rest of the machine used {one['cpu_cores_others']:.2f} cores meanwhile")
        sides = ", ".join(f"{side} pixels {share:.0%}" for side, share in one["sides"].items())
        print(f"searched at {sides} of the time")
        if one["rss_slope_mb_hour"] is not None:
            print(f"memory after the first third: {one['rss_slope_mb_hour']:+.1f} MB an hour")
        if one["degraded"]:
            print(f"officers were told: {one['degraded']}")
        for sentence in one["why_not"]:
            print(f"not held: {sentence}")


def _shown(ms: float | None) -> str:
    return "-" if ms is None else f"{ms:.0f}"
