"""The phone bench: from a face's decisive frame to pixels on the officer's phone, measured in a browser.

A server of its own (`phone_street`) runs the whole pipeline on a drawn street; real pages in a real browser
(`phone_pages`) and phones without a page (`light_phones`) stand on post. What is measured, and what is not,
is said in docs/latency.md.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from lfrd.bench.light_phones import Delivery, Got, LightPhone, delivery, on_post
from lfrd.bench.phone_pages import (
    FirstLoad,
    OfficersPage,
    Offset,
    Painted,
    pages_on_post,
    require_browser,
    server_clock,
)
from lfrd.bench.phone_street import Bars, scene
from lfrd.errors import LfrdError
from lfrd.evaluation.machine import machine
from lfrd.vision.pack import Pack

MOST_PAGES = 3
"""Pages in the browser; further phones are without one."""
PATIENCE = 60.0
"""Seconds without an alert after which the bench gives up."""
LOOK_SECONDS = 0.1
FEW = 100
"""Fewer measurements than this say nothing of the 99th percentile."""

Milliseconds = dict[str, float]
"""p50, p95, and p99 where there are enough: of one stage."""


class Report(TypedDict):
    """What the bench found, as --json prints it. Times in milliseconds.

    stages: frame_to_stored, stored_to_received, received_to_fetched, fetched_to_painted; they add up, alert
    by alert, to latency_ms. received_ms: stored_to_received of every phone, those without a page included.
    """

    tls: bool
    alerts: int
    phones: int
    pages: int
    latency_ms: Milliseconds
    stages: dict[str, Milliseconds]
    received_ms: Milliseconds
    pictures_ms: Milliseconds
    delivery: dict[str, int]
    clock_error_ms: float
    first_load: dict[str, Any]
    pack: str
    machine: str


def run(
    pack: Pack,
    *,
    alerts: int = 30,
    phones: int = 1,
    faces: Path | None = None,
    tls: bool = True,
    seed: int = 1,
    progress: Bars,
) -> Report:
    """Measure until `alerts` have been painted, counted once a page, with `phones` on post.

    faces: a folder of pictures a person, of whom twenty walk and are listed; None for two portraits of
    installed packages. tls: as in earnest, over the site's own authority. Raises LfrdErrors, MissingError
    without a browser among them.
    """
    return asyncio.run(_run(pack, alerts, phones, faces, tls, seed, progress))


async def _run(
    pack: Pack, alerts: int, phones: int, faces: Path | None, tls: bool, seed: int, progress: Bars
) -> Report:
    require_browser()
    pages = min(phones, MOST_PAGES)
    async with scene(
        pack, faces=faces, pages=pages, phones=phones - pages, tls=tls, seed=seed, progress=progress
    ) as there:
        context = there.trust.context if there.trust else None
        light = [LightPhone(there.address, each.name, each.token, each.key, context) for each in there.passes]
        key = there.trust.key if there.trust else ""
        async with on_post(light), pages_on_post(there.address, there.codes, key) as shown:
            server = await server_clock(there.address, context)
            began = time.time() + server.ahead
            before = [await page.clock() for page in shown]
            with progress("Waiting for people to walk by") as report:
                await _collect(shown, before, began, alerts, report)
            after = [await page.clock() for page in shown]
            last = min((max(phone.log.events, default=0) for phone in light), default=0)
            server_after = await server_clock(there.address, context)
    error = max(_spread(one, two) for one, two in zip(before, after, strict=True))
    return _report(
        [one for page in shown for one in page.painted],
        [page.first for page in shown],
        [got for phone in light for got in phone.log.alerts.values() if got.stored >= began],
        delivery([phone.log for phone in light], last),
        server=Offset((server.ahead + server_after.ahead) / 2, _spread(server, server_after)),
        error=error,
        tls=tls,
        pack=pack.name,
    )


async def _collect(
    pages: Sequence[OfficersPage],
    offsets: Sequence[Offset],
    began: float,
    alerts: int,
    report: Callable[[int, int], None],
) -> None:
    """began: by the server's clock; what was stored before all stood on post is left out."""
    done, news = 0, time.monotonic()
    while done < alerts:
        await asyncio.sleep(LOOK_SECONDS)
        for page, offset in zip(pages, offsets, strict=True):
            await page.collect(offset, began)
        count = sum(len(page.painted) for page in pages)
        if count > done:
            done, news = count, time.monotonic()
            report(min(done, alerts), alerts)
        elif time.monotonic() - news > PATIENCE:
            raise LfrdError(
                f"no alert within {PATIENCE:g} s, after {done} of {alerts}: does the pack find the people?"
            )


def _spread(one: Offset, two: Offset) -> float:
    """The error of what was converted by the first of two comparisons, the clocks' drift included."""
    return max(one.error, two.error) + abs(one.ahead - two.ahead)


def _report(
    painted: Sequence[Painted],
    loads: Sequence[FirstLoad],
    light: Sequence[Got],
    told: Delivery,
    *,
    server: Offset,
    error: float,
    tls: bool,
    pack: str,
) -> Report:
    """server: its clock against this process's; what it has stamped is brought onto this one."""
    stages = {
        "frame_to_stored": [p.created_at - p.seen_at for p in painted],
        "stored_to_received": [p.received - (p.created_at - server.ahead) for p in painted],
        "received_to_fetched": [p.fetched - p.received for p in painted],
        "fetched_to_painted": [p.painted - p.fetched for p in painted],
    }
    received = stages["stored_to_received"] + [g.received - (g.stored - server.ahead) for g in light]
    pictures = [p.fetched - (p.created_at - server.ahead) for p in painted]
    pictures += [g.fetched - (g.stored - server.ahead) for g in light if g.fetched is not None]
    first = loads[0]
    return Report(
        tls=tls,
        alerts=len(painted),
        phones=len(loads) + told.phones,
        pages=len(loads),
        latency_ms=percentiles([p.painted - (p.seen_at - server.ahead) for p in painted]),
        stages={name: percentiles(seconds) for name, seconds in stages.items()},
        received_ms=percentiles(received),
        pictures_ms=percentiles(pictures),
        delivery={"lost": told.lost, "doubled": told.doubled},
        clock_error_ms=round(1e3 * (error + server.error), 2),
        first_load={
            "requests": first.requests,
            "bytes": first.bytes,
            "interactive_ms": round(first.interactive_ms, 1),
            "hosts": list(first.hosts),
        },
        pack=pack,
        machine=machine(),
    )


def percentiles(seconds: Sequence[float]) -> Milliseconds:
    """Of times in seconds: p50 and p95, and p99 from a hundred on; in milliseconds."""
    shares = {"p50": 0.5, "p95": 0.95} | ({"p99": 0.99} if len(seconds) >= FEW else {})
    return {name: round(1e3 * float(np.quantile(seconds, share)), 1) for name, share in shares.items()}
