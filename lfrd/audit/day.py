"""The day in quarter hours, for the desk's wall: faces, alerts and how fast they were answered, by the audit.

The same records as for the deployment's record (`counting`), and the same rules for what an alert was; only
the grain is finer, the newest MOST quarters are kept, and it can be asked at any moment while records come.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import Final, get_args

import msgspec
from msgspec import Struct

from lfrd.audit import kinds
from lfrd.audit.chain import Record
from lfrd.audit.standing import Alert, AlertBody
from lfrd.errors import LfrdError

QUARTER = 900.0
"""Seconds. A quarter begins at a multiple of them since the epoch (UTC)."""
MOST = 96
"""Quarters that are shown: a day. What lies before the newest so many is let go of."""

_TELLS: Final = frozenset(
    str(kind.__struct_config__.tag)
    for kind in (kinds.Started, kinds.Counted, kinds.AlertRaised, *get_args(AlertBody))
)


class Answers(Struct, frozen=True):
    """Seconds from an alert to its first claim or adjudication: how many alerts, the median, the slowest."""

    count: int
    median_seconds: float | None
    slowest_seconds: float | None


class Quarter(Struct, frozen=True):
    """A quarter of an hour from `at` on (Unix seconds). Alerts and their answers stand where the alert was
    raised; true, false: by `standing.Truth`, the others are open or stayed undetermined."""

    at: float
    faces_seen: int
    alerts: int
    true: int
    false: int
    answers: Answers


class DayFigures(Struct, frozen=True):
    """Of one deployment. Blue-list alerts stand apart and nowhere else (rule 12). outcomes: operational
    alerts by where they stand, each once: the coded outcome, else 'engaged', the decision, 'expired' or
    'open'. last_record: of the audit, up to which it was counted; as_of_at: its time, None without one."""

    quarters: list[Quarter]
    faces_seen: int
    alerts: int
    blue: int
    outcomes: dict[str, int]
    answers: Answers
    last_record: int
    as_of_at: float | None


class Day:
    """Takes one deployment's records in their order; `figures` may be asked again and again."""

    def __init__(self, deployment: str) -> None:
        self.deployment = deployment
        self.last_record = 0  # number of the last record taken, of whatever kind
        self._at: float | None = None  # its time
        self._quarters: dict[int, int] = {}  # faces seen, by number of the quarter since the epoch
        self._alerts: dict[str, Alert] = {}  # by id

    def add(self, record: Record) -> None:
        """Records of other deployments are passed over. Raises LfrdError for one whose body this lfrd does
        not understand: its figures would be wrong."""
        if record.deployment != self.deployment:
            return
        self.last_record, self._at = record.seq, record.at
        if record.what not in _TELLS:
            return
        try:
            body = kinds.decode(record.body)
        except msgspec.DecodeError:
            raise LfrdError(f"audit record {record.seq}: '{record.what}' is of a newer lfrd") from None
        match body:
            case kinds.Counted():
                self._quarter(record.at, body.faces_seen)
            case kinds.Started():
                self._quarter(record.at)
            case kinds.AlertRaised():
                self._alerts[body.alert] = Alert.raised(body, record.at)
                self._quarter(record.at)
            case _:
                assert isinstance(body, AlertBody)
                if body.alert in self._alerts:
                    self._alerts[body.alert].follow(body, record.actor, record.at)

    def _quarter(self, at: float, faces: int = 0) -> None:
        number = _number(at)
        self._quarters[number] = self._quarters.get(number, 0) + faces
        oldest = max(self._quarters) - MOST + 1
        if min(self._quarters) < oldest:
            self._quarters = {n: seen for n, seen in self._quarters.items() if n >= oldest}
            self._alerts = {id: a for id, a in self._alerts.items() if _number(a.raised_at) >= oldest}

    def figures(self) -> DayFigures:
        """Every quarter from the first to the last with anything in it, the empty ones between them too."""
        operational = [alert for alert in self._alerts.values() if not alert.blue]
        by_quarter: dict[int, list[Alert]] = {}
        for alert in operational:
            by_quarter.setdefault(_number(alert.raised_at), []).append(alert)
        quarters: list[Quarter] = []
        if self._quarters:
            for number in range(min(self._quarters), max(self._quarters) + 1):
                alerts = by_quarter.get(number, [])
                quarters.append(
                    Quarter(
                        at=number * QUARTER,
                        faces_seen=self._quarters.get(number, 0),
                        alerts=len(alerts),
                        true=sum(a.truth.is_true for a in alerts),
                        false=sum(a.truth.is_false for a in alerts),
                        answers=_answers(alerts),
                    )
                )
        outcomes: dict[str, int] = {}
        for alert in operational:
            stands = _stands(alert)
            outcomes[stands] = outcomes.get(stands, 0) + 1
        return DayFigures(
            quarters=quarters,
            faces_seen=sum(self._quarters.values()),
            alerts=len(operational),
            blue=len(self._alerts) - len(operational),
            outcomes=dict(sorted(outcomes.items())),
            answers=_answers(operational),
            last_record=self.last_record,
            as_of_at=self._at,
        )


def day(records: Iterable[Record], deployment: str) -> DayFigures:
    """The figures of one deployment's newest day by these records. Raises LfrdError: see `Day.add`."""
    counted = Day(deployment)
    for record in records:
        counted.add(record)
    return counted.figures()


def _number(at: float) -> int:
    return math.floor(at / QUARTER)


def _answers(alerts: Iterable[Alert]) -> Answers:
    seconds = [alert.answered_at - alert.raised_at for alert in alerts if alert.answered_at is not None]
    if not seconds:
        return Answers(0, None, None)
    return Answers(len(seconds), statistics.median(seconds), max(seconds))


def _stands(alert: Alert) -> str:
    if alert.outcome is not None:
        return alert.outcome
    if alert.engaged:
        return "engaged"
    return alert.decision or ("expired" if alert.expired else "open")
