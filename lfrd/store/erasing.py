"""The rows of an alert and of a watchlist: what hangs on what, counted and deleted inside a transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeAlias

import msgspec

from lfrd.store.database import Transaction
from lfrd.types import DeploymentId, Stage

Still: TypeAlias = Callable[[Transaction], Awaitable[Collection[str]]]
"""What is due, asked again in the transaction that deletes: ids of alerts, or of deployments."""

OF_ALERT = {
    "picture": "DELETE FROM picture WHERE alert IN (SELECT value FROM json_each(?)) RETURNING 1",
    "sighting": "DELETE FROM sighting WHERE alert IN (SELECT value FROM json_each(?)) RETURNING 1",
    "claim": "DELETE FROM claim WHERE alert IN (SELECT value FROM json_each(?)) RETURNING 1",
    "withdrawal": "DELETE FROM withdrawal WHERE adjudication IN (SELECT id FROM adjudication "
    "WHERE alert IN (SELECT value FROM json_each(?))) RETURNING 1",
    "adjudication": "DELETE FROM adjudication WHERE alert IN (SELECT value FROM json_each(?)) RETURNING 1",
    "engagement": "DELETE FROM engagement WHERE alert IN (SELECT value FROM json_each(?)) RETURNING 1",
    "outcome": "DELETE FROM outcome WHERE alert IN (SELECT value FROM json_each(?)) RETURNING 1",
    "alert": "DELETE FROM alert WHERE id IN (SELECT value FROM json_each(?)) RETURNING 1",
    # Last: the table's trigger keeps events for as long as there is their alert.
    "event": "DELETE FROM event WHERE alert IN (SELECT value FROM json_each(?)) RETURNING 1",
}
"""By table, in the order in which they may go."""

OF_ENTRY = {
    "pair": "DELETE FROM pair WHERE first IN (SELECT value FROM json_each(?1)) "
    "OR second IN (SELECT value FROM json_each(?1)) RETURNING 1",
    "approval": "DELETE FROM approval WHERE entry IN (SELECT value FROM json_each(?)) RETURNING 1",
    "entry_picture": "DELETE FROM entry_picture WHERE entry IN (SELECT value FROM json_each(?)) RETURNING 1",
    "entry": "DELETE FROM entry WHERE id IN (SELECT value FROM json_each(?)) RETURNING 1",
}
"""By table, in the order in which they may go."""


async def delete_alerts(tx: Transaction, alerts: Sequence[str], at: float) -> dict[str, int]:
    """Delete alerts of one deployment with all that hangs on them; returns the rows that went, by table.

    An event without a body takes the place of theirs: a phone that was out of reach learns to drop the alert.
    """
    ids = _json(alerts)
    row = await tx.row("SELECT deployment FROM alert WHERE id IN (SELECT value FROM json_each(?))", ids)
    counts = {table: len(await tx.rows(sql, ids)) for table, sql in OF_ALERT.items()}
    if row is not None:
        await tx.execute_each(
            "INSERT INTO event (deployment, alert, what, at, officer, body) "
            "VALUES (?, ?, 'erased', ?, NULL, NULL)",
            [(row["deployment"], alert, at) for alert in alerts],
        )
    return counts


async def delete_entries(tx: Transaction, deployment: DeploymentId, most: int) -> int:
    """Delete up to `most` watchlist entries with all that hangs on them; returns how many there were."""
    rows = await tx.rows("SELECT id FROM entry WHERE deployment = ? LIMIT ?", deployment, most)
    ids = _json([row["id"] for row in rows])
    for sql in OF_ENTRY.values():
        await tx.execute(sql, ids)
    return len(rows)


async def free_alerts(tx: Transaction, deployment: DeploymentId, most: int) -> list[str]:
    """Up to `most` alerts of a deployment that are not under legal hold."""
    rows = await tx.rows(
        "SELECT id FROM alert WHERE deployment = ? "
        "AND id NOT IN (SELECT alert FROM hold WHERE lifted_at IS NULL) LIMIT ?",
        *(deployment, most),
    )
    return [row["id"] for row in rows]


async def free_of(tx: Transaction, alerts: Sequence[str]) -> list[str]:
    """Those of `alerts` that are there and not under legal hold."""
    rows = await tx.rows(
        "SELECT id FROM alert WHERE id IN (SELECT value FROM json_each(?)) "
        "AND id NOT IN (SELECT alert FROM hold WHERE lifted_at IS NULL)",
        _json(alerts),
    )
    return [row["id"] for row in rows]


async def held_alerts(tx: Transaction, deployment: DeploymentId) -> int:
    """How many alerts of a deployment are under legal hold."""
    row = await tx.row(
        "SELECT count(*) FROM alert WHERE deployment = ? "
        "AND id IN (SELECT alert FROM hold WHERE lifted_at IS NULL)",
        deployment,
    )
    return int(row[0]) if row else 0


async def count_free_alerts(tx: Transaction, deployment: DeploymentId) -> tuple[int, int]:
    """Alerts of a deployment that are not under legal hold, and pictures of theirs."""
    row = await tx.row(
        "WITH free AS (SELECT id FROM alert WHERE deployment = ? "
        "AND id NOT IN (SELECT alert FROM hold WHERE lifted_at IS NULL)) "
        "SELECT (SELECT count(*) FROM free), (SELECT count(*) FROM picture WHERE alert IN free)",
        deployment,
    )
    return (int(row[0]), int(row[1])) if row else (0, 0)


async def has_alerts(tx: Transaction, deployment: DeploymentId) -> bool:
    return await tx.row("SELECT 1 FROM alert WHERE deployment = ? LIMIT 1", deployment) is not None


async def count_entries(tx: Transaction, deployment: DeploymentId) -> tuple[int, int]:
    """Watchlist entries of a deployment, and pictures of theirs."""
    row = await tx.row(
        "SELECT (SELECT count(*) FROM entry WHERE deployment = ?1), "
        "(SELECT count(*) FROM entry_picture WHERE entry IN (SELECT id FROM entry WHERE deployment = ?1))",
        deployment,
    )
    return (int(row[0]), int(row[1])) if row else (0, 0)


async def has_ended(tx: Transaction, deployment: DeploymentId) -> bool:
    """Whether no new alert can come: the deployment is closed or destroyed."""
    row = await tx.row("SELECT stage FROM deployment WHERE id = ?", deployment)
    return row is not None and row["stage"] in (Stage.CLOSED, Stage.DESTROYED)


async def nothing_is_left(tx: Transaction, deployment: DeploymentId) -> bool:
    """Whether the deployment has been destroyed with all its alerts, and there is a receipt of it."""
    row = await tx.row(
        "SELECT 1 FROM deployment JOIN deletion_receipt AS given ON given.deployment = deployment.id "
        "WHERE deployment.id = ? AND kind = 'everything' AND stage = ? AND destroying = '' "
        "AND NOT EXISTS (SELECT 1 FROM alert WHERE alert.deployment = deployment.id)",
        *(deployment, Stage.DESTROYED.value),
    )
    return row is not None


def _json(values: Sequence[str] | Sequence[int]) -> str:
    """A list as one parameter: SQLite's json_each opens it."""
    return msgspec.json.encode(list(values)).decode()
