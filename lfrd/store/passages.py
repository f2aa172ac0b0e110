"""Passages of volunteers on the blue list, as an observer notes them: what a TPIR in the street counts."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.store import deployment_rows as rows
from lfrd.store.audit import append
from lfrd.store.database import Database, Transaction
from lfrd.types import Actor, DeploymentId, Role, Stage

_OBSERVERS = (Role.OPERATOR, Role.ENGAGEMENT)


class Passages:
    """Kept in the audit alone: a passage names nobody, and every figure is computed from there."""

    def __init__(self, db: Database, clock: Callable[[], float]) -> None:
        self._db = db
        self._clock = clock  # Unix seconds that never go back

    async def note(self, deployment: DeploymentId, actor: Actor, *, found: bool, passage: str = "") -> str:
        """A volunteer walked through the zone and raised their alert, or did not. Returns the passage's name.

        passage: of one noted before, to correct it; the newest word counts. Raises NotAllowed: 'role',
        'stage' unless the deployment is active, 'no_blue_list', or 'unknown_passage'.
        """
        if actor.role not in _OBSERVERS:
            raise NotAllowed("role", "passages are noted by an operator or an engagement officer")
        async with self._db.write() as tx:
            one = await rows.get(tx, deployment)
            if one.stage is not Stage.ACTIVE:
                raise NotAllowed("stage", "passages count only while the deployment is active")
            listed = await tx.row(
                "SELECT 1 FROM entry WHERE deployment = ? AND generation = 0 AND blue AND state = 'listed'",
                deployment,
            )
            if listed is None:
                raise NotAllowed("no_blue_list", "no volunteer is on this deployment's list")
            if passage and not await _noted(tx, deployment, passage):
                raise NotAllowed("unknown_passage", f"no passage '{passage[:32]}' has been noted here")
            name = passage or secrets.token_hex(4)
            segment = (await rows.segments(tx, deployment))[-1].number
            await append(tx, self._clock(), actor, kinds.BluePassage(deployment, segment, name, found))
        return name


async def _noted(tx: Transaction, deployment: DeploymentId, passage: str) -> bool:
    row = await tx.row(
        "SELECT 1 FROM audit WHERE deployment = ? AND what = 'blue_passage' "
        "AND json_extract(body, '$.passage') = ?",
        *(deployment, passage),
    )
    return row is not None
