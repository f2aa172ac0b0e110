"""The day's figures of one deployment, kept up to date: each record of the audit is read once."""

from __future__ import annotations

import asyncio
from typing import Protocol

from lfrd.audit.chain import Record
from lfrd.audit.day import Day, DayFigures

PIECE = 1000
"""Records read at a time."""


class AuditLog(Protocol):
    """What is needed of the store."""

    async def records(
        self, after: int = 0, limit: int = PIECE, deployment: str | None = None
    ) -> list[Record]: ...


class Daybook:
    """What it holds grows with a day's quarter hours and alerts, and belongs to the deployment that was last
    asked for: another one is read from its beginning."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._day = Day("")
        self._turn = asyncio.Lock()  # two desks that ask at once do not read the same records twice

    async def figures(self, deployment: str) -> DayFigures:
        """Up to the newest record there is. Raises LfrdError for records of a newer lfrd."""
        async with self._turn:
            if self._day.deployment != deployment:
                self._day = Day(deployment)
            while records := await self._log.records(self._day.last_record, PIECE, deployment):
                for record in records:
                    self._day.add(record)
            return self._day.figures()
