"""Where phones that sleep are woken: an address a session, sealed, and the key that names this site."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.sealing.sealer import wipe
from lfrd.store.audit import append
from lfrd.store.database import Database, Transaction
from lfrd.store.keys import WAKE_UP_KEY, Keys, wake_up_context
from lfrd.store.sessions import SessionId
from lfrd.types import SYSTEM, Actor


class Addresses:
    """The addresses at which push services take wake-ups for phones, one a session at the most.

    Sealed with the site's key: whoever has one can make the phone show that something has happened. A row
    goes with its session, in the same transaction (`Sessions._end`). The keys that a browser gives for
    encrypting contents are not kept: a wake-up has none.
    """

    def __init__(self, db: Database, keys: Keys, clock: Callable[[], float]) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock  # Unix seconds that never go back

    async def key(self) -> ec.EllipticCurvePrivateKey:
        """The site's P-256 key for push services (VAPID, RFC 8292), made at the first call. Browsers bind
        their subscriptions to its public half, so it stays. Raises SealError where it does not open."""
        async with self._db.read() as tx:
            wrapped = await _wrapped_key(tx)
        if wrapped is None:
            made = ec.generate_private_key(ec.SECP256R1())
            der = bytearray(made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
            async with self._db.write() as tx:
                await self._keys.require_ours(tx)
                await tx.execute(
                    "INSERT INTO wake_up_key (one, wrapped) VALUES (1, ?) ON CONFLICT (one) DO NOTHING",
                    self._keys.site_key.wrap(der, WAKE_UP_KEY),
                )
                wrapped = await _wrapped_key(tx)
            wipe(der)
        assert wrapped is not None
        der = self._keys.site_key.unwrap(wrapped, WAKE_UP_KEY)
        key = load_der_private_key(der, password=None)
        wipe(der)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    async def keep(self, session: SessionId, endpoint: str, service: str, actor: Actor) -> bool:
        """From now on the session's phone can be woken there; an older address of it is forgotten. False
        where it was known already.

        service: the push service's host, for the audit, which is told when a phone begins. Raises
        NotAllowed('session') where the session has ended meanwhile.
        """
        async with self._db.write() as tx:
            await self._keys.require_ours(tx)
            if not await tx.row("SELECT 1 FROM session WHERE id = ? AND revoked_at IS NULL", session):
                raise NotAllowed("session", "this session was ended: sign in again")
            known = await tx.row("SELECT sealed FROM wake_up WHERE session = ?", session)
            if known is not None and self._opened(session, known["sealed"]) == endpoint:
                return False
            sealed = self._keys.site_key.wrap(endpoint.encode(), wake_up_context(session))
            now = self._clock()
            await tx.execute(
                "INSERT INTO wake_up (session, sealed, created_at) VALUES (?, ?, ?) "
                "ON CONFLICT (session) DO UPDATE SET sealed = excluded.sealed, "
                "created_at = excluded.created_at",
                *(session, sealed, now),
            )
            if known is None:
                await append(tx, now, actor, kinds.WakeUpsOn(session, service))
            return True

    async def forget(
        self, session: SessionId, why: str, actor: Actor = SYSTEM, *, only: str | None = None
    ) -> bool:
        """The session's phone is not woken any more; False where it was not. why: as in `kinds.WakeUpsOff`.
        only: forget this address, and not one that has taken its place meanwhile."""
        async with self._db.write() as tx:
            row = await tx.row("SELECT sealed FROM wake_up WHERE session = ?", session)
            if row is None or (only is not None and self._opened(session, row["sealed"]) != only):
                return False
            await tx.execute("DELETE FROM wake_up WHERE session = ?", session)
            await append(tx, self._clock(), actor, kinds.WakeUpsOff(session, why))
            return True

    async def of(self, session: SessionId) -> str | None:
        """Where the session's phone is woken; None where it is not to be, or the session has ended."""
        async with self._db.read() as tx:
            row = await tx.row(
                "SELECT sealed FROM wake_up JOIN session ON session.id = wake_up.session "
                "JOIN officer ON officer.id = session.officer "
                "WHERE session = ? AND revoked_at IS NULL AND disabled_at IS NULL AND expires_at > ?",
                *(session, self._clock()),
            )
        return None if row is None else self._opened(session, row["sealed"])

    async def sessions(self) -> frozenset[SessionId]:
        """The sessions whose phones can be woken."""
        async with self._db.read() as tx:
            rows = await tx.rows("SELECT session FROM wake_up")
        return frozenset(SessionId(row["session"]) for row in rows)

    def _opened(self, session: SessionId, sealed: bytes) -> str:
        return self._keys.site_key.unwrap(sealed, wake_up_context(session)).decode()


async def _wrapped_key(tx: Transaction) -> bytes | None:
    row = await tx.row("SELECT wrapped FROM wake_up_key")
    return None if row is None else bytes(row["wrapped"])
