"""Receipts of what was deleted: signed statements of counts and times, without names, kept for good."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from lfrd.sealing.signing import Signer, signed
from lfrd.store import audit
from lfrd.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Receipt:
    """A kept receipt. at: Unix seconds; kind: 'watchlist', 'everything', or a retention rule's name;
    document: the signed statement (`sealing.signing`)."""

    id: str
    at: float
    kind: str
    deployment: str
    document: str


def new_id() -> str:
    return secrets.token_hex(8)


async def keep(
    tx: Transaction,
    signer: Signer,
    receipt: str,
    at: float,
    kind: str,
    deployment: str,
    facts: dict[str, Any],
) -> str:
    """Sign the facts of a deletion and keep them; returns the document.

    Called after the deletion's audit record has been appended: the receipt quotes that record's number and
    hash, and so bears witness to the audit before it.
    """
    seq, head = await audit.head(tx)
    statement = {
        "receipt": receipt,
        "kind": kind,
        "deployment": deployment,
        "at": at,
        **facts,
        "audit": {"seq": seq, "hash": head},
    }
    document = signed(statement, signer)
    await tx.execute(
        "INSERT INTO deletion_receipt (id, at, kind, deployment, document) VALUES (?, ?, ?, ?, ?)",
        *(receipt, at, kind, deployment or None, document),
    )
    return document


async def found(tx: Transaction, receipt: str) -> str:
    """A kept receipt's document; empty where there is none."""
    row = await tx.row("SELECT document FROM deletion_receipt WHERE id = ?", receipt)
    return "" if row is None else str(row["document"])


async def kept(db: Database, deployment: str | None = None) -> list[Receipt]:
    """All receipts, or a deployment's, the oldest first."""
    async with db.read() as tx:
        rows = await tx.rows(
            "SELECT id, at, kind, coalesce(deployment, '') AS deployment, document FROM deletion_receipt "
            "WHERE ?1 IS NULL OR deployment = ?1 ORDER BY at, id",
            deployment,
        )
    return [Receipt(**dict(row)) for row in rows]
