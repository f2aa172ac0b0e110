"""A process that destroys a deployment is killed again and again: each start goes on, and nothing is left.

Run as a module (`python -m tests.journeys.test_destruction FOLDER`) this file is that process.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from lfrd import config
from lfrd.config import Placed
from lfrd.errors import NotAllowed
from lfrd.sealing.signing import read_signed
from lfrd.sealing.sitekey import key_path
from lfrd.store import erasing, receipts
from lfrd.store.database import Database
from lfrd.store.destruction import Destruction
from lfrd.store.keys import Keys, Purpose
from lfrd.types import CONSOLE
from tests.unit.store.conftest import Clock, Store
from tests.unit.store.police import MARKS, counts, found_in, list_people, raise_alerts

ENTRIES, ALERTS, KILLS = 1500, 30, 20
TABLES = ("entry", "entry_picture", "pair", "watchlist", "deployment_key",
          *(table for table in erasing.OF_ALERT if table != "event"))  # fmt: skip


def placed_at(folder: Path) -> Placed:
    return config.parse({}).at(folder)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    placed = placed_at(folder)
    async with Database.open(placed.data / "lfrd.sqlite3") as db:
        yield Store(db, await Keys.opened(db, placed), Clock())


async def destroy(folder: Path) -> None:
    """What a start does first, and then the order."""
    async with opened(folder) as store:
        destruction = Destruction(store.db, store.keys, time.time)
        sys.stdout.write("up\n")
        sys.stdout.flush()
        await destruction.finish()
        await destruction.everything(store.deployment, CONSOLE, "ordered")
    sys.stdout.write("done\n")


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.test_destruction", str(folder)],
        cwd=Path(__file__).resolve().parents[2],
        env={key: value for key, value in os.environ.items() if key != "CREDENTIALS_DIRECTORY"},
        stdout=subprocess.PIPE,
        text=True,
    )


async def fill(folder: Path) -> list[bytes]:
    """A deployment with a list and alerts; returns pieces of all that must not be found afterwards."""
    async with opened(folder) as store:
        await store.begin()
        await list_people(store, ENTRIES)
        await raise_alerts(store, ALERTS)
        async with store.db.read() as tx:
            rows = await tx.rows(
                "SELECT wrapped FROM deployment_key UNION ALL SELECT sealed FROM entry WHERE id % 100 = 0 "
                "UNION ALL SELECT face FROM entry_picture WHERE id % 100 = 0 "
                "UNION ALL SELECT template FROM entry_picture WHERE id % 100 = 0 "
                "UNION ALL SELECT sealed FROM alert UNION ALL SELECT sealed FROM picture"
            )
    sealed = [bytes(row[0]) for row in rows]
    return [one[at : at + 16] for one in sealed for at in range(0, len(one) - 16, 1024)]


async def opens(folder: Path) -> bool:
    """Whether the deployment's alerts can be opened."""
    async with opened(folder) as store:
        try:
            async with store.db.read() as tx:
                await store.keys.sealer(tx, store.deployment, Purpose.ALERTS)
        except NotAllowed:
            return False
        return True


@pytest.mark.journey
@pytest.mark.parametrize("seed", range(4))
async def test_a_destruction_that_is_killed_at_random_points_is_finished_and_leaves_nothing(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    sealed = await fill(tmp_path)
    assert found_in(tmp_path, sealed)
    lost = ended = False
    for attempt in range(KILLS + 1):
        with start(tmp_path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            # Not a wait for anything: it lets the kill fall anywhere within the destruction.
            with suppress(subprocess.TimeoutExpired):
                process.wait(None if attempt == KILLS else chance.uniform(0, 0.03 + 0.005 * attempt))
            process.kill()
            ended = process.stdout.read() == "done\n"
        opened_again = await opens(tmp_path)
        assert not (lost and opened_again), "a key that was lost came back"
        lost = not opened_again
        if ended:
            break
    assert ended
    async with opened(tmp_path) as store:
        assert await counts(store, *TABLES) == dict.fromkeys(TABLES, 0)
        kept = await receipts.kept(store.db, store.deployment)
        statements = [read_signed(one.document, store.keys.site_key.signer.public_key) for one in kept]
        assert sum(one["destroyed"]["entries"] for one in statements) == ENTRIES
        assert statements[0]["destroyed"]["alerts"] == ALERTS
        async with store.db.read() as tx:
            (row,) = await tx.rows("SELECT stage, destroying FROM deployment")
            manifest = await tx.rows("SELECT 1 FROM manifest WHERE destroyed_at IS NOT NULL")
        assert tuple(row) == ("destroyed", "")
        assert len(manifest) == ENTRIES
        assert found_in(tmp_path, [*sealed, *MARKS]) == []
    assert found_in(tmp_path, [*sealed, *MARKS]) == []
    assert key_path(placed_at(tmp_path)).exists()


if __name__ == "__main__":
    asyncio.run(destroy(Path(sys.argv[1])))
