"""A store in a folder of its own, a clock that only the test moves, and alerts with pictures of nobody."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from lfrd.audit import kinds
from lfrd.policy.plan import Plan
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.alerts import AlertLog, NewAlert
from lfrd.store.database import Database
from lfrd.store.destruction import Destruction
from lfrd.store.keys import Keys
from lfrd.store.sessions import SessionId
from lfrd.types import Actor, AlertId, Box, CameraId, DeploymentId, NominalId, OfficerId, Role, Stage


class Clock:
    """Unix seconds that stand still until the test sets them."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


def jpeg(mark: str, size: int = 3000) -> bytes:
    """Bytes that begin as a JPEG does, can be told apart, and show nobody."""
    return (b"\xff\xd8\xff\xe0" + mark.encode()).ljust(size, b".")


def new_alert(deployment: DeploymentId, nominal: str = "p1", size: int = 3000, **change: object) -> NewAlert:
    values: dict[str, object] = {
        "deployment": deployment,
        "segment": 1,
        "nominal": NominalId(nominal),
        "name": f"Name of {nominal}",
        "category": "wanted on warrant",
        "instruction": "Arrest",
        "image_date": "2024-05-17",
        "camera": CameraId("High Street 1"),
        "score": 0.61,
        "threshold": 0.42,
        "seen_at": 1_759_999_999.0,
        "quality": {"eye_distance": 31.5, "sharpness": 120.0, "yaw": 0.1, "pitch": -0.05},
        "shots": 5,
        "box": Box(10, 20, 30, 40),
        "probe_jpeg": jpeg(f"probe of {nominal}", size),
        "candidate_jpeg": jpeg(f"candidate of {nominal}", size),
        "reviews_needed": 1,
        "escalate_seconds": 20.0,
        "expire_seconds": 300.0,
    }
    return NewAlert(**(values | change))  # type: ignore[arg-type]


def contents(path: Path) -> bytes:
    return path.read_bytes()


def put(path: Path, data: bytes) -> None:
    """Write a file, in a folder as the store would make it."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(data)


class Phone(NamedTuple):
    """A signed-in officer."""

    actor: Actor
    session: SessionId


class Store:
    """What alerts stand on: an open database, its keys, and one deployment that is active."""

    def __init__(self, db: Database, keys: Keys, clock: Clock) -> None:
        self.db = db
        self.keys = keys
        self.clock = clock
        self.alerts = AlertLog(db, keys, clock)
        self.acts = self.alerts.acts
        self.destruction = Destruction(db, keys, clock)
        self.deployment = DeploymentId("d1")

    async def begin(self, deployment: str = "d1", name: str = "Market day") -> DeploymentId:
        """A deployment that is active, as a row with its keys: its life has tests of its own."""
        self.deployment = DeploymentId(deployment)
        plan = msgspec.json.encode(Plan(name=name)).decode()
        async with self.db.write() as tx:
            await tx.execute(
                "INSERT INTO deployment (id, name, stage, plan, drafted_by, drafted_at) "
                "VALUES (?, ?, 'active', ?, 'operator', ?)",
                *(deployment, name, plan, self.clock()),
            )
            await self.keys.create(tx, self.deployment)
        return self.deployment

    async def stage(self, stage: Stage, deployment: DeploymentId | None = None) -> None:
        async with self.db.write() as tx:
            await tx.execute(
                "UPDATE deployment SET stage = ? WHERE id = ?", stage.value, deployment or self.deployment
            )

    async def filed(self, nominal: str = "p1", **change: object) -> AlertId:
        """An alert in this deployment, and its id."""
        return AlertId((await self.alerts.file(new_alert(self.deployment, nominal, **change))).alert.id)  # type: ignore[arg-type]

    async def phone(self, name: str, role: Role = Role.ENGAGEMENT) -> Phone:
        """An officer with a session, as rows: joining has tests of its own."""
        officer, session = OfficerId(secrets.token_hex(8)), SessionId(secrets.token_hex(8))
        async with self.db.write() as tx:
            await tx.execute(
                "INSERT INTO officer (id, name, label, role, created_at) VALUES (?, ?, ?, ?, ?)",
                *(officer, name, name.casefold(), role.value, self.clock()),
            )
            await tx.execute(
                "INSERT INTO session (id, token_hash, officer, created_at, last_seen_at, expires_at) "
                "VALUES (?, ?, ?, 0, 0, 1e10)",
                *(session, session.encode(), officer),
            )
        return Phone(Actor(officer, name, role), session)

    async def audited(self) -> list[kinds.AnyBody]:
        """What the audit holds, oldest first."""
        async with self.db.read() as tx:
            return [kinds.decode(row["body"]) for row in await tx.rows("SELECT body FROM audit ORDER BY seq")]


@asynccontextmanager
async def opened(
    path: Path, clock: Clock, site_key: SiteKey, *, begin: bool = True, readers: int = 2
) -> AsyncIterator[Store]:
    async with Database.open(path, readers=readers) as db:
        keys = Keys(db, site_key)
        await keys.adopt()
        store = Store(db, keys, clock)
        if begin:
            await store.begin()
        yield store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "lfrd.sqlite3"


@pytest.fixture(scope="session")
def site_key() -> SiteKey:
    return SiteKey.generate()


@pytest.fixture
async def store(path: Path, clock: Clock, site_key: SiteKey) -> AsyncIterator[Store]:
    async with opened(path, clock, site_key) as store:
        yield store
