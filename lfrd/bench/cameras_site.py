"""The site that the cameras bench measures, in a process of its own: started, opened, counted.

It reads `Orders` and answers `Listening`; reads the phones' keys and answers their sessions' tokens; reads a
line when they are on post, opens the deployment, and answers `Measured` when the recordings have ended or the
time is up. Each line is JSON. What the pipeline reports is written to a file beside the database as it comes:
a list of it would be taken for the site's memory.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from lfrd import wire
from lfrd.bench.thread_times import ThreadTimes
from lfrd.cameras import FAILING, Eye
from lfrd.certificates.keeping import read_authority
from lfrd.config import Config, Placed
from lfrd.errors import LfrdError
from lfrd.operation.alerts import Finding
from lfrd.readiness import facts
from lfrd.rehearsal import cast
from lfrd.types import CONSOLE, CameraState, DeploymentId, Role
from lfrd.web.proof import read_key

if TYPE_CHECKING:
    from lfrd.app import Site

NOTES = "notes.jsonl"
"""The file of `Note`s, one a line, in the site's folder."""
POLL_SECONDS = 0.1
MOST_SAMPLES = 2000
"""Of each camera's lag: in a long run they are taken less often."""
MEMORY_SECONDS = 10.0
SETTLING_SECONDS = 1.0
"""What was under way is done when no camera has analysed a frame for so long."""
PATIENCE = 60.0
"""Seconds for all cameras to be live."""
PAGE = 500

Run = Callable[[Placed], "AbstractAsyncContextManager[Site]"]
"""Serves a site while its context is open."""


class Orders(msgspec.Struct):
    """deployment: the one in the folder that is ready to be started. seconds: how long the cameras may run
    at the most, from when all of them are live."""

    folder: str
    config: Config
    deployment: str
    seconds: float


class Listening(msgspec.Struct):
    """authority: the certificate to trust, PEM."""

    address: str
    authority: str


class Note(msgspec.Struct, array_like=True):
    """One finding of the pipeline. at: captured_at of its decisive frame, monotonic seconds. box: x, y,
    width, height in pixels. alert: number of the event, where it made a new alert."""

    person: str
    camera: str
    at: float
    box: tuple[float, float, float, float]
    alert: int | None


class CameraRun(msgspec.Struct):
    """One camera's numbers. began: captured_at of its first frame. due: decoded frames that were to be
    analysed; dropped of them were replaced by a newer one; spared were never decoded. lag_first, lag_last:
    median seconds from a frame's capture to the end of its analysis, in the first and the last third of the
    run; None where nothing was analysed there."""

    name: str
    began: float
    decoded: int
    due: int
    analysed: int
    dropped: int
    spared: int
    lag_first: float | None
    lag_last: float | None


class Measured(msgspec.Struct):
    """until: monotonic seconds at which the cameras had ended, or were stopped. ended: whether all came to
    their recordings' end. seconds, processor: from when all were live until then, of the clock and of the
    processor; others: what all other processes of the machine took of it. memory: (monotonic seconds, MB of
    the process) in turn. threads: the processor's seconds by what threads are for. embedded: templates that
    were made. sides: pixels of the longer side at which frames were searched, and for which share of the
    time. waiting: findings that waited to be filed, mean of the first and the last third.
    degraded: what officers were told, last. stored: numbers of all events in the store."""

    cameras: list[CameraRun]
    until: float
    ended: bool
    seconds: float
    processor: float
    others: float
    peak_rss_mb: float
    memory: list[tuple[float, float]]
    threads: dict[str, float]
    embedded: int
    sides: dict[str, float]
    waiting: tuple[float, float]
    degraded: str
    stored: list[int]


async def serve(run: Run) -> None:
    """Follow the orders on standard input. Raises LfrdErrors, alone or in a group."""
    orders = msgspec.json.decode(await _line(), type=Orders)
    placed = orders.config.at(Path(orders.folder))
    async with run(placed) as site:
        authority = read_authority(placed.path(placed.config.tls.folder))
        assert authority is not None
        _print(Listening(site.bound.url, authority.certificate_pem().decode()))
        keys = msgspec.json.decode(await _line(), type=list[str])
        _print(await _signed_in(site, keys))
        await _line()
        with _noting(site, placed.folder / NOTES):
            await _open(site, placed, DeploymentId(orders.deployment))
            measured = await _measured(site, orders.seconds)
        _print(measured)
        await _line()  # phones may still be told what is stored; the bench ends this process


async def _signed_in(site: Site, keys: Sequence[str]) -> list[str]:
    officers = site.records.officers
    code = await officers.invite(None, len(keys), 3600, role=Role.ENGAGEMENT, actor=CONSOLE)
    return [
        await officers.join(code, f"Officer {number}", read_key(key)) for number, key in enumerate(keys, 1)
    ]


@contextmanager
def _noting(site: Site, path: Path) -> Iterator[None]:
    """Everything that the pipeline reports passes here on its way to be filed."""
    report = site.office.alerts.report
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:

        async def noted(finding: Finding) -> wire.Event | None:
            event: wire.Event | None = None
            try:
                event = await report(finding)
                return event
            finally:
                box = finding.box
                alert = event.seq if event is not None and event.what == "alert" else None
                note = Note(
                    finding.nominal,
                    finding.camera,
                    finding.captured_monotonic,
                    (box.x, box.y, box.width, box.height),
                    alert,
                )
                file.write(encode(note) + b"\n")

        site.office.alerts.report = noted  # type: ignore[method-assign]
        try:
            yield
        finally:
            site.office.alerts.report = report  # type: ignore[method-assign]


async def _open(site: Site, placed: Placed, deployment: DeploymentId) -> None:
    """Start the deployment: its cameras run as soon as the conductor has seen it."""
    kept = site.records
    people, plan = await cast(kept), (await kept.deployments.get(deployment)).plan
    found = await facts(placed, plan, deployment, kept.watchlists, site.pack, kept.clock.now)
    await kept.deployments.start(deployment, people.operator, found)


async def _measured(site: Site, seconds: float) -> Measured:
    eyes, began = await _live(site)
    samples = _Samples(len(eyes), max(POLL_SECONDS, seconds / MOST_SAMPLES))
    at, processor, machine = time.monotonic(), _processor(), _machine()
    embedded = _embedded(site)
    degraded = ""
    while not (ended := not any(eye.runs for eye in eyes)) and time.monotonic() < at + seconds:
        if failing := [eye.view() for eye in eyes if eye.supervisor.status.state in FAILING]:
            raise LfrdError(f"{failing[0].name}: {failing[0].problem}")
        samples.take(eyes, site.office.alerts.statistics().requests.waiting, _side(site))
        degraded = site.office.board.state.degraded or degraded
        await asyncio.sleep(POLL_SECONDS)
    until, processor, machine = time.monotonic(), _processor() - processor, _machine() - machine
    samples.memory.append((until, _memory("VmRSS")))
    samples.threads.take()
    for eye in eyes:
        eye.supervisor.stop()
    await _settled(eyes)
    return Measured(
        cameras=[_camera(eye, began[eye.name], *samples.lags(row)) for row, eye in enumerate(eyes)],
        until=until,
        ended=ended,
        seconds=until - at,
        processor=processor,
        others=max(0.0, machine - processor),
        peak_rss_mb=_memory("VmHWM"),
        memory=samples.memory,
        threads=samples.threads.seconds(),
        embedded=_embedded(site) - embedded,
        sides=samples.sides(),
        waiting=samples.waiting(),
        degraded=degraded,
        stored=await _stored(site),
    )


async def _live(site: Site) -> tuple[tuple[Eye, ...], dict[str, float]]:
    """The cameras and when each one's first frame was captured, once all have shown one."""
    began: dict[str, float] = {}
    try:
        async with asyncio.timeout(PATIENCE):
            while not (eyes := site.conductor.eyes) or len(began) < len(eyes):
                for eye in eyes:
                    if (at := eye.supervisor.statistics().began_at) is not None:
                        began.setdefault(eye.name, at)
                await asyncio.sleep(0.01)
    except TimeoutError:
        problem = next((eye.view().problem for eye in site.conductor.eyes if eye.name not in began), "")
        raise LfrdError(f"not all cameras came up within {PATIENCE:g} s; {problem}") from None
    return eyes, began


def _embedded(site: Site) -> int:
    """Faces of all cameras that became templates since the start."""
    families = site.metrics.embedded.collect()
    return int(sum(one.value for f in families for one in f.samples if one.name.endswith("_total")))


def _side(site: Site) -> int:
    """Pixels of the longer side at which frames are searched now."""
    return int(next(one.value for family in site.metrics.side.collect() for one in family.samples))


async def _settled(eyes: Sequence[Eye]) -> None:
    before = -1
    while (now := sum(eye.journey.counts.analysed for eye in eyes)) != before:
        before = now
        await asyncio.sleep(SETTLING_SECONDS)


async def _stored(site: Site) -> list[int]:
    seqs: list[int] = []
    while page := await site.records.alerts.after(seqs[-1] if seqs else 0, PAGE):
        seqs += [event.seq for event in page]
    return seqs


def _camera(eye: Eye, began: float, first: float | None, last: float | None) -> CameraRun:
    counts = eye.supervisor.statistics()
    return CameraRun(
        name=eye.name,
        began=began,
        decoded=counts.decoded,
        due=counts.decoded - counts.skipped,
        analysed=eye.journey.counts.analysed,
        dropped=counts.dropped,
        spared=counts.spared,
        lag_first=first,
        lag_last=last,
    )


class _Samples:
    """Numbers taken every so often, in arrays that are there from the start."""

    def __init__(self, cameras: int, apart: float) -> None:
        self._apart = apart
        self._lags = np.full((cameras, MOST_SAMPLES + 2), np.nan, np.float32)  # one row a camera
        self._waiting = np.zeros(MOST_SAMPLES + 2, np.float32)
        self._sides: Counter[int] = Counter()
        self._taken = 0
        self._next = self._next_memory = 0.0  # monotonic
        self.memory: list[tuple[float, float]] = []
        self.threads = ThreadTimes()

    def take(self, eyes: Sequence[Eye], waiting: int, side: int) -> None:
        now = time.monotonic()
        if now >= self._next_memory:
            self._next_memory = now + min(MEMORY_SECONDS, 10 * self._apart)
            self.memory.append((now, _memory("VmRSS")))
            self.threads.take()
        if now < self._next or self._taken == self._waiting.size:
            return
        self._next = now + self._apart
        for row, eye in enumerate(eyes):
            if (
                eye.supervisor.status.state is CameraState.LIVE
                and (lag := eye.journey.counts.lag) is not None
            ):
                self._lags[row, self._taken] = lag
        self._waiting[self._taken] = waiting
        self._sides[side] += 1
        self._taken += 1

    def lags(self, row: int) -> tuple[float | None, float | None]:
        """Medians of the first and the last third."""
        first, last = (self._lags[row, part] for part in self._thirds())
        return _median(first), _median(last)

    def waiting(self) -> tuple[float, float]:
        first, last = (self._waiting[part] for part in self._thirds())
        return float(first.mean()) if first.size else 0.0, float(last.mean()) if last.size else 0.0

    def sides(self) -> dict[str, float]:
        """Shares of the samples, the largest side first."""
        return {str(side): self._sides[side] / self._taken for side in sorted(self._sides, reverse=True)}

    def _thirds(self) -> tuple[slice, slice]:
        third = self._taken // 3
        return slice(0, third), slice(self._taken - third, self._taken)


def _median(values: np.ndarray[Any, np.dtype[np.float32]]) -> float | None:
    there = values[~np.isnan(values)]
    return float(np.median(there)) if there.size else None


def _processor() -> float:
    """Seconds of processor time of this process, all threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _machine() -> float:
    """The same of all processes of this machine."""
    user, nice, system, _idle, _wait, *interrupts = map(int, _read("/proc/stat").split("\n")[0].split()[1:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def _memory(what: str) -> float:
    """MB (1e6 bytes) of this process by Linux's count. getrusage's ru_maxrss would not do: a process takes it
    over from the one that started it."""
    rows = _read("/proc/self/status").splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith(f"{what}:")) * 1024 / 1e6


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        raise LfrdError(f"the bench reads {path}, which is Linux's") from None


def _print(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.flush()


async def _line() -> bytes:
    return await asyncio.to_thread(sys.stdin.buffer.readline)
