"""What the routes and the phones' connections need, handed over by the composition root."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lfrd.config import Config
from lfrd.operation.alerts import Alerts
from lfrd.operation.board import Board
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.operation.hub import Hub
from lfrd.operation.receipts import Receipts
from lfrd.store.alerts import AlertLog
from lfrd.store.officers import Officers
from lfrd.web.phones import Phones


@dataclass(frozen=True)
class Services:
    alerts: Alerts
    log: AlertLog
    officers: Officers
    duty: Duty
    board: Board
    hub: Hub
    receipts: Receipts
    phones: Phones
    fault: Fault
    config: Config
    deployment: str
    """The deployment's name, as phones show it."""
    static: Path
    """The folder of the phone's page."""
    metrics: Callable[[], bytes]
    """Prometheus' text format, version 0.0.4."""
    health: Callable[[], tuple[str, ...]]
    """Why the box does not do its work, one line each; empty while it does."""
    clock: Callable[[], float] = field(default=time.time)
    """Unix seconds."""
    monotonic: Callable[[], float] = field(default=time.monotonic)
    """Seconds that never go back: for windows, limits and deadlines."""
