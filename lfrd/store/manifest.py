"""The manifest: who was on which list and when, by reference and digest; it outlasts the list."""

from __future__ import annotations

import hashlib

from lfrd.store.database import Transaction
from lfrd.store.entries import Asked
from lfrd.types import DeploymentId


async def relist(tx: Transaction, deployment: DeploymentId, at: float) -> str:
    """Bring the manifest in line with the list in force, and return its digest.

    A row stays for as long as its reference is listed with the same facts and pictures; one that has gone, or
    has changed, ends at `at`. Called in the transaction that changes the list.
    """
    await tx.execute(
        "UPDATE manifest SET destroyed_at = ?1 WHERE deployment = ?2 AND destroyed_at IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM entry WHERE entry.deployment = manifest.deployment AND generation = 0 "
        "AND state = 'listed' AND entry.reference = manifest.reference "
        "AND entry.category = manifest.category AND entry.digest = manifest.digest)",
        *(float(at), deployment),
    )
    await tx.execute(
        "INSERT INTO manifest (deployment, reference, category, digest, listed_at) "
        "SELECT deployment, reference, category, digest, ?1 FROM entry WHERE deployment = ?2 "
        "AND generation = 0 AND state = 'listed' AND NOT EXISTS "
        "(SELECT 1 FROM manifest WHERE manifest.deployment = entry.deployment "
        "AND manifest.reference = entry.reference AND destroyed_at IS NULL) "
        "ON CONFLICT DO UPDATE SET category = excluded.category, digest = excluded.digest, "
        "destroyed_at = NULL",
        *(float(at), deployment),
    )
    return await digest(tx, deployment)


async def digest(tx: Transaction, deployment: DeploymentId) -> str:
    """SHA-256, hexadecimal, over reference, category and digest of every row in force, a line each, in order
    of reference."""
    hashed = hashlib.sha256()
    for row in await tx.rows(
        "SELECT reference, category, digest FROM manifest WHERE deployment = ? AND destroyed_at IS NULL "
        "ORDER BY reference",
        deployment,
    ):
        hashed.update(f"{row['reference']}\t{row['category']}\t{row['digest']}\n".encode())
    return hashed.hexdigest()


async def lists_of(tx: Transaction, reference: str, since: float, until: float) -> list[Asked]:
    """Every list that the reference was on at some moment of `since` to `until` (Unix seconds), the oldest
    first. Case is passed over: who asks has the reference from a letter."""
    rows = await tx.rows(
        "SELECT manifest.*, deployment.name FROM manifest JOIN deployment ON deployment.id = deployment "
        "WHERE reference = ?1 COLLATE NOCASE AND listed_at < ?3 "
        "AND coalesce(manifest.destroyed_at, ?3) >= ?2 "
        "ORDER BY listed_at",
        *(reference, float(since), float(until)),
    )
    return [
        Asked(
            DeploymentId(row["deployment"]),
            row["name"],
            row["category"],
            row["listed_at"],
            row["destroyed_at"],
        )
        for row in rows
    ]
