"""The push bench: from an alert that is stored to the phones that are told, with many phones on WebSockets.

A site without cameras (`push_site`) serves in this process, the phones run in another (`push_phones`), so
that neither waits for the other's interpreter. What is measured, and what is not, is said in docs/latency.md.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import msgspec
import numpy as np

from lfrd import loop, wire
from lfrd.bench.children import answer, child, tell
from lfrd.bench.push_phones import Orders, Told
from lfrd.bench.push_site import PushSite, push_site
from lfrd.errors import LfrdError

PHONES = (1, 10, 50, 200, 500)
APART_SECONDS = 0.15
"""From one alert to the next, in the mean; each pause is drawn between half of it and half as much again."""
LULL_SECONDS = 1.0
"""After all have come on post: each of them was news to all the others."""
THEY = "the phones"
"""What errors call their process."""

Milliseconds = dict[str, float]


class Row(TypedDict):
    """What was found with so many phones. Times in milliseconds.

    p50_ms, p99_ms: from the moment at which the server knows that the alert is committed until its bytes are
    read from a phone's socket, over all alerts and phones. filed_ms: p50 and p99 from the camera's report on,
    the storing and all waiting for it included. lost: stored events that a phone was not told, counted once
    a phone; doubled: that it was told twice, or out of order. cpu_ms: processor time of the server an alert,
    all that it does besides included.
    """

    phones: int
    alerts: int
    p50_ms: float
    p99_ms: float
    lost: int
    doubled: int
    filed_ms: Milliseconds
    cpu_ms: float
    tls: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """What the server did, in seconds of the monotonic clock. filed, stored: by number of event."""

    filed: Mapping[int, float]
    stored: Mapping[int, float]
    processor: float
    """Seconds of processor time of the whole process."""


def run(
    phones: Sequence[int] = PHONES,
    *,
    alerts: int = 100,
    seed: int = 1,
    tls: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Measure `alerts` alerts with each number of phones on post, each time on a site of its own.

    seed: of the pauses between alerts and of what cameras say. tls: as in earnest; without it the phones come
    over plain HTTP. progress: told (done, total) alerts. Raises LfrdErrors.
    """
    rows: list[Row] = []
    total = alerts * len(phones)
    for number, count in enumerate(phones):
        before = number * alerts

        def report(done: int, before: int = before) -> None:
            progress(before + done, total)

        rows.append(loop.run(_measured(count, alerts, seed, tls, report)))
    return rows


async def _measured(count: int, alerts: int, seed: int, tls: bool, report: Callable[[int], None]) -> Row:
    with tempfile.TemporaryDirectory(prefix="lfrd-bench-") as folder:
        async with push_site(Path(folder), seed=seed, tls=tls) as site, phones(count) as there:
            keys = msgspec.json.decode(await answer(there, THEY), type=list[str])
            tokens = await site.signed_in(keys)
            tell(there, Orders(site.address, site.authority, tokens))
            await answer(there, THEY)
            await asyncio.sleep(LULL_SECONDS)
            sent = await _send(site, alerts, seed, report)
            tell(there, max(sent.stored))
            told = msgspec.json.decode(await answer(there, THEY), type=list[Told])
            log = await site.office.records.alerts.after(0, 2 * alerts)
    return row([event.seq for event in log], sent, told, tls=tls)


async def _send(site: PushSite, alerts: int, seed: int, report: Callable[[int], None]) -> Sent:
    """File the alerts, one after the other."""
    random = np.random.default_rng(seed)
    filed: dict[int, float] = {}
    stored: dict[int, float] = {}

    def published(event: wire.Event) -> None:
        stored[event.seq] = time.monotonic()

    site.office.hub.on_publish(published)
    began = time.process_time()
    for number in range(alerts):
        await asyncio.sleep(APART_SECONDS * random.uniform(0.5, 1.5))
        finding, at = site.file(), time.monotonic()
        event = await site.office.alerts.report(finding)
        assert event is not None  # each finding is of somebody else
        filed[event.seq] = at
        report(number + 1)
    return Sent(filed, stored, time.process_time() - began)


def row(log: Sequence[int], sent: Sent, told: Sequence[Told], *, tls: bool) -> Row:
    """The figures. log: numbers of the events that the store has; told: of each phone.

    Raises LfrdError where no phone was told anything of it."""
    pairs = [(seq, at) for phone in told for seq, at in zip(phone.seqs, phone.at, strict=True)]
    pushed = [at - sent.stored[seq] for seq, at in pairs if seq in sent.stored]
    whole = [at - sent.filed[seq] for seq, at in pairs if seq in sent.filed]
    if not whole:
        raise LfrdError("no phone was told of any alert")
    p50, p99 = _percentiles(pushed)
    filed = dict(zip(("p50", "p99"), _percentiles(whole), strict=True))
    return Row(
        phones=len(told),
        alerts=len(sent.filed),
        p50_ms=p50,
        p99_ms=p99,
        lost=sum(len(set(log) - set(phone.seqs)) for phone in told),
        doubled=sum(b <= a for phone in told for a, b in itertools.pairwise(phone.seqs)),
        filed_ms=filed,
        cpu_ms=round(1e3 * sent.processor / len(sent.filed), 2),
        tls=tls,
    )


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99, in milliseconds."""
    p50, p99 = (round(1e3 * float(np.quantile(seconds, share)), 2) for share in (0.5, 0.99))
    return p50, p99


def phones(count: int) -> AbstractAsyncContextManager[Process]:
    """The process of `push_phones`, while the context is open."""
    return child("lfrd.bench.push_phones", str(count))
