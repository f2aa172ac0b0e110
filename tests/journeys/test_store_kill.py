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

from lfrd.config import Config, Placed
from lfrd.errors import BusyError
from lfrd.records import DATABASE, records
from lfrd.store.alerts import NewAlert
from lfrd.store.database import Database
from lfrd.types import CONSOLE, SYSTEM, AlertId, Box, CameraId, NominalId, Role
from tests.office import open_deployment

FILERS = 3


def placed(folder: Path) -> Placed:
    return Config().at(folder)


async def file_until_killed(folder: Path, size: int) -> None:
    """Several tasks file and claim as fast as they can; each id is printed once `file` has returned."""
    async with records(placed(folder)) as kept:
        deployment = await open_deployment(kept)
        officers, log = kept.officers, kept.alerts
        code = await officers.invite("PC Adams", 1, 60, role=Role.ENGAGEMENT, actor=CONSOLE)
        session = await officers.session(await officers.join(code))
        assert session is not None
        officer = session.actor
        picture = b"\xff\xd8" + os.urandom(size)

        async def go_on(number: int) -> None:
            while True:
                event = await log.file(
                    NewAlert(
                        deployment=deployment,
                        segment=1,
                        nominal=NominalId(f"p{number}"),
                        name="",
                        category="test",
                        instruction="",
                        image_date="",
                        blue=False,
                        camera=CameraId("High Street 1"),
                        score=0.6,
                        threshold=0.4,
                        seen_at=time.time(),
                        quality={"yaw": 0.0},
                        shots=3,
                        box=Box(0, 0, 9, 9),
                        probe_jpeg=picture,
                        candidate_jpeg=picture,
                        reviews_needed=1,
                        escalate_seconds=20.0,
                        expire_seconds=300.0,
                    )
                )
                sys.stdout.write(f"filed {event.alert.id}\n")
                sys.stdout.flush()
                claim = await log.acts.claim(AlertId(event.alert.id), officer)
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
    chance = random.Random(size)
    promised: list[str] = []
    for _ in range(6):
        with start(tmp_path, size) as process:
            assert process.stdout is not None
            promised += [process.stdout.readline().strip() for _ in range(chance.randint(1, 25))]
            # Not a wait for anything: it lets the kill fall anywhere within a transaction.
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0, 0.02))
            process.kill()
            # A line that was cut was a promise too, but to nobody who can read it.
            promised += [line.strip() for line in process.stdout if line.endswith("\n")]
        assert all(promised)

    async with records(placed(tmp_path)) as kept:
        assert len(await kept.deployments.all()) == 1
        db, log = kept.db, kept.alerts
        events = await log.after(0, 1_000_000)
        filed = {event.alert.id for event in events if event.what == "alert"}
        claimed = {event.alert.id for event in events if event.what == "claimed"}
        assert {line.removeprefix("filed ") for line in promised if line.startswith("filed")} <= filed
        assert {line.removeprefix("claimed ") for line in promised if line.startswith("claimed")} <= claimed
        assert claimed <= filed
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        for alert in filed:
            for kind in ("probe", "candidate"):
                picture = await log.picture(AlertId(alert), kind, SYSTEM)
                assert picture is not None
                assert len(picture) == size + 2
        await kept.audit.verify()
        async with db.read() as tx:
            counted = await tx.row("SELECT (SELECT count(*) FROM alert), (SELECT count(*) FROM picture)")
            assert counted is not None
            assert tuple(counted) == (len(filed), 2 * len(filed))
    with closing(sqlite3.connect(tmp_path / "data" / DATABASE)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert plain.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.journey
async def test_a_folder_is_refused_while_another_process_has_it_and_free_once_that_is_killed(
    tmp_path: Path,
) -> None:
    with start(tmp_path, 3_000) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(BusyError, match=rf"in use by another lfrd process \({process.pid}\)"):
            async with Database.open(tmp_path / "data" / DATABASE):
                pass
        process.kill()
    async with Database.open(tmp_path / "data" / DATABASE):
        pass


if __name__ == "__main__":
    asyncio.run(file_until_killed(Path(sys.argv[1]), int(sys.argv[2])))
