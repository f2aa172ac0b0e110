"""What a site keeps, opened: the database with its key, its clock and every store on it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lfrd import __version__
from lfrd.config import Placed
from lfrd.store.alerts import AlertLog
from lfrd.store.audit import Audit
from lfrd.store.clock import Ratchet, since_boot
from lfrd.store.database import Database
from lfrd.store.deployments import Deployments
from lfrd.store.destruction import Destruction
from lfrd.store.keys import Keys
from lfrd.store.officers import Officers
from lfrd.store.passages import Passages
from lfrd.store.retention import Retention
from lfrd.store.wake_ups import Addresses
from lfrd.store.watchlists import Watchlists

DATABASE = "lfrd.sqlite3"


@dataclass(frozen=True)
class Records:
    """Every store of one database, on one clock that is never set back."""

    db: Database
    keys: Keys
    clock: Ratchet
    audit: Audit
    officers: Officers
    deployments: Deployments
    watchlists: Watchlists
    alerts: AlertLog
    passages: Passages
    destruction: Destruction
    retention: Retention
    addresses: Addresses
    """Where phones that sleep are woken."""
    finished: tuple[str, ...]
    """Receipts of destructions that a crash had broken off, and that were finished at this opening."""


@asynccontextmanager
async def records(
    placed: Placed,
    *,
    beside: bool = False,
    wall: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = since_boot,
) -> AsyncIterator[Records]:
    """Open what the site keeps. beside: for a command, while the server may be running.

    What a crash left half destroyed is destroyed first, before anything of it can be read. Raises LfrdErrors:
    the key is missing or another one, the database is in use, damaged, or of another version.
    """
    async with Database.open(placed.data / DATABASE, beside=beside) as db:
        keys = await Keys.opened(db, placed)
        clock = await Ratchet.opened(db, wall, monotonic)
        audit = Audit(db, clock.now, keys.site_key.signer)
        await audit.begin(placed.config.site.name, __version__)
        destruction = Destruction(db, keys, clock.now)
        finished = tuple(await destruction.finish())
        yield Records(
            db=db,
            keys=keys,
            clock=clock,
            audit=audit,
            officers=Officers(db, clock.now, placed.config.sign_in),
            deployments=Deployments(db, keys, clock.now),
            watchlists=Watchlists(db, keys, clock.now),
            alerts=AlertLog(db, keys, clock.now),
            passages=Passages(db, keys, clock.now),
            destruction=destruction,
            retention=Retention(db, keys, destruction, clock.now),
            addresses=Addresses(db, keys, clock.now),
            finished=finished,
        )
