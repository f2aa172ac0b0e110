"""Deployments: the bounded uses under which everything is kept, with what is frozen at their start."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from lfrd.errors import NotAllowed
from lfrd.store.database import Database, Transaction
from lfrd.types import DeploymentId, NominalId


class DeploymentState(StrEnum):
    OPEN = "open"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is frozen at the start: a change of any of it is another deployment, with statistics of its own.

    threshold: score, -1..1. model: the pack's digest. settings: plain JSON values. nominals: who is sought;
    their number is N.
    """

    threshold: float
    model: str
    settings: Mapping[str, Any]
    nominals: frozenset[NominalId]

    @property
    def n(self) -> int:
        return len(self.nominals)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment as it is kept. Times are Unix seconds; ended_at is None while it is open."""

    id: DeploymentId
    name: str
    state: DeploymentState
    began_at: float
    ended_at: float | None
    threshold: float
    model: str
    n: int
    settings: dict[str, Any]


class Deployments:
    """The deployments of this box, of which one at the most is open."""

    def __init__(self, db: Database, clock: Callable[[], float]) -> None:
        self._db = db
        self._clock = clock  # Unix seconds

    async def begin(self, name: str, terms: Terms) -> Deployment:
        """Open a deployment. Raises NotAllowed('deployment_open') while another one is."""
        async with self._db.write() as tx:
            if await self._open_one(tx) is not None:
                raise NotAllowed("deployment_open", "a deployment is open: end it before the next begins")
            return await self._begin(tx, name, terms)

    async def resume_or_begin(self, name: str, terms: Terms) -> tuple[Deployment, bool]:
        """Go on with the open deployment, or end it and begin one where name or terms have changed.

        The second value is True where a deployment goes on: its alerts, and the phones' place in its log,
        are still good.
        """
        async with self._db.write() as tx:
            current = await self._open_one(tx)
            if current is not None:
                if current.name == name and await self._has_terms(tx, current.id, terms):
                    return current, True
                await self._end(tx, current.id)
            return await self._begin(tx, name, terms), False

    async def end(self, deployment: DeploymentId) -> None:
        """Close a deployment. Raises NotAllowed('deployment_ended') where it is not open."""
        async with self._db.write() as tx:
            await self._end(tx, deployment)

    async def current(self) -> Deployment | None:
        async with self._db.read() as tx:
            return await self._open_one(tx)

    async def all(self) -> list[Deployment]:
        """Oldest first."""
        async with self._db.read() as tx:
            return [_as_deployment(row) for row in await tx.rows("SELECT * FROM deployment ORDER BY rowid")]

    async def _open_one(self, tx: Transaction) -> Deployment | None:
        row = await tx.row("SELECT * FROM deployment WHERE state = ?", DeploymentState.OPEN.value)
        return None if row is None else _as_deployment(row)

    async def _begin(self, tx: Transaction, name: str, terms: Terms) -> Deployment:
        deployment = DeploymentId(secrets.token_hex(8))
        row = await tx.row(
            "INSERT INTO deployment (id, name, state, began_at, threshold, model, n, settings) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
            *(deployment, name, DeploymentState.OPEN.value, self._clock(), float(terms.threshold)),
            *(terms.model, terms.n, _as_text(terms.settings)),
        )
        await tx.execute_each(
            "INSERT INTO nominal (deployment, reference) VALUES (?, ?)",
            [(deployment, reference) for reference in sorted(terms.nominals)],
        )
        assert row is not None  # an INSERT that returned nothing would have raised
        return _as_deployment(row)

    async def _end(self, tx: Transaction, deployment: DeploymentId) -> None:
        row = await tx.row(
            "UPDATE deployment SET state = ?, ended_at = ? WHERE id = ? AND state = ? RETURNING id",
            *(DeploymentState.ENDED.value, self._clock(), deployment, DeploymentState.OPEN.value),
        )
        if row is None:
            raise NotAllowed("deployment_ended", "this deployment is not open")

    async def _has_terms(self, tx: Transaction, deployment: DeploymentId, terms: Terms) -> bool:
        same = await tx.row(
            "SELECT 1 FROM deployment WHERE id = ? AND threshold = ? AND model = ? AND settings = ?",
            *(deployment, float(terms.threshold), terms.model, _as_text(terms.settings)),
        )
        if same is None:
            return False
        rows = await tx.rows("SELECT reference FROM nominal WHERE deployment = ?", deployment)
        return {row["reference"] for row in rows} == terms.nominals


def _as_text(settings: Mapping[str, Any]) -> str:
    """JSON with sorted keys: equal settings are equal texts."""
    return msgspec.json.encode(settings, order="deterministic").decode()


def _as_deployment(row: sqlite3.Row) -> Deployment:
    return Deployment(
        id=DeploymentId(row["id"]),
        name=row["name"],
        state=DeploymentState(row["state"]),
        began_at=row["began_at"],
        ended_at=row["ended_at"],
        threshold=row["threshold"],
        model=row["model"],
        n=row["n"],
        settings=msgspec.json.decode(row["settings"]),
    )
