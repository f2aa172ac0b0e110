"""A watchlist of real faces is imported by a process that is killed on the way, and goes on where it was.

Run as a module (`python -m tests.journeys.test_watchlist_import CONFIG FOLDER DEPLOYMENT`) this file is that
process: it prints a line whenever a batch is on the disk.
"""

from __future__ import annotations

import asyncio
import datetime
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest

from lfrd import config
from lfrd.listing.bringing import Origin, bring
from lfrd.listing.importing import BATCH
from lfrd.listing.packing import of_source, write_package
from lfrd.listing.scratch import PREFIX
from lfrd.listing.source import read_source
from lfrd.models.library import open_pack
from lfrd.policy.plan import Plan
from lfrd.records import records
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.entries import EntryState, ListSummary
from lfrd.types import Actor, DeploymentId, OfficerId, Role
from tests.portraits import portrait
from tests.unit.listing.kit import row, write_csv

OPERATOR = Actor(OfficerId("o1"), "Olga", Role.OPERATOR)
PLAN = Plan(name="Market day", categories=["wanted on warrant"])
PEOPLE = 5 * BATCH // 2
SENDER = SiteKey.generate()


async def import_(config_file: Path, origin: Path, deployment: DeploymentId, senders: list[str]) -> None:
    placed = config.load(config_file)
    pack = open_pack(placed.config.inference.pack, placed.data)

    def told(done: int, total: int) -> None:
        sys.stdout.write(f"{done} {total}\n")
        sys.stdout.flush()

    async with records(placed) as site:
        await bring(
            placed,
            site.watchlists,
            deployment,
            PLAN,
            Origin(origin, senders),
            pack,
            site.keys.site_key,
            site.clock.now(),
            OPERATOR,
            told,
        )


@dataclass(frozen=True)
class Box:
    config: Path
    deployment: DeploymentId
    recipient: str

    def start(self, origin: Path, *senders: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.journeys.test_watchlist_import"),
                *(str(self.config), str(origin), self.deployment, *senders),
            ],
            cwd=Path(__file__).resolve().parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, origin: Path, *senders: str) -> list[int]:
        """To the end; the numbers of entries that were done, as it went."""
        with self.start(origin, *senders) as process:
            assert process.stdout is not None
            lines = process.stdout.read().splitlines()
        assert process.returncode == 0
        return [int(line.split()[0]) for line in lines]

    def kill_after(self, batches: int, origin: Path, *senders: str) -> int:
        """SIGKILL once so many batches are on the disk; how many entries were."""
        with self.start(origin, *senders) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(batches + 1)]
            process.kill()
        return int(lines[-1].split()[0])

    async def list_(self) -> tuple[ListSummary | None, list[tuple[object, ...]]]:
        async with records(config.load(self.config)) as site:
            summary = await site.watchlists.summary(self.deployment)
            views = await site.watchlists.entries(self.deployment, OPERATOR, limit=10_000)
            rows: list[tuple[object, ...]] = [
                (view.reference, view.state, view.needs, view.pictures, view.facts) for view in views
            ]
            return summary, rows

    async def listed(self) -> list[str]:
        async with records(config.load(self.config)) as site:
            return [one.reference for one in await site.watchlists.listed(self.deployment)]


def settings(folder: Path, pack: Path) -> Path:
    folder.mkdir()
    file = folder / "config.toml"
    file.write_text(f'[site]\ndata = "data"\n[inference]\npack = "{pack}"\nworkers = 1\n')
    return file


async def make_box(folder: Path, pack: Path) -> Box:
    file = settings(folder, pack)
    async with records(config.load(file)) as site:
        await site.audit.begin("test", "0")
        async with site.db.write() as tx:
            await tx.execute(
                "INSERT INTO officer (id, name, label, role, created_at) "
                "VALUES (?, 'Olga', 'olga', 'operator', 0)",
                OPERATOR.id,
            )
        drafted = await site.deployments.draft(PLAN, OPERATOR)
        return Box(file, drafted.id, site.keys.site_key.recipient)


@pytest.fixture
def faces(tmp_path: Path, shared: Path) -> Path:
    """A list of people's photographs; one of them also mirrored, as another person, and one of nobody."""
    folder = tmp_path / "list"
    folder.mkdir()
    rows = []
    for person in sorted((shared / "faces").iterdir())[:PEOPLE]:
        shutil.copy(sorted(person.iterdir())[0], folder / f"{person.name}.jpg")
        rows.append(row(person.name, pictures=f"{person.name}.jpg"))
    assert cv2.imwrite(str(folder / "again.jpg"), portrait(folder / "p0001.jpg")[:, ::-1])
    (folder / "nobody.jpg").write_bytes(b"%PDF-1.7")
    write_csv(folder, [*rows, row("again", pictures="again.jpg"), row("nobody", pictures="nobody.jpg")])
    return folder


@pytest.mark.journey
@pytest.mark.shared
async def test_an_import_that_is_killed_goes_on_and_ends_with_the_same_list_as_an_undisturbed_one(
    tmp_path: Path, shared: Path, faces: Path
) -> None:
    pack = shared / "models" / "field"
    calm = await make_box(tmp_path / "calm", pack)
    total = PEOPLE + 2
    assert calm.run(faces) == [0, BATCH, 2 * BATCH, total]
    killed = await make_box(tmp_path / "killed", pack)
    reached = 0
    for _ in range(2):
        reached = killed.kill_after(1, faces)
        summary, rows = await killed.list_()
        assert summary is not None
        assert (summary.built_at, rows) == (None, [])
        assert summary.importing is not None
        assert summary.importing >= reached > 0
        assert await killed.listed() == []
    assert killed.run(faces)[0] >= reached
    (whole, rows), (again, same) = await calm.list_(), await killed.list_()
    assert rows == same
    assert whole is not None
    assert again is not None
    assert (whole.digest, whole.pairs, whole.reasons) == (again.digest, again.pairs, again.reasons)
    states = {reference: (state, needs) for reference, state, needs, *_ in rows}
    assert states["nobody"] == (EntryState.REFUSED, ())
    assert states["p0001"][0] == states["again"][0] == EntryState.WAITING
    assert "same_face" in states["p0001"][1]  # type: ignore[operator]


def left_open() -> set[Path]:
    return set(Path("/dev/shm").glob(f"{PREFIX}*"))


@pytest.mark.journey
@pytest.mark.shared
async def test_a_package_whose_import_is_killed_leaves_no_open_picture_behind_the_next_one(
    tmp_path: Path, shared: Path, faces: Path
) -> None:
    box = await make_box(tmp_path / "box", shared / "models" / "field")
    source = read_source(faces, PLAN.categories, datetime.datetime.now().astimezone().date())
    async with records(config.load(box.config)) as site:
        now = site.clock.now()
    write_package(
        tmp_path / "list.age",
        list(of_source([entry for entry in source.entries if entry.reference != "nobody"])),
        recipient=box.recipient,
        signer=SENDER.signer,
        created_at=now,
        built_at=now,
    )
    trusted = SENDER.signer.public_key.hex()
    before = left_open()
    reached = box.kill_after(1, tmp_path / "list.age", trusted)
    assert reached == BATCH
    done = box.run(tmp_path / "list.age", trusted)
    assert (done[0] >= reached, done[-1]) == (True, PEOPLE + 1)
    summary, _ = await box.list_()
    assert summary is not None
    assert summary.built_at == now
    assert summary.source.startswith("package of ")
    assert left_open() <= before


if __name__ == "__main__":
    asyncio.run(import_(Path(sys.argv[1]), Path(sys.argv[2]), DeploymentId(sys.argv[3]), list(sys.argv[4:])))
