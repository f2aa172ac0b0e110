"""What officers do about an alert, each act a row, an event and a record in the audit, in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec.structs import replace

from lfrd import wire
from lfrd.audit import kinds
from lfrd.policy import adjudication as rules
from lfrd.policy.adjudication import Standing
from lfrd.store.alert_state import AlertState
from lfrd.store.database import Database, Transaction
from lfrd.store.keys import Keys
from lfrd.types import SYSTEM, Actor, AlertId, ArrestClass, Decision, Outcome


class Acts:
    """Acts on the alerts of every deployment that are still kept.

    Each returns its event when it is on the disk. Sent again, as a phone does after a lost connection, an
    act returns the event that it has made and changes nothing. Each raises NotAllowed, with nothing changed:
    'unknown_alert', 'closed', and the codes of `policy.adjudication`; and StoreError where it cannot be kept.
    """

    def __init__(self, db: Database, keys: Keys, clock: Callable[[], float]) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock  # Unix seconds that never go back

    async def claim(self, alert: AlertId, actor: Actor) -> wire.Event:
        """The first officer to claim has it. Raises 'claimed' where another one does, and 'unnamed'."""
        async with self._at(alert) as (tx, state, standing, now):
            if _is(standing.holder, actor):
                return await _earlier(state, ("claimed", "reviewed", "adjudicated"), actor)
            rules.may_claim(standing, actor, named=await _is_named(tx, actor))
            await tx.execute(
                "INSERT INTO claim (alert, officer, at) VALUES (?, ?, ?)", state.id, actor.id, now
            )
            view = replace(state.view, claimed_by=actor.name, escalated=False)
            body = kinds.AlertClaimed(state.deployment, state.id)
            return await state.append("claimed", now, actor, view, body)

    async def release(self, alert: AlertId, actor: Actor) -> wire.Event:
        """Give it back, before one's own adjudication. Raises 'claimed', 'not_claimed' or 'adjudicated'."""
        async with self._at(alert) as (tx, state, standing, now):
            if standing.holder is None and (event := await state.event(("released",), actor)):
                return event
            rules.may_release(standing, actor)
            await tx.execute("DELETE FROM claim WHERE alert = ?", state.id)
            body = kinds.AlertReleased(state.deployment, state.id)
            return await state.append("released", now, actor, replace(state.view, claimed_by=""), body)

    async def adjudicate(
        self, alert: AlertId, actor: Actor, decision: Decision, reason: str = ""
    ) -> wire.Event:
        """Record an officer's decision. It claims an alert that nobody has, where one reviewer is enough.

        Raises 'adjudicated', 'claimed', 'same_reviewer', 'unnamed', or 'reason_missing' where not_viable or
        insufficient come without one.
        """
        reason = reason.strip()
        async with self._at(alert) as (tx, state, standing, now):
            own = standing.review_of(actor)
            if own is not None and (own.decision, own.reason) == (decision, reason):
                return await _earlier(state, ("reviewed", "adjudicated"), actor)
            named = await _is_named(tx, actor)
            number = rules.may_adjudicate(standing, actor, decision, reason, named=named)
            view = state.view
            if rules.claims_with_it(standing):
                await tx.execute(
                    "INSERT INTO claim (alert, officer, at) VALUES (?, ?, ?)", state.id, actor.id, now
                )
                view = replace(view, claimed_by=actor.name, escalated=False)
            seconds = max(0.0, now - view.created_at)
            await tx.execute(
                "INSERT INTO adjudication (alert, officer, decision, reason, seconds, at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                *(state.id, actor.id, decision, state.seal(reason, "adjudication"), seconds, now),
            )
            standing = await state.standing()
            body = kinds.AlertAdjudicated(state.deployment, state.id, decision, number, seconds)
            what: wire.What = "reviewed" if rules.is_blind(standing) else "adjudicated"
            return await state.append(what, now, actor, _decided(view, standing, seconds), body)

    async def withdraw(self, alert: AlertId, actor: Actor, reason: str) -> wire.Event:
        """Take one's own decision back, before an engagement. Raises 'not_adjudicated', 'engaged' or
        'reason_missing'."""
        reason = reason.strip()
        async with self._at(alert) as (tx, state, standing, now):
            if standing.review_of(actor) is None and (event := await state.event(("withdrawn",), actor)):
                return event
            review = rules.may_withdraw(standing, actor, reason)
            number = standing.valid.index(review) + 1
            await tx.execute(
                "INSERT INTO withdrawal (adjudication, officer, reason, at) VALUES (?, ?, ?, ?)",
                *(review.id, actor.id, state.seal(reason, "withdrawal"), now),
            )
            body = kinds.AdjudicationWithdrawn(state.deployment, state.id, number)
            view = _decided(state.view, await state.standing(), 0.0)
            return await state.append("withdrawn", now, actor, view, body)

    async def engage(self, alert: AlertId, actor: Actor) -> wire.Event:
        """An officer speaks to the person. Raises 'blue', 'engaged', 'not_adjudicated', 'not_viable' or
        'expired'."""
        async with self._at(alert) as (tx, state, standing, now):
            if _is(standing.engaged_by, actor):
                return await _earlier(state, ("engaged",), actor)
            rules.may_engage(standing, now)
            await tx.execute(
                "INSERT INTO engagement (alert, officer, at) VALUES (?, ?, ?)", state.id, actor.id, now
            )
            view = replace(state.view, engaged_by=actor.name, engaged_at=now)
            body = kinds.Engaged(state.deployment, state.id)
            return await state.append("engaged", now, actor, view, body)

    async def code(
        self,
        alert: AlertId,
        actor: Actor,
        outcome: Outcome,
        arrest_class: ArrestClass | str = "",
        correction: str = "",
    ) -> wire.Event:
        """Code what came of it; again, with a reason in `correction`, where that was not right.

        Raises 'arrest_class', 'not_engaged', 'engaged', 'not_adjudicated', 'correction_missing', or
        'outcome_missing' where there is nothing to correct.
        """
        correction = correction.strip()
        async with self._at(alert) as (tx, state, standing, now):
            if _is_coded(standing, actor, outcome, arrest_class, correction):
                return await _earlier(state, ("outcome",), actor)
            rules.may_code(standing, outcome, arrest_class, correction, now)
            await tx.execute(
                "INSERT INTO outcome (alert, officer, outcome, arrest_class, correction, at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                *(state.id, actor.id, outcome, arrest_class, state.seal(correction, "outcome"), now),
            )
            view = replace(state.view, outcome=outcome, arrest_class=arrest_class, outcome_by=actor.name)
            body = kinds.OutcomeCoded(state.deployment, state.id, outcome, arrest_class, bool(correction))
            return await state.append("outcome", now, actor, view, body)

    async def close(self, alert: AlertId, actor: Actor) -> wire.Event:
        """Put it away. Raises 'outcome_missing'. A correction is still possible afterwards."""
        async with self._at(alert) as (tx, state, standing, now):
            if standing.closed and (event := await state.event(("closed",), actor)):
                return event
            rules.may_close(standing)
            await tx.execute("UPDATE alert SET closed_at = ? WHERE id = ?", now, state.id)
            body = kinds.AlertClosed(state.deployment, state.id)
            return await state.append("closed", now, actor, replace(state.view, closed=True), body)

    async def escalate(self, alert: AlertId) -> wire.Event | None:
        """Nobody has claimed it in time. None, and nothing changed, where that is no longer so."""
        async with self._at(alert) as (_, state, standing, now):
            if standing.holder or standing.decision or standing.closed or state.view.escalated:
                return None
            body = kinds.AlertEscalated(state.deployment, state.id)
            return await state.append("escalated", now, SYSTEM, replace(state.view, escalated=True), body)

    async def expire(self, alert: AlertId) -> wire.Event | None:
        """The person was last seen too long ago. None, and nothing changed, where that is not so (yet)."""
        async with self._at(alert) as (_, state, standing, now):
            if standing.closed or state.view.expired or now < state.view.expires_at:
                return None
            body = kinds.AlertExpired(state.deployment, state.id)
            return await state.append("expired", now, SYSTEM, replace(state.view, expired=True), body)

    @asynccontextmanager
    async def _at(self, alert: AlertId) -> AsyncIterator[tuple[Transaction, AlertState, Standing, float]]:
        async with self._db.write() as tx:
            state = await AlertState.find(tx, self._keys, alert)
            yield tx, state, await state.standing(), self._clock()


def _is(one: Actor | None, other: Actor) -> bool:
    return one is not None and one.id == other.id


async def _is_named(tx: Transaction, actor: Actor) -> bool:
    """Whether somebody else has said who this is: not of who joined by an invitation made out to nobody."""
    return await tx.row("SELECT 1 FROM officer WHERE id = ? AND named = 1", actor.id) is not None


def _is_coded(standing: Standing, actor: Actor, *values: str) -> bool:
    """values: outcome, arrest_class and correction."""
    coded = standing.outcome
    if coded is None or not _is(coded.by, actor):
        return False
    return (coded.outcome, coded.arrest_class, coded.correction) == values


async def _earlier(state: AlertState, whats: tuple[wire.What, ...], actor: Actor) -> wire.Event:
    event = await state.event(whats, actor)
    if event is None:  # a row without its event cannot be written here
        raise AssertionError(f"alert {state.id}: no event of {whats[0]}")
    return event


def _decided(view: wire.AlertView, standing: Standing, seconds: float) -> wire.AlertView:
    """The view with the joint decision, or, until there is one, with the number of reviews and no more."""
    decision = standing.decision
    if decision is None:
        return replace(view, decision="", decided_by="", reason="", seconds=0.0, reviews=len(standing.valid))
    said = [review.reason for review in standing.valid if review.decision == decision and review.reason]
    return replace(
        view,
        decision=decision,
        decided_by=" and ".join(review.by.name for review in standing.valid),
        reason="; ".join(said),
        seconds=seconds,
        reviews=len(standing.valid),
    )
