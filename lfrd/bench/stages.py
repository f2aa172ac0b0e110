"""The stages bench: what each stage costs by itself, and how much of what they allow the pipeline reaches.

The limit is what a machine could do that spent all its cores on the five stages without which nobody is
found: decoding every frame; scaling and searching for faces those that the pipeline analysed; templates of
the faces that it chose; the searches of the list that it made. What else is measured is ours to save.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypedDict

import msgspec

from lfrd.bench.stages_bare import LEAST_SECONDS, Bare, Cost
from lfrd.config import Config
from lfrd.evaluation.machine import machine
from lfrd.evaluation.street_set import StreetSet
from lfrd.evaluation.street_trial import play
from lfrd.inference import cores
from lfrd.metrics import Metrics
from lfrd.pipeline import Finding
from lfrd.vision.pack import Pack
from lfrd.watching import Progress, Watch, watching

GOAL = 0.85
"""Share of the limit that the pipeline is to reach."""
LIMIT = ("decode", "scale", "detect", "embed", "search")
OURS = ("copy", "scene", "align", "track", "judge")
"""Copy a frame out of the decoder and wipe it; look for a film's cut; measure, cut and align faces; follow
them; fuse templates and judge."""


class Figures(TypedDict):
    """stages: milliseconds of one core an item; how many items a frame has, `Result.per_frame` says."""

    limit_fps: float
    pipeline_fps: float
    share: float
    stages: dict[str, float]


class Result(Figures):
    """Frames are those of the clips. The figures by the clock; `processor` has them by processor time, which
    other processes on the machine disturb less: there a core that the pipeline leaves idle costs nothing.

    per_frame: items of each stage for a frame of the clips. batch: faces a call of the recogniser.
    busy_cores: that the pipeline kept at work, on average.
    """

    machine: str
    pack: str
    cores: int
    clips: int
    frames: int
    rounds: int
    goal: float
    per_frame: dict[str, float]
    batch: float
    busy_cores: float
    processor: Figures


@dataclass(slots=True)
class Work:
    """What the pipeline did, by its own counters, and the seconds that it took."""

    frames: int = 0
    analysed: int = 0
    embedded: int = 0
    batches: int = 0
    judged: int = 0
    searches: int = 0
    """Calls that the judgements took."""
    clock: float = 0.0
    processor: float = 0.0

    def items(self) -> dict[str, int]:
        """How often each stage was done."""
        counts = dict.fromkeys(("scale", "detect", "copy", "scene", "align", "track"), self.analysed)
        counts |= {"decode": self.frames, "embed": self.embedded}
        counts |= {"search": self.judged, "judge": self.judged}
        return {stage: counts[stage] for stage in (*LIMIT, *OURS)}

    @property
    def batch(self) -> float:
        """Faces a call of the recogniser."""
        return self.embedded / max(1, self.batches)

    @property
    def people(self) -> float:
        """Judged by one search."""
        return self.judged / max(1, self.searches)


@dataclass(frozen=True, slots=True)
class Round:
    """The pipeline over all clips once, and what each stage cost by itself right after."""

    work: Work
    costs: Mapping[str, Cost]


def run(
    pack: Pack,
    street: StreetSet,
    *,
    clips: int | None = None,
    rounds: int = 3,
    settings: Config | None = None,
    least: float = LEAST_SECONDS,
    progress: Progress = lambda done, total: None,
) -> Result:
    """The pipeline of `replay` and the bare stages, turn about.

    clips: only so many of the first. settings: but every frame is searched whole, as the bare detector does,
    or the pipeline's share would be flattered. least: seconds that a stage is measured for in a round.
    progress: parts of rounds, and of how many. Raises MissingError, CorruptError, CalibrationError,
    SourceError.
    """
    settings = settings or Config()
    whole = msgspec.structs.replace(settings.analysis, whole_view_seconds=0.0)
    settings = msgspec.structs.replace(settings, analysis=whole)
    return asyncio.run(_run(pack, street, street.clips[:clips], rounds, settings, least, progress))


async def _run(
    pack: Pack,
    street: StreetSet,
    clips: Sequence[Path],
    rounds: int,
    settings: Config,
    least: float,
    progress: Progress,
) -> Result:
    made: list[Round] = []
    parts = len(clips) + 1
    async with watching(pack, street.watchlist, settings, lambda done, total: None) as watch:
        gallery = watch.enrolment.gallery
        rule = watch.pipeline(settings, _heard, Metrics()).rule
        bare = Bare(pack, gallery, rule, settings, cores())
        with bare.samples(clips, street.seconds) as samples:
            for number in range(rounds):
                work = Work()
                for done, clip in enumerate(clips, number * parts + 1):
                    await played(clip, watch, settings, work)
                    progress(done, rounds * parts)
                made.append(
                    Round(
                        work, bare.measure(samples, clips, batch=work.batch, people=work.people, least=least)
                    )
                )
                progress((number + 1) * parts, rounds * parts)
    return summed(made, machine=machine(), pack=pack.name, clips=len(clips), on=cores())


async def played(clip: Path, watch: Watch, settings: Config, work: Work) -> None:
    """Play one clip as `replay` does, and add to `work` what the pipeline counted."""
    metrics = Metrics()
    pipeline = watch.pipeline(settings, _heard, metrics)
    before = watch.inference.statistics()
    clock, processor = time.perf_counter(), time.process_time()
    work.frames += await play(clip, pipeline)
    work.clock += time.perf_counter() - clock
    work.processor += time.process_time() - processor
    after = watch.inference.statistics()
    work.batches += after.batches - before.batches
    work.embedded += after.embedded - before.embedded
    work.analysed += _total(metrics, "lfrd_frames_analysed_total")
    work.judged += _total(metrics, "lfrd_verdicts_total")
    work.searches += _total(metrics, "lfrd_stage_seconds_count", stage="search")


async def _heard(_: Finding) -> None:
    return None


def _total(metrics: Metrics, name: str, **labels: str) -> int:
    """A metric's sum over all that carry these labels."""
    samples = (sample for family in metrics.registry.collect() for sample in family.samples)
    return int(sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items()))


def summed(made: Sequence[Round], *, machine: str, pack: str, clips: int, on: int) -> Result:
    """What the rounds, each over the same clips, come to; medians. on: so many cores."""
    works = [one.work for one in made]
    frames = works[0].frames
    everything = sum(work.frames for work in works)
    counted = [work.items() for work in works]
    per_frame = {stage: sum(items[stage] for items in counted) / everything for stage in counted[0]}
    by_clock = [{stage: cost.clock for stage, cost in one.costs.items()} for one in made]
    by_processor = [{stage: cost.processor for stage, cost in one.costs.items()} for one in made]
    return Result(
        **figures(by_clock, [work.clock for work in works], per_frame, frames, on),
        machine=machine,
        pack=pack,
        cores=on,
        clips=clips,
        frames=frames,
        rounds=len(made),
        goal=GOAL,
        per_frame=per_frame,
        batch=sum(work.embedded for work in works) / max(1, sum(work.batches for work in works)),
        busy_cores=median(work.processor / work.clock for work in works),
        processor=figures(by_processor, [work.processor / on for work in works], per_frame, frames, on),
    )


def figures(
    costs: Sequence[Mapping[str, float]],
    seconds: Sequence[float],
    per_frame: Mapping[str, float],
    frames: int,
    on: int,
) -> Figures:
    """Of each round its costs (milliseconds of one core an item, by stage) and the seconds in which the
    pipeline saw `frames` frames on so many cores; the medians count."""
    stages = {stage: median(cost[stage] for cost in costs) for stage in (*LIMIT, *OURS)}
    limit = 1000 * on / sum(stages[stage] * per_frame[stage] for stage in LIMIT)
    pipeline = frames / median(seconds)
    return Figures(limit_fps=limit, pipeline_fps=pipeline, share=pipeline / limit, stages=stages)
