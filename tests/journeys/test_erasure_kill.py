"""The power fails while faces are seen, alerts are filed and lists destroyed: no face is left in any file."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sys
from collections import deque
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from lfrd import wire
from tests.journeys.force import OPERATOR, Force, write_entries, write_plan
from tests.journeys.marks import Marks, counted_in_files, unmasked
from tests.journeys.process import Server, Site, lfrd, of, passing, reach, see
from tests.journeys.test_revocation import marks_of
from tests.phone import Phone

pytestmark = pytest.mark.journey

MOST = 150
"""Marks of one kind that are looked for: the newest, from the frames before the kill."""
KINDS = {
    *("pixels as decoded", "pixels as searched", "pixels as aligned"),
    *("template as embedded", "template as kept"),
}
NOMINAL = "M-2041"


@pytest.fixture
def site(tmp_path: Path, builtin: Path, astronaut: Path, admiral: Path) -> Site:
    """A camera that sees somebody who is not listed, then somebody who is; each face is marked as it passes,
    and temporary files have a place of their own."""
    site = Site(tmp_path, builtin)
    clip = passing(tmp_path / "passing.mp4", admiral, astronaut)
    site.configure({"name": "Street", "source": clip, "loop": True}, tracking={"lost_seconds": 0.3})
    site.watch_for(**{NOMINAL: astronaut})
    temporary(site).mkdir()
    site.wrap = noted(site)
    return site


def temporary(site: Site) -> Path:
    return site.folder / "tmp"


def noted(site: Site, **environment: str) -> list[str | Path]:
    """What runs a command of lfrd so that its faces are noted."""
    settings = {"TMPDIR": str(temporary(site)), **environment}
    note: list[str | Path] = [sys.executable, "-m", "tests.journeys.noting", site.folder / "marks"]
    return ["env", *(f"{key}={value}" for key, value in settings.items()), *note]


def seen(site: Site) -> dict[str, list[bytes]]:
    """Marks of everybody who has passed, listed or not."""
    marks: dict[str, deque[str]] = {}
    for line in (site.folder / "marks").read_text().splitlines():
        kind, _, mark = line.partition(":")
        marks.setdefault(kind, deque(maxlen=MOST)).append(mark)
    return unmasked({kind: list(found) for kind, found in marks.items()})


def assert_in_no_file(site: Site, marks: Marks) -> None:
    """Not in the database, its log and index, nor beside them, nor in a temporary file."""
    assert counted_in_files(marks, site.data, temporary(site)) == dict.fromkeys(marks, 0)


@pytest.mark.parametrize("seed", [3, 4])
async def test_a_kill_at_any_moment_leaves_no_passer_by_on_the_disk_and_the_listed_only_sealed(
    site: Site, seed: int
) -> None:
    chance = random.Random(seed)
    phone: Phone | None = None
    for kill in range(3):
        async with site.running() as server:
            if phone is None:
                phone = await server.phone("PC Adams")
                assert_nothing_of_its_memory_is_ever_written(server)
            async with phone.connected():
                await phone.say(wire.OnPost())
                await see(phone, Street="live")
                if kill != 1:  # while an alert or a sighting is being filed
                    wanted = len(phone.events) + 1
                    await reach(phone, lambda: len(phone.events) >= wanted)  # noqa: B023
                # Not a wait for anything: it lets the kill fall anywhere within passages.
                await asyncio.sleep(chance.uniform(0, 1.5 if kill == 1 else 0.1))
                if kill == 2:
                    marks = await marks_of(site, deployment(site), phone)
                server.kill()
                with pytest.raises(ConnectionClosed):
                    await reach(phone, lambda: False)
            assert await server.ended() == -signal.SIGKILL
        passed = seen(site)
        assert set(passed) == KINDS
        assert all(len(found) > 2 for found in passed.values())
        assert_in_no_file(site, passed)
        site.assert_sound()
    del marks["gallery"]
    found = counted_in_files(marks, site.data, temporary(site))
    assert found.pop("sealed") > 0.9 * len(marks["sealed"]), "the search itself finds too little"
    assert found == dict.fromkeys(found, 0)
    assert phone is not None
    assert of(phone, "alert")


def deployment(site: Site) -> str:
    with site.database() as db:
        ((found,),) = db.execute("SELECT id FROM deployment").fetchall()
    return str(found)


def assert_nothing_of_its_memory_is_ever_written(server: Server) -> None:
    """No core is dumped, and where this machine lets memory be locked, no page of it goes to swap."""
    process = Path(f"/proc/{server.process.pid}")
    limit = next(line for line in (process / "limits").read_text().splitlines() if "core file size" in line)
    assert limit.split()[4:6] == ["0", "0"]
    if os.getuid():
        assert process.stat().st_uid == 0, "a process that may be dumped belongs to its user"
    locked = re.search(r"^VmLck:\s+(\d+) kB", (process / "status").read_text(), re.M)
    assert locked is not None
    may_swap = any("swap" in str(event.get("lacks")) for event in server.events())
    assert (int(locked[1]) > 10_000) is not may_swap
    with server.site.database() as db:
        bodies = db.execute("SELECT body FROM audit WHERE what = 'server_started'").fetchall()
    assert msgspec.json.decode(bodies[-1][0])["hardening"]["no_core_dumps"] is True


@pytest.mark.parametrize(
    "place",
    ["lfrd.store.erasing.delete_entries", "lfrd.store.destruction.Destruction._cut_log"],
    ids=["keys lost", "rows deleted"],
)
async def test_a_revocation_that_is_killed_is_finished_by_the_next_start_before_anything_else(
    site: Site, place: str, astronaut: Path
) -> None:
    site.wrap = ()  # nobody passes while it is prepared
    force = await started(site, astronaut)
    site.wrap = noted(site)
    async with site.running() as server:
        phone = await server.phone("PC Adams")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await reach(phone, lambda: bool(of(phone, "alert")))
            marks = await marks_of(site, deployment(site), phone)
        server.kill()
    del marks["gallery"]
    password = site.folder / f"{OPERATOR}.password"
    ended = await lfrd(
        *("deployment", "revoke", "--reason", "unlawful", "-c", site.config),
        *("--as", OPERATOR, "--password-file", password),
        wrap=noted(site, KILL_AT=place),
        cwd=site.folder,
    )
    assert ended.code == -signal.SIGKILL, ended
    async with site.running() as server:
        events = [event["event"] for event in server.events()]
        assert "destructions_finished" in events
        assert "in_force" not in events
        assert_in_no_file(site, marks | seen(site))
        async with phone.connected():
            await reach(phone, lambda: bool(of(phone, "erased")))
        assert events.index("destructions_finished") < [e["event"] for e in server.events()].index(
            "listening"
        )
        shown = await force.shown(deployment(site))
        assert (shown["stage"], shown["reason"]) == ("destroyed", "revoked")
        assert await server.decoded() == 0


async def started(site: Site, astronaut: Path) -> Force:
    force = Force(site)
    await force.muster()
    rows = [{"reference": NOMINAL, "name": "Jordan Unmistakable", "pictures": "astronaut.png"}]
    people = write_entries(site.folder / "people", rows, astronaut=astronaut)
    plan = write_plan(site.folder / "plan.toml", "Street")
    await force.begin(await force.authorised(plan, people))
    return force
