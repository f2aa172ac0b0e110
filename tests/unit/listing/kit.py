"""A box with a drafted deployment and its people, folders of entries, and eyes that know drawn people.

The pictures show nobody: a flat colour whose blue and red say who is meant, and whose green what there is
to be seen. What the networks make of real faces is tested in the journey.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import cv2
import numpy as np

from lfrd.config import Analysis
from lfrd.listing.enrolling import Enroller
from lfrd.listing.importing import Imported, import_list
from lfrd.listing.reading import COLUMNS
from lfrd.listing.source import Source, read_source
from lfrd.models.library import open_pack
from lfrd.policy.plan import Plan
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.database import Database
from lfrd.store.deployments import Deployments
from lfrd.store.keys import Keys
from lfrd.store.watchlists import Watchlists
from lfrd.types import F32, U8, Actor, Box, DeploymentId, Face, OfficerId, Quality, Refusal, Role
from lfrd.vision.pack import Pack
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits

DIM = 32
NOW = 1_760_000_000.0
"""2025-10-09, 08:53 UTC."""
PLAN = Plan(name="Market day", categories=["wanted on warrant", "missing person"])

OPERATOR = Actor(OfficerId("o1"), "Olga", Role.OPERATOR)
OTHER_OPERATOR = Actor(OfficerId("o2"), "Omar", Role.OPERATOR)
SUPERINTENDENT = Actor(OfficerId("a1"), "Supt Adams", Role.AUTHORISING)
AUDITOR = Actor(OfficerId("u1"), "Una", Role.AUDITOR)
ENGINEER = Actor(OfficerId("e1"), "Emil", Role.ENGINEER)
PEOPLE = (OPERATOR, OTHER_OPERATOR, SUPERINTENDENT, AUDITOR, ENGINEER)

_GOOD = Quality(60.0, 300.0, 0.0, 0.0, 0.0, 120.0, 0.0)
_TURNED = Quality(60.0, 300.0, 0.9, 0.0, 0.0, 120.0, 0.0)
_SMALL = Quality(9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, Refusal.SMALL)
CLEAR, NOBODY, TWO_FACES, ANOTHER_BEHIND, SMALL, TURNED = range(6)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def _face(width: float = 40.0, quality: Quality = _GOOD) -> Face:
    aligned = None if quality.refusal else np.full((112, 112, 3), 7, np.uint8)
    return Face(Box(20, 20, width, width), np.zeros((5, 2), np.float32), 0.9, quality, aligned)


class Eyes:
    """Sees in a drawn picture what was drawn, and gives each person one template of their own."""

    def __init__(self) -> None:
        self.seen = 0
        self.vectors: list[F32] = []

    async def examine(self, picture: Picture) -> list[Face]:
        self.seen += 1
        pixel = picture.scaled(*picture.size)[0, 0]
        scenes = {
            CLEAR: [_face()],
            NOBODY: [],
            TWO_FACES: [_face(), _face(36)],
            ANOTHER_BEHIND: [_face(), _face(24)],
            SMALL: [_face(quality=_SMALL)],
            TURNED: [_face(quality=_TURNED)],
        }
        grey_margin = (127, 127, 127)
        faces = [] if tuple(int(value) for value in pixel) == grey_margin else scenes[int(pixel[1])]
        for face in faces:
            if face.aligned is not None:
                face.aligned[0, 0] = pixel
        return faces

    async def embed(self, aligned: U8) -> F32:
        blue, _, red = (int(value) for value in aligned[0, 0, 0])
        # Person and shade: shades of one person are alike, people are not.
        vector = np.random.default_rng(blue).standard_normal(DIM)
        vector += 0.05 * np.random.default_rng(1000 + red).standard_normal(DIM)
        row = (vector / np.linalg.norm(vector)).astype(np.float32)[None]
        self.vectors.append(row)
        return row


def draw(path: Path, person: int, scene: int = CLEAR, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((80, 80, 3), (person, scene, shade), np.uint8))


def row(reference: str, **change: str) -> dict[str, str]:
    """A line that is complete; its picture is REFERENCE.png."""
    values = {
        "reference": reference,
        "category": "wanted on warrant",
        "image_source": "custody image",
        "lawful_basis": "warrant of 2026",
        "image_date": "2025-01-31",
        "rationale": "failed to appear",
        "instruction": "arrest on the warrant",
        "pictures": f"{reference}.png",
    }
    return values | change


def write_csv(folder: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "entries.csv"
    columns = [c for c in COLUMNS if any(c in one for one in rows)] or list(COLUMNS)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def people(folder: Path, count: int, **change: str) -> list[dict[str, str]]:
    """Rows N1, N2 and so on, each with a picture of another person."""
    rows = []
    for number in range(1, count + 1):
        draw(folder / f"N{number}.png", number)
        rows.append(row(f"N{number}", **change))
    return rows


class Site:
    """An open database with one drafted deployment."""

    def __init__(self, db: Database, keys: Keys, clock: Clock, deployment: DeploymentId, pack: Pack) -> None:
        self.db = db
        self.keys = keys
        self.clock = clock
        self.deployment = deployment
        self.pack = pack
        self.watchlists = Watchlists(db, keys, clock)
        self.deployments = Deployments(db, keys, clock)
        self.eyes = Eyes()

    def source(self, folder: Path, plan: Plan = PLAN) -> Source:
        return read_source(folder, plan.categories, datetime.date(2025, 10, 9))

    def enroller(self) -> Enroller:
        return Enroller(self.eyes.examine, self.eyes.embed, Limits.of(Analysis()))

    async def bring(
        self, folder: Path, actor: Actor = OPERATOR, plan: Plan = PLAN, batch: int = 4
    ) -> Imported:
        return await import_list(
            self.watchlists,
            self.deployment,
            plan,
            self.source(folder, plan),
            self.pack,
            self.enroller(),
            actor,
            dim=DIM,
            batch=batch,
        )

    async def audit(self, what: str) -> list[str]:
        async with self.db.read() as tx:
            rows = await tx.rows("SELECT body FROM audit WHERE what = ? ORDER BY seq", what)
        return [r["body"] for r in rows]

    async def count(self, sql: str) -> int:
        async with self.db.read() as tx:
            found = await tx.row(sql)
        assert found is not None
        return int(found[0])


@asynccontextmanager
async def site(folder: Path, pack: Path, site_key: SiteKey | None = None) -> AsyncIterator[Site]:
    clock = Clock()
    async with Database.open(folder / "data" / "lfrd.sqlite3") as db:
        keys = Keys(db, site_key or SiteKey.generate())
        await keys.adopt()
        async with db.write() as tx:
            for actor in PEOPLE:
                assert actor.role is not None
                await tx.execute(
                    "INSERT INTO officer (id, name, label, role, created_at) VALUES (?, ?, ?, ?, ?)",
                    *(actor.id, actor.name, actor.name.casefold(), actor.role.value, NOW),
                )
        drafted = await Deployments(db, keys, clock).draft(PLAN, OPERATOR)
        yield Site(db, keys, clock, drafted.id, open_pack(str(pack), folder))
