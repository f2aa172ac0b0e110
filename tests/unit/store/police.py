"""Watchlists, alerts and outcomes for tests to destroy, with marks that can be looked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from lfrd.store.keys import Purpose
from lfrd.types import AlertId, Outcome
from tests.unit.store.conftest import Phone, Store, new_alert

FACE = b"\xff\xd8\xff\xe0 the marked picture of a face "
NAME = b"the marked name of a nominal"
TEMPLATE = b"the marked numbers of a template"
MARKS = (FACE, NAME, TEMPLATE)


async def list_people(store: Store, count: int, size: int = 4000) -> None:
    """A built watchlist of `count` entries with one picture each, sealed as an import seals them."""
    deployment = store.deployment
    async with store.db.write() as tx:
        sealer = await store.keys.sealer(tx, deployment, Purpose.WATCHLIST)
        await tx.execute(
            "INSERT INTO watchlist (deployment, pack, source, begun_at, built_at) VALUES (?, 'p', 's', ?, ?)",
            *(deployment, store.clock(), store.clock()),
        )
        for number in range(count):
            reference = f"N{number}"
            row = await tx.row(
                "INSERT INTO entry (deployment, reference, category, blue, state, reasons, needs, digest, "
                "sealed) VALUES (?, ?, 'wanted', 0, 'listed', '[]', '[]', 'd', ?) RETURNING id",
                *(deployment, reference, sealer.seal(NAME * 3, f"entry/{deployment}/{reference}")),
            )
            assert row is not None
            place = f"entry-picture/{deployment}/{reference}/1"
            await tx.execute(
                "INSERT INTO entry_picture (entry, number, digest, reason, warnings, worth, face, template) "
                "VALUES (?, 1, 'd', '', '[]', 1.0, ?, ?)",
                row["id"],
                sealer.seal(FACE + os.urandom(size), f"{place}/face"),
                sealer.seal(TEMPLATE * 20, f"{place}/template"),
            )
            await tx.execute(
                "INSERT INTO manifest (deployment, reference, category, digest, listed_at) "
                "VALUES (?, ?, 'wanted', 'd', ?)",
                *(deployment, reference, store.clock()),
            )
        await tx.execute(
            "INSERT INTO pair (deployment, first, second, kind, score) "
            "SELECT deployment, min(id), max(id), 'lookalike', 0.5 FROM entry WHERE deployment = ? "
            "HAVING count(*) > 1",
            deployment,
        )


async def raise_alerts(store: Store, count: int) -> list[AlertId]:
    """Alerts with marked pictures, each a person of its own."""
    made = []
    for number in range(count):
        event = await store.alerts.file(
            new_alert(
                store.deployment,
                nominal=f"p{number}",
                name=NAME.decode(),
                probe_jpeg=FACE + os.urandom(3000),
                candidate_jpeg=FACE + os.urandom(3000),
            )
        )
        made.append(AlertId(event.alert.id))
    return made


async def code(store: Store, alert: AlertId, phone: Phone, outcome: Outcome) -> None:
    """An outcome, as a row: coding it has tests of its own."""
    async with store.db.write() as tx:
        await tx.execute(
            "INSERT INTO outcome (alert, officer, outcome, arrest_class, correction, at) "
            "VALUES (?, ?, ?, '', x'', ?)",
            *(alert, phone.actor.id, outcome, store.clock()),
        )


async def counts(store: Store, *tables: str) -> dict[str, int]:
    async with store.db.read() as tx:
        return {t: len(await tx.rows(f"SELECT 1 FROM {t}")) for t in tables}


def found_in(folder: Path, wanted: Iterable[bytes]) -> list[str]:
    """Files of a folder in which any of these bytes lie."""
    wanted = list(wanted)
    return [
        str(file.relative_to(folder))
        for file in sorted(folder.rglob("*"))
        if file.is_file() and any(one in file.read_bytes() for one in wanted)
    ]
