"""The cameras bench: many paced recordings through a whole site to phones on WebSockets, and who is found.

    prepare: a deployment, listed, ready  ->  exhaustive run  ->  the site and the phones, each a process
    phones on post  ->  the deployment opens, all cameras start  ->  recordings end  ->  Result

This process only waits while it is measured. A recording is not slowed down by what comes after it: what is
not taken in time is dropped, and decoding that is too slow shows as lag.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import av
import msgspec
import numpy as np

from lfrd.bench import cameras_counting as counting
from lfrd.bench import push as push_bench
from lfrd.bench.cameras_exhaustive import exhaustive
from lfrd.bench.cameras_site import NOTES, Listening, Measured, Note
from lfrd.bench.cameras_site import Orders as SiteOrders
from lfrd.bench.children import PATIENCE, answer, child, tell
from lfrd.bench.push import THEY
from lfrd.bench.push_phones import Orders, Told
from lfrd.config import Camera, Config, Placed, Post, Site, Tls, Web
from lfrd.errors import CorruptError
from lfrd.evaluation.counting import Hit, Tally
from lfrd.evaluation.machine import machine
from lfrd.evaluation.street_set import StreetSet
from lfrd.gallery.folder import read_folder
from lfrd.gallery.index import Gallery, GalleryHolder
from lfrd.inference import Inference, opened
from lfrd.models import library
from lfrd.readiness import facts
from lfrd.records import Records, records
from lfrd.rehearsal import plan_for, rehearse, write_list
from lfrd.types import DeploymentId
from lfrd.vision.pack import Pack

SITE = "lfrd.commands.bench_cameras_site"
"""The module that serves the site: the composition root stands above this storey."""
REPEAT_SECONDS = 1.0
"""So short that nearly every passage is an alert of its own; a deployment has minutes."""
EXPIRE_SECONDS = 60.0
"""Alerts that nobody takes go by themselves, so that they do not pile up in a long run."""
OVERTIME_SECONDS = 15.0
"""Over half as long again as a recording: cameras that have not come to their end by then are stopped."""

Bars = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Opens a progress bar with a title; told (done, total)."""


class Latency(TypedDict):
    """Milliseconds; None where no phone was told of a new alert."""

    p50: float | None
    p95: float | None
    p99: float | None


class Result(TypedDict):
    """What came of so many cameras. The first eleven are for scripts to rely on.

    held, why_not: see `cameras_counting.reasons`. tpir: of the passages of sought people on all cameras.
    frames_*: of all cameras; due: decoded and to be analysed; dropped: due, and replaced before they were
    taken; spared: never decoded, to relieve the box. latency_ms: from the decisive frame's captured_at to the
    phone's receipt, over all new alerts and phones. cpu_cores, peak_rss_mb: of the site's process.
    cpu_cores_others: what the rest of the machine used meanwhile, the phones too: with much of it, figures
    are not this box's. lost: stored events that a phone was not told, counted once a phone. analysed_least,
    analysed_most: of the cameras. templates: faces that became evidence. threads_ms: the site's processor
    time, milliseconds a second, by what its threads are for. sides: as in `Measured`. lag_ms:
    median lag of the slowest camera in the first and the last third of the run. rss_mb: medians of the second
    and the last third.
    """

    cameras: int
    held: bool
    tpir: float
    tpir_exhaustive: float
    false_alerts: int
    frames_decoded: int
    frames_analysed: int
    frames_dropped: int
    latency_ms: Latency
    cpu_cores: float
    peak_rss_mb: float
    cpu_cores_others: float
    why_not: list[str]
    machine: str
    pack: str
    threshold: float
    clips: int
    seconds: float
    passages: int
    found: int
    found_exhaustive: int
    false_alerts_exhaustive: int
    frames_due: int
    frames_spared: int
    analysed_least: int
    analysed_most: int
    templates: int
    threads_ms: dict[str, float]
    sides: dict[str, float]
    lag_ms: tuple[float | None, float | None]
    rss_mb: tuple[float, float] | None
    rss_slope_mb_hour: float | None
    """Of a soak, after its first third."""
    phones: int
    alerts: int
    lost: int
    degraded: str
    """What officers were told, last; empty where all went well."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A site's folder with a deployment that can be started, and what there is to be found."""

    placed: Placed
    deployment: DeploymentId
    threshold: float
    exhaustive: list[list[Hit]]
    """Of each camera's clip."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured. seconds: only the first so many of each clip. minutes: a soak, in which clips
    are played again and again for so long; passages then count once a whole pass. stale: see `exhaustive`.
    settings: analysis, tracking, decision and inference of it are used."""

    count: int
    phones: int = 5
    seconds: float | None = None
    minutes: float | None = None
    stale: bool = False
    settings: Config = field(default_factory=Config)


def run(pack: Pack, street: StreetSet, asked: Asked, progress: Bars) -> Result:
    """Play cameras through a site in a temporary folder, each with its own decode of a clip in turn.

    Raises LfrdErrors, alone or in a group.
    """
    return asyncio.run(_run(pack, street, asked, progress))


async def _run(pack: Pack, street: StreetSet, asked: Asked, progress: Bars) -> Result:
    soak = asked.minutes is not None
    with tempfile.TemporaryDirectory(prefix="lfrd-bench-") as temporary:
        folder = Path(temporary)
        street = await asyncio.to_thread(_shortened, street, asked.seconds, folder)
        ready = await _prepared(pack, street, asked, folder, progress)
        expected = street.seconds if asked.minutes is None else 60 * asked.minutes
        limit = expected if soak else 1.5 * expected + OVERTIME_SECONDS
        async with _site(ready, limit) as site, push_bench.phones(asked.phones) as there:
            await _on_post(site, there)
            with progress(f"Watching {asked.count} cameras") as shown:
                tell(site, "start")
                async with _ticking(expected, shown):
                    said = await answer(site, "the site", patience=limit + PATIENCE)
            measured = msgspec.json.decode(said, type=Measured)
            tell(there, measured.stored[-1] if measured.stored else 0)
            told = msgspec.json.decode(await answer(there, THEY), type=list[Told])
        notes = _notes(folder / NOTES)
    return result(pack, street, ready.threshold, ready.exhaustive, measured, notes, told, soak=soak)


# ---- beforehand -----------------------------------------------------------------------------------------


def _shortened(street: StreetSet, seconds: float | None, folder: Path) -> StreetSet:
    """The set with the first `seconds` of each clip, copied without decoding; truth ends there too."""
    if seconds is None or seconds >= street.seconds:
        return street
    clips = [cut(clip, seconds, folder / clip.name) for clip in street.clips]
    truths = [counting.until(truth, seconds) for truth in street.truths]
    return dataclasses.replace(street, clips=clips, truths=truths, seconds=seconds)


def cut(clip: Path, seconds: float, to: Path) -> Path:
    """The first `seconds` of a clip as a file of its own. Raises CorruptError."""
    try:
        with av.open(str(clip)) as source, av.open(str(to), "w") as out:
            track = source.streams.video[0]
            copy = out.add_stream_from_template(track)
            for packet in source.demux(track):
                if (
                    packet.dts is None
                    or packet.pts is None
                    or float(packet.pts * packet.time_base) >= seconds
                ):
                    continue
                packet.stream = copy
                out.mux(packet)
    except (av.FFmpegError, IndexError) as error:
        raise CorruptError(clip, "cannot be read as a video; make the set anew") from error
    return to


async def _prepared(pack: Pack, street: StreetSet, asked: Asked, folder: Path, progress: Bars) -> Ready:
    """A deployment by the same steps as in earnest, with the set's list, ready to be started; and, with the
    same list and threshold, what is found where every frame is analysed, in full precision."""
    played = [street.clips[number % len(street.clips)] for number in range(asked.count)]
    placed = _settings(asked, pack, played).at(folder)
    people: dict[str, Sequence[Path]] = {
        entry.nominal: entry.pictures for entry in read_folder(street.watchlist)
    }
    async with (
        records(placed) as kept,
        opened(pack, library.networks, placed.config.inference) as inference,
    ):
        names = [camera.name for camera in placed.config.cameras]
        plan = plan_for("Cameras bench", names, kept.clock.now(), hours=24.0)
        plan = msgspec.structs.replace(plan, escalate_seconds=3600.0, expire_seconds=EXPIRE_SECONDS)
        with progress("Enrolling the watchlist") as shown:
            ready = await rehearse(
                kept, placed, pack, inference, plan, write_list(folder / "people", people), shown, start=False
            )
        found = await facts(placed, ready.plan, ready.id, kept.watchlists, pack, kept.clock.now)
        assert found.threshold is not None  # or it would not have been ready
        watchlist = GalleryHolder(await _gallery(kept, ready.id, inference))
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(watchlist.close)
            exact, how = inference, placed.config.inference
            if how.precision != "float32":
                how = msgspec.structs.replace(how, provider="cpu", precision="float32")
                exact = await stack.enter_async_context(opened(pack, library.networks, how))
            shown = stack.enter_context(progress("Analysing every frame"))
            hits = await exhaustive(
                pack,
                exact,
                watchlist,
                found.threshold,
                street,
                street.clips[: asked.count],
                placed.config,
                stale=asked.stale,
                progress=shown,
            )
    return Ready(placed, ready.id, found.threshold, [hits[clip] for clip in played])


def _settings(asked: Asked, pack: Pack, played: Sequence[Path]) -> Config:
    given = asked.settings
    return Config(
        site=Site(name="Cameras bench"),
        web=Web(host="127.0.0.1", port=0),
        tls=Tls(onboarding_port=0),
        post=Post(grace_seconds=600.0),
        inference=msgspec.structs.replace(given.inference, pack=str(pack.folder.resolve())),
        analysis=given.analysis,
        tracking=given.tracking,
        decision=msgspec.structs.replace(given.decision, repeat_seconds=REPEAT_SECONDS),
        cameras=[
            Camera(name=f"Camera {number}", source=str(clip.resolve()), loop=asked.minutes is not None)
            for number, clip in enumerate(played, 1)
        ],
    )


async def _gallery(kept: Records, deployment: DeploymentId, inference: Inference) -> Gallery:
    listed = await kept.watchlists.listed(deployment, faces=False)
    try:
        return Gallery({one.reference: one.templates for one in listed}, dim=inference.dim)
    finally:
        for one in listed:
            one.templates.fill(0)


# ---- the run --------------------------------------------------------------------------------------------


@asynccontextmanager
async def _site(ready: Ready, seconds: float) -> AsyncIterator[Process]:
    """It serves until the block is left."""
    async with child(SITE) as site:
        placed = ready.placed
        tell(site, SiteOrders(str(placed.folder), placed.config, ready.deployment, seconds))
        yield site


async def _on_post(site: Process, there: Process) -> None:
    keys = msgspec.json.decode(await answer(there, THEY), type=list[str])
    listening = msgspec.json.decode(await answer(site, "the site"), type=Listening)
    tell(site, keys)
    tokens = msgspec.json.decode(await answer(site, "the site"), type=list[str])
    tell(there, Orders(listening.address, listening.authority, tokens))
    await answer(there, THEY)


@asynccontextmanager
async def _ticking(seconds: float, shown: Callable[[int, int], None]) -> AsyncIterator[None]:
    """A bar that goes by the clock."""

    async def tick() -> None:
        for second in range(round(seconds)):
            shown(second, round(seconds))
            await asyncio.sleep(1)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()


def _notes(path: Path) -> list[Note]:
    with path.open("rb") as file:
        return [msgspec.json.decode(line, type=Note) for line in file]


# ---- afterwards -----------------------------------------------------------------------------------------


def result(
    pack: Pack,
    street: StreetSet,
    threshold: float,
    exhaustive: Sequence[Sequence[Hit]],
    measured: Measured,
    notes: Sequence[Note],
    told: Sequence[Told],
    *,
    soak: bool,
) -> Result:
    """The figures. exhaustive: of each camera's clip, in the cameras' order."""
    cameras = measured.cameras
    truths = [street.truths[number % len(street.truths)] for number in range(len(cameras))]
    played = {
        one.name: counting.Played(
            truth,
            street.seconds,
            counting.whole_loops(one, measured.until, street.seconds) if soak else 1,
        )
        for one, truth in zip(cameras, truths, strict=True)
    }
    found = counting.tallied(played, {one.name: one.began for one in cameras}, notes, street.sought)
    every = Tally()
    for truth, hits in zip(truths, exhaustive, strict=True):
        every.add(truth, street.sought, hits)
    lost = counting.lost(measured.stored, told)
    why = counting.reasons(measured, found, every, events_lost=lost, soak=soak)
    waits = counting.latencies(notes, told)
    parts = counting.later_thirds(measured.memory)
    return Result(
        cameras=len(cameras),
        held=not why,
        tpir=round(found.tpir, 4),
        tpir_exhaustive=round(every.tpir, 4),
        false_alerts=found.false_alerts,
        frames_decoded=sum(one.decoded for one in cameras),
        frames_analysed=sum(one.analysed for one in cameras),
        frames_dropped=sum(one.dropped for one in cameras),
        latency_ms=Latency(p50=_ms(waits, 0.5), p95=_ms(waits, 0.95), p99=_ms(waits, 0.99)),
        cpu_cores=round(measured.processor / measured.seconds, 3),
        peak_rss_mb=round(measured.peak_rss_mb, 1),
        cpu_cores_others=round(measured.others / measured.seconds, 3),
        why_not=why,
        machine=machine(),
        pack=pack.name,
        threshold=round(threshold, 4),
        clips=len(street.clips),
        seconds=round(measured.seconds, 2),
        passages=found.sought,
        found=found.found,
        found_exhaustive=every.found,
        false_alerts_exhaustive=every.false_alerts,
        frames_due=sum(one.due for one in cameras),
        frames_spared=sum(one.spared for one in cameras),
        analysed_least=min(one.analysed for one in cameras),
        analysed_most=max(one.analysed for one in cameras),
        templates=measured.embedded,
        sides={side: round(share, 3) for side, share in measured.sides.items()},
        threads_ms={
            kind: round(1e3 * seconds / measured.seconds, 1) for kind, seconds in measured.threads.items()
        },
        lag_ms=(_slowest(one.lag_first for one in cameras), _slowest(one.lag_last for one in cameras)),
        rss_mb=None if parts is None else (round(parts[0], 1), round(parts[1], 1)),
        rss_slope_mb_hour=counting.slope(measured.memory) if soak else None,
        phones=len(told),
        alerts=sum(note.alert is not None for note in notes),
        lost=lost,
        degraded=measured.degraded,
    )


def _ms(seconds: Sequence[float], share: float) -> float | None:
    return round(1e3 * float(np.quantile(seconds, share)), 1) if seconds else None


def _slowest(lags: Iterator[float | None]) -> float | None:
    there = [lag for lag in lags if lag is not None]
    return round(1e3 * max(there), 1) if there else None
