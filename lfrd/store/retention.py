"""Retention at work: what is due by the table (policy.retention), sweeps that delete it, and legal holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

import msgspec

from lfrd.audit.kinds import Deleted, HoldLifted, HoldPlaced
from lfrd.errors import NotAllowed
from lfrd.policy.naming import names
from lfrd.policy.retention import RETENTION, Rule, of_alert
from lfrd.store import housekeeping, receipts
from lfrd.store.alert_state import AlertState
from lfrd.store.audit import append
from lfrd.store.database import Database, Transaction
from lfrd.store.destruction import Destruction
from lfrd.store.erasing import Still
from lfrd.store.keys import Keys, Purpose
from lfrd.store.receipts import Receipt
from lfrd.types import SYSTEM, Actor, AlertId, DeploymentId, Role

LONGEST_REASON = 2000
"""Characters."""
_AT_ONCE = 500
"""Alerts deleted in one transaction, some 100 kB each."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something whose time is up. rule: its name in RETENTION. subject: an alert's or a deployment's id;
    empty where rows are counted together. since, due_at: Unix seconds. rows: how many alerts, watchlist
    entries or rows. hold: the reason of the legal hold that keeps it, else empty. late: past its ceiling."""

    rule: str
    subject: str
    deployment: str
    since: float
    due_at: float
    rows: int
    hold: str = ""
    late: bool = False


class Hold(msgspec.Struct, frozen=True):
    """A legal hold on an alert. officer, lifted_by: ids. Times: Unix seconds, None while it is in force."""

    id: int
    alert: str
    officer: str
    reason: str
    at: float
    lifted_by: str | None
    lifted_at: float | None
    lifted_reason: str


class Retention:
    """Deletes what the table says, and nothing that is under legal hold."""

    def __init__(
        self, db: Database, keys: Keys, destruction: Destruction, clock: Callable[[], float]
    ) -> None:
        self._db = db
        self._keys = keys
        self._destruction = destruction
        self._clock = clock  # the Ratchet's now: a clock that is set back keeps nothing longer

    async def due(self) -> list[Due]:
        """What a sweep would delete now, and what only a hold keeps from it; deletes nothing."""
        now = self._clock()
        async with self._db.read() as tx:
            found = [
                *await _alerts(tx, now),
                *await _watchlists(tx, now),
                *await _unused_watchlists(tx, now),
                *[
                    _due(RETENTION[rule], "", "", *counted, now)
                    for rule in housekeeping.RULES
                    if (counted := await housekeeping.count(tx, rule, now)) is not None
                ],
            ]
        order = list(RETENTION)
        return sorted(found, key=lambda due: (order.index(due.rule), due.deployment, due.due_at, due.subject))

    async def sweep(self, actor: Actor = SYSTEM) -> list[str]:
        """Finish what was cut off, and delete what is due. Returns the signed receipts."""
        documents = await self._destruction.finish()
        free = [due for due in await self.due() if not due.hold]
        for (rule, deployment), group in groupby(free, key=lambda due: (due.rule, due.deployment)):
            if rule in housekeeping.RULES:
                documents.append(await self._delete_rows(rule, actor))
            elif rule in ("watchlists", "unused_watchlists"):
                with suppress(NotAllowed):  # started, or begun to be destroyed, between the look and now
                    documents.append(
                        await self._destruction.watchlist(DeploymentId(deployment), actor, self._still(rule))
                    )
            else:
                ids = [AlertId(due.subject) for due in group]
                for start in range(0, len(ids), _AT_ONCE):
                    some = ids[start : start + _AT_ONCE]
                    still = self._still(rule, some)
                    documents.append(await self._destruction.alerts(some, rule, actor, still))
        return [document for document in documents if document]

    def _still(self, rule: str, alerts: Sequence[AlertId] = ()) -> Still:
        """Whether it is due when its turn comes: what went before took its time, in which an outcome may have
        been coded, or a list brought in anew. alerts: those that are asked about, if the rule is theirs."""

        async def due(tx: Transaction) -> set[str]:
            now = self._clock()
            if rule == "watchlists":
                found = await _watchlists(tx, now)
            elif rule == "unused_watchlists":
                found = await _unused_watchlists(tx, now)
            else:
                found = await _alerts(tx, now, alerts)
            return {each.subject for each in found if each.rule == rule}

        return due

    async def hold(self, alert: AlertId, actor: Actor, reason: str) -> None:
        """Suspend the deletion of an alert, at its ceiling too, until the hold is lifted.

        Raises NotAllowed: 'role' (an authorising officer places it), 'reason_missing', 'reason_too_long',
        'names_person', 'unknown_alert', 'held', or 'destroyed' where the alert can no longer be opened.
        """
        reason = _required(actor, reason)
        async with self._db.write() as tx:
            row = await tx.row("SELECT deployment FROM alert WHERE id = ?", alert)
            if row is None:
                raise NotAllowed("unknown_alert", f"there is no alert {alert}; it may have been deleted")
            if not await self._keys.has(tx, DeploymentId(row["deployment"]), Purpose.ALERTS):
                raise NotAllowed("destroyed", "this alert is being destroyed: its key is gone")
            if await tx.row("SELECT 1 FROM hold WHERE alert = ? AND lifted_at IS NULL", alert):
                raise NotAllowed("held", "this alert is under legal hold already")
            await self._require_unnamed(tx, alert, reason)
            at = self._clock()
            await tx.execute(
                "INSERT INTO hold (alert, officer, reason, at) VALUES (?, ?, ?, ?)",
                *(alert, actor.id, reason, at),
            )
            await append(tx, at, actor, HoldPlaced(alert, reason))

    async def lift(self, alert: AlertId, actor: Actor, reason: str) -> None:
        """End a hold; the next sweep deletes the alert if its time is up.

        Raises NotAllowed: 'role', 'reason_missing', 'reason_too_long', 'names_person', or 'not_held'.
        """
        reason = _required(actor, reason)
        async with self._db.write() as tx:
            at = self._clock()
            row = await tx.row(
                "UPDATE hold SET lifted_by = ?, lifted_at = ?, lifted_reason = ? "
                "WHERE alert = ? AND lifted_at IS NULL RETURNING id",
                *(actor.id, at, reason, alert),
            )
            if row is None:
                raise NotAllowed("not_held", f"alert {alert} is under no legal hold")
            await self._require_unnamed(tx, alert, reason)
            await append(tx, at, actor, HoldLifted(alert, reason))

    async def holds(self, *, lifted: bool = False) -> list[Hold]:
        """The holds in force, the oldest first; with `lifted` those that were lifted too."""
        async with self._db.read() as tx:
            rows = await tx.rows("SELECT * FROM hold WHERE lifted_at IS NULL OR ? ORDER BY id", lifted)
        return [msgspec.convert(dict(row), Hold) for row in rows]

    async def receipts(self) -> list[Receipt]:
        """Of all deletions, the oldest first."""
        return await receipts.kept(self._db)

    async def _require_unnamed(self, tx: Transaction, alert: AlertId, reason: str) -> None:
        """Raises NotAllowed('names_person'): the audit keeps the reason for good."""
        try:
            view = (await AlertState.find(tx, self._keys, alert)).view
        except NotAllowed:  # its key is gone: whom it was about is known to nobody here
            return
        if names(reason, [(view.nominal, view.name)]):
            raise NotAllowed(
                "names_person",
                "the reason names the person, and the audit keeps it for good: say why without name and "
                "reference",
            )

    async def _delete_rows(self, rule: str, actor: Actor) -> str:
        async with self._db.write() as tx:
            at = self._clock()
            counts = await housekeeping.delete(tx, rule, at)
            if not counts:
                return ""
            receipt = receipts.new_id()
            await append(tx, at, actor, Deleted(rule, counts, receipt))
            facts = {"by": actor.id, "deleted": counts}
            return await receipts.keep(tx, self._keys.site_key.signer, receipt, at, rule, "", facts)


def _required(actor: Actor, reason: str) -> str:
    """The reason, trimmed. Raises NotAllowed where it is none, or the actor may not hold."""
    if actor.role is not Role.AUTHORISING:
        raise NotAllowed("role", "an authorising officer places and lifts a legal hold, and nobody else")
    reason = reason.strip()
    if not reason:
        raise NotAllowed("reason_missing", "say in a few words why")
    if len(reason) > LONGEST_REASON:
        raise NotAllowed("reason_too_long", f"the reason has more than {LONGEST_REASON} characters")
    return reason


def _due(
    rule: Rule, subject: str, deployment: str, since: float, rows: int, now: float, hold: str = ""
) -> Due:
    due_at = rule.due_at(since)
    assert due_at is not None  # what stays is never looked for
    return Due(rule.name, subject, deployment, since, due_at, rows, hold, rule.is_late(since, now))


async def _alerts(tx: Transaction, now: float, some: Sequence[AlertId] | None = None) -> list[Due]:
    """some: only these; None for all."""
    rows = await tx.rows(
        "SELECT id, deployment, created_at, "
        "(SELECT outcome FROM outcome WHERE alert = alert.id ORDER BY id DESC LIMIT 1) AS outcome, "
        "(SELECT reason FROM hold WHERE alert = alert.id AND lifted_at IS NULL) AS hold, "
        "(SELECT max(lifted_at) FROM hold WHERE alert = alert.id) AS lifted_at, "
        "EXISTS (SELECT 1 FROM deletion_receipt AS given WHERE given.deployment = alert.deployment "
        "AND given.kind = 'everything') AS revoked FROM alert "
        "WHERE ? IS NULL OR id IN (SELECT value FROM json_each(?)) ORDER BY created_at",
        *(2 * [None if some is None else msgspec.json.encode(some).decode()]),
    )
    found = []
    for row in rows:
        rule = of_alert(row["outcome"], revoked=bool(row["revoked"]))
        since = row["lifted_at"] if row["revoked"] and row["lifted_at"] else row["created_at"]
        found.append(_due(rule, row["id"], row["deployment"], since, 1, now, row["hold"] or ""))
    return [due for due in found if due.due_at <= now]


async def _watchlists(tx: Transaction, now: float) -> list[Due]:
    """Of deployments that have ended: what is left of a list, be it only its key."""
    rows = await tx.rows(
        "SELECT id, coalesce(closed_at, drafted_at) AS since, "
        "(SELECT count(*) FROM entry WHERE entry.deployment = deployment.id) AS entries FROM deployment "
        "WHERE stage IN ('closed', 'destroyed') AND (entries > 0 OR EXISTS (SELECT 1 FROM deployment_key "
        "WHERE deployment_key.deployment = deployment.id AND purpose = 'watchlist'))"
    )
    rule = RETENTION["watchlists"]
    return [_due(rule, row["id"], row["id"], row["since"], row["entries"], now) for row in rows]


async def _unused_watchlists(tx: Transaction, now: float) -> list[Due]:
    rows = await tx.rows(
        "SELECT id, (SELECT max(coalesce(built_at, begun_at)) FROM watchlist "
        "WHERE watchlist.deployment = deployment.id) AS since, "
        "(SELECT count(*) FROM entry WHERE entry.deployment = deployment.id) AS entries FROM deployment "
        "WHERE stage IN ('draft', 'authorised', 'ready') AND since IS NOT NULL"
    )
    rule = RETENTION["unused_watchlists"]
    found = [_due(rule, row["id"], row["id"], row["since"], row["entries"], now) for row in rows]
    return [due for due in found if due.due_at <= now]
