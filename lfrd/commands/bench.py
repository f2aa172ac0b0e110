"""`lfrd bench`: what this machine does, measured anew at each call."""

from __future__ import annotations

from typing import Annotated

import typer

from lfrd.commands.shared import JsonOption, group, print_json, print_table

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
    seed: Annotated[int, typer.Option(metavar="N", help="Of the random templates.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Time and recall of the watchlist's search, beside what else was tried."""
    from lfrd.evaluation import search_bench

    rows = search_bench.run(entries or [1000, 20000, 100000], dim or [128, 512], queries or [1, 16], seed)
    if as_json:
        print_json(rows)
        return
    print(search_bench.machine())
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
