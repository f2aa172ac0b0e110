"""The naive bench: the plain loop and this pipeline on the same clips, turn about; speed and who is found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from lfrd.bench.plain_loop import PlainLoop
from lfrd.config import Config
from lfrd.evaluation.counting import Hit, Tally
from lfrd.evaluation.machine import machine
from lfrd.evaluation.street import Truth
from lfrd.evaluation.street_set import StreetSet
from lfrd.evaluation.street_trial import play
from lfrd.inference import cores, threads_of_opencv
from lfrd.metrics import Metrics
from lfrd.models import library
from lfrd.pipeline import Finding
from lfrd.vision.pack import Pack
from lfrd.watching import Progress, Watch, watching


class Result(TypedDict):
    """fps: frames of the clips a second of this machine's clock. tpir: of the passages of sought people.
    ratio: lfrd's fps over the plain loop's."""

    machine: str
    pack: str
    threshold: float
    clips: int
    frames: int
    passages: int
    naive_fps: float
    lfrd_fps: float
    ratio: float
    naive_tpir: float
    lfrd_tpir: float
    naive_false_alerts: int
    lfrd_false_alerts: int


def run(
    pack: Pack,
    street: StreetSet,
    *,
    clips: int | None = None,
    settings: Config | None = None,
    progress: Progress = lambda done, total: None,
) -> Result:
    """Each clip by the plain loop, then by the pipeline of `replay`, with the same list and threshold.

    clips: only so many of the first. Raises MissingError, CorruptError, CalibrationError.
    """
    chosen = list(zip(street.clips, street.truths, strict=True))[:clips]
    return asyncio.run(_run(pack, street, chosen, settings or Config(), progress))


async def _run(
    pack: Pack, street: StreetSet, chosen: Sequence[tuple[Path, Truth]], settings: Config, progress: Progress
) -> Result:
    naive, ours = Tally(), Tally()
    frames = replayed = 0
    naive_seconds = our_seconds = 0.0
    loop = PlainLoop(pack, library.originals(pack))
    async with watching(pack, street.watchlist, settings, lambda done, total: None) as watch:
        gallery, threshold = watch.enrolment.gallery, watch.threshold.score
        for number, (clip, truth) in enumerate(chosen):
            with threads_of_opencv(cores()):  # which lfrd does without
                plain = loop.run(clip, gallery, threshold)
            naive.add(truth, street.sought, plain.hits)
            frames, naive_seconds = frames + plain.frames, naive_seconds + plain.seconds
            hits, seen, seconds = await _replayed(clip, watch, settings)
            ours.add(truth, street.sought, hits)
            replayed, our_seconds = replayed + seen, our_seconds + seconds
            progress(number + 1, len(chosen))
    naive_fps, our_fps = frames / naive_seconds, replayed / our_seconds
    return Result(
        machine=machine(),
        pack=pack.name,
        threshold=threshold,
        clips=len(chosen),
        frames=frames,
        passages=ours.sought,
        naive_fps=naive_fps,
        lfrd_fps=our_fps,
        ratio=our_fps / naive_fps,
        naive_tpir=naive.tpir,
        lfrd_tpir=ours.tpir,
        naive_false_alerts=naive.false_alerts,
        lfrd_false_alerts=ours.false_alerts,
    )


async def _replayed(clip: Path, watch: Watch, settings: Config) -> tuple[list[Hit], int, float]:
    """Hits, frames, and seconds of this machine's clock."""
    hits: list[Hit] = []

    async def hear(finding: Finding) -> None:
        hits.append(Hit(finding.nominal, finding.captured_at, finding.box))

    pipeline = watch.pipeline(settings, hear, Metrics())
    began = time.perf_counter()
    decoded = await play(clip, pipeline)
    return hits, decoded, time.perf_counter() - began
