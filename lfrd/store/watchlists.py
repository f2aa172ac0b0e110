"""Watchlists in the database: what each holds, who may see it, what waits for approval, and who was on it."""

from __future__ import annotations

import datetime
import sqlite3
import time
import unicodedata
from collections import Counter
from collections.abc import Callable

import msgspec

from lfrd.audit.kinds import EntryApproved, ListAsked, ListViewed, PictureViewed
from lfrd.errors import NotAllowed
from lfrd.policy.life import BLUE
from lfrd.policy.naming import names
from lfrd.sealing.sealer import Sealer
from lfrd.store import manifest
from lfrd.store.audit import append
from lfrd.store.database import Database, Transaction
from lfrd.store.entries import (
    Asked,
    EntryState,
    EntryView,
    Listed,
    ListSummary,
    Need,
    Pair,
    PictureView,
)
from lfrd.store.keys import Keys, Purpose
from lfrd.store.list_export import ListExport
from lfrd.store.list_import import (
    ListImport,
    before_start,
    face_of,
    facts_of,
    require,
    states_of,
    templates_of,
)
from lfrd.types import Actor, DeploymentId, NominalId, Role

_PIECE = 200  # entries read at once
_FIRST_DAY, _LAST_DAY = datetime.date(1970, 1, 2), datetime.date(2999, 12, 31)
_VIEWERS = (Role.OPERATOR, Role.AUTHORISING)


class Watchlists:
    """The lists of all deployments. What shows a person's facts or picture is written into the audit in the
    same transaction, and is for operators and authorising officers; `listed` is the server's own."""

    def __init__(self, db: Database, keys: Keys, clock: Callable[[], float]) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock  # Unix seconds
        self.importing = ListImport(db, keys, clock)
        self.export = ListExport(db, keys, clock)

    async def summary(self, deployment: DeploymentId) -> ListSummary | None:
        """The list in figures; None where there is none. Without persons, so for everybody."""
        async with self._db.read() as tx:
            rows = await tx.rows(
                "SELECT * FROM watchlist WHERE deployment = ? ORDER BY built_at IS NULL", deployment
            )
            if not rows:
                return None
            states = await states_of(tx, deployment)
            composition: Counter[str] = Counter()
            needs: Counter[str] = Counter()
            for row in await tx.rows(
                "SELECT category, blue, count(*) AS number FROM entry WHERE deployment = ? "
                "AND generation = 0 AND state = 'listed' GROUP BY category, blue",
                deployment,
            ):
                composition[BLUE if row["blue"] else row["category"]] += row["number"]
            for row in await tx.rows(
                "SELECT need.value AS need, count(*) AS number FROM entry, json_each(entry.needs) AS need "
                "WHERE deployment = ? AND generation = 0 AND state = 'waiting' AND need.value NOT IN "
                "(SELECT need FROM approval WHERE approval.entry = entry.id) GROUP BY need.value",
                deployment,
            ):
                needs[row["need"]] = row["number"]
            pictures = await tx.row(
                "SELECT count(template) AS number FROM entry_picture JOIN entry ON entry.id = entry "
                "WHERE deployment = ? AND generation = 0 AND state = 'listed'",
                deployment,
            )
            pairs = await tx.rows(
                "SELECT kind, count(*) AS number FROM pair JOIN entry ON entry.id = first "
                "WHERE pair.deployment = ? AND generation = 0 GROUP BY kind",
                deployment,
            )
            importing = await tx.row(
                "SELECT count(*) AS number FROM entry WHERE deployment = ? AND generation = 1", deployment
            )
        row = rows[0]
        assert importing is not None  # a count is always there
        assert pictures is not None
        return ListSummary(
            pack=row["pack"],
            source=row["source"],
            built_at=row["built_at"],
            imported_by=row["imported_by"],
            listed=states[EntryState.LISTED],
            pictures=pictures["number"],
            waiting=states[EntryState.WAITING],
            refused=states[EntryState.REFUSED] + row["refused"],
            composition=dict(sorted(composition.items())),
            reasons=msgspec.json.decode(row["reasons"]),
            needs=dict(sorted(needs.items())),
            pairs={pair["kind"]: pair["number"] for pair in pairs},
            digest=row["digest"],
            settings=msgspec.json.decode(row["settings"]),
            importing=importing["number"] if rows[-1]["built_at"] is None else None,
        )

    async def entries(
        self,
        deployment: DeploymentId,
        actor: Actor,
        *,
        after: int = 0,
        limit: int = 100,
        state: EntryState | None = None,
    ) -> list[EntryView]:
        """Entries with a higher number than `after`, in order of number."""
        require(actor, *_VIEWERS, what="see who is on a watchlist")
        async with self._db.write() as tx:
            sealer = await self._keys.sealer(tx, deployment, Purpose.WATCHLIST)
            rows = await tx.rows(
                "SELECT * FROM entry WHERE deployment = ? AND generation = 0 AND id > ? "
                "AND state = coalesce(?, state) ORDER BY id LIMIT ?",
                *(deployment, after, None if state is None else state.value, limit),
            )
            views = [await _view(tx, row, sealer) for row in rows]
            await append(tx, self._clock(), actor, ListViewed(deployment=deployment, part="entries"))
        return views

    async def entry(self, entry: int, actor: Actor) -> EntryView:
        """One entry of a list in force. Raises NotAllowed where there is none of that number."""
        require(actor, *_VIEWERS, what="see who is on a watchlist")
        async with self._db.write() as tx:
            row = await _entry(tx, entry)
            sealer = await self._keys.sealer(tx, DeploymentId(row["deployment"]), Purpose.WATCHLIST)
            view = await _view(tx, row, sealer)
            await append(tx, self._clock(), actor, ListViewed(deployment=row["deployment"], part="entries"))
        return view

    async def pairs(
        self, deployment: DeploymentId, actor: Actor, *, kind: str | None = None, limit: int = 1000
    ) -> list[Pair]:
        """Entries that look alike, the most alike first. kind: 'same_face' or 'lookalike'; None for both."""
        require(actor, *_VIEWERS, what="see who is on a watchlist")
        async with self._db.write() as tx:
            rows = await tx.rows(
                "SELECT pair.*, a.reference AS one, b.reference AS other FROM pair "
                "JOIN entry AS a ON a.id = first JOIN entry AS b ON b.id = second "
                "WHERE pair.deployment = ? AND a.generation = 0 AND kind = coalesce(?, kind) "
                "ORDER BY score DESC, first, second LIMIT ?",
                *(deployment, kind, limit),
            )
            await append(tx, self._clock(), actor, ListViewed(deployment=deployment, part="pairs"))
        return [
            Pair(row["first"], row["second"], (row["one"], row["other"]), row["kind"], row["score"])
            for row in rows
        ]

    async def face(self, entry: int, actor: Actor) -> bytes | None:
        """The best picture's face of an entry as a JPEG file; None where it has none that can be used."""
        require(actor, *_VIEWERS, what="see the pictures of a watchlist")
        async with self._db.write() as tx:
            row = await _entry(tx, entry)
            sealer = await self._keys.sealer(tx, DeploymentId(row["deployment"]), Purpose.WATCHLIST)
            face = await _face(tx, row, sealer)
            await append(
                tx,
                self._clock(),
                actor,
                PictureViewed(deployment=row["deployment"], kind="entry", subject=str(entry)),
            )
        return face or None

    async def approve(self, entry: int, need: Need, actor: Actor, reason: str) -> EntryState:
        """Approve one need of an entry; once all are, it is listed. Returns the entry's state after it.

        For an authorising officer who did not import the list. The same officer's same approval twice is no
        error. Raises NotAllowed('role', 'own_list', 'no_reason', 'unknown_entry', 'not_needed', 'approved',
        'names_person', 'list_frozen').
        """
        require(actor, Role.AUTHORISING, what="approve an entry")
        if not reason.strip():
            raise NotAllowed("no_reason", "an approval needs a reason")
        async with self._db.write() as tx:
            row = await _entry(tx, entry)
            deployment = DeploymentId(row["deployment"])
            await before_start(tx, deployment)
            built = await tx.row(
                "SELECT imported_by FROM watchlist WHERE deployment = ? AND built_at IS NOT NULL", deployment
            )
            if built is None or built["imported_by"] == actor.id:
                raise NotAllowed("own_list", "who imported the list cannot approve its entries")
            needs = msgspec.json.decode(row["needs"], type=list[str])
            if need not in needs or row["state"] == EntryState.REFUSED:
                raise NotAllowed("not_needed", f"entry {entry} needs no approval of '{need}'")
            found = await tx.row(
                "SELECT officer FROM approval WHERE entry = ? AND need = ?", entry, need.value
            )
            if found is not None:
                if found["officer"] == actor.id:
                    return EntryState(row["state"])
                raise NotAllowed("approved", f"entry {entry}: '{need}' has been approved by somebody else")
            if names(reason, await self._people(tx, row)):
                raise NotAllowed(
                    "names_person",
                    "the reason names a person on the list, and the audit keeps it for good: say why without "
                    "name and reference",
                )
            now = self._clock()
            await tx.execute(
                "INSERT INTO approval (entry, need, officer, at, reason) VALUES (?, ?, ?, ?, ?)",
                *(entry, need.value, actor.id, now, reason.strip()),
            )
            approved = await tx.rows("SELECT need FROM approval WHERE entry = ?", entry)
            state = EntryState(row["state"])
            if set(needs) <= {one["need"] for one in approved}:
                state = EntryState.LISTED
                await tx.execute("UPDATE entry SET state = 'listed' WHERE id = ?", entry)
                await tx.execute(
                    "UPDATE watchlist SET digest = ? WHERE deployment = ? AND built_at IS NOT NULL",
                    *(await manifest.relist(tx, deployment, now), deployment),
                )
            await append(
                tx,
                now,
                actor,
                EntryApproved(deployment=deployment, entry=entry, need=need, reason=reason.strip()),
            )
        return state

    async def _people(self, tx: Transaction, entry: sqlite3.Row) -> list[tuple[str, str]]:
        """Reference and name of an entry, and of those that show the same face."""
        sealer = await self._keys.sealer(tx, DeploymentId(entry["deployment"]), Purpose.WATCHLIST)
        others = await tx.rows(
            "SELECT * FROM entry WHERE id IN (SELECT first FROM pair WHERE second = ?1 AND kind = ?2 "
            "UNION SELECT second FROM pair WHERE first = ?1 AND kind = ?2)",
            *(entry["id"], Need.SAME_FACE.value),
        )
        return [(row["reference"], facts_of(row, sealer).name) for row in (entry, *others)]

    async def listed(self, deployment: DeploymentId, *, faces: bool = True) -> list[Listed]:
        """Everybody who is looked for, in order of the list, for the server alone.

        faces: with each one's picture, some 10 kB; without, `candidate` gives it when it is needed.
        """
        found: list[Listed] = []
        after = 0
        while True:
            async with self._db.read() as tx:
                sealer = await self._keys.sealer(tx, deployment, Purpose.WATCHLIST)
                rows = await tx.rows(
                    "SELECT * FROM entry WHERE deployment = ? AND generation = 0 AND state = 'listed' "
                    "AND id > ? ORDER BY id LIMIT ?",
                    *(deployment, after, _PIECE),
                )
                for row in rows:
                    facts = facts_of(row, sealer)
                    found.append(
                        Listed(
                            reference=NominalId(row["reference"]),
                            category=row["category"],
                            blue=bool(row["blue"]),
                            name=facts.name,
                            instruction=facts.instruction,
                            image_date=facts.image_date,
                            templates=await templates_of(tx, deployment, row, sealer),
                            face_jpeg=await _face(tx, row, sealer) if faces else b"",
                        )
                    )
            if len(rows) < _PIECE:
                return found
            after = rows[-1]["id"]

    async def candidate(self, deployment: DeploymentId, reference: NominalId) -> bytes:
        """The picture of one who is listed, as a JPEG file, to be shown in an alert. KeyError where nobody of
        that reference is."""
        async with self._db.read() as tx:
            sealer = await self._keys.sealer(tx, deployment, Purpose.WATCHLIST)
            row = await tx.row(
                "SELECT * FROM entry WHERE deployment = ? AND generation = 0 AND state = 'listed' "
                "AND reference = ?",
                *(deployment, reference),
            )
            if row is None:
                raise KeyError(reference)
            return await _face(tx, row, sealer)

    async def asked(self, reference: str, day: datetime.date, actor: Actor) -> list[Asked]:
        """On which lists a reference was on that day, of the box's own time, also where they are destroyed.

        The audit keeps that it was asked, and on how many lists it was; never the reference. Raises
        NotAllowed: 'role', 'day' where no list can have been on it.
        """
        require(actor, Role.AUDITOR, Role.AUTHORISING, Role.OPERATOR, what="ask who was on a list")
        wanted = as_reference(reference)
        if not _FIRST_DAY <= day <= _LAST_DAY:
            raise NotAllowed("day", f"day: must lie between {_FIRST_DAY} and {_LAST_DAY}")
        since = time.mktime(day.timetuple())
        until = time.mktime((day + datetime.timedelta(days=1)).timetuple())
        async with self._db.write() as tx:
            found = await manifest.lists_of(tx, wanted, since, until)
            await append(tx, self._clock(), actor, ListAsked(found=len(found)))
        return found


def as_reference(text: str) -> str:
    """A reference as it is kept: composed Unicode, no space around it, one within."""
    return " ".join(unicodedata.normalize("NFC", text).split())


async def _entry(tx: Transaction, entry: int) -> sqlite3.Row:
    row = await tx.row("SELECT * FROM entry WHERE id = ? AND generation = 0", entry)
    if row is None:
        raise NotAllowed("unknown_entry", f"no watchlist has an entry {entry}")
    return row


async def _view(tx: Transaction, row: sqlite3.Row, sealer: Sealer) -> EntryView:
    approved = await tx.rows("SELECT need, officer FROM approval WHERE entry = ? ORDER BY id", row["id"])
    pictures = await tx.rows(
        "SELECT number, reason, warnings FROM entry_picture WHERE entry = ? ORDER BY number", row["id"]
    )
    return EntryView(
        id=row["id"],
        reference=row["reference"],
        category=row["category"],
        blue=bool(row["blue"]),
        state=EntryState(row["state"]),
        reasons=tuple(msgspec.json.decode(row["reasons"])),
        needs=tuple(Need(need) for need in msgspec.json.decode(row["needs"])),
        approved={one["need"]: one["officer"] for one in approved},
        pictures=tuple(
            PictureView(one["number"], one["reason"], tuple(msgspec.json.decode(one["warnings"])))
            for one in pictures
        ),
        facts=facts_of(row, sealer),
    )


async def _face(tx: Transaction, entry: sqlite3.Row, sealer: Sealer) -> bytes:
    found = await tx.row(
        "SELECT number, face FROM entry_picture WHERE entry = ? AND face IS NOT NULL "
        "ORDER BY worth DESC, number LIMIT 1",
        entry["id"],
    )
    return b"" if found is None else face_of(entry, found, sealer)
