"""Whether wake-ups arrive, in words for those who rely on them: by push service, since when, and why not."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lfrd.push.outcome import Outcome

SERVICES = 16
"""Push services of which it is remembered that they fail; a browser maker has one or a few."""

_WHY = {
    Outcome.BUSY: "it says that it is busy",
    Outcome.REFUSED: "it refuses this site: check the server's clock and push.contact",
    Outcome.UNREACHABLE: "no connection: does the site's network let the server reach it over HTTPS?",
    Outcome.INSIDE: "its name leads to an address of this site's own network, where nothing is sent",
}


@dataclass(frozen=True, slots=True)
class _Failing:
    since: float
    why: str


class Trouble:
    """What failed last, until it succeeds. Every `at` is in Unix seconds."""

    def __init__(self) -> None:
        self._failing: dict[str, _Failing] = {}  # by the push service's host, oldest first

    def told(self, host: str, outcome: Outcome, at: float) -> None:
        """What has become of one try. That a phone is gone says nothing of its service's health but good."""
        if (why := _WHY.get(outcome)) is None:
            self._failing.pop(host, None)
            return
        since = self._failing[host].since if host in self._failing else at
        self._failing[host] = _Failing(since, why)
        while len(self._failing) > SERVICES:
            del self._failing[next(iter(self._failing))]

    def words(self, host: str = "") -> list[str]:
        """One line for each service that fails, or for the one of that host alone."""
        return [
            f"wake-ups do not reach phones over {name} since {_clock(failing.since)}: {failing.why}"
            for name, failing in self._failing.items()
            if host in ("", name)
        ]


def _clock(at: float) -> str:
    """The hour on the box, as the officers' own clocks have it."""
    return time.strftime("%H:%M", time.localtime(at))
