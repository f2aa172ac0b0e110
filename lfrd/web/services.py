"""What the routes and the phones' connections need, handed over by the composition root."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lfrd.config import Config
from lfrd.errors import NotAllowed
from lfrd.operation.alerts import Alerts
from lfrd.operation.board import Board
from lfrd.operation.daybook import Daybook
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.operation.hub import Hub
from lfrd.operation.receipts import Receipts
from lfrd.operation.trial import LiveTrial
from lfrd.push.wake_ups import WakeUps
from lfrd.store.alerts import AlertLog
from lfrd.store.audit import Audit
from lfrd.store.officers import Officers
from lfrd.types import CameraId, DeploymentId
from lfrd.web.lending import Lending
from lfrd.web.phones import Phones
from lfrd.web.presented import Presented
from lfrd.web.proof import Proofs
from lfrd.web.viewers import Viewers

if TYPE_CHECKING:
    from lfrd.policy.life import Facts
    from lfrd.policy.plan import Plan
    from lfrd.store.deployments import Deployments
    from lfrd.store.keys import Keys
    from lfrd.store.passages import Passages
    from lfrd.store.retention import Retention
    from lfrd.store.watchlists import Watchlists


async def no_facts(_plan: Plan, _deployment: DeploymentId) -> Facts:
    raise NotAllowed("no_models", "this server has no model pack open: no deployment can be made ready")


async def no_still(camera: CameraId) -> bytes:
    raise NotAllowed("no_still", f"camera '{camera}': there is no picture of it now")


@dataclass(frozen=True)
class Services:
    alerts: Alerts
    log: AlertLog
    officers: Officers
    deployments: Deployments
    watchlists: Watchlists
    passages: Passages
    trial: LiveTrial
    """Of the blue list: decided and told while the server runs."""
    retention: Retention
    audit: Audit
    keys: Keys
    duty: Duty
    board: Board
    hub: Hub
    receipts: Receipts
    phones: Phones
    viewers: Viewers
    """Who watches live pictures."""
    daybook: Daybook
    lending: Lending
    """Phones that are cameras."""
    wake_ups: WakeUps
    """Waking phones that sleep; off unless the settings say otherwise."""
    fault: Fault
    config: Config
    static: Path
    """The folder of the pages."""
    metrics: Callable[[], bytes]
    """Prometheus' text format, version 0.0.4."""
    health: Callable[[], tuple[str, ...]]
    """Why the box does not do its work, one line each; empty while it does."""
    facts: Callable[[Plan, DeploymentId], Awaitable[Facts]] = no_facts
    """What stands around a deployment's plan on this box (`readiness.facts`)."""
    certificate: Presented | None = None
    """What new connections are shown; None for plain HTTP."""
    still: Callable[[CameraId], Awaitable[bytes]] = no_still
    """A camera's view as a JPEG file, with every face blurred. Raises NotAllowed where there is none now."""
    plan: Path | None = None
    """The drawing of the site; None where config.toml names none."""
    proofs: Proofs = field(default_factory=Proofs)
    clock: Callable[[], float] = field(default=time.time)
    """Unix seconds."""
    monotonic: Callable[[], float] = field(default=time.monotonic)
    """Seconds that never go back: for windows, limits and deadlines."""
