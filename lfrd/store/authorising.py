"""Authorisations and the segments that they begin, written in the transaction of the step that needs them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lfrd.audit import kinds
from lfrd.errors import NotAllowed, NotReady
from lfrd.policy.life import Facts
from lfrd.policy.plan import Plan
from lfrd.store.audit import append
from lfrd.store.database import Transaction
from lfrd.store.deployment_rows import AuthorisationKind, Deployment, Segment, as_text
from lfrd.store.names import label
from lfrd.types import Actor, DeploymentId

LONGEST_REASON = 2000
"""Characters; the audit keeps it for good."""
_LONGEST_RANK = 60

FRESH_SECONDS = 300.0
"""Facts that were gathered longer ago are not judged by: settings and pack may be others by now."""
TOO_LONG = f"reason: is longer than {LONGEST_REASON:,} characters; say it shorter"


def require_reason(reason: str) -> None:
    """Raises NotReady where there is none, or far too much of it."""
    lines = list(_unreasoned(reason))
    if lines:
        raise NotReady(lines)


async def authorise(
    tx: Transaction,
    now: float,
    deployment: DeploymentId,
    kind: AuthorisationKind,
    actor: Actor,
    rank: str,
    reason: str,
    plan: Plan,
) -> str:
    """Add an authorisation. Returns name and rank, as a segment names who authorised it.

    The role is looked up again: an account that was disabled a moment ago authorises nothing. The rank is the
    account's, which somebody else has given; `rank` counts only where it has none. Raises NotAllowed: 'role',
    'rank'; and NotReady."""
    officer = await tx.row(
        "SELECT name, rank FROM officer WHERE id = ? AND role = ? AND disabled_at IS NULL",
        *(actor.id, actor.role),
    )
    if officer is None:
        raise NotAllowed("role", f"{actor.name} has no account here as an authorising officer")
    rank = rank.strip()
    if rank and officer["rank"] and label(rank) != label(officer["rank"]):
        raise NotAllowed(
            "rank",
            f"rank: '{rank[:_LONGEST_RANK]}' is not the rank of {officer['name']}'s account, "
            f"'{officer['rank']}'; leave it out",
        )
    rank = officer["rank"] or rank
    lines = [] if rank else ["rank: is empty; give the authorising officer's rank"]
    if len(rank) > _LONGEST_RANK:
        lines.append(f"rank: is longer than {_LONGEST_RANK} characters; shorten it")
    lines += _unreasoned(reason, may_be_empty=kind == "start")
    if lines:
        raise NotReady(lines)
    name = officer["name"]
    await tx.execute(
        "INSERT INTO authorisation (deployment, kind, officer, name, rank, at, reason, plan) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *(deployment, kind, actor.id, name, rank, now, reason, as_text(plan)),
    )
    body = kinds.Authorised(deployment, kind, name, rank, reason, msgspec.to_builtins(plan))
    await append(tx, now, actor, body)
    return f"{name}, {rank}"


def _unreasoned(reason: str, *, may_be_empty: bool = False) -> Iterator[str]:
    if not reason.strip() and not may_be_empty:
        yield "reason: is empty; say why"
    if len(reason) > LONGEST_REASON:
        yield TOO_LONG


async def begin_segment(
    tx: Transaction,
    now: float,
    deployment: Deployment,
    actor: Actor,
    facts: Facts,
    by: str,
    reason: str,
    frozen: Segment | None,
    *,
    derived: bool = True,
) -> None:
    """Freeze the terms. frozen: the segment before, whose settings stay. derived: whether the threshold is
    that of the facts, and not that segment's."""
    assert facts.pack is not None  # these three would have been missing
    assert facts.watchlist is not None
    assert facts.threshold is not None
    threshold, settings = facts.threshold, dict(facts.settings)
    if frozen is not None:
        settings = {**frozen.settings, **({"threshold": settings["threshold"]} if derived else {})}
        threshold = threshold if derived else frozen.threshold
    number = 1 if frozen is None else frozen.number + 1
    n = facts.watchlist.listed
    cameras = msgspec.to_builtins(deployment.plan.cameras)
    await tx.execute(
        "INSERT INTO segment (deployment, number, at, threshold, pack, model, n, settings, cameras, "
        "authorised_by, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(deployment.id, number, now, threshold, facts.pack.name, facts.pack.model, n),
        *(as_text(settings), as_text(cameras), by, reason),
    )
    body = kinds.SegmentBegan(
        deployment=deployment.id,
        segment=number,
        threshold=threshold,
        pack=facts.pack.name,
        model=facts.pack.model,
        n=n,
        composition=dict(facts.watchlist.composition),
        settings=settings,
        cameras=cameras,
        authorised_by=by,
        reason=reason,
    )
    await append(tx, now, actor, body)


async def require_fresh(
    tx: Transaction, now: float, deployment: DeploymentId, plan: Plan, facts: Facts
) -> None:
    """The facts are of this plan, and of the list as it is now. Raises NotAllowed('changed')."""
    row = await tx.row(
        "SELECT digest, built_at, (SELECT count(*) FROM entry WHERE deployment = watchlist.deployment "
        "AND generation = 0 AND state = 'listed') AS listed FROM watchlist WHERE deployment = ? "
        "ORDER BY built_at IS NULL",  # the list in force before one that is being imported
        deployment,
    )
    seen = facts.watchlist
    kept = None if row is None else (row["digest"], row["built_at"], row["listed"])
    then = None if seen is None else (seen.digest, seen.built_at, seen.listed)
    if facts.plan != plan or kept != then or now - facts.gathered_at > FRESH_SECONDS:
        raise NotAllowed(
            "changed", "the plan or the watchlist has changed meanwhile: look at it again, then repeat"
        )
