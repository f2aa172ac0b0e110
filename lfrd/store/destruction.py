"""Destruction: the key is lost first, then the rows go, then the log is cut, and each is looked for again.

A mark on the deployment says that its destruction has begun. It is made in the transaction that deletes the
key and goes in the one that keeps the receipt: whatever happens between the two, `finish` goes on from there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, get_args

import msgspec

from lfrd.audit.kinds import Deleted, Destroyed, Revoked
from lfrd.errors import NotAllowed, StoreError
from lfrd.store import erasing, receipts
from lfrd.store.audit import append
from lfrd.store.database import Database, Transaction
from lfrd.store.erasing import Still
from lfrd.store.keys import Keys, Purpose
from lfrd.types import SYSTEM, Actor, AlertId, DeploymentId, OfficerId, Stage

Scope = Literal["watchlist", "everything"]

_ENTRIES = 500
_ALERTS = 100
"""Deleted in one transaction, some 8 MB each: no alert of another deployment waits for longer than that."""
_TRIES = 40
_PAUSE_SECONDS = 0.25
"""Between two tries to cut the log, some fifteen seconds in all: a reader that holds it up may end."""
_REVOKED = "revoked"  # `deployment.reason` from the order on
_LOG = "log"  # what the audit calls a log that could be cut only later

_READ_BY_OTHERS = "log: another program is reading the database; cut as soon as it has ended"
_IN_UNUSED_PAGES = "key, sealed with the site's, in pages that no row uses: the file could not be compacted"


class _Mark(msgspec.Struct):
    """What `deployment.destroying` holds: the order, and what there was when it was given."""

    scope: Scope
    receipt: str
    actor: str
    began_at: float
    entries: int = 0
    pictures: int = 0
    """Of entries. Those of alerts are counted apart: an order that takes another over finds entries gone and
    alerts still there."""
    alerts: int = 0
    alert_pictures: int = 0
    unfolded: bool = False
    """All is done and told, except that somebody was reading the log."""


class Destruction:
    """Destroys watchlists, whole deployments and single alerts, each with a signed receipt.

    pause: waits so many seconds between two tries to cut the log.
    """

    def __init__(
        self,
        db: Database,
        keys: Keys,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock  # Unix seconds
        self._pause = pause
        # Rows were deleted and the log not cut since. At the start nobody knows; a command beside the server
        # leaves to it what was there before.
        self._unfolded = db.alone
        self._orders: Counter[str] = Counter()  # by deployment: those that whoever gave them carries out now

    async def watchlist(self, deployment: DeploymentId, actor: Actor, still: Still | None = None) -> str:
        """Destroy a deployment's entries, pictures and templates; the manifest stays. Returns the receipt.

        A closed deployment is then destroyed; one that has not been started gets a new key, for another list.
        Raises NotAllowed: 'unknown_deployment', 'deployment_open', or 'not_due': `still` leaves it out, or an
        order is being carried out here.
        """
        if still is not None and self._orders[deployment]:
            raise NotAllowed("not_due", f"deployment {deployment} is being destroyed")
        with self._at_work(deployment):
            wrapped = await self._begin(deployment, "watchlist", actor, still=still)
            return await self._ordered(deployment, wrapped, "watchlist")

    async def everything(self, deployment: DeploymentId, actor: Actor, reason: str) -> str:
        """Destroy a deployment's watchlist and alerts, whatever its stage. Returns the receipt.

        Alerts under legal hold stay, sealed, until the hold is lifted; the receipt counts them. reason: for
        the audit, where the revocation is not recorded yet; never in the receipt. Asked again, it returns
        the same receipt. Raises NotAllowed('unknown_deployment').
        """
        with self._at_work(deployment):
            wrapped = await self._begin(deployment, "everything", actor, reason)
            return await self._ordered(deployment, wrapped, "everything")

    async def alerts(
        self, ids: Sequence[AlertId], rule: str, actor: Actor, still: Still | None = None
    ) -> str:
        """Delete alerts of one deployment with all that hangs on them. Returns the receipt; empty where none
        was deleted, because each was gone, under legal hold or not due. rule: the retention rule's name."""
        async with self._db.write() as tx:
            at = self._clock()
            due = ids if still is None else await still(tx)
            free = [alert for alert in await erasing.free_of(tx, ids) if alert in due]
            if not free:
                return ""
            row = await tx.row("SELECT deployment FROM alert WHERE id = ?", free[0])
            assert row is not None  # it has just been found
            deployment = DeploymentId(row["deployment"])
            counts = await erasing.delete_alerts(tx, free, at)
            if await erasing.has_ended(tx, deployment) and not await erasing.has_alerts(tx, deployment):
                await self._keys.forget(tx, deployment, Purpose.ALERTS)
            receipt = receipts.new_id()
            await append(tx, at, actor, Deleted(rule, counts, receipt, deployment))
            facts = {"by": actor.id, "deleted": counts}
            signer = self._keys.site_key.signer
            document = await receipts.keep(tx, signer, receipt, at, rule, deployment, facts)
        self._unfolded = not await self._db.fold_log()
        return document

    async def finish(self) -> list[str]:
        """Go on with what was cut off: at the start, before anything else, and with each sweep while the
        server runs. Returns the receipts; a command beside the server leaves all of it to the server, and
        what is being carried out here is left to whoever ordered it."""
        if not self._db.alone:
            return []
        async with self._db.read() as tx:
            rows = await tx.rows("SELECT id FROM deployment WHERE destroying != '' ORDER BY drafted_at")
            revoked = await tx.rows(
                "SELECT id FROM deployment WHERE stage = ? AND reason = ? AND destroying = ''",
                *(Stage.CLOSED.value, _REVOKED),
            )
        documents = [
            await self._carry_out(DeploymentId(row["id"]), None, interrupted=True)
            for row in rows
            if not self._orders[row["id"]]
        ]
        # Revoked, and the process ended before a single key was lost.
        documents += [
            await self.everything(DeploymentId(row["id"]), SYSTEM, _REVOKED)
            for row in revoked
            if not self._orders[row["id"]]
        ]
        if self._unfolded:
            self._unfolded = not await self._db.fold_log()
        return [document for document in documents if document]

    @contextmanager
    def _at_work(self, deployment: DeploymentId) -> Iterator[None]:
        self._orders[deployment] += 1
        try:
            yield
        finally:
            self._orders[deployment] -= 1

    async def _begin(
        self,
        deployment: DeploymentId,
        scope: Scope,
        actor: Actor,
        reason: str = "",
        still: Still | None = None,
    ) -> list[bytes] | None:
        """Lose the keys and mark the deployment, unless all that is ordered has been done. Returns the
        wrapped keys, to look for on the disk; None where an order before has lost some."""
        async with self._db.write() as tx:
            row = await tx.row("SELECT stage, destroying FROM deployment WHERE id = ?", deployment)
            if row is None:
                raise NotAllowed("unknown_deployment", f"there is no deployment {deployment}")
            if scope == "watchlist" and Stage(row["stage"]).is_open:
                raise NotAllowed("deployment_open", "the deployment is open: close it, or revoke it")
            if still is not None and deployment not in await still(tx):
                raise NotAllowed("not_due", f"the list of deployment {deployment} is not due")
            if scope == "everything" and await erasing.nothing_is_left(tx, deployment):
                return []
            mark = _Mark(scope, receipts.new_id(), actor.id, self._clock())
            # Another one is at work, or was cut off: this one takes it over; the sweep, which comes by
            # itself, does so in the name of whoever gave the order.
            if row["destroying"]:
                earlier = _read(row["destroying"]) or mark
                mark = msgspec.structs.replace(
                    earlier,
                    receipt=mark.receipt,
                    actor=earlier.actor if actor.id == SYSTEM.id else mark.actor,
                    scope="everything" if scope == "everything" else earlier.scope,
                    unfolded=False,
                )
            wrapped = [await self._keys.forget(tx, deployment, Purpose.WATCHLIST)]
            entries, pictures = await erasing.count_entries(tx, deployment)
            mark.entries, mark.pictures = max(mark.entries, entries), max(mark.pictures, pictures)
            if scope == "everything":
                await _record_revocation(tx, deployment, actor, reason, mark.began_at)
            if mark.scope == "everything":
                alerts, shown = await erasing.count_free_alerts(tx, deployment)
                mark.alerts, mark.alert_pictures = max(mark.alerts, alerts), max(mark.alert_pictures, shown)
                if not await erasing.held_alerts(tx, deployment):
                    wrapped.append(await self._keys.forget(tx, deployment, Purpose.ALERTS))
            await tx.execute("UPDATE deployment SET destroying = ? WHERE id = ?", _written(mark), deployment)
        return None if row["destroying"] else [key for key in wrapped if key is not None]

    async def _ordered(self, deployment: DeploymentId, wrapped: list[bytes] | None, scope: Scope) -> str:
        """Carry out what has just been ordered. A later order takes an earlier one over; whoever gave either
        gets the one receipt."""
        while (mark := await self._mark(deployment)) is not None and not mark.unfolded:
            if document := await self._carry_out(deployment, wrapped, interrupted=False):
                return document
        given = await receipts.kept(self._db, deployment)
        kinds = ("everything",) if scope == "everything" else get_args(Scope)
        return next((one.document for one in reversed(given) if one.kind in kinds), "")

    async def _carry_out(
        self, deployment: DeploymentId, wrapped: list[bytes] | None, *, interrupted: bool
    ) -> str:
        """From the mark to the receipt. wrapped: None where keys went before that cannot be looked for.
        interrupted: whether an earlier life of the process was cut off at it.

        Returns an empty text where nothing has changed: the log is still being read.
        """
        mark = await self._mark(deployment)
        if mark is None:
            return ""
        if mark.unfolded:
            return await self._complete(deployment, mark) if await self._db.fold_log() else ""
        while await self._delete_some(deployment, mark):
            pass
        remains = [] if await self._cut_log() else [_READ_BY_OTHERS]
        if not remains and (wrapped is None or await self._db.holds(wrapped)):
            remains = await self._compact(wrapped)
        return await self._tell(deployment, mark, remains, interrupted=interrupted)

    async def _mark(self, deployment: DeploymentId) -> _Mark | None:
        async with self._db.read() as tx:
            row = await tx.row("SELECT destroying FROM deployment WHERE id = ?", deployment)
        return None if row is None else _read(row["destroying"])

    async def _delete_some(self, deployment: DeploymentId, mark: _Mark) -> bool:
        """Delete as much as others can wait for; False where nothing is left."""
        async with self._db.write() as tx:
            if await erasing.delete_entries(tx, deployment, _ENTRIES):
                return True
            if mark.scope == "everything" and (some := await erasing.free_alerts(tx, deployment, _ALERTS)):
                await erasing.delete_alerts(tx, some, self._clock())
                return True
        return False

    async def _cut_log(self) -> bool:
        for _ in range(_TRIES):
            if await self._db.fold_log():
                return True
            await self._pause(_PAUSE_SECONDS)
        return False

    async def _compact(self, wrapped: list[bytes] | None) -> list[str]:
        """Write the file anew, so that no unused part of a page keeps a key; returns what remains."""
        try:
            await self._db.compact()
        except StoreError:  # no room for a second copy: the rest of the destruction stands
            return [_IN_UNUSED_PAGES]
        if not await self._cut_log():
            return [_READ_BY_OTHERS]
        return [_IN_UNUSED_PAGES] if wrapped and await self._db.holds(wrapped) else []

    async def _tell(
        self, deployment: DeploymentId, mark: _Mark, remains: list[str], *, interrupted: bool
    ) -> str:
        """See in one transaction that all is gone, record it, sign the receipt and take the mark away."""
        async with self._db.write() as tx:
            row = await tx.row("SELECT stage, destroying FROM deployment WHERE id = ?", deployment)
            if row is None or _read(row["destroying"]) != mark:
                return await receipts.found(tx, mark.receipt)  # a process beside has done it
            await self._require_gone(tx, deployment, mark)
            at = self._clock()
            held = await erasing.held_alerts(tx, deployment) if mark.scope == "everything" else 0
            await tx.execute("DELETE FROM watchlist WHERE deployment = ?", deployment)
            await tx.execute(
                "UPDATE manifest SET destroyed_at = ? WHERE deployment = ? AND destroyed_at IS NULL",
                *(at, deployment),
            )
            if mark.scope == "everything" or row["stage"] in (Stage.CLOSED, Stage.DESTROYED):
                await tx.execute(
                    "UPDATE deployment SET stage = ?, destroyed_at = coalesce(destroyed_at, ?) WHERE id = ?",
                    *(Stage.DESTROYED.value, at, deployment),
                )
            else:
                await self._keys.renew(tx, deployment, Purpose.WATCHLIST)
            unfolded = _READ_BY_OTHERS in remains
            left = msgspec.structs.replace(mark, unfolded=True) if unfolded else None
            await tx.execute("UPDATE deployment SET destroying = ? WHERE id = ?", _written(left), deployment)
            actor = Actor(OfficerId(mark.actor), "")
            destroyed = (mark.entries, mark.pictures + mark.alert_pictures, mark.alerts)
            scope = "all" if mark.scope == "everything" else mark.scope
            await append(tx, at, actor, Destroyed(deployment, scope, *destroyed, mark.receipt))
            facts = {
                "by": mark.actor,
                "ordered_at": mark.began_at,
                "interrupted": interrupted,
                "destroyed": dict(zip(("entries", "pictures", "alerts"), destroyed, strict=True)),
                "kept_under_hold": held,
                "verified": ["keys", "rows", *(() if remains else ("log", "file"))],
                "remains": remains,
            }
            signer = self._keys.site_key.signer
            return await receipts.keep(tx, signer, mark.receipt, at, mark.scope, deployment, facts)

    async def _complete(self, deployment: DeploymentId, mark: _Mark) -> str:
        """The log has been cut at last: say so in a receipt of its own."""
        async with self._db.write() as tx:
            row = await tx.row("SELECT destroying FROM deployment WHERE id = ?", deployment)
            if row is None or _read(row["destroying"]) != mark:  # a process beside has done it
                return ""
            await tx.execute("UPDATE deployment SET destroying = '' WHERE id = ?", deployment)
            at, receipt = self._clock(), receipts.new_id()
            await append(tx, at, SYSTEM, Deleted(_LOG, {}, receipt, deployment))
            facts = {"by": SYSTEM.id, "completes": mark.receipt, "verified": ["log"], "remains": []}
            signer = self._keys.site_key.signer
            return await receipts.keep(tx, signer, receipt, at, mark.scope, deployment, facts)

    async def _require_gone(self, tx: Transaction, deployment: DeploymentId, mark: _Mark) -> None:
        """Raises StoreError where anything is left that the receipt would call destroyed."""
        left = sum(await erasing.count_entries(tx, deployment))
        left += await self._keys.has(tx, deployment, Purpose.WATCHLIST)
        if mark.scope == "everything":
            left += len(await erasing.free_alerts(tx, deployment, _ALERTS))
            if not await erasing.held_alerts(tx, deployment):
                left += await self._keys.has(tx, deployment, Purpose.ALERTS)
        if left:
            raise StoreError(
                f"{self._db.path}: the destruction of deployment {deployment} left {left} rows; "
                "start lfrd again to finish it"
            )


async def _record_revocation(
    tx: Transaction, deployment: DeploymentId, actor: Actor, reason: str, at: float
) -> None:
    """Nothing is destroyed whose order is not in the audit; `Deployments.revoke` has written it before."""
    known = await tx.row("SELECT 1 FROM audit WHERE deployment = ? AND what = 'revoked'", deployment)
    if known is None:
        await append(tx, at, actor, Revoked(deployment, reason))
        await tx.execute("UPDATE deployment SET reason = ? WHERE id = ?", _REVOKED, deployment)


def _read(text: str) -> _Mark | None:
    return msgspec.json.decode(text, type=_Mark) if text else None


def _written(mark: _Mark | None) -> str:
    return "" if mark is None else msgspec.json.encode(mark).decode()
