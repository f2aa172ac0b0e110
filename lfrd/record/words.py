"""Figures as people read them: numbers, rates with their intervals, durations and times."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from lfrd.audit.figures import Rate

NONE = "–"
"""What stands where there is no figure."""


def number(value: float) -> str:
    return f"{value:,.0f}"


def one_in(rate: float | None) -> str:
    """0.0001 as "1 in 10,000", 0.25 as "1 in 4", 0.4 as "1 in 2.5": to three significant figures."""
    if rate is None:
        return "no bound"
    if rate == 0:
        return "none"
    every = float(f"{1.0 / rate:.3g}")
    return f"1 in {every:,.0f}" if every >= 100 else f"1 in {every:g}"


def percent(share: float) -> str:
    """One place after the point; two significant figures below one in a thousand."""
    if share in (0.0, 1.0) or share >= 0.001:
        return f"{100 * share:.1f} %"
    return f"{float(f'{100 * share:.2g}')} %"


def rate(rate: Rate, of: str) -> str:
    """A rate in words, always with what bounds it. of: what is counted, in the plural."""
    sure = f"{rate.confidence:.0%}".replace("%", " %")
    if rate.of == 0:
        return f"no {of}: nothing can be said"
    if rate.method == "wilson":
        return (
            f"{percent(rate.events / rate.of)} ({number(rate.events)} of {number(rate.of)} {of}; "
            f"{sure} interval {percent(rate.low)} to {percent(rate.high or 0.0)})"
        )
    if rate.events == 0:
        bound = f"the true rate may be up to {one_in(rate.high)} ({sure} interval)"
        return f"none in {number(rate.of)} {of}; {bound}"
    return (
        f"{one_in(rate.rate)} {of} ({number(rate.events)} of {number(rate.of)}; "
        f"{sure} interval {one_in(rate.low)} to {one_in(rate.high)})"
    )


def duration(seconds: float | None) -> str:
    """7 h 42 min, 3 min 20 s, 12.4 s."""
    if seconds is None:
        return NONE
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{number(hours)} h {minutes} min" if minutes else f"{number(hours)} h"


class Clock:
    """Times in one zone; without one, in the machine's own."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone

    def local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone)

    def moment(self, at: float | None) -> str:
        """14 March 2026, 09:00 GMT."""
        if at is None:
            return NONE
        local = self.local(at)
        return f"{local.day} {local:%B %Y, %H:%M} {local.tzname()}"

    def exact(self, at: float | None) -> str:
        """14 March 2026, 09:00:21: for tables, where the zone stands above."""
        if at is None:
            return NONE
        local = self.local(at)
        return f"{local.day} {local:%b %Y, %H:%M:%S}"

    def span(self, begin: float | None, end: float | None) -> str:
        """Sunday 15 March 2026, 09:00 to 17:00 GMT; both dates where they differ."""
        if begin is None:
            return NONE
        first = self.local(begin)
        said = f"{first:%A} {first.day} {first:%B %Y, %H:%M}"
        if end is None:
            return f"{said} {first.tzname()}"
        last = self.local(end)
        if last.date() == first.date():
            return f"{said} to {last:%H:%M} {last.tzname()}"
        return f"{said} to {last:%A} {last.day} {last:%B %Y, %H:%M} {last.tzname()}"

    def iso(self, at: float) -> str:
        """For <time datetime>."""
        return self.local(at).isoformat(timespec="seconds")
