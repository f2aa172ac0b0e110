"""Keys of deployments, for the watchlist and for the alerts, wrapped with the site's: gone is destroyed."""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import Self

from lfrd.config import Placed
from lfrd.errors import NotAllowed, SealError
from lfrd.sealing import sitekey
from lfrd.sealing.sealer import KEY_BYTES, Sealer, wipe
from lfrd.sealing.sitekey import SiteKey
from lfrd.store import audit
from lfrd.store.database import Database, Transaction
from lfrd.types import Actor, DeploymentId

WAKE_UP_KEY = "wake-up key"
"""What the key that names this site to push services is wrapped for."""


class Purpose(StrEnum):
    """What a deployment's key seals. Each key is destroyed by itself: the list goes before the alerts."""

    WATCHLIST = "watchlist"
    ALERTS = "alerts"


class Keys:
    """The keys of all deployments. `Keys.opened` is the way to get them; nothing unseals before `adopt`."""

    def __init__(self, db: Database, site_key: SiteKey) -> None:
        self._db = db
        self._site_key = site_key
        # By row: the wrapped key as it was read, and the sealer that came of it. Checked against the row at
        # each use, so that it serves no key that another process has destroyed or replaced.
        self._open: dict[tuple[DeploymentId, Purpose], tuple[bytes, Sealer]] = {}

    @classmethod
    async def opened(cls, db: Database, placed: Placed) -> Self:
        """The keys of this box, opened with the site's key. A new site key is made only where nothing is
        sealed yet. Raises MissingError, CorruptError, SettingError and SealError, each with what to do."""
        async with db.read() as tx:
            sealed = await _key_id(tx)
        keys = cls(db, sitekey.open_site_key(placed, create=not sealed))
        await keys.adopt()
        return keys

    @property
    def site_key(self) -> SiteKey:
        return self._site_key

    async def adopt(self) -> None:
        """Take the site key for this database's own, or see that it is. Finishes a rotation that was cut off
        after its commit. Raises SealError where everything here is sealed with another key."""
        async with self._db.write() as tx:
            found = await _key_id(tx)
            if not found:
                await tx.execute(
                    "INSERT INTO site (one, key_id, clock) VALUES (1, ?, 0) "
                    "ON CONFLICT (one) DO UPDATE SET key_id = excluded.key_id",
                    self._site_key.id,
                )
                return
        successor = self._site_key.successor
        if successor is not None and found == successor.id:
            self._site_key = successor
        if found != self._site_key.id:
            where = f" ({self._site_key.kept})" if self._site_key.kept else ""
            raise SealError(
                f"this data folder is sealed with the site key {found}, and the one here{where} is "
                f"{self._site_key.id}: put {found} in its place, from its backup"
            )
        sitekey.promote(self._site_key)

    async def create(self, tx: Transaction, deployment: DeploymentId) -> None:
        """New random keys for a deployment, one a purpose, for those that it does not have."""
        for purpose in Purpose:
            await self.renew(tx, deployment, purpose)

    async def renew(self, tx: Transaction, deployment: DeploymentId, purpose: Purpose) -> None:
        """A new random key where the deployment has none for this purpose."""
        await self.require_ours(tx)
        key = bytearray(secrets.token_bytes(KEY_BYTES))
        await tx.execute(
            "INSERT INTO deployment_key (deployment, purpose, wrapped) VALUES (?, ?, ?) "
            "ON CONFLICT (deployment, purpose) DO NOTHING",
            *(deployment, purpose.value, self._site_key.wrap(key, _context(deployment, purpose))),
        )
        wipe(key)

    async def sealer(self, tx: Transaction, deployment: DeploymentId, purpose: Purpose) -> Sealer:
        """The sealer of a deployment's data, for use in this transaction.

        Ask for it in each: between two, somebody may have destroyed the key. Raises NotAllowed('destroyed')
        where it is gone, and SealError where it does not unwrap.
        """
        wrapped = await self._wrapped(tx, deployment, purpose)
        if wrapped is None:
            self._open.pop((deployment, purpose), None)
            raise NotAllowed("destroyed", f"the {purpose} data of this deployment has been destroyed")
        known = self._open.get((deployment, purpose))
        if known is not None and known[0] == wrapped:
            return known[1]
        await self.require_ours(tx)
        key = self._site_key.unwrap(wrapped, _context(deployment, purpose))
        sealer = Sealer(key)
        wipe(key)
        self._open[deployment, purpose] = (wrapped, sealer)
        return sealer

    async def has(self, tx: Transaction, deployment: DeploymentId, purpose: Purpose) -> bool:
        """Whether the key is there: whether what it sealed can be opened."""
        return await self._wrapped(tx, deployment, purpose) is not None

    async def forget(self, tx: Transaction, deployment: DeploymentId, purpose: Purpose) -> bytes | None:
        """Delete the key: once this is committed nothing that it sealed can be opened, by anybody.

        Returns the wrapped key as it lay on the disk, for `Destruction` to look for there; None where there
        was none.
        """
        self._open.pop((deployment, purpose), None)
        wrapped = await self._wrapped(tx, deployment, purpose)
        await tx.execute(
            "DELETE FROM deployment_key WHERE deployment = ? AND purpose = ?", deployment, purpose.value
        )
        return wrapped

    async def let_go(self) -> int:
        """Drop what was unwrapped of keys that another process has destroyed or replaced; returns how many.

        OpenSSL clears its copy with the sealer: what was destroyed beside the server is not in its memory."""
        async with self._db.read() as tx:
            rows = await tx.rows("SELECT deployment, purpose, wrapped FROM deployment_key")
        kept = {(row["deployment"], row["purpose"]): bytes(row["wrapped"]) for row in rows}
        gone = [
            row for row, (wrapped, _) in self._open.items() if kept.get((row[0], row[1].value)) != wrapped
        ]
        for each in gone:
            del self._open[each]
        return len(gone)

    async def rotate(self, new: SiteKey, actor: Actor, at: float) -> int:
        """Wrap all deployments' keys with a new site key, in one transaction; returns how many. What wakes
        phones is wrapped anew with them.

        Raises SealError, with nothing changed, where one of them does not unwrap. The new key's file must be
        on the disk before (`sitekey.write_next`) and takes the old one's place after (`sitekey.promote`).
        """
        async with self._db.write() as tx:
            await self.require_ours(tx)
            rows = await tx.rows("SELECT deployment, purpose, wrapped FROM deployment_key")
            for row in rows:
                context = _context(row["deployment"], row["purpose"])
                key = self._site_key.unwrap(row["wrapped"], context)
                await tx.execute(
                    "UPDATE deployment_key SET wrapped = ? WHERE deployment = ? AND purpose = ?",
                    *(new.wrap(key, context), row["deployment"], row["purpose"]),
                )
                wipe(key)
            await self._rewrap_wake_ups(tx, new)
            await tx.execute("UPDATE site SET key_id = ?", new.id)
            await audit.rotate(tx, at, actor, self._site_key.signer, new.signer.public_key)
        self._site_key = new
        self._open.clear()
        return len(rows)

    async def _rewrap_wake_ups(self, tx: Transaction, new: SiteKey) -> None:
        for row in await tx.rows("SELECT wrapped FROM wake_up_key"):
            key = self._site_key.unwrap(row["wrapped"], WAKE_UP_KEY)
            await tx.execute("UPDATE wake_up_key SET wrapped = ?", new.wrap(key, WAKE_UP_KEY))
            wipe(key)
        for row in await tx.rows("SELECT session, sealed FROM wake_up"):
            context = wake_up_context(row["session"])
            address = self._site_key.unwrap(row["sealed"], context)
            await tx.execute(
                "UPDATE wake_up SET sealed = ? WHERE session = ?", new.wrap(address, context), row["session"]
            )
            wipe(address)

    async def _wrapped(self, tx: Transaction, deployment: DeploymentId, purpose: Purpose) -> bytes | None:
        row = await tx.row(
            "SELECT wrapped FROM deployment_key WHERE deployment = ? AND purpose = ?",
            *(deployment, purpose.value),
        )
        return None if row is None else bytes(row["wrapped"])

    async def require_ours(self, tx: Transaction) -> None:
        """A command beside a rotation must not wrap with, or complain about, a key that was just replaced."""
        found = await _key_id(tx)
        if found != self._site_key.id:
            raise SealError(
                f"the site key was exchanged meanwhile for {found}: start this again"
                if found
                else "the site key has not been adopted by this database"
            )


async def _key_id(tx: Transaction) -> str:
    row = await tx.row("SELECT key_id FROM site")
    return "" if row is None else str(row["key_id"])


def _context(deployment: str, purpose: str) -> str:
    return f"{deployment}/{purpose}"


def wake_up_context(session: str) -> str:
    """What the address is wrapped for at which a session's phone is woken."""
    return f"wake-up/{session}"
