"""One alert inside a transaction: what is sealed of it, what officers have recorded, and its next event."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass, field
from typing import Literal, Self

import msgspec
from msgspec import Struct

from lfrd import wire
from lfrd.audit.kinds import AnyBody
from lfrd.errors import NotAllowed
from lfrd.policy.adjudication import Coded, Review, Standing
from lfrd.sealing.sealer import Sealer
from lfrd.store import audit
from lfrd.store.database import Transaction
from lfrd.store.keys import Keys, Purpose
from lfrd.types import SYSTEM, Actor, AlertId, Box, CameraId, DeploymentId, NominalId, OfficerId

PictureKind = Literal["probe", "candidate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """A verdict that is to become an alert.

    segment: of the deployment, whose terms it was found under. category, blue, name, instruction and
    image_date (YYYY-MM-DD): of the watchlist's entry. score, threshold: cosine similarity, -1..1. seen_at:
    Unix seconds of the decisive frame. quality: numbers of the shot that is shown (eye_distance in pixels,
    sharpness, yaw, pitch). shots: how many pictures agreed, 1 and up. box: the face in the decisive frame.
    The pictures are JPEG files. reviews_needed (1 or 2), escalate_seconds and expire_seconds: of the plan as
    it stands now. Raises ValueError where a number is not finite or a picture is empty.
    """

    deployment: DeploymentId
    segment: int
    nominal: NominalId
    name: str = field(default="", repr=False)
    category: str
    instruction: str = ""
    image_date: str = ""
    blue: bool = False
    camera: CameraId
    score: float
    threshold: float
    seen_at: float
    quality: dict[str, float]
    shots: int
    box: Box
    probe_jpeg: bytes = field(repr=False)
    candidate_jpeg: bytes = field(repr=False)
    reviews_needed: int
    escalate_seconds: float
    expire_seconds: float

    def __post_init__(self) -> None:
        box = (self.box.x, self.box.y, self.box.width, self.box.height)
        numbers = (self.score, self.threshold, self.seen_at, *self.quality.values(), *box)
        if not all(map(math.isfinite, (*numbers, self.escalate_seconds, self.expire_seconds))):
            raise ValueError("an alert's numbers must be finite")
        if self.shots < 1:
            raise ValueError(f"at least one shot must agree, not {self.shots}")
        if self.reviews_needed not in (1, 2):
            raise ValueError(f"an alert has one reviewer or two, not {self.reviews_needed}")
        if not self.probe_jpeg or not self.candidate_jpeg:
            raise ValueError("an alert needs both pictures")


class Facts(Struct, frozen=True):
    """What is sealed in an alert's row and never changes: see NewAlert. box: x, y, width, height."""

    nominal: str
    name: str
    instruction: str
    image_date: str
    score: float
    threshold: float
    quality: dict[str, float]
    shots: int
    box: tuple[float, float, float, float]
    reviews_needed: int
    escalate_seconds: float
    expire_seconds: float

    @classmethod
    def of(cls, alert: NewAlert) -> Self:
        # Plain numbers: what comes from arrays is NumPy's, which neither SQLite nor JSON takes.
        box = alert.box
        return cls(
            nominal=alert.nominal,
            name=alert.name,
            instruction=alert.instruction,
            image_date=alert.image_date,
            score=float(alert.score),
            threshold=float(alert.threshold),
            quality={name: float(value) for name, value in alert.quality.items()},
            shots=int(alert.shots),
            box=(float(box.x), float(box.y), float(box.width), float(box.height)),
            reviews_needed=alert.reviews_needed,
            escalate_seconds=float(alert.escalate_seconds),
            expire_seconds=float(alert.expire_seconds),
        )


_facts = msgspec.json.Decoder(Facts)
_view = msgspec.json.Decoder(wire.AlertView)


def seal_facts(sealer: Sealer, alert: AlertId, facts: Facts) -> bytes:
    return sealer.seal(msgspec.json.encode(facts), f"alert/{alert}")


def open_facts(sealer: Sealer, row: sqlite3.Row) -> Facts:
    """row: of the table `alert`, with id and sealed."""
    return _facts.decode(sealer.unseal(row["sealed"], f"alert/{row['id']}"))


def first_view(alert: AlertId, facts: Facts, new: NewAlert, deployment: str, now: float) -> wire.AlertView:
    """What phones are told of a new alert. deployment: its name."""
    return wire.AlertView(
        id=alert,
        nominal=facts.nominal,
        score=facts.score,
        threshold=facts.threshold,
        camera=new.camera,
        seen_at=float(new.seen_at),
        created_at=now,
        quality=facts.quality,
        probe=f"/alerts/{alert}/probe.jpg",
        candidate=f"/alerts/{alert}/candidate.jpg",
        shots=facts.shots,
        deployment=deployment,
        name=facts.name,
        category=new.category,
        instruction=facts.instruction,
        image_date=facts.image_date,
        blue=new.blue,
        expires_at=now + facts.expire_seconds,
        reviews_needed=facts.reviews_needed,
    )


def erased_view(alert: str) -> wire.AlertView:
    """What is told of an alert that has been deleted: its id and nothing else."""
    return wire.AlertView(
        id=alert, nominal="", score=0.0, threshold=0.0, camera="", seen_at=0.0, created_at=0.0, quality={},
        probe="", candidate="", shots=0, reviews_needed=0,
    )  # fmt: skip


def open_event(sealer: Sealer | None, row: sqlite3.Row) -> wire.Event:
    """row: of the table `event`. sealer: None for the event of an alert that has been deleted."""
    if row["body"] is None:
        view = erased_view(row["alert"])
    else:
        assert sealer is not None  # bodies are sealed with the alert's deployment's key
        view = _view.decode(sealer.unseal(row["body"], f"event/{row['alert']}"))
    return wire.Event(seq=row["seq"], what=row["what"], at=row["at"], alert=view)


async def add_picture(
    tx: Transaction, sealer: Sealer, alert: AlertId, kind: PictureKind, version: int, jpeg: bytes
) -> None:
    await tx.execute(
        "INSERT INTO picture (alert, kind, version, sealed) VALUES (?, ?, ?, ?)",
        *(alert, kind, version, sealer.seal(jpeg, picture_context(alert, kind, version))),
    )


def picture_context(alert: AlertId, kind: PictureKind, version: int) -> str:
    return f"picture/{alert}/{kind}/{version}"


async def alerts_sealer(tx: Transaction, keys: Keys, deployment: DeploymentId) -> Sealer:
    """Raises NotAllowed('unknown_alert') where the key is gone: what it sealed is as good as deleted."""
    try:
        return await keys.sealer(tx, deployment, Purpose.ALERTS)
    except NotAllowed:
        raise unknown() from None


def unknown() -> NotAllowed:
    return NotAllowed("unknown_alert", "this alert is no longer kept")


class AlertState:
    """An alert as it stands inside a transaction, and the way to write the next event of it.

    `view` is the newest event's body: each event carries the alert's whole state after it, so that a phone
    that resumes is told exactly what it would have been told.
    """

    def __init__(self, tx: Transaction, sealer: Sealer, row: sqlite3.Row, view: wire.AlertView) -> None:
        self._tx = tx
        self._sealer = sealer
        self._row = row  # of the table `alert`
        self.id = AlertId(row["id"])
        self.deployment = DeploymentId(row["deployment"])
        self.view = view

    @classmethod
    async def find(cls, tx: Transaction, keys: Keys, alert: AlertId) -> Self:
        """Raises NotAllowed('unknown_alert') where it is deleted, or its deployment's key is."""
        row = await tx.row("SELECT * FROM alert WHERE id = ?", alert)
        if row is None:
            raise unknown()
        sealer = await alerts_sealer(tx, keys, DeploymentId(row["deployment"]))
        newest = await tx.row("SELECT * FROM event WHERE alert = ? ORDER BY seq DESC LIMIT 1", alert)
        if newest is None or newest["body"] is None:
            raise unknown()
        return cls(tx, sealer, row, open_event(sealer, newest).alert)

    @property
    def facts(self) -> Facts:
        return open_facts(self._sealer, self._row)

    def seal(self, text: str, context: str) -> bytes:
        return self._sealer.seal(text.encode(), f"{context}/{self.id}")

    def _unseal(self, sealed: bytes, context: str) -> str:
        return self._sealer.unseal(sealed, f"{context}/{self.id}").decode()

    async def standing(self) -> Standing:
        """All that officers have recorded, as the rules look at it."""
        return Standing(
            blue=bool(self._row["blue"]),
            expires_at=self.view.expires_at,
            reviews_needed=self.view.reviews_needed,
            holder=await self._one("claim"),
            reviews=await self._reviews(),
            disclosed=await self._tx.row(
                "SELECT 1 FROM event WHERE alert = ? AND what = 'adjudicated'", self.id
            )
            is not None,
            engaged_by=await self._one("engagement"),
            outcome=await self._outcome(),
            closed=self._row["closed_at"] is not None,
        )

    async def event(self, whats: tuple[wire.What, ...], officer: Actor) -> wire.Event | None:
        """The newest event of these kinds that the officer has caused: the answer to a repeated request."""
        marks = ", ".join("?" * len(whats))
        row = await self._tx.row(
            f"SELECT * FROM event WHERE alert = ? AND officer = ? AND what IN ({marks}) "  # noqa: S608
            "ORDER BY seq DESC LIMIT 1",
            *(self.id, officer.id, *whats),
        )
        return None if row is None else open_event(self._sealer, row)

    async def append(
        self, what: wire.What, at: float, actor: Actor, view: wire.AlertView, body: AnyBody | None
    ) -> wire.Event:
        """Write the event with the state after it, and its record in the audit (`body`)."""
        self.view = view
        return await append_event(self._tx, self._sealer, self.deployment, what, at, actor, view, body)

    async def _one(self, table: str) -> Actor | None:
        row = await self._tx.row(
            f"SELECT officer, name FROM {table} JOIN officer ON officer.id = officer "  # noqa: S608
            "WHERE alert = ?",
            self.id,
        )
        return None if row is None else _officer(row)

    async def _reviews(self) -> tuple[Review, ...]:
        rows = await self._tx.rows(
            "SELECT a.id, a.officer, o.name, a.decision, a.reason, w.adjudication IS NOT NULL AS withdrawn "
            "FROM adjudication a JOIN officer o ON o.id = a.officer "
            "LEFT JOIN withdrawal w ON w.adjudication = a.id WHERE a.alert = ? ORDER BY a.id",
            self.id,
        )
        return tuple(
            Review(
                row["id"],
                _officer(row),
                row["decision"],
                self._unseal(row["reason"], "adjudication"),
                bool(row["withdrawn"]),
            )
            for row in rows
        )

    async def _outcome(self) -> Coded | None:
        row = await self._tx.row(
            "SELECT outcome.*, name FROM outcome JOIN officer ON officer.id = officer WHERE alert = ? "
            "ORDER BY outcome.id DESC LIMIT 1",
            self.id,
        )
        if row is None:
            return None
        correction = self._unseal(row["correction"], "outcome")
        return Coded(_officer(row), row["outcome"], row["arrest_class"], correction)


async def append_event(
    tx: Transaction,
    sealer: Sealer,
    deployment: DeploymentId,
    what: wire.What,
    at: float,
    actor: Actor,
    view: wire.AlertView,
    body: AnyBody | None,
) -> wire.Event:
    """Number, seal and write one event, and its record in the audit, in the transaction of what it tells."""
    row = await tx.row(
        "INSERT INTO event (deployment, alert, what, at, officer, body) VALUES (?, ?, ?, ?, ?, ?) "
        "RETURNING seq",
        *(deployment, view.id, what, at, None if actor == SYSTEM else actor.id),
        sealer.seal(msgspec.json.encode(view), f"event/{view.id}"),
    )
    assert row is not None  # an INSERT that returned nothing would have raised
    if body is not None:
        await audit.append(tx, at, actor, body)
    return wire.Event(seq=row["seq"], what=what, at=at, alert=view)


def _officer(row: sqlite3.Row) -> Actor:
    return Actor(OfficerId(row["officer"]), row["name"])
