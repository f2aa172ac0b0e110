"""What every site has while it runs, whether a deployment is open or not: posts, alerts, phones, the web.

The composition root and the tests build it here, in one order; cameras and models come on top of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from lfrd.config import Placed
from lfrd.decision.repeats import Repeats
from lfrd.housekeeping import keep_time, sweep, tell_of_others
from lfrd.operation.alerts import Alerts
from lfrd.operation.board import Board, Status
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.operation.hub import Hub
from lfrd.operation.posts import Posts
from lfrd.operation.receipts import Receipts
from lfrd.policy.life import Facts
from lfrd.policy.plan import Plan
from lfrd.records import Records
from lfrd.types import CameraId, DeploymentId
from lfrd.web.phones import Phones
from lfrd.web.server import make_app
from lfrd.web.services import Services, no_facts, no_still


@dataclass(frozen=True)
class Office:
    """A site without its eyes. `work` has its background tasks, which stand in the app's TaskGroup."""

    records: Records
    alerts: Alerts
    hub: Hub
    duty: Duty
    board: Board
    phones: Phones
    receipts: Receipts
    fault: Fault
    services: Services
    app: Starlette

    def work(self) -> dict[str, Coroutine[Any, Any, None]]:
        """By name. None of them ends by itself; the first that raises ends the process."""
        return {
            "fault": self.fault.watch(),
            "alerts": self.alerts.run(),
            "escalation": self.alerts.watch(),
            "receipts": self.receipts.run(),
            "duty": self.duty.run(),
            "board": self.board.run(),
            "phones": self.phones.run(),
            "audit": self.records.audit.run(),
            "time": keep_time(self.records),
            "retention": sweep(self.records.deployments, self.records.retention),
            "others": tell_of_others(self.records, self.hub),
        }


async def make_office(
    placed: Placed,
    records: Records,
    *,
    status: Callable[[], Status],
    static: Path,
    facts: Callable[[Plan, DeploymentId], Awaitable[Facts]] = no_facts,
    still: Callable[[CameraId], Awaitable[bytes]] = no_still,
    metrics: Callable[[], bytes] = lambda: b"",
    health: Callable[[Board], tuple[str, ...]] = lambda board: (),
    monotonic: Callable[[], float] = time.monotonic,
) -> Office:
    """status: what the cameras and the open deployment are; asked once a second. facts, still: as in
    `Services`; without models none are to be had. monotonic: seconds, for posts, windows and limits."""
    settings = placed.config
    hub = Hub(records.alerts, latest=await records.alerts.latest())
    fault = Fault()
    duty = Duty(Posts(settings.post.grace_seconds, settings.post.heartbeat_seconds), monotonic)
    alerts = Alerts(records.alerts, hub, Repeats(settings.decision.repeat_seconds))
    board = Board(status, duty)
    phones = Phones(records.officers, fault, duty)
    receipts = Receipts(records.alerts, fault)
    services = Services(
        alerts=alerts,
        log=records.alerts,
        officers=records.officers,
        deployments=records.deployments,
        watchlists=records.watchlists,
        passages=records.passages,
        retention=records.retention,
        audit=records.audit,
        keys=records.keys,
        duty=duty,
        board=board,
        hub=hub,
        receipts=receipts,
        phones=phones,
        fault=fault,
        config=settings,
        static=static,
        metrics=metrics,
        health=lambda: health(board),
        facts=facts,
        still=still,
        clock=records.clock.now,
        monotonic=monotonic,
    )
    return Office(records, alerts, hub, duty, board, phones, receipts, fault, services, make_app(services))


@asynccontextmanager
async def working(office: Office) -> AsyncIterator[asyncio.TaskGroup]:
    """The office's tasks run while the block does; its TaskGroup takes further ones, which are the caller's
    to end."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work, name=name) for name, work in office.work().items()]
        try:
            yield group
        finally:
            for task in tasks:
                task.cancel()
