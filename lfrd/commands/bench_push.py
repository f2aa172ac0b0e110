"""`lfrd bench push`: how long an alert takes from the store to many phones."""

from __future__ import annotations

from typing import Annotated

import typer

from lfrd.commands.bars import bar
from lfrd.commands.shared import JsonOption, print_json, print_table


def push(
    phones: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            min=1,
            max=500,
            help="Phones on post; can be repeated. [default: 1, 10, 50, 200 and 500]",
        ),
    ] = None,
    alerts: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Alerts with each number of phones.")
    ] = 100,
    http: Annotated[bool, typer.Option("--http", help="Without TLS, to compare.")] = False,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Of the pauses between alerts and of what cameras say.")
    ] = 1,
    as_json: JsonOption = False,
) -> None:
    """Time from an alert's commit until phones on WebSockets have it, and whether each has every one.

    A site without cameras serves from a folder that is not kept; the phones are a process beside it.
    """
    from lfrd import config, logs
    from lfrd.bench import push as push_bench
    from lfrd.evaluation.machine import machine

    logs.configure(config.Log(level="warning"))
    with bar("Sending alerts") as report:
        rows = push_bench.run(
            phones or push_bench.PHONES, alerts=alerts, seed=seed, tls=not http, progress=report
        )
    if as_json:
        print_json(rows)
        return
    print(f"{machine()}; {'plain HTTP' if http else 'HTTPS'}, {alerts} alerts each")
    print_table(
        ("PHONES", "P50 MS", "P99 MS", "FROM REPORT P50", "P99", "CPU MS AN ALERT", "LOST", "DOUBLED"),
        [
            (
                row["phones"],
                f"{row['p50_ms']:.1f}",
                f"{row['p99_ms']:.1f}",
                f"{row['filed_ms']['p50']:.1f}",
                f"{row['filed_ms']['p99']:.1f}",
                f"{row['cpu_ms']:.1f}",
                row["lost"],
                row["doubled"],
            )
            for row in rows
        ],
    )
