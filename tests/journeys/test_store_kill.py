"""A process that files alerts is killed at random moments: what it had been told is stored, is stored.

Run as a module (`python -m tests.journeys.test_store_kill FOLDER SIZE`) this file is that process.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from lfrd.errors import BusyError
from lfrd.store.alerts import AlertLog, NewAlert
from lfrd.store.database import Database
from lfrd.store.deployments import Deployments, Terms
from lfrd.store.officers import Officers
from lfrd.types import AlertId, Box, CameraId, NominalId

FILERS = 3
TERMS = Terms(0.4, "m" * 64, {}, frozenset())


async def file_until_killed(folder: Path, size: int) -> None:
    """Several tasks file and claim as fast as they can; each id is printed once `file` has returned."""
    async with Database.open(folder / "lfrd.sqlite3") as db:
        deployment, _ = await Deployments(db, time.time).resume_or_begin("Market day", TERMS)
        officers = Officers(db, time.time)
        session = await officers.session(await officers.join(await officers.invite("PC Adams", 1, 60)))
        assert session is not None
        log = AlertLog(db, deployment.id, time.time)
        picture = b"\xff\xd8" + os.urandom(size)

        async def go_on(number: int) -> None:
            nominal, camera = NominalId(f"p{number}"), CameraId("High Street 1")
            while True:
                now = time.time()
                event = await log.file(
                    NewAlert(
                        *(deployment.id, nominal, camera, 0.6, 0.4, now, {"yaw": 0.0}, 3, Box(0, 0, 9, 9)),
                        *(picture, picture),
                    )
                )
                sys.stdout.write(f"filed {event.alert.id}\n")
                sys.stdout.flush()
                claim = await log.claim(AlertId(event.alert.id), session.officer)
                sys.stdout.write(f"claimed {claim.alert.id}\n")
                sys.stdout.flush()

        await asyncio.gather(*map(go_on, range(FILERS)))


def start(folder: Path, size: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.test_store_kill", str(folder), str(size)],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.journey
@pytest.mark.parametrize("size", [3_000, 400_000])
async def test_what_was_filed_before_a_kill_is_there_after_it(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "data"
    chance = random.Random(size)
    promised: list[str] = []
    for _ in range(6):
        with start(folder, size) as process:
            assert process.stdout is not None
            promised += [process.stdout.readline().strip() for _ in range(chance.randint(1, 25))]
            # Not a wait for anything: it lets the kill fall anywhere within a transaction.
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0, 0.02))
            process.kill()
            # A line that was cut was a promise too, but to nobody who can read it.
            promised += [line.strip() for line in process.stdout if line.endswith("\n")]
        assert all(promised)

    async with Database.open(folder / "lfrd.sqlite3") as db:
        deployments = Deployments(db, time.time)
        current = await deployments.current()
        assert current is not None
        assert len(await deployments.all()) == 1
        log = AlertLog(db, current.id, time.time)
        events = await log.after(0, 1_000_000)
        filed = {event.alert.id for event in events if event.what == "alert"}
        claimed = {event.alert.id for event in events if event.what == "claimed"}
        assert {line.removeprefix("filed ") for line in promised if line.startswith("filed")} <= filed
        assert {line.removeprefix("claimed ") for line in promised if line.startswith("claimed")} <= claimed
        assert claimed <= filed
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        for alert in filed:
            for kind in ("probe", "candidate"):
                picture = await log.picture(AlertId(alert), kind)
                assert picture is not None
                assert len(picture) == size + 2
        async with db.read() as tx:
            counted = await tx.row("SELECT (SELECT count(*) FROM alert), (SELECT count(*) FROM picture)")
            assert counted is not None
            assert tuple(counted) == (len(filed), 2 * len(filed))
    with closing(sqlite3.connect(folder / "lfrd.sqlite3")) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert plain.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.journey
async def test_a_folder_is_refused_while_another_process_has_it_and_free_once_that_is_killed(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    with start(folder, 3_000) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(BusyError, match=rf"in use by another lfrd process \({process.pid}\)"):
            async with Database.open(folder / "lfrd.sqlite3"):
                pass
        process.kill()
    async with Database.open(folder / "lfrd.sqlite3"):
        pass


if __name__ == "__main__":
    asyncio.run(file_until_killed(Path(sys.argv[1]), int(sys.argv[2])))
