"""A server killed with SIGKILL while it files alerts: after each restart a phone has every one once."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from lfrd.config import Web
from tests.phone import Phone
from tests.ports import free_port
from tests.unit.web.box import opened

pytestmark = pytest.mark.journey

KILLS = 4


@asynccontextmanager
async def server(folder: Path, port: int) -> AsyncIterator[Process]:
    """A process that serves the folder and files one alert after the other; killed at the block's end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", __name__, str(folder), str(port)), stdout=PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        await process.wait()


async def test_every_alert_of_a_server_that_is_killed_reaches_the_phone_once(tmp_path: Path) -> None:
    port = free_port()
    async with opened(tmp_path, web=Web(host="127.0.0.1", allow_plain_http=True, port=port)) as box:
        phone = await box.phone("Asha")
    chance = random.Random(7)
    for _ in range(KILLS):
        async with server(tmp_path, port) as process:
            wanted = len(phone.events) + chance.randrange(5, 40)
            with pytest.raises(ConnectionClosed):
                await read_and_kill(phone, process, wanted)
    async with opened(tmp_path, web=Web(host="127.0.0.1", allow_plain_http=True, port=port)) as box:
        stored = await box.services.log.after(0, 100_000)
        async with phone.connected():
            await phone.caught_up(stored[-1].seq)
    assert phone.events == stored
    assert len(stored) > KILLS * 5


async def read_and_kill(phone: Phone, process: Process, wanted: int) -> None:
    async with phone.connected():
        await phone.until(lambda: len(phone.events) >= wanted)
        process.kill()
        await phone.until(lambda: False)  # what was on its way still counts


async def main(folder: Path, port: int) -> None:
    async with opened(folder, web=Web(host="127.0.0.1", allow_plain_http=True, port=port)) as box:
        print("ready", flush=True)
        for number in itertools.count():
            await box.alert(nominal=f"{os.getpid()}-{number}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
