"""Reads a whole watchlist for whoever takes it elsewhere: into a package, or into a report of its faults."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import msgspec

from lfrd.audit.kinds import ListExported, ListViewed
from lfrd.errors import NotAllowed
from lfrd.store.audit import append
from lfrd.store.database import Database
from lfrd.store.entries import EntryState, Exported, Finding, Need
from lfrd.store.keys import Keys, Purpose
from lfrd.store.list_import import face_of, facts_of, require, states_of
from lfrd.types import Actor, DeploymentId, Role

_PIECE = 200  # entries read at once


class ListExport:
    def __init__(self, db: Database, keys: Keys, clock: Callable[[], float]) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock  # Unix seconds

    async def record(
        self, deployment: DeploymentId, recipient: str, actor: Actor, *, number: int | None = None
    ) -> int:
        """Record an export before anything is read for it, and return how many entries it will have. number:
        of a list that is no deployment's, whose id is then ''. Raises NotAllowed where nobody is on it."""
        require(actor, Role.OPERATOR, what="export a watchlist")
        async with self._db.write() as tx:
            if number is None:
                states = await states_of(tx, deployment)
                number = states[EntryState.LISTED] + states[EntryState.WAITING]
            if not number:
                raise NotAllowed("empty_list", "there is nobody on this deployment's list to export")
            body = ListExported(deployment=deployment, entries=number, recipient=recipient)
            await append(tx, self._clock(), actor, body)
        return number

    async def entries(self, deployment: DeploymentId) -> AsyncIterator[Exported]:
        """The list's entries, those waiting too, with the faces of the pictures that were enrolled. Only
        after `record`."""
        after = 0
        while True:
            async with self._db.read() as tx:
                sealer = await self._keys.sealer(tx, deployment, Purpose.WATCHLIST)
                rows = await tx.rows(
                    "SELECT * FROM entry WHERE deployment = ? AND generation = 0 AND state != 'refused' "
                    "AND id > ? ORDER BY id LIMIT ?",
                    *(deployment, after, _PIECE),
                )
                batch = []
                for row in rows:
                    pictures = await tx.rows(
                        "SELECT number, face FROM entry_picture WHERE entry = ? AND face IS NOT NULL "
                        "ORDER BY number",
                        row["id"],
                    )
                    batch.append(
                        Exported(
                            row["reference"],
                            row["category"],
                            bool(row["blue"]),
                            facts_of(row, sealer),
                            [face_of(row, picture, sealer) for picture in pictures],
                        )
                    )
            for one in batch:
                yield one
            if len(rows) < _PIECE:
                return
            after = rows[-1]["id"]

    async def findings(self, deployment: DeploymentId, actor: Actor) -> list[Finding]:
        """What was found wrong or doubtful with entries of the list in force, one for each thing."""
        require(actor, Role.OPERATOR, Role.AUTHORISING, what="see who is on a watchlist")
        async with self._db.write() as tx:
            needs = await tx.rows(
                "SELECT reference, need.value AS need FROM entry, json_each(entry.needs) AS need "
                "WHERE deployment = ? AND generation = 0 AND state = 'waiting' AND need.value NOT IN "
                "(SELECT need FROM approval WHERE approval.entry = entry.id) ORDER BY entry.id",
                deployment,
            )
            pictures = await tx.rows(
                "SELECT reference, number, reason, warnings FROM entry_picture "
                "JOIN entry ON entry.id = entry WHERE deployment = ? AND generation = 0 "
                "AND (reason != '' OR warnings != '[]') ORDER BY entry, number",
                deployment,
            )
            body = ListViewed(deployment=deployment, part="entries")
            await append(tx, self._clock(), actor, body)
        found = [Finding(row["reference"], "waiting", Need(row["need"]).value) for row in needs]
        for row in pictures:
            if row["reason"]:
                found.append(Finding(row["reference"], "refused", row["reason"], row["number"]))
            found += [
                Finding(row["reference"], "doubtful", warning, row["number"])
                for warning in msgspec.json.decode(row["warnings"])
            ]
        return found
