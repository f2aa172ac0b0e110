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
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from lfrd.capture.lines import Lines
from lfrd.config import Placed
from lfrd.decision.repeats import Repeats
from lfrd.housekeeping import keep_time, sweep, tell_of_others
from lfrd.operation.alerts import Alerts
from lfrd.operation.board import Board, Status
from lfrd.operation.daybook import Daybook
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.operation.hub import Hub
from lfrd.operation.posts import Posts
from lfrd.operation.receipts import Receipts
from lfrd.operation.trial import LiveTrial
from lfrd.policy.life import Facts
from lfrd.policy.plan import Plan
from lfrd.push.policy import PhoneNow, Policy
from lfrd.push.pusher import Pusher
from lfrd.push.wake_ups import WakeUps
from lfrd.records import Records
from lfrd.store.sessions import SessionId
from lfrd.types import CameraId, DeploymentId
from lfrd.web.lending import Lending
from lfrd.web.phones import Phones
from lfrd.web.presented import Presented
from lfrd.web.server import make_app
from lfrd.web.services import Services, no_facts, no_still
from lfrd.web.viewers import Viewers, Watch, watch_nothing
from lfrd.webrtc.peers import configuration

if TYPE_CHECKING:
    from lfrd.push.line import Ways


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
    trial: LiveTrial
    fault: Fault
    services: Services
    app: Starlette

    def work(self) -> dict[str, Coroutine[Any, Any, None]]:
        """By name. None of them ends by itself; the first that raises ends the process."""
        wake_ups = self.services.wake_ups
        return {
            "fault": self.fault.watch(),
            "alerts": self.alerts.run(),
            "escalation": self.alerts.watch(),
            "receipts": self.receipts.run(),
            "duty": self.duty.run(),
            "board": self.board.run(),
            "trial": self.trial.run(),
            "phones": self.phones.run(),
            "viewers": self.services.viewers.run(),
            "lending": self.services.lending.run(),
            "audit": self.records.audit.run(),
            "time": keep_time(self.records),
            "retention": sweep(self.records.deployments, self.records.retention),
            "others": tell_of_others(self.records, self.hub),
            **({"wake-ups": wake_ups.pusher.run()} if wake_ups.enabled else {}),
        }


async def make_office(
    placed: Placed,
    records: Records,
    *,
    status: Callable[[], Status],
    static: Path,
    facts: Callable[[Plan, DeploymentId], Awaitable[Facts]] = no_facts,
    still: Callable[[CameraId], Awaitable[bytes]] = no_still,
    watch: Watch = watch_nothing,
    certificate: Presented | None = None,
    metrics: Callable[[], bytes] = lambda: b"",
    health: Callable[[Board], tuple[str, ...]] = lambda board: (),
    monotonic: Callable[[], float] = time.monotonic,
    ways: Ways | None = None,
) -> Office:
    """status: what the cameras and the open deployment are; asked once a second. facts, still: as in
    `Services`; without models none are to be had. watch: live pictures (`preview.previews`).
    monotonic: seconds, for posts, windows and limits. ways: to the push services; None for the internet's."""
    settings = placed.config
    hub = Hub(records.alerts, latest=await records.alerts.latest())
    fault = Fault()
    duty = Duty(Posts(settings.post.grace_seconds, settings.post.heartbeat_seconds), monotonic)
    alerts = Alerts(records.alerts, hub, Repeats(settings.decision.repeat_seconds))
    trial = LiveTrial(records.passages, records.db)
    board = Board(status, duty, blue=lambda: trial.view)
    trial.on_change(board.refresh)
    phones = Phones(records.officers, fault, duty)
    hub.on_publish(phones.reach.stored)
    receipts = Receipts(records.alerts, fault)

    async def open_deployment() -> str:
        found = await records.deployments.current()
        return found.id if found is not None else ""

    viewers = Viewers(
        watch, configuration(settings.webrtc, placed), records.audit, duty, fault, open_deployment, monotonic
    )
    phones.also(viewers)
    lending = Lending(
        Lines(CameraId(camera.name) for camera in settings.cameras if camera.is_phone),
        configuration(settings.webrtc, placed),
        records.audit,
        fault,
        monotonic,
    )
    phones.also(lending)
    pusher = Pusher(
        addresses=records.addresses,
        policy=Policy(
            grace_seconds=settings.post.grace_seconds, heartbeat_seconds=settings.post.heartbeat_seconds
        ),
        phones=lambda: _phones_now(phones, duty),
        fault=fault,
        contact=settings.push.contact,
        clock=records.clock.now,
        ways=ways,
    )
    if settings.push.enabled:
        hub.on_publish(pusher.told)
    services = Services(
        alerts=alerts,
        log=records.alerts,
        officers=records.officers,
        deployments=records.deployments,
        watchlists=records.watchlists,
        passages=records.passages,
        trial=trial,
        retention=records.retention,
        audit=records.audit,
        keys=records.keys,
        duty=duty,
        board=board,
        hub=hub,
        receipts=receipts,
        phones=phones,
        viewers=viewers,
        wake_ups=await WakeUps.opened(settings.push, records.addresses, pusher, records.clock.now),
        lending=lending,
        daybook=Daybook(records.audit),
        fault=fault,
        config=settings,
        static=static,
        metrics=metrics,
        health=lambda: health(board),
        facts=facts,
        still=still,
        certificate=certificate,
        plan=placed.path(settings.site.plan) if settings.site.plan else None,
        clock=records.clock.now,
        monotonic=monotonic,
    )
    app = make_app(services)
    return Office(records, alerts, hub, duty, board, phones, receipts, trial, fault, services, app)


def _phones_now(phones: Phones, duty: Duty) -> list[PhoneNow]:
    """The phones on post, or off it lately for want of being heard, as the wake-ups' policy looks at them."""
    known = phones.reach.phones
    return [
        PhoneNow(
            SessionId(session),
            silent,
            phones.is_connected(SessionId(session)),
            known[session].receipted if session in known else 0,
        )
        for session, silent in duty.silences().items()
    ]


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
