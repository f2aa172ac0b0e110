"""The preview bench: what watching costs recognition, with nobody, one and ten who watch, turn by turn."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypedDict

import numpy as np

from lfrd.cameras import Eye
from lfrd.config import Camera, Config, Placed
from lfrd.errors import NotAllowed
from lfrd.evaluation.cutout import Locate
from lfrd.evaluation.locating import located_by
from lfrd.evaluation.machine import machine
from lfrd.evaluation.portraits import ADMIRAL, ASTRONAUT, portrait
from lfrd.evaluation.street import Walker, crowd, make_clip
from lfrd.flow import Closed
from lfrd.gallery.index import Gallery, GalleryHolder
from lfrd.inference import Inference, opened
from lfrd.metrics import Metrics
from lfrd.models import library
from lfrd.pipeline import Finding
from lfrd.policy.plan import CameraPlan
from lfrd.preview.previews import Previews
from lfrd.types import AlertId, CameraId, CameraState
from lfrd.vision.pack import Pack
from lfrd.watching import Progress, pipeline_of
from lfrd.wire import AlertView

WALKERS: Final = 8
SETTLING_SECONDS: Final = 1.5
"""Between two turns: nothing is counted."""
POLL_SECONDS: Final = 0.02


class Row(TypedDict):
    """One number of viewers, all its turns together. due: frames that were to be analysed. lag: from a
    frame's capture to the end of its analysis. pictures: packets that each viewer got, a second."""

    cameras: int
    viewers: int
    seconds: float
    due: int
    analysed: int
    analysed_per_second: float
    share: float
    lag_p50_ms: float
    lag_p95_ms: float
    pictures: float
    processor: float
    """Cores that the process used."""


class Result(TypedDict):
    machine: str
    pack: str
    rows: list[Row]
    ratios: dict[str, float]
    """Analysed frames and lag with viewers over those with nobody, by 'cameras x viewers': the median over
    the rounds of what each turn gave, against the one of the same round with nobody."""


class _Tally:
    def __init__(self) -> None:
        self.seconds = self.processor = 0.0
        self.due = self.analysed = self.packets = 0
        self.lags: list[float] = []
        self.turns: list[tuple[float, float]] = []  # of each: frames analysed a second, median lag


def run(
    pack: Pack,
    *,
    cameras: Sequence[int] = (2, 8),
    viewers: Sequence[int] = (0, 1, 10),
    rounds: int = 4,
    seconds: float = 6.0,
    faces: Path | None = None,
    seed: int = 1,
    progress: Progress = lambda done, total: None,
) -> Result:
    """Play a drawn street on each number of cameras at its own speed, and let each number of viewers watch
    in turn, `rounds` times `seconds`, so that whatever else the machine does falls on all alike. The clip is
    as long as a turn and plays again and again, so that each turn sees all of it.

    Viewers take packets as they come and are spread over the cameras; sending is not part of it. faces: a
    folder of people who walk; None for two portraits of installed packages. Raises MissingError.
    """
    tallies = asyncio.run(_run(pack, cameras, viewers, rounds, seconds, faces, seed, progress))
    ratios: dict[str, float] = {}
    for (number, count), tally in tallies.items():
        if count and (number, 0) in tallies:
            pairs = np.array(tally.turns) / np.array(tallies[number, 0].turns)
            analysed, lag = np.median(pairs, axis=0)
            ratios[f"analysed, {number} x {count}"] = float(analysed)
            ratios[f"lag, {number} x {count}"] = float(lag)
    rows = [_row(number, count, tally) for (number, count), tally in tallies.items()]
    return Result(machine=machine(), pack=pack.name, rows=rows, ratios=ratios)


async def _run(
    pack: Pack,
    cameras: Sequence[int],
    viewers: Sequence[int],
    rounds: int,
    seconds: float,
    faces: Path | None,
    seed: int,
    progress: Progress,
) -> dict[tuple[int, int], _Tally]:
    """By cameras and viewers."""
    tallies: dict[tuple[int, int], _Tally] = {}
    with tempfile.TemporaryDirectory() as scratch:
        async with opened(pack, library.networks, Config().inference) as inference:
            clip = Path(scratch) / "street.mp4"
            await asyncio.to_thread(_draw, clip, faces, seed, seconds, located_by(inference))
            done, total = 0, rounds * len(viewers) * len(cameras)
            for number in cameras:
                tallies |= {(number, count): _Tally() for count in viewers}
                async with _street(clip, number, pack, inference) as (eyes, previews):
                    for _ in range(rounds):
                        for count in viewers:
                            async with _watched(previews, eyes, count) as packets:
                                await asyncio.sleep(SETTLING_SECONDS)
                                await _turn(eyes, packets, seconds, tallies[number, count])
                            done += 1
                            progress(done, total)
    return tallies


def _draw(clip: Path, faces: Path | None, seed: int, seconds: float, locate: Locate) -> None:
    if faces is not None:
        walkers = crowd(faces, WALKERS, seed=seed)
    else:
        people = [portrait(*ASTRONAUT), portrait(*ADMIRAL)]
        walkers = [Walker(f"walker{n}", people[n % 2], enter=n * 0.8 - 1) for n in range(WALKERS)]
    make_clip(clip, walkers, seconds=seconds, locate=locate, seed=seed)


async def _nothing(finding: Finding) -> None:
    return None


async def _unknown(alert: AlertId) -> AlertView:
    raise NotAllowed("unknown_alert", "nobody raises one here")


@asynccontextmanager
async def _street(
    clip: Path, number: int, pack: Pack, inference: Inference
) -> AsyncIterator[tuple[list[Eye], Previews]]:
    """So many cameras, running as in a deployment, and their live pictures."""
    settings = Config(cameras=[Camera(name=f"c{n}", source=str(clip), loop=True) for n in range(number)])
    placed = Placed(settings, clip.parent)
    holder = GalleryHolder(Gallery({}, dim=inference.dim))
    pipeline = pipeline_of(pack, inference, holder, 1.0, settings, _nothing, Metrics())
    changed = asyncio.Event()  # the state of some camera
    with Previews(settings, inference, _unknown, time.time) as previews:
        eyes = [
            Eye(
                camera,
                placed,
                pipeline,
                changed.set,
                CameraPlan(name=camera.name),
                preview=previews.feed(CameraId(camera.name)),
            )
            for camera in settings.cameras
        ]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for eye in eyes for work in (eye.supervisor.run(), eye.run())]
            for eye in eyes:
                eye.supervisor.start()
                previews.start(CameraId(eye.name))
            while any(eye.supervisor.status.state is not CameraState.LIVE for eye in eyes):
                await changed.wait()
                changed.clear()
            try:
                yield eyes, previews
            finally:
                for task in tasks:
                    task.cancel()
    holder.close()


@asynccontextmanager
async def _watched(previews: Previews, eyes: Sequence[Eye], count: int) -> AsyncIterator[list[int]]:
    """Gives the packets that each viewer has had so far."""
    packets = [0] * count

    async def view(viewer: int) -> None:
        with (
            contextlib.suppress(Closed),
            previews.watch(CameraId(eyes[viewer % len(eyes)].name)) as watching,
        ):
            while True:
                await watching.packet()
                packets[viewer] += 1

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(view(viewer)) for viewer in range(count)]
        try:
            yield packets
        finally:
            for task in tasks:
                task.cancel()


async def _turn(eyes: Sequence[Eye], packets: list[int], seconds: float, tally: _Tally) -> None:
    """One turn's numbers."""

    def counts() -> tuple[int, int, int]:
        read = [eye.supervisor.statistics() for eye in eyes]
        due = sum(one.decoded - one.skipped for one in read)
        return due, sum(eye.journey.counts.analysed for eye in eyes), sum(packets)

    lags: list[float] = []
    began, processor, before = time.perf_counter(), time.process_time(), counts()
    while time.perf_counter() - began < seconds:
        await asyncio.sleep(POLL_SECONDS)
        lags += [lag for eye in eyes if (lag := eye.journey.counts.lag) is not None]
    due, analysed, got = (now - then for now, then in zip(counts(), before, strict=True))
    took = time.perf_counter() - began
    tally.turns.append((analysed / took, float(np.median(lags))))
    tally.lags += lags
    tally.seconds += took
    tally.processor += time.process_time() - processor
    tally.due += due
    tally.analysed += analysed
    tally.packets += got


def _row(cameras: int, viewers: int, tally: _Tally) -> Row:
    p50, p95 = (1e3 * float(np.quantile(tally.lags, share)) for share in (0.5, 0.95))
    return Row(
        cameras=cameras,
        viewers=viewers,
        seconds=tally.seconds,
        due=tally.due,
        analysed=tally.analysed,
        analysed_per_second=tally.analysed / tally.seconds,
        share=tally.analysed / max(1, tally.due),
        lag_p50_ms=p50,
        lag_p95_ms=p95,
        pictures=tally.packets / tally.seconds / max(1, viewers),
        processor=tally.processor / tally.seconds,
    )
