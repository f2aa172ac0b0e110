"""Writes a watchlist as it is imported: batch by batch, beside the list whose place it takes when whole."""

from __future__ import annotations

import secrets
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
import numpy as np

from lfrd.audit.kinds import ImportDiscarded, ListImported
from lfrd.errors import NotAllowed
from lfrd.sealing.sealer import Sealer
from lfrd.store import manifest
from lfrd.store.audit import append
from lfrd.store.database import Database, Transaction
from lfrd.store.entries import FLAGS, Begun, EntryState, Facts, Need, NewEntry, digest_of
from lfrd.store.keys import Keys, Purpose
from lfrd.types import F32, Actor, DeploymentId, Role

RESUMABLE_SECONDS = 24 * 3600.0
"""An import that began longer ago is begun anew: a list is at most so old when it is used."""

_PIECE = 200  # entries deleted, or read, at once: who files an alert meanwhile waits for no longer
_OVERHEAD = 64 << 10  # bytes that a batch takes beside its pictures, at the most
_BEFORE = ("draft", "authorised", "ready")
_facts = msgspec.json.Decoder(Facts)


class ListImport:
    """What writes lists. Nothing of an unfinished import is ever used: it becomes the deployment's list in
    the one transaction of `finish`, or never."""

    def __init__(self, db: Database, keys: Keys, clock: Callable[[], float]) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock  # Unix seconds

    async def begin(
        self, deployment: DeploymentId, *, pack: str, source: str, basis: str, actor: Actor
    ) -> Begun:
        """Begin an import, or go on with one that the same person broke off.

        pack: the model pack's digest. source: what it comes from, in words that name no person. basis: digest
        of all that the list is made from; where another, or an old one, stands unfinished, that is thrown
        away. Where the list was destroyed the deployment gets a new key. Raises NotAllowed where the
        deployment is not there, or has started.
        """
        require(actor, Role.OPERATOR, what="import a watchlist")
        now, run = self._clock(), secrets.token_hex(8)
        async with self._db.write() as tx:
            await before_start(tx, deployment)
            await self._keys.renew(tx, deployment, Purpose.WATCHLIST)
            row = await tx.row(
                "SELECT * FROM watchlist WHERE deployment = ? AND built_at IS NULL", deployment
            )
            resumed = (
                row is not None
                and (row["basis"], row["imported_by"]) == (basis, actor.id)
                and 0 <= now - row["begun_at"] < RESUMABLE_SECONDS
            )
            if resumed:
                await tx.execute(
                    "UPDATE watchlist SET run = ? WHERE deployment = ? AND built_at IS NULL", run, deployment
                )
            else:
                if row is not None:
                    await _discard(tx, deployment, actor, now)
                await tx.execute(
                    "INSERT INTO watchlist (deployment, pack, source, begun_at, basis, run, imported_by) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    *(deployment, pack, source, now, basis, run, actor.id),
                )
            done = await tx.rows(
                "SELECT reference FROM entry WHERE deployment = ? AND generation = 1", deployment
            )
            digests = await tx.rows(
                "SELECT entry_picture.digest, reference FROM entry_picture JOIN entry ON entry.id = entry "
                "WHERE deployment = ? AND generation = 1 AND reason = ''",
                deployment,
            )
        await self.purge(deployment)
        return Begun(
            run,
            resumed,
            row is not None and not resumed,
            frozenset(row["reference"] for row in done),
            {row["digest"]: row["reference"] for row in digests},
        )

    async def add(self, deployment: DeploymentId, run: str, entries: Sequence[NewEntry]) -> None:
        """Store a batch, and overwrite its templates. When this returns the batch is on the disk."""
        try:
            need = _OVERHEAD + sum(len(p.face) for entry in entries for p in entry.pictures)
            async with self._db.write(need) as tx:
                await self._mine(tx, deployment, run)
                sealer = await self._keys.sealer(tx, deployment, Purpose.WATCHLIST)
                for entry in entries:
                    await _insert(tx, deployment, entry, sealer)
        finally:
            for entry in entries:
                for picture in entry.pictures:
                    if picture.template is not None:
                        picture.template.fill(0)

    async def templates(self, deployment: DeploymentId) -> AsyncIterator[tuple[int, F32]]:
        """Every entry of the unfinished import that may come to be looked for: its number and templates,
        float32 [k, dim], which the caller wipes."""
        after = 0
        while True:
            async with self._db.read() as tx:
                sealer = await self._keys.sealer(tx, deployment, Purpose.WATCHLIST)
                rows = await tx.rows(
                    "SELECT id, reference FROM entry WHERE deployment = ? AND generation = 1 "
                    "AND state != 'refused' AND id > ? ORDER BY id LIMIT ?",
                    *(deployment, after, _PIECE),
                )
                found = [(row["id"], await templates_of(tx, deployment, row, sealer)) for row in rows]
            for one in found:
                yield one
            if len(rows) < _PIECE:
                return
            after = rows[-1]["id"]

    async def finish(
        self,
        deployment: DeploymentId,
        run: str,
        *,
        pairs: Sequence[tuple[int, int, str, float]],
        refused: int,
        reasons: Mapping[str, int],
        settings: Mapping[str, float],
        built_at: float | None,
        actor: Actor,
    ) -> None:
        """Put the list in force, in the place of the one before.

        pairs: numbers of two entries, 'same_face' or 'lookalike', and the score; those with the same face
        wait for an approval. refused, reasons: lines of the source that gave no entry, and their codes.
        built_at: when the source was brought together; now if None. Approvals of what stands in the source
        are carried over where facts and pictures are the same. Raises NotAllowed where nobody is on it.
        """
        async with self._db.write() as tx:
            now = self._clock()
            await self._mine(tx, deployment, run)
            usable = await tx.row(
                "SELECT 1 FROM entry WHERE deployment = ? AND generation = 1 AND state != 'refused'",
                deployment,
            )
            if usable is None:
                raise NotAllowed(
                    "empty_list", "nobody on this list can be looked for; the list stays as it was"
                )
            await tx.execute_each(
                "INSERT INTO pair (deployment, first, second, kind, score) VALUES (?, ?, ?, ?, ?)",
                [(deployment, min(a, b), max(a, b), kind, score) for a, b, kind, score in pairs],
            )
            await _hold_same_faces(tx, deployment)
            carried = await _carry_approvals(tx, deployment, actor)
            await tx.execute(
                "UPDATE entry SET generation = 2 WHERE deployment = ? AND generation = 0", deployment
            )
            await tx.execute(
                "UPDATE entry SET generation = 0 WHERE deployment = ? AND generation = 1", deployment
            )
            digest = await manifest.relist(tx, deployment, now)
            counted = Counter(reasons)
            for row in await tx.rows(
                "SELECT reason, count(*) AS number FROM entry_picture JOIN entry ON entry.id = entry "
                "WHERE deployment = ? AND generation = 0 AND reason != '' GROUP BY reason",
                deployment,
            ):
                counted[row["reason"]] += row["number"]
            await tx.execute(
                "DELETE FROM watchlist WHERE deployment = ? AND built_at IS NOT NULL", deployment
            )
            built = await tx.row(
                "UPDATE watchlist SET built_at = ?, digest = ?, refused = ?, reasons = ?, settings = ?, "
                "run = '' WHERE deployment = ? AND built_at IS NULL RETURNING source",
                *(float(now if built_at is None else min(built_at, now)), digest, refused),
                *(_json(dict(sorted(counted.items()))), _json(dict(settings)), deployment),
            )
            assert built is not None  # `_mine` has seen it
            states = await states_of(tx, deployment)
            body = ListImported(
                deployment=deployment,
                source=built["source"],
                listed=states[EntryState.LISTED],
                waiting=states[EntryState.WAITING],
                refused=states[EntryState.REFUSED] + refused,
                reasons=dict(sorted(counted.items())),
                pairs=len(pairs),
                digest=digest,
                carried=carried,
            )
            await append(tx, now, actor, body)
        await self.purge(deployment)

    async def discard(self, deployment: DeploymentId, run: str, actor: Actor) -> None:
        """Throw an unfinished import away. The list in force stays."""
        async with self._db.write() as tx:
            await self._mine(tx, deployment, run)
            await _discard(tx, deployment, actor, self._clock())
        await self.purge(deployment)

    async def purge(self, deployment: DeploymentId | None = None) -> int:
        """Delete what has been replaced or thrown away, a piece at a time; None for all deployments, as at a
        start, because a power cut may have come in between. Returns how many entries went."""
        gone = 0
        while True:
            async with self._db.write() as tx:
                rows = await tx.rows(
                    "SELECT id FROM entry WHERE generation = 2 AND deployment = coalesce(?, deployment) "
                    "LIMIT ?",
                    *(deployment, _PIECE),
                )
                ids = [(row["id"],) for row in rows]
                for table, column in (
                    ("approval", "entry"),
                    ("pair", "first"),
                    ("pair", "second"),
                    ("entry_picture", "entry"),
                    ("entry", "id"),
                ):
                    await tx.execute_each(f"DELETE FROM {table} WHERE {column} = ?", ids)  # noqa: S608
            gone += len(ids)
            if len(ids) < _PIECE:
                return gone

    async def _mine(self, tx: Transaction, deployment: DeploymentId, run: str) -> None:
        await before_start(tx, deployment)
        row = await tx.row(
            "SELECT 1 FROM watchlist WHERE deployment = ? AND built_at IS NULL AND run = ?", deployment, run
        )
        if row is None:
            raise NotAllowed(
                "import_taken_over", "another import of this watchlist has begun meanwhile; this one ends"
            )


def require(actor: Actor, *roles: Role, what: str) -> None:
    """Raises NotAllowed('role') where the actor's role is none of these."""
    if actor.role not in roles:
        may = " or ".join(role.value for role in roles)
        raise NotAllowed("role", f"to {what} is for the role {may}; sign in as somebody who has it")


async def before_start(tx: Transaction, deployment: DeploymentId) -> None:
    """Raises NotAllowed where the deployment is not there, or its list is frozen because it has started."""
    row = await tx.row("SELECT stage, destroying FROM deployment WHERE id = ?", deployment)
    if row is None:
        raise NotAllowed("unknown_deployment", f"there is no deployment {deployment}")
    if row["destroying"] or row["stage"] not in _BEFORE:
        raise NotAllowed(
            "list_frozen", "the deployment has started or ended: its watchlist is not changed any more"
        )


async def states_of(tx: Transaction, deployment: DeploymentId) -> Counter[str]:
    """Entries of the list in force by state."""
    rows = await tx.rows(
        "SELECT state, count(*) AS number FROM entry WHERE deployment = ? AND generation = 0 GROUP BY state",
        deployment,
    )
    return Counter({row["state"]: row["number"] for row in rows})


def facts_context(deployment: str, reference: str) -> str:
    return f"entry/{deployment}/{reference}"


def picture_context(deployment: str, reference: str, number: int, part: str) -> str:
    """part: 'face' or 'template'."""
    return f"entry-picture/{deployment}/{reference}/{number}/{part}"


def facts_of(entry: sqlite3.Row, sealer: Sealer) -> Facts:
    """What an entry's row has sealed."""
    return _facts.decode(
        sealer.unseal(entry["sealed"], facts_context(entry["deployment"], entry["reference"]))
    )


def face_of(entry: sqlite3.Row, picture: sqlite3.Row, sealer: Sealer) -> bytes:
    """A picture's face (columns number and face) as a JPEG file."""
    where = picture_context(entry["deployment"], entry["reference"], picture["number"], "face")
    return sealer.unseal(picture["face"], where)


async def templates_of(tx: Transaction, deployment: DeploymentId, entry: sqlite3.Row, sealer: Sealer) -> F32:
    """All templates of an entry (columns id and reference): float32 [k, dim], which the caller wipes."""
    rows = await tx.rows(
        "SELECT number, template FROM entry_picture WHERE entry = ? AND template IS NOT NULL ORDER BY number",
        entry["id"],
    )
    parts = []
    for row in rows:
        context = picture_context(deployment, entry["reference"], row["number"], "template")
        plain = bytearray(sealer.unseal(row["template"], context))
        parts.append(np.frombuffer(plain, "<f4"))
    whole = np.stack(parts).astype(np.float32, copy=True)
    for part in parts:
        part.fill(0)
    return whole


async def _insert(tx: Transaction, deployment: DeploymentId, entry: NewEntry, sealer: Sealer) -> None:
    given = [(picture.number, picture.digest) for picture in entry.pictures]
    row = await tx.row(
        "INSERT INTO entry (deployment, reference, category, blue, state, reasons, needs, digest, sealed, "
        "generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) RETURNING id",
        *(deployment, entry.reference, entry.category, int(entry.blue), entry.state.value),
        *(_json(entry.reasons), _json(entry.needs)),
        digest_of(entry.reference, entry.category, entry.blue, entry.facts, given),
        sealer.seal(msgspec.json.encode(entry.facts), facts_context(deployment, entry.reference)),
    )
    assert row is not None  # an INSERT that returned nothing would have raised
    for picture in entry.pictures:
        face = template = None
        if picture.template is not None:
            where = (deployment, entry.reference, picture.number)
            face = sealer.seal(picture.face, picture_context(*where, "face"))
            rows = np.ascontiguousarray(picture.template.reshape(-1), "<f4")
            template = sealer.seal(rows.data.cast("B"), picture_context(*where, "template"))
        await tx.execute(
            "INSERT INTO entry_picture (entry, number, digest, reason, warnings, worth, face, template) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(row["id"], picture.number, picture.digest, picture.reason, _json(picture.warnings)),
            *(float(picture.worth), face, template),
        )


async def _discard(tx: Transaction, deployment: DeploymentId, actor: Actor, now: float) -> None:
    await tx.execute("UPDATE entry SET generation = 2 WHERE deployment = ? AND generation = 1", deployment)
    await tx.execute("DELETE FROM watchlist WHERE deployment = ? AND built_at IS NULL", deployment)
    await append(tx, now, actor, ImportDiscarded(deployment))


async def _hold_same_faces(tx: Transaction, deployment: DeploymentId) -> None:
    """Both entries of such a pair wait: which of them is right is not ours to guess."""
    await tx.execute(
        "UPDATE entry SET needs = json_insert(needs, '$[#]', ?1), state = 'waiting' "
        "WHERE deployment = ?2 AND generation = 1 AND id IN "
        "(SELECT first FROM pair WHERE kind = ?1 AND deployment = ?2 "
        "UNION SELECT second FROM pair WHERE kind = ?1 AND deployment = ?2)",
        *(Need.SAME_FACE.value, deployment),
    )


async def _carry_approvals(tx: Transaction, deployment: DeploymentId, actor: Actor) -> int:
    """Returns how many: the record counts them as it counts new ones."""
    carried = await tx.rows(
        "INSERT INTO approval (entry, need, officer, at, reason) "
        "SELECT fresh.id, need, officer, at, reason FROM approval JOIN entry AS old ON old.id = entry "
        "JOIN entry AS fresh ON fresh.deployment = old.deployment AND fresh.reference = old.reference "
        "AND fresh.digest = old.digest WHERE old.deployment = ?1 AND old.generation = 0 "
        "AND fresh.generation = 1 AND officer != ?2 AND need IN (SELECT value FROM json_each(?3)) "
        "RETURNING 1",
        *(deployment, actor.id, _json(FLAGS)),
    )
    await tx.execute(
        "UPDATE entry SET state = 'listed' WHERE deployment = ? AND generation = 1 AND state = 'waiting' "
        "AND NOT EXISTS (SELECT 1 FROM json_each(entry.needs) AS need WHERE need.value NOT IN "
        "(SELECT need FROM approval WHERE approval.entry = entry.id))",
        deployment,
    )
    return len(carried)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
