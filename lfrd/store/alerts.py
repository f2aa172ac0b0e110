"""The alert log: what happened to each alert, sealed, numbered, and stored before anybody hears of it.

An alert is a row that keeps what it was raised on; its pictures, its sightings and what officers record are
rows beside it. Each writes one event, whose body is the alert's whole state after it: a phone that resumes is
told exactly what it would have been told, and the newest event of an alert is its state now.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from lfrd import wire
from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.sealing.sealer import Sealer
from lfrd.store.acts import Acts
from lfrd.store.alert_state import (
    AlertState,
    Facts,
    NewAlert,
    PictureKind,
    add_picture,
    alerts_sealer,
    append_event,
    first_view,
    open_event,
    picture_context,
    seal_facts,
)
from lfrd.store.database import Database, Transaction
from lfrd.store.keys import Keys
from lfrd.store.sessions import SessionId
from lfrd.store.viewings import Viewings
from lfrd.types import SYSTEM, Actor, AlertId, CameraId, DeploymentId, NominalId, Stage, TrackId

__all__ = ["AlertLog", "NewAlert", "OpenAlert", "PictureKind"]

_OVERHEAD = 64 << 10
"""Bytes that a new alert takes beside its pictures, at the most: rows, index pages and the log's frames."""
_READABLE = "deployment IN (SELECT deployment FROM deployment_key WHERE purpose = 'alerts')"
"""A condition on sealed rows: those whose key is gone cannot be read, and are as good as deleted."""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that is not closed. unclaimed_since: Unix seconds; None while an officer has it."""

    view: wire.AlertView
    escalate_seconds: float
    unclaimed_since: float | None


class AlertLog:
    """The alerts of all deployments of the box.

    Every method that writes returns when it is on the disk, and raises StoreError, with nothing changed,
    where that cannot be. Event numbers rise through all deployments and are given inside the only transaction
    that writes, one after the other: none becomes visible before a smaller one. Those of a deleted alert
    leave a gap behind, and a last event, 'erased', that says so.
    """

    def __init__(self, db: Database, keys: Keys, clock: Callable[[], float]) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock  # Unix seconds that never go back
        self._viewings = Viewings(db, clock)
        self.acts = Acts(db, keys, clock)

    def now(self) -> float:
        """The time by which alerts are filed, escalated and expire: Unix seconds that never go back."""
        return self._clock()

    # ---- what cameras bring ----------------------------------------------------------------------------

    async def file(self, alert: NewAlert) -> wire.Event:
        """Store an alert, both its pictures and its event in one transaction.

        Raises NotAllowed('no_deployment') where its deployment is not active.
        """
        alert_id = AlertId(secrets.token_hex(12))
        facts = Facts.of(alert)
        seen_at = float(alert.seen_at)
        need = len(alert.probe_jpeg) + len(alert.candidate_jpeg) + _OVERHEAD
        async with self._db.write(need) as tx:
            name = await _active(tx, alert.deployment)
            sealer = await alerts_sealer(tx, self._keys, alert.deployment)
            now = self._clock()
            await tx.execute(
                "INSERT INTO alert (id, deployment, segment, camera, category, blue, seen_at, created_at, "
                "last_seen_at, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(alert_id, alert.deployment, alert.segment, alert.camera, alert.category, alert.blue),
                *(seen_at, now, seen_at, seal_facts(sealer, alert_id, facts)),
            )
            await add_picture(tx, sealer, alert_id, "probe", 1, alert.probe_jpeg)
            await add_picture(tx, sealer, alert_id, "candidate", 1, alert.candidate_jpeg)
            view = first_view(alert_id, facts, alert, name, now)
            body = kinds.AlertRaised(
                deployment=alert.deployment,
                segment=alert.segment,
                alert=alert_id,
                camera=alert.camera,
                category=alert.category,
                blue=alert.blue,
                score=facts.score,
                threshold=facts.threshold,
                reviews_needed=facts.reviews_needed,
            )
            return await append_event(tx, sealer, alert.deployment, "alert", now, SYSTEM, view, body)

    async def sighting(
        self, alert: AlertId, camera: CameraId, seen_at: float, score: float, track: TrackId
    ) -> wire.Event:
        """The same person was seen again: the time in which they may be engaged begins anew.

        It counts from now, by the store's clock, and not from `seen_at` (Unix seconds): a wrong time of day
        neither extends nor ends it. Raises NotAllowed: 'unknown_alert', 'closed' or 'no_deployment'.
        """
        seen_at = float(seen_at)
        async with self._db.write() as tx:
            state = await self._open(tx, alert)
            await tx.execute(
                "INSERT INTO sighting (alert, camera, track, score, seen_at) VALUES (?, ?, ?, ?, ?)",
                *(state.id, camera, int(track), float(score), seen_at),
            )
            await tx.execute(
                "UPDATE alert SET last_seen_at = max(last_seen_at, ?) WHERE id = ?", seen_at, state.id
            )
            now = self._clock()
            view = replace(
                state.view,
                sightings=state.view.sightings + 1,
                expires_at=max(state.view.expires_at, now + state.facts.expire_seconds),
                expired=False,
            )
            if seen_at >= view.last_seen_at:  # cameras differ in lag: a sighting may arrive after a later one
                view = replace(view, last_camera=camera, last_seen_at=seen_at)
            body = kinds.AlertSighted(state.deployment, state.id, camera)
            return await state.append("sighting", now, SYSTEM, view, body)

    async def improve(
        self, alert: AlertId, probe_jpeg: bytes, quality: Mapping[str, float], score: float, shots: int
    ) -> wire.Event | None:
        """Add a better live picture of the same passage, with what the fuller evidence says.

        The alert's own picture and score stay in the store. None, and nothing changed, where an officer has
        adjudicated: what was decided on is not exchanged afterwards. Raises NotAllowed: 'unknown_alert',
        'closed' or 'no_deployment'.
        """
        async with self._db.write(len(probe_jpeg) + _OVERHEAD) as tx:
            state = await self._open(tx, alert)
            if state.view.reviews:
                return None
            newest = await tx.row(
                "SELECT max(version) AS version FROM picture WHERE alert = ? AND kind = 'probe'", state.id
            )
            if newest is None or newest["version"] is None:  # destroyed, and none comes back
                return None
            version = newest["version"] + 1
            sealer = await alerts_sealer(tx, self._keys, state.deployment)
            await add_picture(tx, sealer, state.id, "probe", version, probe_jpeg)
            view = replace(
                state.view,
                probe=f"/alerts/{state.id}/probe.jpg?version={version}",
                quality={name: float(value) for name, value in quality.items()},
                score=float(score),
                shots=int(shots),
            )
            body = kinds.AlertImproved(state.deployment, state.id, version)
            return await state.append("improved", self._clock(), SYSTEM, view, body)

    async def _open(self, tx: Transaction, alert: AlertId) -> AlertState:
        """An alert to which cameras may still add."""
        state = await AlertState.find(tx, self._keys, alert)
        if state.view.closed:
            raise NotAllowed("closed", "this alert is closed")
        await _active(tx, state.deployment)
        return state

    # ---- what phones and the desk read -----------------------------------------------------------------

    async def after(self, seq: int, limit: int) -> list[wire.Event]:
        """The events numbered above `seq` that can be read, oldest first, `limit` (1 and up) at the most."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        async with self._db.read() as tx:
            rows = await tx.rows(
                f"SELECT * FROM event WHERE seq > ? AND (body IS NULL OR {_READABLE}) ORDER BY seq LIMIT ?",
                *(seq, limit),
            )
            sealed = {DeploymentId(row["deployment"]) for row in rows if row["body"] is not None}
            sealers = await self._sealers(tx, sealed)
        return [open_event(sealers.get(row["deployment"]), row) for row in rows]

    async def latest(self) -> int:
        """The number of the newest event; 0 before the first."""
        async with self._db.read() as tx:
            row = await tx.row("SELECT max(seq) FROM event")
        return int(row[0] or 0) if row is not None else 0

    async def beginning(self, since: float) -> int:
        """The number from which the phone of a session that began at `since` (Unix seconds) is told: what was
        over and done with by then, in deployments that had ended, is no concern of whoever joins later."""
        async with self._db.read() as tx:
            row = await tx.row(
                "SELECT min(seq) AS first, (SELECT max(seq) FROM event) AS latest "
                "FROM event JOIN alert ON alert.id = event.alert "
                "WHERE closed_at IS NULL OR closed_at > ?1 OR alert.deployment IN "
                "(SELECT id FROM deployment WHERE stage IN (?2, ?3, ?4) OR closed_at > ?1)",
                *(since, *(stage.value for stage in Stage if stage.is_open)),
            )
        # Both numbers of one moment: an alert that is filed meanwhile comes after the one and the other.
        assert row is not None
        return int(row["latest"] or 0) if row["first"] is None else int(row["first"]) - 1

    async def picture(self, alert: AlertId, kind: PictureKind, actor: Actor) -> bytes | None:
        """The newest JPEG file of that kind, its viewing audited first; None where the alert is unknown or
        its pictures have been destroyed."""
        async with self._db.read() as tx:
            row = await tx.row(
                "SELECT deployment, version, picture.sealed FROM picture JOIN alert ON alert.id = alert "
                "WHERE alert = ? AND kind = ? ORDER BY version DESC LIMIT 1",
                *(alert, kind),
            )
            if row is None:
                return None
            try:
                sealer = await alerts_sealer(tx, self._keys, DeploymentId(row["deployment"]))
            except NotAllowed:
                return None
        jpeg = sealer.unseal(row["sealed"], picture_context(alert, kind, row["version"]))
        await self._viewings.record(actor, kinds.PictureViewed(row["deployment"], kind, alert))
        return jpeg

    async def view(self, alert: AlertId) -> wire.AlertView:
        """The alert as it stands. Raises NotAllowed('unknown_alert')."""
        async with self._db.read() as tx:
            return (await AlertState.find(tx, self._keys, alert)).view

    async def views(self, deployment: DeploymentId) -> list[wire.AlertView]:
        """A deployment's alerts as they stand, oldest first; empty where its key is gone."""
        async with self._db.read() as tx:
            rows = await tx.rows(
                f"SELECT * FROM event WHERE {_READABLE} AND deployment = ? AND seq IN "
                "(SELECT max(seq) FROM event GROUP BY alert) AND body IS NOT NULL",
                deployment,
            )
            sealers = await self._sealers(tx, {deployment} if rows else set())
        views = [open_event(sealers.get(deployment), row).alert for row in rows]
        return sorted(views, key=lambda view: (view.created_at, view.id))

    async def escalate_seconds(self, alert: AlertId) -> float:
        """How long it may wait for a claim. Raises NotAllowed('unknown_alert')."""
        async with self._db.read() as tx:
            return (await AlertState.find(tx, self._keys, alert)).facts.escalate_seconds

    # ---- what a restarted process takes up -------------------------------------------------------------

    async def open_alerts(self) -> list[OpenAlert]:
        """The alerts of all deployments that are not closed, oldest first."""
        async with self._db.read() as tx:
            rows = await tx.rows(
                "SELECT alert.*, claim.at AS claimed_at, (SELECT max(event.at) FROM event "
                "WHERE event.alert = alert.id AND what = 'released') AS released_at "
                "FROM alert LEFT JOIN claim ON claim.alert = alert.id "
                f"WHERE closed_at IS NULL AND {_READABLE} ORDER BY created_at, id"
            )
            found: list[OpenAlert] = []
            for row in rows:
                state = await AlertState.find(tx, self._keys, AlertId(row["id"]))
                since = None if row["claimed_at"] is not None else row["released_at"] or row["created_at"]
                found.append(OpenAlert(state.view, state.facts.escalate_seconds, since))
        return found

    async def recent_nominals(
        self, deployment: DeploymentId, since: float
    ) -> list[tuple[NominalId, AlertId, float]]:
        """Who was seen at or after `since` (Unix seconds), by which alert, and when last: oldest first.

        One entry a nominal, with the alert whose last sighting is the newest: what a restarted process needs
        to go on counting repeats as sightings. Not of alerts that take none: closed ones, and those of which
        officers could not tell.
        """
        async with self._db.read() as tx:
            rows = await tx.rows(
                "SELECT id, last_seen_at FROM alert WHERE deployment = ? AND last_seen_at >= ? "
                f"AND closed_at IS NULL AND {_READABLE} ORDER BY last_seen_at",
                *(deployment, float(since)),
            )
            found = [(await AlertState.find(tx, self._keys, AlertId(row["id"])), row) for row in rows]
        newest: dict[NominalId, tuple[AlertId, float]] = {}
        for state, row in found:
            nominal = NominalId(state.view.nominal)
            newest.pop(nominal, None)
            if state.view.decision != "insufficient":
                newest[nominal] = state.id, row["last_seen_at"]
        return [(nominal, alert, seen_at) for nominal, (alert, seen_at) in newest.items()]

    # ---- receipts --------------------------------------------------------------------------------------

    async def receipted(self, receipts: Sequence[tuple[SessionId, int]]) -> None:
        """Each session's phone has shown all events up to its number. All in one transaction; a number never
        goes back, nor beyond the newest event there is."""
        at = self._clock()
        async with self._db.write() as tx:
            await tx.execute_each(
                "INSERT INTO receipt (session, seq, at) "
                "VALUES (?, min(?, (SELECT coalesce(max(seq), 0) FROM event)), ?) "
                "ON CONFLICT (session) DO UPDATE SET seq = excluded.seq, at = excluded.at "
                "WHERE excluded.seq > receipt.seq",
                [(session, seq, at) for session, seq in receipts],
            )

    async def receipts(self) -> dict[SessionId, int]:
        """The last number that each session has receipted, of those that have receipted any."""
        async with self._db.read() as tx:
            rows = await tx.rows("SELECT session, seq FROM receipt")
        return {SessionId(row["session"]): row["seq"] for row in rows}

    async def _sealers(self, tx: Transaction, deployments: set[DeploymentId]) -> dict[str, Sealer]:
        return {each: await alerts_sealer(tx, self._keys, each) for each in deployments}


async def _active(tx: Transaction, deployment: DeploymentId) -> str:
    """The deployment's name. Raises NotAllowed('no_deployment') where nobody may be looked for under it."""
    row = await tx.row("SELECT name, stage FROM deployment WHERE id = ?", deployment)
    if row is None or row["stage"] != Stage.ACTIVE:
        raise NotAllowed("no_deployment", "no deployment is active: nobody is looked for")
    return str(row["name"])
