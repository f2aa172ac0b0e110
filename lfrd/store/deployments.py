"""Deployments: the bounded uses under which everything is kept, each step of their life in one transaction
with its audit record."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from lfrd.audit import kinds
from lfrd.errors import NotAllowed, NotReady
from lfrd.policy import life
from lfrd.policy.life import Act, Facts, Life
from lfrd.policy.plan import Change, Plan
from lfrd.store import deployment_rows as rows
from lfrd.store.audit import append
from lfrd.store.authorising import (
    LONGEST_REASON,
    TOO_LONG,
    authorise,
    begin_segment,
    require_fresh,
    require_reason,
)
from lfrd.store.database import Database, Transaction
from lfrd.store.deployment_rows import (
    Authorisation,
    CloseReason,
    Deployment,
    PauseReason,
    Segment,
    SuspendReason,
)
from lfrd.store.destruction import Destruction
from lfrd.store.keys import Keys
from lfrd.types import SYSTEM, Actor, DeploymentId, Stage

__all__ = ["Authorisation", "Deployment", "Deployments", "Segment"]


class Deployments:
    """The deployments of this box, of which one at the most is open.

    Every step raises NotAllowed: 'unknown_deployment', 'role', 'same_person', 'stage', 'changed' (look again:
    it is not what it was when the facts were gathered), or NotReady with all that is missing.
    """

    def __init__(self, db: Database, keys: Keys, clock: Callable[[], float]) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock  # the Ratchet's now: Unix seconds that never go back
        self._destruction = Destruction(db, keys, clock)

    # ---- reading ---------------------------------------------------------------------------------------

    async def current(self) -> Deployment | None:
        """The one that is open: active, paused or suspended."""
        async with self._db.read() as tx:
            return await rows.open_one(tx)

    async def get(self, deployment: DeploymentId) -> Deployment:
        """Raises NotAllowed('unknown_deployment')."""
        async with self._db.read() as tx:
            return await rows.get(tx, deployment)

    async def all(self) -> list[Deployment]:
        """Oldest first."""
        async with self._db.read() as tx:
            return [
                rows.as_deployment(row) for row in await tx.rows("SELECT * FROM deployment ORDER BY rowid")
            ]

    async def segments(self, deployment: DeploymentId) -> list[Segment]:
        """In order of number; the last one's terms hold."""
        async with self._db.read() as tx:
            return await rows.segments(tx, deployment)

    async def authorisations(self, deployment: DeploymentId) -> list[Authorisation]:
        """In the order in which they were given."""
        async with self._db.read() as tx:
            return await rows.authorisations(tx, deployment)

    async def zones_drawn_by(self, deployment: DeploymentId) -> str:
        """Who drew the zones that differ from those of the authorisation that stands; '' where none do."""
        async with self._db.read() as tx:
            return await rows.zones_drawn_by(tx, await rows.get(tx, deployment))

    async def missing(self, deployment: DeploymentId, act: Act, facts: Facts | None) -> list[str]:
        """What the deployment lacks before this step, as `life.missing` has it; nothing is changed."""
        async with self._db.read() as tx:
            return await self._missing(tx, await rows.get(tx, deployment), act, facts)

    async def memory_wiped(self, deployment: DeploymentId) -> bool:
        """Whether the server has recorded, since the deployment ended, that it overwrote what it held."""
        async with self._db.read() as tx:
            row = await tx.row(
                "SELECT 1 FROM audit WHERE deployment = ? AND what = 'memory_wiped' AND seq > "
                "(SELECT min(seq) FROM audit WHERE deployment = ? AND what IN ('closed', 'revoked'))",
                *(deployment, deployment),
            )
        return row is not None

    # ---- planning --------------------------------------------------------------------------------------

    async def draft(self, plan: Plan, actor: Actor) -> Deployment:
        """Begin a deployment, with keys of its own. Raises NotAllowed('role'), or 'over' where the plan's
        time has passed."""
        begun = life.begun(actor)
        deployment, now = DeploymentId(secrets.token_hex(8)), self._clock()
        _require_time(plan, now)
        async with self._db.write() as tx:
            row = await tx.row(
                "INSERT INTO deployment (id, name, stage, plan, drafted_by, drafted_at, planners) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *",
                *(deployment, plan.name, begun.stage, rows.as_text(plan)),
                *(actor.id, now, rows.planners(begun)),
            )
            await self._keys.create(tx, deployment)
            await append(tx, now, actor, kinds.Drafted(deployment, msgspec.to_builtins(plan)))
        assert row is not None  # an INSERT that returned nothing would have raised
        return rows.as_deployment(row)

    async def change(self, deployment: DeploymentId, plan: Plan, actor: Actor) -> Deployment:
        """Replace the plan before the start. It is a draft again, and needs a new authorisation, unless
        nothing but zones in its cameras' pictures has changed."""
        now = self._clock()
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            act = Act.DRAW_ZONES if plan.without_zones == before.plan.without_zones else Act.CHANGE
            after = before.life.after(act, actor)
            if plan == before.plan:
                return before
            _require_time(plan, now)
            await tx.execute(
                "UPDATE deployment SET name = ?, plan = ? WHERE id = ?",
                *(plan.name, rows.as_text(plan), deployment),
            )
            await append(tx, now, actor, kinds.PlanChanged(deployment, msgspec.to_builtins(plan)))
            return await rows.lives(tx, deployment, after)

    async def authorise(self, deployment: DeploymentId, actor: Actor, rank: str, reason: str) -> Deployment:
        """Another person than those who planned it puts their name and rank to the plan as it stands.

        rank: '' for the one that the officer's account has; counts only where it has none. Raises
        NotAllowed('rank') where it has another."""
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            after = before.life.after(Act.AUTHORISE, actor)
            lines = await self._missing(tx, before, Act.AUTHORISE, None)
            if lines:
                raise NotReady(lines)
            await authorise(tx, self._clock(), before.id, "start", actor, rank, reason, before.plan)
            return await rows.lives(tx, deployment, after)

    async def make_ready(self, deployment: DeploymentId, actor: Actor, facts: Facts) -> Deployment:
        """All is in place: cameras, zones, the list, the pack. Raises NotReady with what is not."""
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            after = await self._prepared(tx, before, Act.MAKE_READY, actor, facts)
            await append(tx, self._clock(), actor, kinds.MadeReady(deployment))
            return await rows.lives(tx, deployment, after)

    async def start(self, deployment: DeploymentId, actor: Actor, facts: Facts) -> Deployment:
        """Open it, with the first segment's terms frozen. Raises NotReady with all that is missing; another
        deployment that is open is on that list, so that of two starts at once one wins."""
        async with self._db.write() as tx:
            now = self._clock()
            before = await rows.get(tx, deployment)
            after = await self._prepared(tx, before, Act.START, actor, facts)
            standing = await rows.standing(tx, before)
            assert standing is not None  # or it would have been missing
            await append(tx, now, actor, kinds.Started(deployment))
            await tx.execute("UPDATE deployment SET started_at = ? WHERE id = ?", now, deployment)
            started = await rows.lives(tx, deployment, after)
            by = f"{standing.name}, {standing.rank}"
            await begin_segment(tx, self._clock(), started, actor, facts, by, standing.reason, None)
            return started

    # ---- running ---------------------------------------------------------------------------------------

    async def pause(self, deployment: DeploymentId, reason: PauseReason, detail: str = "") -> Deployment:
        """By the server: nobody is looked for until `resume`. Paused again for the same reason, it stays."""
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            after = before.life.after(Act.PAUSE, SYSTEM)
            if before.stage is Stage.PAUSED and before.reason == reason:
                return before
            await append(tx, self._clock(), SYSTEM, kinds.Paused(deployment, reason, detail))
            return await rows.lives(tx, deployment, after, reason)

    async def resume(self, deployment: DeploymentId) -> Deployment:
        """By the server: what it was paused for is over."""
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            after = before.life.after(Act.RESUME, SYSTEM)
            self._require_not_over(before, Act.RESUME)
            await append(tx, self._clock(), SYSTEM, kinds.Resumed(deployment))
            return await rows.lives(tx, deployment, after)

    async def suspend(
        self, deployment: DeploymentId, actor: Actor, reason: SuspendReason, detail: str = ""
    ) -> Deployment:
        """Stop it until an authorising officer authorises it again. detail: in words, for people."""
        if len(detail) > LONGEST_REASON:
            raise NotReady([TOO_LONG])
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            after = before.life.after(Act.SUSPEND, actor)
            await append(tx, self._clock(), actor, kinds.Suspended(deployment, reason, detail))
            return await rows.lives(tx, deployment, after, reason)

    async def reauthorise(self, deployment: DeploymentId, actor: Actor, rank: str, reason: str) -> Deployment:
        """After a suspension; the end stays where it is."""
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            after = before.life.after(Act.REAUTHORISE, actor)
            self._require_not_over(before, Act.REAUTHORISE)
            await authorise(tx, self._clock(), before.id, "resume", actor, rank, reason, before.plan)
            await append(tx, self._clock(), actor, kinds.Resumed(deployment))
            return await rows.lives(tx, deployment, after)

    async def extend(
        self, deployment: DeploymentId, actor: Actor, rank: str, ends_at: float, reason: str
    ) -> Deployment:
        """A later end, as an authorisation of its own. ends_at: Unix seconds, later than the end so far.

        Raises NotAllowed: 'earlier', or 'too_long' where it would be open for longer than any may be."""
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            after = before.life.after(Act.EXTEND, actor)
            self._require_not_over(before, Act.EXTEND)
            assert before.plan.ends_at is not None  # or it would not have started
            if not ends_at > before.plan.ends_at:
                raise NotAllowed(
                    "earlier", f"ends_at: must be later than {life.moment(before.plan.ends_at)}, its end now"
                )
            assert before.started_at is not None  # it is open
            latest = before.started_at + life.LONGEST_HOURS * 3600
            if ends_at > latest:
                raise NotAllowed(
                    "too_long",
                    f"ends_at: must be by {life.moment(latest)}, {life.LONGEST_HOURS} h after its start; "
                    "what is needed for longer is a new deployment",
                )
            plan = msgspec.structs.replace(before.plan, ends_at=ends_at)
            await authorise(tx, self._clock(), before.id, "extend", actor, rank, reason, plan)
            await tx.execute("UPDATE deployment SET plan = ? WHERE id = ?", rows.as_text(plan), deployment)
            return await rows.lives(tx, deployment, after, before.reason)

    async def amend(
        self, deployment: DeploymentId, actor: Actor, rank: str, change: Change, reason: str, facts: Facts
    ) -> Deployment:
        """Change threshold, rate or cameras of an open deployment, and begin a new segment.

        facts: gathered for `change.applied(plan)`. What the change does not name stays frozen as it was, even
        where config.toml has changed since the start."""
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            after = before.life.after(Act.AMEND, actor)
            plan = change.applied(before.plan)
            if plan == before.plan:
                raise NotAllowed("nothing", "the amendment changes nothing")
            frozen = (await rows.segments(tx, deployment))[-1]
            await require_fresh(tx, self._clock(), deployment, plan, facts)
            lines = life.missing(plan, Act.AMEND, self._clock(), facts=facts)
            if facts.pack is not None and facts.pack.model != frozen.model:
                lines.append(
                    f"model pack: '{facts.pack.name}' is not the pack that it was started with "
                    f"('{frozen.pack}'); close it and start another, or put that pack back"
                )
            if lines:
                raise NotReady(lines)
            by = await authorise(tx, self._clock(), before.id, "amend", actor, rank, reason, plan)
            await tx.execute("UPDATE deployment SET plan = ? WHERE id = ?", rows.as_text(plan), deployment)
            amended = await rows.lives(tx, deployment, after, before.reason)
            derived = change.threshold is not None or change.fpir is not None
            await begin_segment(tx, self._clock(), amended, actor, facts, by, reason, frozen, derived=derived)
            return amended

    # ---- ending ----------------------------------------------------------------------------------------

    async def close(
        self, deployment: DeploymentId, actor: Actor, reason: CloseReason = "ordered"
    ) -> Deployment:
        """End it, started or not. One that ended by itself did so at its end, however late that was seen."""
        async with self._db.write() as tx:
            return await self._close(tx, await rows.get(tx, deployment), actor, reason)

    async def close_overdue(self) -> list[Deployment]:
        """Close what has reached its end, open or never started. Called about once a second, and at the
        server's start before anything is opened."""
        now = self._clock()
        async with self._db.read() as tx:
            if not any(one.is_over(now) for one in await rows.not_ended(tx)):
                return []
        async with self._db.write() as tx:
            return [
                await self._close(tx, one, SYSTEM, "ended")
                for one in await rows.not_ended(tx)  # looked at again: one may have been extended, or closed
                if one.is_over(now)
            ]

    async def revoke(self, deployment: DeploymentId, actor: Actor, reason: str) -> str:
        """Stop it and delete everything of it, in any stage but destroyed. Returns the signed receipt.

        Where the process dies between the two, `Destruction.finish` goes on at the next start."""
        require_reason(reason)
        async with self._db.write() as tx:
            before = await rows.get(tx, deployment)
            after = before.life.after(Act.REVOKE, actor)
            now = self._clock()
            await tx.execute(
                "UPDATE deployment SET closed_at = coalesce(closed_at, ?) WHERE id = ?", now, deployment
            )
            await append(tx, now, actor, kinds.Revoked(deployment, reason))
            await rows.lives(tx, deployment, after, "revoked")
        return await self._destruction.everything(deployment, actor, reason)

    async def _close(
        self, tx: Transaction, before: Deployment, actor: Actor, reason: CloseReason
    ) -> Deployment:
        after = before.life.after(Act.CLOSE, actor)
        now = self._clock()
        ended = before.plan.ends_at if reason == "ended" else None
        await tx.execute(
            "UPDATE deployment SET closed_at = ? WHERE id = ?", now if ended is None else ended, before.id
        )
        await append(tx, now, actor, kinds.Closed(before.id, reason))
        return await rows.lives(tx, before.id, after, reason)

    # ---- what the steps share --------------------------------------------------------------------------

    async def _missing(
        self, tx: Transaction, deployment: Deployment, act: Act, facts: Facts | None
    ) -> list[str]:
        standing = await rows.standing(tx, deployment)
        other = await rows.open_one(tx)
        lines = life.missing(
            deployment.plan,
            act,
            self._clock(),
            facts=facts,
            officer=standing.name if standing else "",
            rank=standing.rank if standing else "",
            other=other.name if other is not None and other.id != deployment.id else "",
        )
        if standing is not None and standing.plan.without_zones != deployment.plan.without_zones:
            lines.append("authorisation: the plan is not the one that was authorised; change it once more")
        if act is Act.START and deployment.stage is not Stage.READY:
            lines.append("ready: an operator has to make it ready first")
        return lines

    async def _prepared(
        self, tx: Transaction, before: Deployment, act: Act, actor: Actor, facts: Facts
    ) -> Life:
        """The life after making ready or starting. Raises NotReady with the whole list, before the stage is
        looked at: a draft that is started lacks more than its authorisation."""
        life.require_role(act, actor)
        if before.stage in (Stage.DRAFT, Stage.AUTHORISED, Stage.READY):
            await require_fresh(tx, self._clock(), before.id, before.plan, facts)
            lines = await self._missing(tx, before, act, facts)
            if lines:
                raise NotReady(lines)
        return before.life.after(act, actor)

    def _require_not_over(self, deployment: Deployment, act: Act) -> None:
        if deployment.is_over(self._clock()):
            raise NotAllowed("over", f"the deployment cannot be {act.value}: its time is over")


def _require_time(plan: Plan, now: float) -> None:
    if plan.ends_at is not None and plan.ends_at <= now:
        raise NotAllowed("over", f"ends_at: {life.moment(plan.ends_at)} has passed; plan another time")
