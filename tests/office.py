"""A site's office for tests: real stores, posts, alerts and pages, and an open deployment without cameras."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lfrd import wire
from lfrd.assembly import Office, make_office, working
from lfrd.config import Config
from lfrd.operation.alerts import InForce
from lfrd.operation.board import Status
from lfrd.policy.plan import CameraPlan, Plan
from lfrd.push.line import Ways
from lfrd.records import Records, records
from lfrd.store.clock import since_boot
from lfrd.types import CONSOLE, DeploymentId, Role, Stage
from lfrd.web.presented import presented
from lfrd.web.serving import Bound, serving
from lfrd.web.viewers import Watch, watch_nothing

PLAN = Plan(name="Saturday market", place="High Street", cameras=[CameraPlan(name="gate")])
THRESHOLD, N = 0.6, 812


async def open_deployment(kept: Records, plan: Plan = PLAN) -> DeploymentId:
    """A deployment that is active, as rows with its keys; its life has tests of its own."""
    deployment, now = DeploymentId("d1"), kept.clock.now()
    async with kept.db.write() as tx:
        if await tx.row("SELECT 1 FROM deployment WHERE id = ?", deployment):
            return deployment
        await tx.execute(
            "INSERT INTO deployment (id, name, stage, plan, drafted_by, drafted_at, started_at) "
            "VALUES (?, ?, ?, ?, 'operator', ?, ?)",
            *(deployment, plan.name, Stage.ACTIVE, msgspec.json.encode(plan).decode(), now, now),
        )
        await tx.execute(
            "INSERT INTO segment (deployment, number, at, threshold, pack, model, n, settings, cameras, "
            "authorised_by, reason) VALUES (?, 1, ?, ?, 'test', 'test', ?, '{}', '[]', 'Supt Jones', '')",
            *(deployment, now, THRESHOLD, N),
        )
        await kept.keys.create(tx, deployment)
    return deployment


def shown(deployment: DeploymentId, plan: Plan = PLAN) -> wire.DeploymentView:
    """The deployment as phones are told of it."""
    return wire.DeploymentView(
        deployment, plan.name, plan.place, Stage.ACTIVE.value, "", plan.ends_at or 4e9, THRESHOLD, N
    )


@dataclass(frozen=True)
class Served:
    """An office that phones reach over HTTP."""

    office: Office
    bound: Bound
    deployment: DeploymentId

    async def invite(self, name: str | None = None, uses: int = 1, role: Role = Role.ENGAGEMENT) -> str:
        officers = self.office.records.officers
        return await officers.invite(name, uses, 600, role=role, actor=CONSOLE)


@asynccontextmanager
async def served(
    folder: Path,
    settings: Config,
    *,
    status: Callable[[], Status],
    static: Path,
    plan: Plan = PLAN,
    monotonic: Callable[[], float] = since_boot,
    metrics: Callable[[], bytes] = lambda: b"",
    health: Callable[[], tuple[str, ...]] = lambda: (),
    watch: Watch = watch_nothing,
    ways: Ways | None = None,
) -> AsyncIterator[Served]:
    """The office while the block runs; opened again on the same folder it goes on where it was."""
    placed = settings.at(folder)
    certificate, _ = presented(placed, time.time())
    context = None if certificate is None else certificate.context
    async with records(placed) as kept:
        deployment = await open_deployment(kept, plan)
        office = await make_office(
            placed,
            kept,
            status=status,
            static=static,
            certificate=certificate,
            metrics=metrics,
            health=lambda board: health(),
            monotonic=monotonic,
            watch=watch,
            ways=ways,
        )
        await office.alerts.open(InForce.of(deployment, 1, plan))
        async with working(office) as group, serving(office.app, placed, group, context) as bound:
            yield Served(office, bound, deployment)
