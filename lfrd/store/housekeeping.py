"""Small rows that outlive their use: tombstones, phones' receipts, sessions, invitations, lifted holds."""

from __future__ import annotations

from lfrd.policy.retention import RETENTION
from lfrd.store.database import Transaction

# The end of a session: revoked or expired, whichever came first.
_SESSION_END = "min(coalesce(revoked_at, expires_at), expires_at)"

RULES: dict[str, tuple[str, str, str]] = {
    "erased_alerts": (
        "event",
        "SELECT count(*) AS rows, min(at) AS since FROM event WHERE what = 'erased' AND at <= ?",
        "DELETE FROM event WHERE what = 'erased' AND at <= ? RETURNING 1",
    ),
    "phone_receipts": (
        "receipt",
        f"SELECT count(*) AS rows, min({_SESSION_END}) AS since FROM receipt "  # noqa: S608 - constants
        f"JOIN session ON session.id = receipt.session WHERE {_SESSION_END} <= ?",
        "DELETE FROM receipt WHERE session IN "  # noqa: S608 - constants
        f"(SELECT id FROM session WHERE {_SESSION_END} <= ?) RETURNING 1",
    ),
    "sessions": (
        "session",
        f"SELECT count(*) AS rows, min({_SESSION_END}) AS since "  # noqa: S608 - constants
        f"FROM session WHERE {_SESSION_END} <= ?",
        f"DELETE FROM session WHERE {_SESSION_END} <= ? "  # noqa: S608 - constants
        "AND id NOT IN (SELECT session FROM receipt UNION SELECT session FROM wake_up) RETURNING 1",
    ),
    "invitations": (
        "invitation",
        "SELECT count(*) AS rows, min(iif(uses_left = 0, created_at, expires_at)) AS since FROM invitation "
        "WHERE iif(uses_left = 0, created_at, expires_at) <= ?",
        "DELETE FROM invitation WHERE iif(uses_left = 0, created_at, expires_at) <= ? RETURNING 1",
    ),
    "holds": (
        "hold",
        "SELECT count(*) AS rows, min(lifted_at) AS since FROM hold WHERE lifted_at <= ?",
        "DELETE FROM hold WHERE lifted_at <= ? RETURNING 1",
    ),
}
"""By retention rule: the table, a query for how many rows ended by a moment and when the first did, and the
statement that deletes them."""


async def count(tx: Transaction, rule: str, now: float) -> tuple[float, int] | None:
    """Since when (Unix seconds) and how many rows are due; None where none is."""
    row = await tx.row(RULES[rule][1], _ended_by(rule, now))
    return (float(row["since"]), int(row["rows"])) if row is not None and row["rows"] else None


async def delete(tx: Transaction, rule: str, now: float) -> dict[str, int]:
    """Delete what is due; returns the rows that went, by table, empty where none did."""
    table, _, statement = RULES[rule]
    gone = len(await tx.rows(statement, _ended_by(rule, now)))
    return {table: gone} if gone else {}


def _ended_by(rule: str, now: float) -> float:
    """What ended at this moment or before is due now."""
    after = RETENTION[rule].after
    assert after is not None  # a rule here always has one
    return now - after
