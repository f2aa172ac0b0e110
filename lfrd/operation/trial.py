"""The blue list's live trial, kept going: walks are decided when it is time, and phones told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lfrd import wire
from lfrd.store.database import Database
from lfrd.store.passages import Passages

LOOK_SECONDS = 0.5
"""How often it is looked whether a walk can be decided."""


class LiveTrial:
    """`run()` stands in the app's TaskGroup. A failing store ends it, and with it the process."""

    def __init__(self, passages: Passages, db: Database) -> None:
        self._passages = passages
        self._db = db
        self._version = -1  # of the database, when the trial was last read
        self._view: wire.BlueView | None = None
        self._on_change: Callable[[], object] = lambda: None
        self._turn = asyncio.Lock()  # held by whoever looks: what was read earlier does not come later

    @property
    def view(self) -> wire.BlueView | None:
        """As it was last looked at; None while no volunteer of the blue list is looked for."""
        return self._view

    def on_change(self, listener: Callable[[], object]) -> None:
        """Called in the loop when `view` is another."""
        self._on_change = listener

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Decide what can be decided, and bring `view` up to date."""
        async with self._turn:
            await self._passages.settle()
            version = await self._db.version()
            if version == self._version:
                return
            view = await self._read()
            self._version = version  # not before: whoever asked may give up meanwhile
            if view != self._view:
                self._view = view
                self._on_change()

    async def _read(self) -> wire.BlueView | None:
        trial = await self._passages.trial(alerts=False)
        if trial is None or not trial.volunteers:
            return None
        tpir = trial.tally.figures().tpir
        walking = sum(passage.walking for passage in trial.passages)
        high = 1.0 if tpir.high is None else tpir.high
        return wire.BlueView(tpir.events, tpir.of, tpir.low, high, walking, trial.tally.records)
