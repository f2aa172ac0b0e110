"""`lfrd bench`: what this machine does, measured anew at each call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lfrd.commands import bench_cameras, bench_naive, bench_push, bench_stages, bench_street
from lfrd.commands.bars import bar
from lfrd.commands.shared import (
    DataOption,
    JsonOption,
    PackOption,
    data_folder,
    group,
    open_or_build,
    print_json,
    print_table,
)

PERCENTILES = ("p50", "p95", "p99")

FacesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="A folder of pictures a person, who then walk by. [default: two portraits]"
    ),
]
SeedOption = Annotated[int, typer.Option(metavar="N", help="Of the street and its people.")]

app = group("Benches: what this machine does, measured anew at each call.")


@app.callback()
def group_of_commands() -> None:
    """Benches: what this machine does, measured anew at each call."""


@app.command(short_help="Time and recall of the search.")
def search(
    entries: Annotated[
        list[int] | None, typer.Option(metavar="N", min=1, help="Size of the list; can be repeated.")
    ] = None,
    dim: Annotated[
        list[int] | None, typer.Option(metavar="N", min=2, help="Numbers in a template; can be repeated.")
    ] = None,
    queries: Annotated[
        list[int] | None, typer.Option(metavar="N", min=1, help="Searches at once; can be repeated.")
    ] = None,
    others: Annotated[bool, typer.Option("--others", help="Beside it, what else was tried.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the random templates.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Time and recall of the watchlist's search, against an exhaustive search of everything."""
    from lfrd.bench import search as search_bench
    from lfrd.evaluation.machine import machine

    methods = search_bench.OURS + (search_bench.OTHERS if others else ())
    rows = search_bench.run(
        entries or [1000, 20000, 100000], dim or [128, 512], queries or [1, 16], seed, methods=methods
    )
    if as_json:
        print_json(rows)
        return
    print(machine())
    print_table(
        ("METHOD", "ENTRIES", "DIM", "AT ONCE", "P50 MS", "P99 MS", "CPU MS", "RECALL"),
        [
            (
                row["method"],
                f"{row['entries']:,}",
                row["dim"],
                row["queries"],
                f"{row['p50_ms']:.3f}",
                f"{row['p99_ms']:.3f}",
                f"{row['cpu_ms']:.3f}",
                f"{row['recall']:.4f}",
            )
            for row in rows
        ],
    )


@app.command(short_help="From a face to pixels on the officer's phone.")
def phone(
    alerts: Annotated[
        int, typer.Option(metavar="N", min=1, help="Alerts to measure, counted once a page.")
    ] = 30,
    phones: Annotated[
        int, typer.Option(metavar="N", min=1, help="Phones on post: up to three pages, the rest without.")
    ] = 1,
    faces: FacesOption = None,
    http: Annotated[bool, typer.Option("--http", help="Without TLS, to compare.")] = False,
    seed: SeedOption = 1,
    pack: PackOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """How long it takes from a face's decisive frame to both pictures on the phone's screen.

    A server of its own runs the whole pipeline on a drawn street, and a real browser (apt install chromium)
    the officer's page. Nothing of it is kept.
    """
    from lfrd.bench import phone as phone_bench

    opened = open_or_build(pack, data_folder(data), bar)
    report = phone_bench.run(
        opened, alerts=alerts, phones=phones, faces=faces, tls=not http, seed=seed, progress=bar
    )
    if as_json:
        print_json(report)
        return
    print(f"{report['machine']}; pack {report['pack']}; {'HTTPS' if report['tls'] else 'plain HTTP'}")
    rows = {
        "decisive frame to both pictures": report["latency_ms"],
        "  frame to stored": report["stages"]["frame_to_stored"],
        "  stored to received": report["stages"]["stored_to_received"],
        "  received to pictures fetched": report["stages"]["received_to_fetched"],
        "  fetched to painted": report["stages"]["fetched_to_painted"],
        "stored to received, every phone": report["received_ms"],
        "stored to pictures, every phone": report["pictures_ms"],
    }
    table = [(name, *(f"{ms[p]:.1f}" if p in ms else "" for p in PERCENTILES)) for name, ms in rows.items()]
    print_table(("STAGE", "P50 MS", "P95 MS", "P99 MS"), table)
    told, first = report["delivery"], report["first_load"]
    print(
        f"{report['alerts']} alerts painted on {report['pages']} of {report['phones']} phones; "
        f"{told['lost']} events lost, {told['doubled']} doubled; "
        f"clocks agree to within {report['clock_error_ms']:.1f} ms"
    )
    print(
        f"first load: {first['requests']} requests, {first['bytes'] / 1000:.1f} kB on the wire, interactive "
        f"after {first['interactive_ms']:.0f} ms, hosts asked: {', '.join(first['hosts'])}"
    )


@app.command(short_help="What watching live pictures costs recognition.")
def preview(
    cameras: Annotated[
        list[int] | None,
        typer.Option(metavar="N", min=1, help="Cameras; can be repeated. [default: 2 and 8]"),
    ] = None,
    viewers: Annotated[
        list[int] | None,
        typer.Option(metavar="N", min=0, help="Who watch at once; can be repeated. [default: 0, 1 and 10]"),
    ] = None,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Turns of each number of viewers.")] = 4,
    seconds: Annotated[float, typer.Option(metavar="S", min=1, help="Length of a turn.")] = 6.0,
    faces: FacesOption = None,
    seed: SeedOption = 1,
    pack: PackOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Analysed frames and their lag with nobody, one and ten who watch, turn by turn on the same street."""
    from lfrd.bench import preview as preview_bench

    opened = open_or_build(pack, data_folder(data), bar)
    with bar("Watching") as report:
        result = preview_bench.run(
            opened,
            cameras=cameras or [2, 8],
            viewers=viewers or [0, 1, 10],
            rounds=rounds,
            seconds=seconds,
            faces=faces,
            seed=seed,
            progress=report,
        )
    if as_json:
        print_json(result)
        return
    print(f"{result['machine']}; pack {result['pack']}")
    print_table(
        ("CAMERAS", "VIEWERS", "ANALYSED /S", "OF DUE", "LAG P50 MS", "P95 MS", "PICTURES /S", "CORES"),
        [
            (
                row["cameras"],
                row["viewers"],
                f"{row['analysed_per_second']:.1f}",
                f"{row['share']:.0%}",
                f"{row['lag_p50_ms']:.0f}",
                f"{row['lag_p95_ms']:.0f}",
                f"{row['pictures']:.1f}",
                f"{row['processor']:.2f}",
            )
            for row in result["rows"]
        ],
    )
    for name, ratio in result["ratios"].items():
        print(f"{name}: {ratio:.2f} of what it is with nobody")


app.command(short_help="From an alert's commit to hundreds of phones.")(bench_push.push)
app.command(short_help="Clips of a street with truth, to play.")(bench_street.street)
app.command(short_help="A plain loop and this pipeline on the same clips.")(bench_naive.naive)
app.command(short_help="Cost of each stage, and the pipeline's share of their limit.")(bench_stages.stages)
app.command(short_help="How many cameras are held, and who is found.")(bench_cameras.cameras)
