"""The alert log: what happened to each alert, numbered, and stored before anybody hears of it.

An alert is a row that never changes; its claim, its adjudication and its sightings are rows beside it. Each
writes one event, whose body is the alert's whole state after it: a phone that resumes is told exactly what it
would have been told, and the newest event of an alert is its state now.
"""

from __future__ import annotations

import math
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from lfrd import wire
from lfrd.errors import NotAllowed
from lfrd.store.database import Database, Transaction
from lfrd.store.officers import SessionId
from lfrd.types import AlertId, Box, CameraId, Decision, DeploymentId, NominalId, OfficerId, TrackId

PictureKind = Literal["probe", "candidate"]
What = Literal["alert", "sighting", "improved", "claimed", "adjudicated"]

_OVERHEAD = 64 << 10
"""Bytes that a new alert takes beside its pictures, at the most: rows, index pages and the log's frames."""

_view = msgspec.json.Decoder(wire.AlertView)


@dataclass(frozen=True, slots=True)
class NewAlert:
    """A verdict that is to become an alert.

    score, threshold: cosine similarity, -1..1. seen_at: Unix seconds of the decisive frame. quality: numbers
    of the shot that is shown (eye_distance in pixels, sharpness, yaw, pitch). shots: how many pictures
    agreed, 1 and up. box: the face in the decisive frame. The pictures are JPEG files. Raises ValueError
    where a number is not finite or a picture is empty.
    """

    deployment: DeploymentId
    nominal: NominalId
    camera: CameraId
    score: float
    threshold: float
    seen_at: float
    quality: dict[str, float]
    shots: int
    box: Box
    probe_jpeg: bytes = field(repr=False)
    candidate_jpeg: bytes = field(repr=False)

    def __post_init__(self) -> None:
        box = (self.box.x, self.box.y, self.box.width, self.box.height)
        numbers = (self.score, self.threshold, self.seen_at, *self.quality.values(), *box)
        if not all(map(math.isfinite, numbers)):
            raise ValueError("an alert's numbers must be finite")
        if self.shots < 1:
            raise ValueError(f"at least one shot must agree, not {self.shots}")
        if not self.probe_jpeg or not self.candidate_jpeg:
            raise ValueError("an alert needs both pictures")


_MINE = "(deployment = ? OR alert IN (SELECT value FROM json_each(?)))"
"""A condition on rows that have `deployment` and `alert`: this deployment's, and those carried over."""


async def unanswered(db: Database, current: DeploymentId, since: float) -> list[AlertId]:
    """Alerts of other deployments, created at or after `since` (Unix seconds), that wait for a decision."""
    async with db.read() as tx:
        rows = await tx.rows(
            "SELECT id FROM alert WHERE deployment != ? AND created_at >= ? "
            "AND id NOT IN (SELECT alert FROM adjudication) ORDER BY created_at",
            *(current, float(since)),
        )
    return [AlertId(row["id"]) for row in rows]


class AlertLog:
    """The alerts of one deployment.

    Every method that writes returns when it is on the disk, and raises StoreError, with nothing changed,
    where that cannot be. Event numbers rise through all deployments of the box and have no gaps there; one
    is given inside the only transaction that writes, so none becomes visible before a smaller one.
    """

    def __init__(
        self,
        db: Database,
        deployment: DeploymentId,
        clock: Callable[[], float],
        carried: Sequence[AlertId] = (),
    ) -> None:
        """carried: alerts of earlier deployments that nobody has answered (`unanswered`): told and answered
        here as well, because a changed watchlist must not take a person in the street off the phones."""
        self._db = db
        self._deployment = deployment
        self._carried = msgspec.json.encode(list(carried)).decode()
        self._clock = clock  # Unix seconds

    async def file(self, alert: NewAlert) -> wire.Event:
        """Store an alert, both its pictures and its event in one transaction."""
        if alert.deployment != self._deployment:
            raise ValueError("the alert belongs to another deployment than this log")
        now = self._clock()
        alert_id = AlertId(secrets.token_hex(12))
        # Plain numbers: what comes from arrays is NumPy's, which neither SQLite nor JSON takes.
        quality = {name: float(value) for name, value in alert.quality.items()}
        view = wire.AlertView(
            id=alert_id,
            nominal=alert.nominal,
            score=float(alert.score),
            threshold=float(alert.threshold),
            camera=alert.camera,
            seen_at=float(alert.seen_at),
            created_at=now,
            quality=quality,
            probe=f"/alerts/{alert_id}/probe.jpg",
            candidate=f"/alerts/{alert_id}/candidate.jpg",
            shots=int(alert.shots),
        )
        need = len(alert.probe_jpeg) + len(alert.candidate_jpeg) + _OVERHEAD
        async with self._db.write(need) as tx:
            await tx.execute(
                "INSERT INTO alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(alert_id, self._deployment, view.nominal, view.camera, view.score, view.threshold),
                *(view.seen_at, now, msgspec.json.encode(quality).decode(), view.shots),
                *map(float, (alert.box.x, alert.box.y, alert.box.width, alert.box.height)),
            )
            await tx.execute_each(
                "INSERT INTO picture (alert, kind, version, jpeg) VALUES (?, ?, 1, ?)",
                [(alert_id, "probe", alert.probe_jpeg), (alert_id, "candidate", alert.candidate_jpeg)],
            )
            return await self._append(tx, "alert", now, None, view)

    async def sighting(
        self, alert_id: AlertId, camera: CameraId, seen_at: float, score: float, track: TrackId
    ) -> wire.Event:
        """The same person was seen again. Raises NotAllowed('unknown_alert')."""
        seen_at = float(seen_at)
        async with self._db.write() as tx:
            view = await self._state(tx, alert_id)
            await tx.execute(
                "INSERT INTO sighting (alert, camera, track, score, seen_at) VALUES (?, ?, ?, ?, ?)",
                *(alert_id, camera, int(track), float(score), seen_at),
            )
            view = msgspec.structs.replace(view, sightings=view.sightings + 1)
            if seen_at >= view.last_seen_at:  # cameras differ in lag: a sighting may arrive after a later one
                view = msgspec.structs.replace(view, last_camera=camera, last_seen_at=seen_at)
            return await self._append(tx, "sighting", self._clock(), None, view)

    async def improve(
        self, alert_id: AlertId, probe_jpeg: bytes, quality: Mapping[str, float], score: float, shots: int
    ) -> wire.Event | None:
        """Add a better live picture of the same passage, with what the fuller evidence says.

        The alert's own picture and score stay in the store. None, and nothing changed, where the alert has
        been adjudicated: what was decided on is not exchanged afterwards. Raises NotAllowed('unknown_alert').
        """
        async with self._db.write(len(probe_jpeg) + _OVERHEAD) as tx:
            view = await self._state(tx, alert_id)
            if view.decision:
                return None
            row = await tx.row(
                "INSERT INTO picture (alert, kind, version, jpeg) SELECT alert, kind, max(version) + 1, ? "
                "FROM picture WHERE alert = ? AND kind = 'probe' GROUP BY alert, kind RETURNING version",
                *(probe_jpeg, alert_id),
            )
            if row is None:  # its pictures have been destroyed, and none comes back
                return None
            view = msgspec.structs.replace(
                view,
                probe=f"/alerts/{alert_id}/probe.jpg?version={row['version']}",
                quality={name: float(value) for name, value in quality.items()},
                score=float(score),
                shots=int(shots),
            )
            return await self._append(tx, "improved", self._clock(), None, view)

    async def claim(self, alert_id: AlertId, officer: OfficerId) -> wire.Event:
        """The first officer to claim has it; asking again returns the event by which they got it.

        Raises NotAllowed: 'unknown_alert', or 'claimed' where another officer has it.
        """
        async with self._db.write() as tx:
            view = await self._state(tx, alert_id)
            if await self._holder(tx, alert_id, officer) is not None:
                return await self._event(tx, alert_id, ("claimed", "adjudicated"))
            now = self._clock()
            name = await self._take(tx, alert_id, officer, now)
            view = msgspec.structs.replace(view, claimed_by=name)
            return await self._append(tx, "claimed", now, officer, view)

    async def adjudicate(
        self, alert_id: AlertId, officer: OfficerId, decision: Decision, reason: str = ""
    ) -> wire.Event:
        """Record an officer's decision, once; it claims an alert that nobody has.

        The same decision sent again by the same officer, after a lost connection, returns the first event.
        Raises NotAllowed: 'unknown_alert', 'adjudicated', 'claimed' where another officer has it, or
        'reason_missing' where not_viable or insufficient come without one.
        """
        reason = reason.strip()
        async with self._db.write() as tx:
            view = await self._state(tx, alert_id)
            earlier = await tx.row("SELECT officer, decision FROM adjudication WHERE alert = ?", alert_id)
            if earlier is not None:
                if (earlier["officer"], earlier["decision"]) == (officer, decision):
                    return await self._event(tx, alert_id, ("adjudicated",))
                raise NotAllowed("adjudicated", f"{view.decided_by} has already decided")
            name = await self._holder(tx, alert_id, officer)
            if decision != "viable" and not reason:
                raise NotAllowed("reason_missing", "say in a few words why")
            now = self._clock()
            if name is None:
                name = await self._take(tx, alert_id, officer, now)
            await tx.execute(
                "INSERT INTO adjudication (alert, officer, decision, reason, at) VALUES (?, ?, ?, ?, ?)",
                *(alert_id, officer, decision, reason, now),
            )
            view = msgspec.structs.replace(
                view,
                claimed_by=name,
                decision=decision,
                decided_by=name,
                reason=reason,
                seconds=max(0.0, now - view.created_at),  # a clock that was set back makes no negative time
            )
            return await self._append(tx, "adjudicated", now, officer, view)

    async def after(self, seq: int, limit: int) -> list[wire.Event]:
        """This deployment's events numbered above `seq`, oldest first, `limit` (1 and up) at the most."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        async with self._db.read() as tx:
            rows = await tx.rows(
                f"SELECT seq, what, at, body FROM event WHERE {_MINE} AND seq > ? ORDER BY seq LIMIT ?",
                *(self._deployment, self._carried, seq, limit),
            )
        return [_as_event(row) for row in rows]

    async def latest(self) -> int:
        """The number of the newest event that `after` gives; 0 where there is none."""
        async with self._db.read() as tx:
            row = await tx.row(f"SELECT max(seq) FROM event WHERE {_MINE}", self._deployment, self._carried)
        return int(row[0] or 0) if row is not None else 0

    async def picture(self, alert_id: AlertId, kind: PictureKind) -> bytes | None:
        """The newest JPEG file of that kind; None where this deployment has no such alert, or its pictures
        have been destroyed."""
        async with self._db.read() as tx:
            row = await tx.row(
                "SELECT jpeg FROM picture JOIN alert ON alert.id = picture.alert WHERE alert = ? AND "
                f"{_MINE} AND kind = ? ORDER BY version DESC LIMIT 1",
                *(alert_id, self._deployment, self._carried, kind),
            )
        return None if row is None else bytes(row["jpeg"])

    async def open_alerts(self) -> list[wire.AlertView]:
        """The alerts that wait for a decision, as they stand, oldest first."""
        async with self._db.read() as tx:
            rows = await tx.rows(
                "SELECT body FROM event JOIN (SELECT max(seq) AS newest, min(seq) AS first FROM event "
                f"WHERE {_MINE} GROUP BY alert) ON seq = newest "
                "WHERE alert NOT IN (SELECT alert FROM adjudication) ORDER BY first",
                *(self._deployment, self._carried),
            )
        return [_view.decode(row["body"]) for row in rows]

    async def recent_nominals(self, since: float) -> list[tuple[NominalId, AlertId, float]]:
        """Who was seen at or after `since` (Unix seconds), by which alert, and when last: oldest first.

        One entry a nominal, with the alert whose last sighting is the newest: what a restarted process needs
        to go on counting repeats as sightings.
        """
        async with self._db.read() as tx:
            # SQLite takes the bare column `id` from the row that holds the maximum.
            rows = await tx.rows(
                "WITH mine AS (SELECT id, nominal, seen_at FROM alert WHERE deployment = ?) "
                "SELECT nominal, id, max(seen) AS seen FROM (SELECT nominal, id, seen_at AS seen FROM mine "
                "UNION ALL SELECT nominal, mine.id, sighting.seen_at FROM mine JOIN sighting "
                "ON mine.id = alert) WHERE seen >= ? GROUP BY nominal ORDER BY seen",
                *(self._deployment, float(since)),
            )
        return [(NominalId(row["nominal"]), AlertId(row["id"]), row["seen"]) for row in rows]

    async def receipted(self, session: SessionId, seq: int) -> None:
        """A phone has shown all events up to `seq`. Never goes back, nor beyond the newest event there is."""
        async with self._db.write() as tx:
            await tx.execute(
                "INSERT INTO receipt (session, seq, at) "
                "VALUES (?, min(?, (SELECT coalesce(max(seq), 0) FROM event)), ?) "
                "ON CONFLICT (session) DO UPDATE SET seq = excluded.seq, at = excluded.at "
                "WHERE excluded.seq > receipt.seq",
                *(session, seq, self._clock()),
            )

    async def receipts(self) -> dict[SessionId, int]:
        """The last number that each session has receipted, of those that have receipted any."""
        async with self._db.read() as tx:
            rows = await tx.rows("SELECT session, seq FROM receipt")
        return {SessionId(row["session"]): row["seq"] for row in rows}

    async def _state(self, tx: Transaction, alert_id: AlertId) -> wire.AlertView:
        row = await tx.row(
            f"SELECT body FROM event WHERE alert = ? AND {_MINE} ORDER BY seq DESC LIMIT 1",
            *(alert_id, self._deployment, self._carried),
        )
        if row is None:
            raise NotAllowed(
                "unknown_alert", "this alert is no longer kept, or belongs to another deployment"
            )
        return _view.decode(row["body"])

    async def _holder(self, tx: Transaction, alert_id: AlertId, officer: OfficerId) -> str | None:
        """The officer's name where they have the alert, None where nobody has; else NotAllowed('claimed')."""
        row = await tx.row(
            "SELECT officer, name FROM claim JOIN officer ON officer.id = claim.officer WHERE alert = ?",
            alert_id,
        )
        if row is None:
            return None
        if row["officer"] != officer:
            raise NotAllowed("claimed", f"{row['name']} has it")
        return str(row["name"])

    async def _take(self, tx: Transaction, alert_id: AlertId, officer: OfficerId, now: float) -> str:
        row = await tx.row("SELECT name FROM officer WHERE id = ?", officer)
        if row is None:
            raise ValueError(f"no officer has the id '{officer}'")
        await tx.execute("INSERT INTO claim (alert, officer, at) VALUES (?, ?, ?)", alert_id, officer, now)
        return str(row["name"])

    async def _event(self, tx: Transaction, alert_id: AlertId, kinds: tuple[What, ...]) -> wire.Event:
        """The alert's first event of one of these kinds."""
        rows = await tx.rows("SELECT seq, what, at, body FROM event WHERE alert = ? ORDER BY seq", alert_id)
        return next(_as_event(row) for row in rows if row["what"] in kinds)

    async def _append(
        self, tx: Transaction, what: What, at: float, officer: OfficerId | None, view: wire.AlertView
    ) -> wire.Event:
        row = await tx.row(
            "INSERT INTO event (deployment, alert, what, at, officer, body) "
            "SELECT deployment, id, ?, ?, ?, ? FROM alert WHERE id = ? RETURNING seq",
            *(what, at, officer, msgspec.json.encode(view).decode(), view.id),
        )
        assert row is not None  # an INSERT that returned nothing would have raised
        return wire.Event(seq=row["seq"], what=what, at=at, alert=view)


def _as_event(row: sqlite3.Row) -> wire.Event:
    return wire.Event(seq=row["seq"], what=row["what"], at=row["at"], alert=_view.decode(row["body"]))
