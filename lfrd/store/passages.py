"""Passages of volunteers on the blue list: noted by an observer, paired with their alerts by the server."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from lfrd.audit import kinds
from lfrd.audit.blue import BlueTally, Passage
from lfrd.errors import NotAllowed
from lfrd.policy.pairing import SAME_SECONDS, WINDOW_SECONDS, Halted, Happening, Seen, Sent, Walk, decide
from lfrd.store import deployment_rows as rows
from lfrd.store.alert_state import alerts_sealer, open_facts
from lfrd.store.audit import append
from lfrd.store.database import Database, Transaction
from lfrd.store.keys import Keys
from lfrd.types import SYSTEM, Actor, DeploymentId, Role, Stage

_OBSERVERS: Final = (Role.OPERATOR, Role.ENGAGEMENT)
_LISTERS: Final = (Role.OPERATOR, Role.AUTHORISING)
Word: TypeAlias = Literal["found", "missed", "void"]
"""What an observer may say of a passage. void: they did not walk through."""

VOLUNTEERS = "entry INDEXED BY entry_of_volunteer WHERE generation = 0 AND blue"
PASSAGES = "audit INDEXED BY audit_of_passages WHERE what IN ('blue_walk', 'blue_passage')"
"""Where they are read from. The indexes are named since a few rows among very many are looked for twice a
second, and the conditions are their own: without those they cannot be used."""


class _Noted(NamedTuple):
    """The record of a walk: its number and time."""

    seq: int
    at: float
    body: kinds.BlueWalk


@dataclass(frozen=True, slots=True)
class Walking:
    """A volunteer who was sent through. until: Unix seconds; the window closes then."""

    passage: str
    volunteer: int
    until: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The live trial of one deployment. volunteers: numbers of those who are looked for, rising."""

    deployment: rows.Deployment
    volunteers: tuple[int, ...]
    tally: BlueTally

    @property
    def passages(self) -> list[Passage]:
        """The newest first."""
        return list(reversed(self.tally.passages.values()))


class Passages:
    """Kept in the audit alone: a passage names nobody, and every figure is computed from there.

    Volunteers go by numbers, from 1 in the order of references. What became of a walk is found in the records
    that follow it, so that a restart changes nothing; and it is written in the transaction that looked
    whether it had been, so that it is written once.
    """

    def __init__(self, db: Database, keys: Keys, clock: Callable[[], float]) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock  # Unix seconds that never go back
        self._decided = 0  # no walk whose record has this number or a lower one waits for its word

    # ---- what observers say ----------------------------------------------------------------------------

    async def walks(self, deployment: DeploymentId, actor: Actor, volunteer: int) -> Walking:
        """'Volunteer so-and-so walks now': from here on their alert finds them.

        Said again within SAME_SECONDS it is the same walk; said later it ends the one before. Raises
        NotAllowed: 'role', 'stage' unless the deployment is active, 'no_blue_list' or 'unknown_volunteer'.
        """
        async with self._db.write() as tx:
            numbers = await _observed(tx, deployment, actor)
            if volunteer not in numbers.values():
                raise NotAllowed("unknown_volunteer", f"no volunteer {volunteer} is looked for here")
            now = self._clock()
            for before in (await _tally(tx, deployment)).passages.values():
                same = before.walking and before.volunteer == volunteer and now - before.at < SAME_SECONDS
                if same and before.until is not None:
                    return Walking(before.name, volunteer, before.until)
            name, segment = secrets.token_hex(4), await _segment(tx, deployment)
            walk = kinds.BlueWalk(deployment, segment, name, volunteer, WINDOW_SECONDS)
            await append(tx, now, actor, walk)
        return Walking(name, volunteer, now + WINDOW_SECONDS)

    async def note(self, deployment: DeploymentId, actor: Actor, *, found: bool, passage: str = "") -> str:
        """The observer's own word: a volunteer raised their alert, or did not. Returns the passage's name.

        passage: of one noted before, to correct it; the newest word counts. Raises NotAllowed: 'role',
        'stage' unless the deployment is active, 'no_blue_list', 'unknown_passage', or 'walking' while the
        server is still to decide.
        """
        if passage:
            await self.correct(deployment, actor, passage, "found" if found else "missed")
            return passage
        async with self._db.write() as tx:
            await _observed(tx, deployment, actor)
            name, segment = secrets.token_hex(4), await _segment(tx, deployment)
            await append(tx, self._clock(), actor, kinds.BluePassage(deployment, segment, name, found))
        return name

    async def correct(self, deployment: DeploymentId, actor: Actor, passage: str, word: Word) -> None:
        """The observer's word on a passage that was noted before. While its window is open it may be called
        void, which takes the note back, and nothing else. Raises NotAllowed as `note` does."""
        async with self._db.write() as tx:
            await _observed(tx, deployment, actor)
            known = (await _tally(tx, deployment)).passages.get(passage)
            if known is None:
                raise NotAllowed("unknown_passage", f"no passage '{passage[:32]}' has been noted here")
            if known.walking and word != "void":
                raise NotAllowed("walking", "its window is open: the server says what becomes of it")
            segment = known.segment
            said = kinds.BluePassage(deployment, segment, passage, word == "found", word == "void")
            await append(tx, self._clock(), actor, said)

    # ---- what the server finds -------------------------------------------------------------------------

    async def settle(self) -> int:
        """Say of every walk, of any deployment, what became of it, as soon as that is certain. How many were
        decided now."""
        async with self._db.read() as tx:
            if not await _open_walks(tx, self._decided):
                return 0
        decided, undecided = 0, list[int]()
        async with self._db.write() as tx:
            now = self._clock()
            walks = await _open_walks(tx, self._decided)
            for noted in walks:
                body = noted.body
                walk = Walk(body.volunteer, noted.at, noted.at + body.seconds)
                verdict = decide(walk, await self._after(tx, noted, walk), now)
                if verdict is None:
                    undecided.append(noted.seq)
                    continue
                word = kinds.BluePassage(
                    body.deployment,
                    body.segment,
                    body.passage,
                    found=verdict.found,
                    void=verdict.void,
                    alert=verdict.alert,
                    why=verdict.why,
                )
                await append(tx, now, SYSTEM, word)
                decided += 1
        if undecided:
            self._decided = min(undecided) - 1
        elif walks:
            self._decided = walks[-1].seq
        return decided

    async def _after(self, tx: Transaction, noted: _Noted, walk: Walk) -> list[Happening]:
        """What happened within the window, oldest first."""
        deployment = DeploymentId(noted.body.deployment)
        happened: list[Happening] = []
        for row in await tx.rows(
            "SELECT at, what, body FROM audit WHERE seq > ? AND (what = 'server_started' OR deployment = ? "
            "AND what IN ('blue_walk', 'alert_raised', 'alert_sighted', 'paused', 'suspended', "
            "'segment_began', 'closed', 'revoked')) ORDER BY seq",
            *(noted.seq, deployment),
        ):
            if row["what"] == "server_started":  # it was away when the window closed: who knows since when
                happened.append(Halted(walk.at))
                break
            if row["at"] >= walk.until:
                continue
            match kinds.decode(row["body"]):
                case kinds.BlueWalk(volunteer=volunteer):
                    happened.append(Sent(volunteer, row["at"]))
                case kinds.AlertRaised(alert=alert) | kinds.AlertSighted(alert=alert):
                    number = await self._number(tx, deployment, alert)
                    if number is not None:
                        happened.append(Seen(number, alert, row["at"]))
                case _:
                    happened.append(Halted(row["at"]))
        return happened

    async def _number(self, tx: Transaction, deployment: DeploymentId, alert: str) -> int | None:
        """Whose alert it is; None where it is no volunteer's, or has been deleted."""
        row = await tx.row("SELECT * FROM alert WHERE id = ? AND blue", alert)
        if row is None:
            return None
        try:
            nominal = open_facts(await alerts_sealer(tx, self._keys, deployment), row).nominal
        except NotAllowed:
            return None
        return (await _numbers(tx, deployment)).get(nominal)

    # ---- what pages show -------------------------------------------------------------------------------

    async def trial(self, deployment: DeploymentId | None = None, *, alerts: bool = True) -> Trial | None:
        """How the trial stands, of a deployment or of the one that is open; None where none is. alerts: also
        which were raised, which takes a look at each. Raises NotAllowed('unknown_deployment')."""
        async with self._db.read() as tx:
            one = await rows.open_one(tx) if deployment is None else await rows.get(tx, deployment)
            if one is None:
                return None
            listed = (await _numbers(tx, one.id, state="listed")).values()
            return Trial(one, tuple(sorted(listed)), await _tally(tx, one.id, alerts=alerts))

    async def numbers(self, deployment: DeploymentId, actor: Actor) -> dict[str, int]:
        """Volunteers' numbers by reference: who is on the list is for those who see it, and audited. Raises
        NotAllowed('role')."""
        if actor.role not in _LISTERS:
            raise NotAllowed("role", "who the volunteers are is for an operator or an authorising officer")
        async with self._db.write() as tx:
            numbers = await _numbers(tx, deployment)
            if numbers:
                await append(tx, self._clock(), actor, kinds.ListViewed(deployment, "volunteers"))
        return numbers


async def _observed(tx: Transaction, deployment: DeploymentId, actor: Actor) -> dict[str, int]:
    """Volunteers' numbers, where this observer may say something of them now."""
    if actor.role not in _OBSERVERS:
        raise NotAllowed("role", "passages are noted by an operator or an engagement officer")
    one = await rows.get(tx, deployment)
    if one.stage is not Stage.ACTIVE:
        raise NotAllowed("stage", "passages count only while the deployment is active")
    numbers = await _numbers(tx, deployment, state="listed")
    if not numbers:
        raise NotAllowed("no_blue_list", "no volunteer is on this deployment's list")
    return numbers


async def _segment(tx: Transaction, deployment: DeploymentId) -> int:
    return (await rows.segments(tx, deployment))[-1].number


async def _numbers(tx: Transaction, deployment: DeploymentId, state: str = "") -> dict[str, int]:
    """By reference. state: of the entries wanted, who keep their numbers whoever else waits or is refused."""
    found = await tx.rows(
        f"SELECT reference, state FROM {VOLUNTEERS} AND deployment = ? ORDER BY reference",  # noqa: S608
        deployment,
    )
    return {
        row["reference"]: number for number, row in enumerate(found, 1) if not state or row["state"] == state
    }


async def _open_walks(tx: Transaction, after: int) -> list[_Noted]:
    """Walks of all deployments, recorded after that number, on which nobody has said anything yet."""
    found = await tx.rows(
        f"SELECT seq, at, body FROM {PASSAGES} AND seq > ? ORDER BY seq",  # noqa: S608
        after,
    )
    walks: dict[tuple[str, str], _Noted] = {}
    for row in found:
        body = kinds.decode(row["body"])
        if isinstance(body, kinds.BlueWalk):
            walks[body.deployment, body.passage] = _Noted(row["seq"], row["at"], body)
        elif isinstance(body, kinds.BluePassage):
            walks.pop((body.deployment, body.passage), None)
    return list(walks.values())


async def _tally(tx: Transaction, deployment: DeploymentId, *, alerts: bool = False) -> BlueTally:
    """All passages of a deployment; `alerts`: and the alerts of its volunteers."""
    tally = BlueTally()
    for row in await tx.rows(
        f"SELECT at, actor, body FROM {PASSAGES} AND deployment = ? ORDER BY seq",  # noqa: S608
        deployment,
    ):
        body = kinds.decode(row["body"])
        if isinstance(body, kinds.BlueWalk | kinds.BluePassage):
            tally.take(body, row["actor"], row["at"])
    if alerts:
        tally.alerts.update(
            row["alert"]
            for row in await tx.rows(
                "SELECT json_extract(body, '$.alert') AS alert FROM audit WHERE deployment = ? "
                "AND what = 'alert_raised' AND json_extract(body, '$.blue')",
                deployment,
            )
        )
    return tally
