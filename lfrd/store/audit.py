"""The audit in the database: records appended in the transaction of what they tell of, and checkpoints."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import msgspec

from lfrd.audit import chain, kinds
from lfrd.audit.chain import Checkpoint, Record
from lfrd.audit.export import FORMAT, Broken, End, Header, Key, Verified, Walk, end_bytes, write
from lfrd.audit.kinds import AnyBody
from lfrd.errors import SealError
from lfrd.sealing.signing import Signer, verify
from lfrd.store.database import Database, Transaction
from lfrd.types import SYSTEM, Actor

EVERY_RECORDS = 1000
EVERY_SECONDS = 60.0
"""While the server runs, no record waits longer for its checkpoint, nor behind more others."""
LOOK_SECONDS = 1.0
"""How often `Audit.run` looks whether a checkpoint is due: commands beside the server append too."""

AT_ONCE = (
    kinds.Authorised, kinds.MadeReady, kinds.Started, kinds.SegmentBegan, kinds.Paused, kinds.Resumed,
    kinds.Suspended, kinds.Closed, kinds.Revoked, kinds.Destroyed, kinds.ServerStopped,
)  # fmt: skip
"""Kinds that are signed at the next look: each change of a deployment's stage, and the stop."""

_PIECE = 1000  # records read at once: what an export or a check holds in memory
_AT_ONCE = frozenset(str(kind.__struct_config__.tag) for kind in AT_ONCE)


async def append(tx: Transaction, at: float, actor: Actor, body: AnyBody) -> int:
    """Add a record and return its number. at: Unix seconds.

    Called inside the transaction that does what the record tells: both are kept or neither. The hash before
    is read under the same lock, so a command beside the server continues the one chain.

    Raises ValueError where the body is longer than `chain.BODY_LIMIT`.
    """
    return await append_each(tx, at, [(actor, body)])


async def append_each(tx: Transaction, at: float, acts: Sequence[tuple[Actor, AnyBody]]) -> int:
    """The same for several records, one at the least, in this order; the last one's number. It costs the
    trips to the database of one."""
    at = float(at) + 0.0  # SQLite keeps no minus zero, and the hash must be that of what it keeps
    newest = await _newest(tx)
    seq, before = (newest["seq"], newest["hash"]) if newest else (0, chain.START)
    rows = []
    for actor, body in acts:
        text = msgspec.json.encode(body).decode()
        if len(text.encode()) > chain.BODY_LIMIT:
            raise ValueError(
                f"an audit record of {len(text)} characters; {chain.BODY_LIMIT} bytes are the limit"
            )
        what = str(body.__struct_config__.tag)
        deployment: str = getattr(body, "deployment", "")
        seq += 1
        before = chain.digest(before, seq, at, actor.id, what, deployment, text)
        rows.append((seq, at, actor.id, what, deployment, text, before))
    await tx.execute_each(
        "INSERT INTO audit (seq, at, actor, what, deployment, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
    )
    return seq


async def head(tx: Transaction) -> tuple[int, str]:
    """The newest record's number and hash (hexadecimal): what a signed receipt quotes, under the key 'audit'
    as {"seq": ..., "hash": ...}, to be a witness of the history before it. (0, '') before the first."""
    newest = await _newest(tx)
    return (newest["seq"], newest["hash"].hex()) if newest else (0, "")


async def sign_head(tx: Transaction, at: float, signer: Signer) -> Checkpoint | None:
    """Sign the newest record, unless it is signed. A record of a new key is signed by the old one.

    Raises SealError where the signer's key is not the one that must sign now.
    """
    newest = await _newest(tx)
    if newest is None or await tx.row("SELECT 1 FROM checkpoint WHERE seq = ?", newest["seq"]):
        return None
    keys = [key for key in await _keys(tx) if key.since < newest["seq"]] or await _keys(tx)
    _require(keys, signer)
    at = float(at) + 0.0
    signature = signer.sign(chain.checkpoint_bytes(newest["seq"], at, newest["hash"]))
    await tx.execute(
        "INSERT INTO checkpoint (seq, at, public_key, signature) VALUES (?, ?, ?, ?)",
        newest["seq"], at, signer.public_key, signature,
    )  # fmt: skip
    return Checkpoint(newest["seq"], at, signer.public_key.hex(), signature.hex())


async def rotate(tx: Transaction, at: float, actor: Actor, old: Signer, new: bytes) -> None:
    """From here on the chain is signed with the key pair of `new`, a public key (32 bytes); the old one
    vouches for it."""
    await append(tx, at, actor, kinds.KeyRotated(new.hex()))
    await sign_head(tx, at, old)


class Audit:
    """The audit as services and commands use it. signer: None where nothing is to be signed, as in commands
    that only read or append."""

    def __init__(self, db: Database, clock: Callable[[], float], signer: Signer | None = None) -> None:
        self._db = db
        self._clock = clock
        self._signer = signer

    async def begin(self, site: str, version: str) -> None:
        """Begin the chain where it has not begun. Raises SealError where another key signs it."""
        signer = self._able()
        async with self._db.write() as tx:
            keys = await _keys(tx)
            if keys:
                _require(keys, signer)
                return
            at = self._clock()
            await append(tx, at, SYSTEM, kinds.ChainBegan(site, version, signer.public_key.hex()))
            await sign_head(tx, at, signer)

    async def record(self, body: AnyBody, actor: Actor = SYSTEM) -> int:
        """A record of something that changes no other row: an access, a failure, a start. With a signer,
        those that end something (`AT_ONCE`) are signed with it."""
        async with self._db.write() as tx:
            at = self._clock()
            seq = await append(tx, at, actor, body)
            if self._signer is not None and isinstance(body, AT_ONCE):
                await sign_head(tx, at, self._signer)
        return seq

    async def checkpoint(self) -> Checkpoint | None:
        """Sign the newest record; None where it is signed already."""
        signer = self._able()
        async with self._db.write() as tx:
            return await sign_head(tx, self._clock(), signer)

    async def checkpoint_if_due(self) -> Checkpoint | None:
        """Sign the newest record where too many, too old or too important ones wait for it."""
        async with self._db.read() as tx:
            waiting = await tx.rows(
                "SELECT what, count(*) AS number, min(at) AS since FROM audit "
                "WHERE seq > (SELECT coalesce(max(seq), 0) FROM checkpoint) GROUP BY what"
            )
        if not waiting:
            return None
        late = self._clock() - min(row["since"] for row in waiting) >= EVERY_SECONDS
        many = sum(row["number"] for row in waiting) >= EVERY_RECORDS
        if late or many or any(row["what"] in _AT_ONCE for row in waiting):
            return await self.checkpoint()
        return None

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Sign what is due, for as long as the server runs."""
        while True:
            await pause(LOOK_SECONDS)
            await self.checkpoint_if_due()

    async def records(
        self,
        after: int = 0,
        limit: int = _PIECE,
        deployment: str | None = None,
        *,
        what: str | None = None,
        actor: str | None = None,
        since: float | None = None,
    ) -> list[Record]:
        """Records with a higher number than `after`, the oldest first. since: Unix seconds."""
        if deployment is None:
            begins = "SELECT * FROM audit WHERE seq > ?1 AND ?2 IS NULL"
        else:  # apart, so that the index of deployments serves
            begins = "SELECT * FROM audit WHERE seq > ?1 AND deployment = ?2"
        async with self._db.read() as tx:
            rows = await tx.rows(
                begins + " AND (?3 IS NULL OR what = ?3) AND (?4 IS NULL OR actor = ?4)"
                " AND (?5 IS NULL OR at >= ?5) ORDER BY seq LIMIT ?6",
                after, deployment, what, actor, since, limit,
            )  # fmt: skip
        return [_record(row) for row in rows]

    async def newest(
        self,
        before: int | None = None,
        limit: int = _PIECE,
        *,
        deployment: str | None = None,
        what: str | None = None,
        actor: str | None = None,
        until: float | None = None,
    ) -> list[Record]:
        """Records with a lower number than `before`, the newest first. until: Unix seconds."""
        async with self._db.read() as tx:
            rows = await tx.rows(
                "SELECT * FROM audit WHERE (?1 IS NULL OR seq < ?1) AND (?2 IS NULL OR deployment = ?2)"
                " AND (?3 IS NULL OR what = ?3) AND (?4 IS NULL OR actor = ?4)"
                " AND (?5 IS NULL OR at <= ?5) ORDER BY seq DESC LIMIT ?6",
                before, deployment, what, actor, until, limit,
            )  # fmt: skip
        return [_record(row) for row in rows]

    async def checkpoints(self, limit: int) -> list[Checkpoint]:
        """The newest ones, the newest first."""
        async with self._db.read() as tx:
            rows = await tx.rows("SELECT * FROM checkpoint ORDER BY seq DESC LIMIT ?", limit)
        return [_checkpoint(row) for row in rows]

    async def names(self) -> dict[str, str]:
        """What officers were called when they were added, by id: records name them by id alone."""
        names: dict[str, str] = {}
        after = 0
        while added := await self.records(after, what="user_added"):
            for record in added:
                body = kinds.decode(record.body)
                if isinstance(body, kinds.UserAdded):
                    names[body.user] = body.name
            after = added[-1].seq
        return names

    async def export(self, actor: Actor) -> AsyncIterator[bytes]:
        """The whole audit as lines (`audit.export`), this export's own record the last of them.

        Raises SealError without the site's key, or before the chain has begun.
        """
        signer = self._able()
        async with self._db.write() as tx:
            keys = await _keys(tx)
            _require(keys, signer)
            at = float(self._clock()) + 0.0
            last = await append(tx, at, actor, kinds.Exported("audit"))
            await sign_head(tx, at, signer)
            began = await tx.rows("SELECT seq, body FROM audit WHERE seq = ?", keys[0].since)
        site = getattr(_named(*began[0]), "site", "")
        hashed = hashlib.sha256()
        line = write(Header(FORMAT, site, at, keys))
        hashed.update(line)
        yield line
        count, newest = 0, ""
        async for row in self._pieces(last):
            count += isinstance(row, Checkpoint)
            newest = row.hash if isinstance(row, Record) else newest
            line = write(row)
            hashed.update(line)
            yield line
        signed = end_bytes(last, count, at, bytes.fromhex(newest), hashed.digest())
        signature = signer.sign(signed).hex()
        key = signer.public_key.hex()
        yield write(End(last, count, at, newest, hashed.hexdigest(), key, signature))

    async def verify(self, trusted: str | None = None, known: Mapping[int, str] | None = None) -> Verified:
        """Follow the chain from its first record to the newest, beside whoever appends. See `Walk.finish`.

        Raises export.Broken where it cannot be believed.
        """
        walk = Walk(verify, known or {})
        async with self._db.read() as tx:
            last, _ = await head(tx)
            signed = await tx.row("SELECT max(seq) AS seq FROM checkpoint")
        async for row in self._pieces(last):
            walk.record(row) if isinstance(row, Record) else walk.checkpoint(row)
        if signed is not None and (signed["seq"] or 0) > last:
            raise Broken(last + 1, f"missing, and record {signed['seq']} was signed: the end was cut off")
        return walk.finish(trusted)

    async def _pieces(self, last: int) -> AsyncIterator[Record | Checkpoint]:
        """Records up to number `last`, each followed by its checkpoint. A view for each piece: one that
        lasted would keep the log from being folded into the file, and a destruction waiting."""
        after = 0
        while after < last:
            until = min(after + _PIECE, last)
            async with self._db.read() as tx:
                rows = await tx.rows(
                    "SELECT * FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq", after, until
                )
                signed = await tx.rows(
                    "SELECT * FROM checkpoint WHERE seq > ? AND seq <= ? ORDER BY seq", after, until
                )
            checkpoints = {row["seq"]: row for row in signed}
            for row in rows:
                yield _record(row)
                if row["seq"] in checkpoints:
                    yield _checkpoint(checkpoints.pop(row["seq"]))
            for row in checkpoints.values():  # of records that are gone
                yield _checkpoint(row)
            after = until

    def _able(self) -> Signer:
        if self._signer is None:
            raise SealError("the audit is signed with the site's key, which is not open here")
        return self._signer


async def _newest(tx: Transaction) -> sqlite3.Row | None:
    return await tx.row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")


async def _keys(tx: Transaction) -> list[Key]:
    """Every key of the chain, the oldest first; empty before it has begun."""
    rows = await tx.rows(
        "SELECT seq, body FROM audit WHERE what IN ('chain_began', 'key_rotated') ORDER BY seq"
    )
    return [Key(_named(row["seq"], row["body"]).public_key, row["seq"]) for row in rows]


def _named(seq: int, body: str) -> kinds.ChainBegan | kinds.KeyRotated:
    """The body of a record that names a key. Raises Broken where somebody has been at it."""
    try:
        named = kinds.decode(body)
    except (msgspec.DecodeError, UnicodeError):
        named = None
    if not isinstance(named, kinds.ChainBegan | kinds.KeyRotated):
        raise Broken(seq, "it should name the chain's key and does not: it was changed")
    return named


def _require(keys: list[Key], signer: Signer) -> None:
    if not keys:
        raise SealError("the audit has not begun: start lfrd once with the site's key")
    if keys[-1].public_key != signer.public_key.hex():
        raise SealError(
            f"the audit is signed with the key {keys[-1].public_key[:16]}…, and the site's key here is "
            f"{signer.public_key.hex()[:16]}…: put the right one in its place, or start lfrd again after a "
            "rotation"
        )


def _record(row: sqlite3.Row) -> Record:
    return Record(
        seq=row["seq"], at=row["at"], actor=row["actor"], what=row["what"],
        deployment=row["deployment"], body=row["body"], hash=row["hash"].hex(),
    )  # fmt: skip


def _checkpoint(row: sqlite3.Row) -> Checkpoint:
    return Checkpoint(row["seq"], row["at"], row["public_key"].hex(), row["signature"].hex())
