"""Whether an alert stands, so that its person may be seen in the live picture."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from lfrd.errors import NotAllowed
from lfrd.types import AlertId
from lfrd.wire import AlertView

REMEMBERED: Final = 256
"""Alerts that are looked after; whoever is beyond is hidden until asked for again."""


def stands(view: AlertView, now: float) -> bool:
    """Whether officers still need to see this person. now: Unix seconds of the alert log's clock.

    Not one of the blue list, on whom nobody is to be engaged; not after 'not viable' or 'insufficient', nor
    once it has expired with nobody engaged, has its outcome, or is closed.
    """
    if view.blue or view.closed or view.outcome or view.decision not in ("", "viable"):
        return False
    return bool(view.engaged_by) or not (view.expired or now >= view.expires_at)


class Standing:
    """Asked in any thread; it reads the alerts in the loop. What it does not know does not stand."""

    def __init__(self, view: Callable[[AlertId], Awaitable[AlertView]], clock: Callable[[], float]) -> None:
        """view: the alert as it is; raises NotAllowed where it has been deleted. clock: Unix seconds that
        never go back."""
        self._view = view
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()  # an alert was asked for that is not known, or any alert has changed
        self._known: OrderedDict[AlertId, AlertView | None] = OrderedDict()  # longest known first
        self._asked: set[AlertId] = set()  # in the loop only

    def stands(self, alert: AlertId) -> bool:
        view = self._known.get(alert)
        if view is None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._ask, alert)
            return False
        return stands(view, self._clock())

    def look_again(self) -> None:
        """In the loop: some alert has changed."""
        if self._known:
            self._asked.update(self._known)
            self._news.set()

    def forget(self) -> None:
        """In the loop: nobody watches any more."""
        self._known.clear()
        self._asked.clear()

    async def run(self) -> None:
        """Read what is asked for, until it is cancelled. Raises StoreError where the store fails."""
        while True:
            await self._news.wait()
            self._news.clear()
            asked, self._asked = self._asked, set()
            for alert in asked:
                view: AlertView | None = None
                with contextlib.suppress(NotAllowed):  # deleted
                    view = await self._view(alert)
                self._known[alert] = view
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)

    def _ask(self, alert: AlertId) -> None:
        if alert not in self._known:
            self._asked.add(alert)
            self._news.set()
