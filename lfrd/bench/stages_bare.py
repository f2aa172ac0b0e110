"""Each stage of a frame's journey by itself: the product's own functions in a plain loop on every core.

No pipeline, no event loop, nothing that waits. As many threads as cores do the same work at once, so that
what they share (memory, caches, twin hyperthreads, Python's lock) is in the figures.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from av.video.frame import VideoFrame

from lfrd.capture.decoding import video_track
from lfrd.capture.pixels import Pixels
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.decision.rule import Rule
from lfrd.gallery.index import Gallery
from lfrd.inference import detection_size
from lfrd.models import library
from lfrd.networks.loading import load
from lfrd.networks.workspace import forgetting
from lfrd.tracking.cuts import Cuts, thumbnail
from lfrd.tracking.shots import Evidence, Shot
from lfrd.tracking.tracker import Tracker
from lfrd.types import F32, U8, Candidate, Detections, TrackId
from lfrd.vision.pack import Pack
from lfrd.vision.picture import BufferPool, Picture
from lfrd.vision.quality import Limits, examine
from lfrd.vision.template import Template

T = TypeVar("T")

FRAMES = 48
"""Frames that are held in memory for all stages but decoding: of 1080p, 150 MB and half of that again."""
BURST = 8
"""So many of them follow one another, as a tracker sees them."""
RAW = 8
"""Frames held as the decoder gave them."""
DECODER_THREADS = 0
"""One a core, as `capture.source.recording` has it."""
LEAST_SECONDS = 0.4
"""A stage is repeated for at least so long."""

Pass = Callable[[], int]
"""Does a thread's share of the work once. Returns how many items that was."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one core an item. clock: while every core does the same. processor: of the process."""

    clock: float = 0.0
    processor: float = 0.0


def together(passes: Sequence[Pass], least: float = LEAST_SECONDS) -> Cost:
    """Run each pass in a thread of its own, all at once, over and over for at least `least` seconds."""
    ready = threading.Barrier(len(passes) + 1)

    def repeat(once: Pass) -> tuple[int, float]:
        ready.wait()
        began, items = time.perf_counter(), 0
        while True:
            items += once()
            seconds = time.perf_counter() - began
            if seconds >= least or not items:
                return items, seconds

    with ThreadPoolExecutor(len(passes)) as pool:
        running = [pool.submit(repeat, once) for once in passes]
        before = time.process_time()
        ready.wait()
        done = [one.result() for one in running]
        processor = time.process_time() - before
    items = sum(count for count, _ in done)
    if not items:
        return Cost()
    return Cost(1000 * sum(seconds for _, seconds in done) / items, 1000 * processor / items)


def share_of(items: Sequence[object], number: int, of: int) -> slice:
    """A thread's share of the items: one in `of`, or all where they are too few to share."""
    return slice(number, None, of) if len(items) >= of else slice(None)


def batch_edges(faces: int, mean: float) -> list[tuple[int, int]]:
    """Faces cut into batches, first and one past the last, of `mean` faces on average, which may lie between
    two whole numbers."""
    mean = max(1.0, min(mean, faces))
    edges = [round(number * mean) for number in range(int(faces / mean) + 1)]
    return [(first, last) for first, last in itertools.pairwise(edges) if last <= faces]


@dataclass(slots=True)
class Sample:
    """One frame of a clip, and what the detector has to do with it."""

    picture: Picture
    at: float
    small: U8
    found: Detections
    """In pixels of the full-size frame."""


@dataclass(slots=True)
class Samples:
    frames: list[Sample] = field(default_factory=list)
    raw: list[VideoFrame] = field(default_factory=list)
    aligned: U8 = field(default_factory=lambda: np.empty(0, np.uint8))
    """Every face of the frames that may serve as evidence, as `Recogniser.embed` takes them."""
    vectors: F32 = field(default_factory=lambda: np.empty(0, np.float32))

    def wipe(self) -> None:
        for sample in self.frames:
            sample.picture.release()
            sample.small.fill(0)
        self.aligned.fill(0)
        self.vectors.fill(0)
        self.frames.clear()
        self.raw.clear()


class Bare:
    """The stages of one pack, list and street, to be measured again and again."""

    def __init__(self, pack: Pack, gallery: Gallery, rule: Rule, settings: Config, cores: int) -> None:
        """Networks of its own, as `inference.opened` has them."""
        self._detector, self._recogniser, self._workspaces = load(
            pack, library.networks, settings.inference, cores
        )
        self._high = pack.manifest.detector.score
        self._limits = Limits.of(settings.analysis)
        self._gallery = gallery
        self._rule = rule
        self._settings = settings
        self._cores = cores

    @contextlib.contextmanager
    def samples(self, clips: Sequence[Path], seconds: float) -> Iterator[Samples]:
        """Bursts of frames spread evenly over the clips, each `seconds` long; wiped at the end."""
        made = Samples()
        try:
            with forgetting(self._workspaces):
                self._gather(made, clips, seconds)
                yield made
        finally:
            made.wipe()

    def _gather(self, made: Samples, clips: Sequence[Path], seconds: float) -> None:
        rate = self._settings.analysis.rate
        due = max(1, int(seconds * rate))
        every = max(BURST, due * len(clips) * BURST // FRAMES)
        aligned: list[U8] = []
        for number, clip in enumerate(clips):
            with recording(clip, rate=rate) as source:
                for place, frame in enumerate(source, number * due):
                    if len(made.frames) < FRAMES and place % every < BURST:
                        made.frames.append(self._sample(frame.picture, place / rate))
                        aligned += self._cut(made.frames[-1])
                    else:
                        frame.release()
        made.raw = _raw(clips[0])
        side = self._recogniser.size
        made.aligned = np.stack(aligned) if aligned else np.empty((0, side, side, 3), np.uint8)
        for face in aligned:
            face.fill(0)
        made.vectors = self._recogniser.embed(made.aligned)

    def _sample(self, picture: Picture, at: float) -> Sample:
        small = picture.scaled(*self._size(picture))
        found = self._detector.detect(small, self._high / 2)
        width, height = picture.size
        stretch = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        found = Detections(found.boxes * np.tile(stretch, 2), found.points * stretch, found.scores)
        return Sample(picture, at, small, found)

    def _cut(self, sample: Sample) -> list[U8]:
        size, points = self._recogniser.size, self._recogniser.template_points
        faces = examine(sample.picture, sample.found, size, points, self._limits)
        return [face.aligned for face in faces if face.aligned is not None]

    def _size(self, picture: Picture) -> tuple[int, int]:
        return detection_size(picture.size, self._settings.analysis.max_side)

    def measure(
        self, made: Samples, clips: Sequence[Path], *, batch: float, people: float, least: float
    ) -> dict[str, Cost]:
        """Every stage in turn, on all cores. batch: faces a call of the recogniser; people: judged by one
        search; both on average. least: as `together` has it. An item is what `Work.items` counts.
        """
        evidence = self._evidence(made.vectors)
        stages: dict[str, Callable[[int], Pass]] = {
            "decode": lambda number: lambda: sum(map(_decode, [*clips[number:], *clips[:number]])),
            "scale": lambda number: lambda: self._scale(self._mine(made.frames, number)),
            "detect": lambda number: lambda: self._detect(self._mine(made.frames, number)),
            "embed": lambda number: self._embed(made.aligned, batch, number),
            "search": lambda number: self._search(made.vectors, people, number),
            "copy": lambda number: _copy(made.raw),
            "scene": lambda number: lambda: _scene(made.frames),
            "align": lambda number: lambda: self._align(self._mine(made.frames, number)),
            "track": lambda number: lambda: self._track(made.frames),
            "judge": lambda number: lambda: self._judge(self._mine(evidence, number)),
        }
        try:
            return {
                name: together([stage(number) for number in range(self._cores)], least)
                for name, stage in stages.items()
            }
        finally:
            for one in evidence:
                one.wipe()

    def _mine(self, items: Sequence[T], number: int) -> Sequence[T]:
        return items[share_of(items, number, self._cores)]

    def _scale(self, frames: Sequence[Sample]) -> int:
        for one in frames:
            one.picture.scaled(*self._size(one.picture))
        return len(frames)

    def _detect(self, frames: Sequence[Sample]) -> int:
        for one in frames:
            self._detector.detect(one.small, self._high / 2)
        return len(frames)

    def _align(self, frames: Sequence[Sample]) -> int:
        for one in frames:
            for face in self._cut(one):
                face.fill(0)
        return len(frames)

    def _track(self, frames: Sequence[Sample]) -> int:
        tracker = Tracker(
            ids=map(TrackId, range(1, 1 << 62)),
            high=self._high,
            lost_seconds=self._settings.tracking.lost_seconds,
            longest_seconds=self._settings.tracking.longest_seconds,
            most=self._settings.tracking.most,
        )
        for one in frames:
            tracker.update(one.found, one.at)
        return len(frames)

    def _embed(self, aligned: U8, batch: float, number: int) -> Pass:
        edges = batch_edges(len(aligned), batch)
        mine = self._mine(edges, number)

        def once() -> int:
            for first, last in mine:
                self._recogniser.embed(aligned[first:last]).fill(0)
            return sum(last - first for first, last in mine)

        return once

    def _evidence(self, vectors: F32) -> list[Evidence]:
        """As little evidence as a judgement takes, of the samples' faces one after another."""
        made = []
        shots = self._rule.least_shots
        for first in range(0, len(vectors) - shots + 1, shots) if len(self._gallery) else ():
            evidence = Evidence(shots, spacing=0.0, split_below=-1.0)
            for place, vector in enumerate(vectors[first : first + shots]):
                if vector.any():
                    evidence.add(Shot(Template(vector), 1.0, float(place)))
            if len(evidence):
                made.append(evidence)
        return made

    def _search(self, vectors: F32, people: float, number: int) -> Pass:
        """A judgement asks about its fused template and one shot that is new, and about more at its first."""
        mine = self._mine(batch_edges(len(vectors) // 2 if len(self._gallery) else 0, people), number)

        def once() -> int:
            for first, last in mine:
                self._gallery.search(vectors[2 * first : 2 * last], count=1)
            return sum(last - first for first, last in mine)

        return once

    def _judge(self, people: Sequence[Evidence]) -> int:
        for evidence in people:
            nominal = self._gallery.nominals[0]
            fused = evidence.fused()
            shots = evidence.matrix()
            scores = self._gallery.scores(shots, nominal)
            self._rule.judge(Candidate(nominal, 0.0), scores, [nominal] * len(shots))
            shots.fill(0)
            if fused is not None:
                fused.wipe()
        return len(people)


def _decode(clip: Path) -> int:
    frames = 0
    with av.open(str(clip)) as container:
        for packet in container.demux(video_track(container, DECODER_THREADS)):
            frames += len(packet.decode())
    return frames


def _raw(clip: Path) -> list[VideoFrame]:
    with av.open(str(clip)) as container:
        frames = container.decode(video_track(container, 1))
        return [frame for _, frame in zip(range(RAW), frames, strict=False)]


def _copy(raw: Sequence[VideoFrame]) -> Pass:
    pixels = Pixels(BufferPool())

    def once() -> int:
        for frame in raw:
            pixels.picture(frame).release()
        return len(raw)

    return once


def _scene(frames: Sequence[Sample]) -> int:
    cuts = Cuts()
    for one in frames:
        cuts.cut(thumbnail(one.picture))
    return len(frames)
