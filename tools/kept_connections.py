"""What TLS costs an alert's picture, over a connection that stands and over a new one.

    python -m tools.kept_connections [--rounds 200]

A desk's server with one alert, over the site's own authority and over plain HTTP; a phone without a page
fetches the probe image in four ways, in turns of a random order, so that what else the machine does falls on
all of them. Client and server share one process and the loopback. Prints median and 95th percentile of
each, in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lfrd.bench.light_phones import Line, cookie
from lfrd.bench.phone import percentiles
from lfrd.certificates.keeping import read_authority
from lfrd.evaluation.machine import machine
from lfrd.types import CONSOLE, Role
from lfrd.web.proof import DeviceKey, read_key
from tests.desk import desk

KEPT, NEW = "a connection that stands", "a new connection"
WARM = 10
"""Turns at the start that do not count."""


@asynccontextmanager
async def picture(folder: Path, *, tls: bool) -> AsyncIterator[tuple[Line, str]]:
    """A phone's connection, not opened yet, and the path of an alert's probe image."""
    async with desk(folder, tls=tls) as there:
        await there.started()
        alert = await there.alert()
        officers, key = there.records.officers, DeviceKey()
        code = await officers.invite(None, 1, 600, role=Role.ENGAGEMENT, actor=CONSOLE)
        token = await officers.join(code, "Phone 1", read_key(key.public))
        authority = read_authority(folder / "tls") if tls else None
        line = Line(there.url, cookie(token, tls=tls), key, authority.trusting() if authority else None)
        try:
            yield line, alert.probe
        finally:
            line.close()


async def measured(rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, by its name."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        async with picture(Path(one), tls=True) as https, picture(Path(two), tls=False) as http:
            lines = {"HTTPS": https, "plain HTTP": http}
            ways = list(itertools.product(lines, (KEPT, NEW)))
            taken: dict[str, list[float]] = {f"{name}, {how}": [] for name, how in ways}
            for turn in range(rounds + WARM):
                for name, how in random.sample(ways, len(ways)):
                    line, path = lines[name]
                    if how == NEW:
                        line.close()
                    began = time.perf_counter()
                    await line.get(path)
                    if turn >= WARM:
                        taken[f"{name}, {how}"].append(time.perf_counter() - began)
            return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    taken = asyncio.run(measured(parser.parse_args().rounds))
    print(machine())
    for name, seconds in taken.items():
        ms = percentiles(seconds)
        print(f"{name:36} p50 {ms['p50']:6.1f}  p95 {ms['p95']:6.1f}")


if __name__ == "__main__":
    main()
