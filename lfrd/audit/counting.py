"""From the audit's records to the figures of the deployment record, in one pass.

What is kept meanwhile grows with deployments, segments, cameras, hours and alerts, not with the records:
faces are counted by the camera and the minute, so a year of records is read in the memory of its alerts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import msgspec

from lfrd.audit import kinds
from lfrd.audit.chain import Record
from lfrd.audit.course import Course
from lfrd.audit.figures import Basis, Figures
from lfrd.audit.history import History
from lfrd.audit.kinds import AnyBody
from lfrd.errors import LfrdError

_KNOWN = frozenset(kind.__struct_config__.tag for kind in get_args(AnyBody))
_SERVER = frozenset(("server_started", "server_stopped"))


class Counting:
    """Takes records in their order, and has the figures at any moment.

    deployment: the id of the only one that is wanted; empty for all. The records of others are then passed
    over, those of the server itself are not.
    """

    def __init__(self, deployment: str = "") -> None:
        self._only = deployment
        self._deployments: dict[str, History] = {}  # in the order of their first record
        self._server_is_off = False  # it has said that it stops, and has not started since
        self._records = 0
        self._last: Record | None = None

    def add(self, record: Record) -> None:
        """Raises LfrdError for a record that this lfrd does not understand: its figures would be wrong."""
        self._records += 1
        self._last = record
        if record.what not in _KNOWN:
            raise LfrdError(
                f"audit record {record.seq}: '{record.what}' is of a newer lfrd; "
                "make the record with that version"
            )
        if record.what in _SERVER:
            self._server_is_off = record.what == "server_stopped"
            for deployment in self._deployments.values():
                deployment.take(_decoded(record), record.actor, record.at)
        elif record.deployment and (not self._only or record.deployment == self._only):
            self._of(record.deployment).take(_decoded(record), record.actor, record.at)

    def figures(self) -> Figures:
        """Of all records so far. To be asked once, when all have been taken."""
        last = self._last
        as_of = last.at if last else 0.0
        return Figures(
            Basis(
                self._records,
                last.seq if last else 0,
                last.hash if last else "",
                last.at if last else None,
            ),
            [deployment.figures(as_of) for deployment in self._deployments.values()],
        )

    def _of(self, deployment: str) -> History:
        if deployment not in self._deployments:
            course = Course(server_is_off=self._server_is_off)
            self._deployments[deployment] = History(deployment, course)
        return self._deployments[deployment]


def compute(records: Iterable[Record], deployment: str = "") -> Figures:
    """The figures of every deployment in the records, or of one. Raises LfrdError: see `Counting.add`."""
    counting = Counting(deployment)
    for record in records:
        counting.add(record)
    return counting.figures()


def _decoded(record: Record) -> AnyBody:
    try:
        return kinds.decode(record.body)
    except msgspec.DecodeError:
        raise LfrdError(
            f"audit record {record.seq}: its body is not as this lfrd knows '{record.what}'; make the record "
            "with the version that wrote it"
        ) from None
