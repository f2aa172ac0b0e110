"""What a running server does by the clock: keep its time, delete what is due, and tell what others stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from lfrd.operation.hub import Hub
from lfrd.records import Records
from lfrd.store.deployments import Deployments
from lfrd.store.retention import Retention
from lfrd.types import SYSTEM

log = structlog.get_logger(__name__)

CLOCK_SECONDS = 10.0
"""How often the latest moment is kept: what a clock that is set back could win at the most."""
SWEEP_SECONDS = 60.0
LOOK_SECONDS = 0.5
"""How often it is looked whether a command beside the server has stored or erased an alert's event."""
PAGE = 64


async def keep_time(records: Records) -> None:
    while True:
        await records.clock.save()
        await asyncio.sleep(CLOCK_SECONDS)


async def sweep(
    deployments: Deployments,
    retention: Retention,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Close what has reached its end, also if it never started, and delete what is due by the retention
    table: at the start, and every minute."""
    while True:
        await deployments.close_overdue()
        for receipt in await retention.sweep(SYSTEM):
            log.info("deleted_by_retention", bytes=len(receipt))
        await pause(SWEEP_SECONDS)


async def tell_of_others(records: Records, hub: Hub) -> None:
    """Let go of keys that were destroyed beside the server, and publish events that were stored by others
    than the alerts' own task: erasures above all."""
    version = -1
    while True:
        newest = await records.db.version()
        if newest != version:
            version = newest
            await catch_up(records, hub)
        await asyncio.sleep(LOOK_SECONDS)


async def catch_up(records: Records, hub: Hub) -> None:
    await records.keys.let_go()
    while events := await records.alerts.after(hub.latest, PAGE):
        for event in events:
            hub.publish(event)
