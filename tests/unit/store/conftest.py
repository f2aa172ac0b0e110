"""A store in a folder of its own, a clock that only the test moves, and alerts with pictures of nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lfrd.store.alerts import AlertLog, NewAlert
from lfrd.store.database import Database
from lfrd.store.deployments import Deployments, Terms
from lfrd.store.officers import Officers, SessionId
from lfrd.types import Box, CameraId, DeploymentId, NominalId, OfficerId


class Clock:
    """Unix seconds that stand still until the test sets them."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


TERMS = Terms(
    0.42, "a" * 64, {"least_shots": 3, "agreement": 0.5}, frozenset({NominalId("p1"), NominalId("p2")})
)


def jpeg(mark: str, size: int = 3000) -> bytes:
    """Bytes that begin as a JPEG does, can be told apart, and show nobody."""
    return (b"\xff\xd8\xff\xe0" + mark.encode()).ljust(size, b".")


def new_alert(deployment: DeploymentId, nominal: str = "p1", size: int = 3000, **change: object) -> NewAlert:
    values: dict[str, object] = {
        "deployment": deployment,
        "nominal": NominalId(nominal),
        "camera": CameraId("High Street 1"),
        "score": 0.61,
        "threshold": 0.42,
        "seen_at": 1_759_999_999.0,
        "quality": {"eye_distance": 31.5, "sharpness": 120.0, "yaw": 0.1, "pitch": -0.05},
        "shots": 5,
        "box": Box(10, 20, 30, 40),
        "probe_jpeg": jpeg(f"probe of {nominal}", size),
        "candidate_jpeg": jpeg(f"candidate of {nominal}", size),
    }
    return NewAlert(**(values | change))  # type: ignore[arg-type]


def contents(path: Path) -> bytes:
    return path.read_bytes()


def put(path: Path, data: bytes) -> None:
    """Write a file, in a folder as the store would make it."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(data)


class Phone(NamedTuple):
    officer: OfficerId
    session: SessionId
    token: str


class Store:
    """All that stands on one open database."""

    def __init__(self, db: Database, clock: Clock, deployment: DeploymentId) -> None:
        self.db = db
        self.clock = clock
        self.deployment = deployment
        self.deployments = Deployments(db, clock)
        self.officers = Officers(db, clock)
        self.alerts = AlertLog(db, deployment, clock)

    async def phone(self, name: str) -> Phone:
        token = await self.officers.join(await self.officers.invite(name, 1, 60), name)
        session = await self.officers.session(token)
        assert session is not None
        return Phone(session.officer, session.id, token)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "lfrd.sqlite3"


@pytest.fixture
async def store(path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with Database.open(path) as db:
        deployment = await Deployments(db, clock).begin("Market day", TERMS)
        yield Store(db, clock, deployment.id)
