"""The record's charts: what came of alerts, the hours, the course, and rates with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lfrd.audit.figures import Counts, DeploymentFigures, Hour, Rate
from lfrd.record.svg import ceiling, drawing, element, hatch, label, line, rect
from lfrd.record.words import Clock, duration, number, one_in, percent

WIDTH = 720
"""Units across: a line of an A4 page at the text's own size."""
MOST_BARS = 48
"""Hours drawn one by one; more are drawn together, so many to a bar."""


def outcomes(counts: Counts) -> Markup:
    """Bars of the way from alerts to arrests."""
    rows = [
        ("Alerts", counts.alerts.raised),
        ("Judged viable", counts.adjudications.viable),
        ("Engagements", counts.outcomes.engagements),
        ("Confirmed true", counts.alerts.true_confirmed),
        ("Arrests", counts.outcomes.arrests),
        ("False alerts", counts.alerts.false),
    ]
    left, row, top = 130, 26, 4
    most = max(1, *(count for _, count in rows))
    drawn = [hatch("outcomes-hatch")]
    for place, (name, count) in enumerate(rows):
        y = top + place * row
        width = (WIDTH - left - 70) * count / most
        false = name.startswith("False")
        drawn.append(label(left - 8, y + 15, name, "end"))
        if count:
            drawn.append(rect(left, y + 2, max(2.0, width), row - 8, "bar false" if false else "bar"))
            if false:
                bar = element("rect", x=left, y=y + 2, width=max(2.0, width), height=row - 8)
                drawn.append(element("g", bar, fill="url(#outcomes-hatch)"))
        drawn.append(label(left + (max(2.0, width) if count else 0) + 6, y + 15, number(count)))
    text = "; ".join(f"{name}: {number(count)}" for name, count in rows)
    height = top + row * len(rows)
    return drawing("outcomes", "What came of the alerts", text, WIDTH, height, *drawn)


@dataclass(frozen=True, slots=True)
class Bar:
    """One or several hours. at, until: Unix seconds."""

    at: float
    until: float
    faces_seen: int
    alerts: int
    false_alerts: int
    down_seconds: float


def bars(hours: Sequence[Hour]) -> list[Bar]:
    """The series in MOST_BARS pieces at the most: by the hour, or by 2, 4, 8 hours and so on."""
    several = 1
    while math.ceil(len(hours) / several) > MOST_BARS:
        several *= 2
    return [
        Bar(
            at=piece[0].at,
            until=piece[-1].at + 3600.0,
            faces_seen=sum(hour.faces_seen for hour in piece),
            alerts=sum(hour.alerts for hour in piece),
            false_alerts=sum(hour.false_alerts for hour in piece),
            down_seconds=sum(hour.down_seconds for hour in piece),
        )
        for piece in (hours[start : start + several] for start in range(0, len(hours), several))
    ]


def faces_by_hour(series: Sequence[Bar], clock: Clock) -> Markup:
    counts = [bar.faces_seen for bar in series]
    drawn, height = _columns(series, counts, [0] * len(counts), clock, "faces")
    text = f"{number(sum(counts))} faces seen in all, {number(max(counts, default=0))} at the most in one bar"
    return drawing("faces-hours", "Faces seen by the hour", text, WIDTH, height, *drawn)


def alerts_by_hour(series: Sequence[Bar], clock: Clock) -> Markup:
    counts, false = [bar.alerts for bar in series], [bar.false_alerts for bar in series]
    drawn, height = _columns(series, counts, false, clock, "alerts")
    text = f"{number(sum(counts))} alerts in all, {number(sum(false))} of them false, which are hatched"
    return drawing("alerts-hours", "Alerts by the hour", text, WIDTH, height, *drawn)


def _columns(
    series: Sequence[Bar], counts: Sequence[int], hatched: Sequence[int], clock: Clock, what: str
) -> tuple[list[Markup], int]:
    """Columns on an axis from 0; the lower, hatched part of each is `hatched` of its count."""
    left, right, top, tall, below = 52, 4, 12, 110, 24
    most = ceiling(max(counts, default=0))
    step = (WIDTH - left - right) / max(1, len(series))
    wide = min(40.0, max(1.0, step * 0.72))
    identity = f"{what}-hatch"
    drawn = [hatch(identity)]
    for part in (0.0, 0.5, 1.0) if most % 2 == 0 else (0.0, 1.0):
        y = top + tall * (1 - part)
        drawn += [line(left, y, WIDTH - right, y, "rule"), label(left - 6, y + 4, number(most * part), "end")]
    every = max(1, math.ceil(len(series) / 12))
    is_long = bool(series) and series[-1].until - series[0].at > 72 * 3600
    for place, (bar, count, false) in enumerate(zip(series, counts, hatched, strict=True)):
        x = left + step * place + (step - wide) / 2
        high, low = tall * count / most, tall * false / most
        hour = f"{clock.local(bar.at):{'%d %b' if is_long else '%H:%M'}}"
        if count:
            tip = f"{clock.span(bar.at, bar.until)}: {number(count)}"
            drawn.append(rect(x, top + tall - high, wide, high, "bar", tip))
        if false:
            over = element("rect", x=x, y=top + tall - low, width=wide, height=low)
            drawn.append(rect(x, top + tall - low, wide, low, "bar false"))
            drawn.append(element("g", over, fill=f"url(#{identity})"))
        if place % every == 0:
            drawn.append(label(x + wide / 2, top + tall + 16, hour, "middle"))
    return drawn, top + tall + below


_STATES = {"paused": "Paused", "suspended": "Suspended", "interrupted": "Server not running"}


def course(figures: DeploymentFigures, until: float, clock: Clock) -> Markup:
    """A strip of time for the deployment, and one for each camera's outages. until: Unix seconds, where it
    has not ended."""
    begin = figures.started_at or until
    end = max(figures.ended_at or until, begin + 1.0)
    left, row = 130, 26
    names = sorted({*figures.cameras, *(outage.camera for outage in figures.outages)})
    height = row * (1 + len(names)) + 34

    def across(at: float) -> float:
        return left + (WIDTH - left - 4) * (min(max(at, begin), end) - begin) / (end - begin)

    def piece(y: float, since: float, to: float | None, kind: str, tip: str) -> list[Markup]:
        x = across(since)
        wide = max(1.5, across(end if to is None else to) - x)
        if kind == "down":
            return [rect(x, y, wide, row - 8, "bar down", tip)]
        if kind == "suspended":
            over = element("rect", x=x, y=y, width=wide, height=row - 8)
            return [
                rect(x, y, wide, row - 8, "bar suspended", tip),
                element("g", over, fill="url(#course-hatch)"),
            ]
        return [rect(x, y - 1, wide, row - 6, "gap", tip), rect(x, y + 6, wide, 6, "track")]

    drawn = [hatch("course-hatch"), label(left - 8, 15, "Deployment", "end")]
    drawn.append(rect(left, 2, WIDTH - left - 4, row - 8, "bar", "Active"))
    for halt in figures.halts:
        tip = f"{_STATES[halt.kind]}, {clock.exact(halt.from_at)}"
        drawn += piece(2, halt.from_at, halt.to_at, halt.kind, tip)
    for place, name in enumerate(names, start=1):
        y = 2 + place * row
        drawn.append(label(left - 8, y + 13, name if len(name) <= 18 else name[:17] + "…", "end"))
        drawn.append(rect(left, y + 6, WIDTH - left - 4, 6, "track"))
        for outage in figures.outages:
            if outage.camera == name:
                tip = f"{name} failed, {clock.exact(outage.from_at)}"
                drawn += piece(y, outage.from_at, outage.to_at, "down", tip)
    bottom = row * (1 + len(names)) + 6
    drawn.append(line(left, bottom, WIDTH - 4, bottom, "rule"))
    for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = begin + (end - begin) * part
        drawn.append(label(across(at), bottom + 18, f"{clock.local(at):%d %b %H:%M}", anchor))
    times = figures.total.times
    text = (
        f"Active {duration(times.active_seconds)}, paused {duration(times.paused_seconds)}, suspended "
        f"{duration(times.suspended_seconds)}, interrupted {duration(times.interrupted_seconds)}; "
        f"{number(len(figures.outages))} camera outages"
    )
    return drawing("course", "The deployment's course", text, WIDTH, height, *drawn)


def false_alert_rates(rows: Sequence[tuple[str, Rate]], accepted: float) -> Markup:
    """Intervals of rates on a logarithmic axis, against the accepted rate. rows: name and rate a face."""
    bounded = [rate for _, rate in rows if rate.high is not None]
    highest = max([accepted, *(rate.high or 0.0 for rate in bounded)])
    lowest = min([accepted, *(rate.low for rate in bounded if rate.low), *(r.high or 1.0 for r in bounded)])
    first, last = math.floor(math.log10(lowest / 1.5)), math.ceil(math.log10(highest * 1.5))
    left, top, row = 130, 20, 26
    height = top + row * len(rows) + 28

    def across(rate: float) -> float:
        share = (math.log10(rate) - first) / (last - first) if rate > 0 else 0.0
        return left + (WIDTH - left - 40) * min(1.0, max(0.0, share))

    bottom = height - 24
    drawn: list[Markup] = []
    for power in range(first, last + 1):
        x = across(10.0**power)
        drawn += [line(x, top - 4, x, bottom, "rule"), label(x, bottom + 16, one_in(10.0**power), "middle")]
    x = across(accepted)
    drawn += [
        line(x, top - 6, x, bottom, "limit"),
        label(x, top - 9, f"accepted: {one_in(accepted)}", "middle"),
    ]
    for place, (name, rate) in enumerate(rows):
        drawn += _interval(name, rate, across, left, top + row * place)
    text = "; ".join(f"{name}: {_words(rate)}" for name, rate in rows)
    title = "False alert rate a face seen, with its interval"
    return drawing("false-rates", title, text, WIDTH, height, *drawn)


def _interval(name: str, rate: Rate, across: Callable[[float], float], left: int, y: float) -> list[Markup]:
    """A line from end to end of the interval, and a dot at the rate."""
    drawn = [label(left - 8, y + 15, name, "end")]
    if rate.high is None or rate.rate is None:
        return [*drawn, label(left + 4, y + 15, "no faces seen")]
    low, high = across(rate.low), across(rate.high)
    drawn += [line(low, y + 11, high, y + 11, "interval"), line(high, y + 6, high, y + 16, "interval")]
    if rate.low > 0:
        drawn.append(line(low, y + 6, low, y + 16, "interval"))
    if rate.rate > 0:
        drawn.append(element("circle", cx=across(rate.rate), cy=y + 11, r=4, class_="dot"))
    return drawn


def recognition(rows: Sequence[tuple[str, Rate]], wanted: float) -> Markup:
    """Intervals of the blue list's recognition rate from 0 to 100 %, against the least that is wanted."""
    left, top, row = 130, 20, 26
    height = top + row * len(rows) + 28
    bottom = height - 24

    def across(share: float) -> float:
        return left + (WIDTH - left - 40) * share

    drawn: list[Markup] = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = across(share)
        drawn += [line(x, top - 4, x, bottom, "rule"), label(x, bottom + 16, f"{share:.0%}", "middle")]
    if wanted:
        x = across(wanted)
        drawn += [
            line(x, top - 6, x, bottom, "limit"),
            label(x, top - 9, f"wanted: {percent(wanted)}", "middle"),
        ]
    for place, (name, rate) in enumerate(rows):
        drawn += _interval(name, rate, across, left, top + row * place)
    text = "; ".join(f"{name}: {_words(rate)}" for name, rate in rows)
    title = "Passages of the blue list that were recognised, with the interval"
    return drawing("recognition", title, text, WIDTH, height, *drawn)


def _words(rate: Rate) -> str:
    if rate.rate is None:
        return "nothing to be said"
    if rate.method == "wilson":
        return f"{percent(rate.rate)}, {percent(rate.low)} to {percent(rate.high or 0.0)}"
    return f"{one_in(rate.rate)}, {one_in(rate.low)} to {one_in(rate.high)}"
