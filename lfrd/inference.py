"""The pack's networks at work: worker threads, and batches across cameras."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import NamedTuple, ParamSpec, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from lfrd.config import Inference as InferenceSettings
from lfrd.networks.loading import load
from lfrd.networks.workspace import forgetting
from lfrd.tracking.cuts import thumbnail
from lfrd.types import F32, U8, Detections, Face
from lfrd.vision.adapters import Detector, Recogniser
from lfrd.vision.attention import WHOLE, Region
from lfrd.vision.pack import Pack
from lfrd.vision.part import Part
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits, examine
from lfrd.vision.zone import Zone
from lfrd.workers import Urgency, Workers

DOUBT = 1 / 3
"""Share of the score that begins a track from which something is hidden in a picture that people are shown:
rather a sign too many."""

P = ParamSpec("P")
T = TypeVar("T")


def _copied(picture: Picture, small: U8, wanted: Wanted) -> U8 | None:
    """What the live picture is made of: from the detector's copy where that is larger, which is cheaper."""
    if not wanted.pixels:
        return None
    width, height = detection_size(picture.size, wanted.side)
    if small.shape[1] < width:
        return picture.scaled(width, height)
    # As in `Picture.scaled`: down to half, interpolation passes over no pixel and takes a third of the time.
    how = cv2.INTER_AREA if small.shape[1] >= 2 * width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(small, (width, height), interpolation=how), np.uint8)


def detection_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """Width and height, both even, at which a picture of `size` is searched: never enlarged."""
    shrink = min(1.0, max_side / max(size))
    return max(2, 2 * round(size[0] * shrink / 2)), max(2, 2 * round(size[1] * shrink / 2))


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Wanted(NamedTuple):
    """What the live picture asks of a frame. side: pixels of the longer side at the most. pixels: False while
    the last copy has not been taken: the faces alone are wanted then."""

    side: int
    pixels: bool


@dataclass(slots=True)
class Overview:
    """One frame for the live picture. found: every face, in pixels of the full-size frame, very doubtful ones
    and those outside the zone too. rows: which of them are those of `Examined`, in the same order. pixels: a
    smaller copy, BGR, clear, which whoever has it wipes; None where none was wanted."""

    found: Detections
    rows: NDArray[np.intp]
    pixels: U8 | None

    def wipe(self) -> None:
        if self.pixels is not None:
            self.pixels.fill(0)
            self.pixels = None


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in one frame: `found` and `faces` have one row a face, in the same order."""

    found: Detections
    faces: list[Face]
    scene: F32
    """The frame's `cuts.thumbnail`."""
    cut: Detections
    """Certain faces that the edge of the searched region cuts: where they are, and no more."""
    overview: Overview | None = None
    """For the live picture, where it is wanted."""


@dataclass(frozen=True, slots=True)
class InferenceStatistics:
    workers: int
    embedded: int
    """Faces embedded since the start."""
    batches: int
    """Calls that they took."""
    waiting: int
    """Faces that wait for a worker now."""
    frames: int
    """Frames that workers took since the start."""
    waited: float
    """Seconds that those stood before a worker took them, together."""


class Inference:
    """Detection and embedding in worker threads. Made by `opened`, which also ends it.

    A frame is examined in one call. Faces to embed are put down, and a worker that is free takes as many as
    wait, whichever cameras they come from, up to `batch`: the busier the box, the larger the batches.
    """

    def __init__(
        self, detector: Detector, recogniser: Recogniser, workers: int, batch: int, *, high: float
    ) -> None:
        self._detector = detector
        self._recogniser = recogniser
        self._batch = batch  # faces a call at the most
        self._workers = Workers(workers)
        self._lock = threading.Lock()  # guards the queue and the counts below
        self._waiting: deque[tuple[U8, asyncio.Future[F32], asyncio.AbstractEventLoop]] = deque()
        self._embedded = self._batches = 0
        self._at_work = 0  # pieces of work that were asked for and are not done
        self.workers = workers
        self.high = high
        """The score from which a face is certain enough to begin a track."""

    @property
    def size(self) -> int:
        """Side of an aligned face, pixels."""
        return self._recogniser.size

    @property
    def dim(self) -> int:
        return self._recogniser.dim

    async def run(self, urgency: Urgency, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Any other piece of work (a search, a JPEG) in a worker thread."""
        self._at_work += 1
        try:
            return await self._workers.run(urgency, function, *args, **kwargs)
        finally:
            self._at_work -= 1

    @property
    def is_busy(self) -> bool:
        """Whether the next piece of work will have to wait for a worker."""
        return self._at_work >= self.workers

    async def examine(
        self,
        picture: Picture,
        limits: Limits,
        max_side: int,
        zone: Zone | None = None,
        wanted: Wanted | None = None,
        region: Region = WHOLE,
    ) -> Examined:
        """Find the faces of a picture, measure them, and align those that may serve as evidence.

        zone: faces whose centre lies outside are left out before anything is measured or cut; None for the
        whole picture. wanted: for the live picture, while somebody watches: then `region` is the whole view.
        region: the part of the view that is searched, where the detector gains by that.
        """
        return await self.run(Urgency.FRAME, self._examine, picture, limits, max_side, zone, wanted, region)

    def _examine(
        self,
        picture: Picture,
        limits: Limits,
        max_side: int,
        zone: Zone | None,
        wanted: Wanted | None,
        region: Region,
    ) -> Examined:
        low = self.high / 2
        small, found, cut = self._search(
            picture, max_side, low if wanted is None else self.high * DOUBT, region
        )
        overview: Overview | None = None
        if wanted is not None:
            everything, found = found, found[found.scores >= low]
            overview = Overview(everything, np.arange(len(found)), _copied(picture, small, wanted))
        if zone is not None:
            inside = zone.holds(found, picture.size)
            found, cut = found[inside], zone.inside(cut, picture.size)
            if overview is not None:
                overview.rows = np.flatnonzero(inside)
        faces = examine(picture, found, self._recogniser.size, self._recogniser.template_points, limits)
        return Examined(found, faces, thumbnail(picture), cut, overview)

    def detect(self, picture: Picture, max_side: int, low: float | None = None) -> Detections:
        """Faces in pixels of the full-size picture, doubtful ones included. Blocks; for worker threads.

        low: the least score; half of what begins a track if None.
        """
        small, found, _ = self._search(picture, max_side, self.high / 2 if low is None else low)
        small.fill(0)
        return found

    def _search(
        self, picture: Picture, max_side: int, low: float, region: Region = WHOLE
    ) -> tuple[U8, Detections, Detections]:
        """What was searched, as `Picture.scaled` gives it; the faces; those that the region's edge cuts."""
        size = detection_size(picture.size, max_side)
        step = self._detector.step
        part = Part(0, 0, *size) if step is None else region.part(size, step)
        small = picture.scaled(*size, part)
        try:
            found = self._detector.detect(small, low=low)
        except BaseException:
            small.fill(0)
            raise
        is_cut = part.cuts(found.boxes, size)
        origin = np.array([part.left, part.top, 0, 0], np.float32)
        stretch = np.array([picture.width / size[0], picture.height / size[1]], np.float32)
        boxes = (found.boxes + origin) * np.tile(stretch, 2)
        found = Detections(boxes, (found.points + origin[:2]) * stretch, found.scores)
        return small, found[~is_cut], found[is_cut & (found.scores >= self.high)]

    async def embed(self, aligned: U8) -> F32:
        """aligned: BGR uint8 [n, size, size, 3]. Returns float32 [n, dim], rows of length 1, which the caller
        wipes."""
        if not len(aligned):
            return np.empty((0, self.dim), np.float32)
        loop = asyncio.get_running_loop()
        parts: list[asyncio.Future[F32]] = []
        for start in range(0, len(aligned), self._batch):
            future: asyncio.Future[F32] = loop.create_future()
            with self._lock:
                self._waiting.append((aligned[start : start + self._batch], future, loop))
            parts.append(future)
            self._workers.submit(Urgency.FACES, self._embed_waiting)
        try:
            rows = [await part for part in parts]
        except BaseException:
            for part in parts:
                _abandon(part)
            raise
        if len(rows) == 1:
            return rows[0]
        joined = np.concatenate(rows)
        for row in rows:
            row.fill(0)
        return joined

    def _embed_waiting(self) -> None:
        """One worker's turn: as many waiting requests as fit one batch; none where another took them."""
        taken = []
        with self._lock:
            room = self._batch
            while self._waiting and len(self._waiting[0][0]) <= room:
                taken.append(self._waiting.popleft())
                room -= len(taken[-1][0])
            self._embedded += self._batch - room
            self._batches += bool(taken)
        if not taken:
            return
        try:
            crops = [crops for crops, _, _ in taken]
            vectors = self._embed_together(crops)
            answers: list[F32 | Exception] = []
            start = 0
            for part in crops:
                answers.append(vectors[start : start + len(part)].copy())
                start += len(part)
            vectors.fill(0)
        except Exception as error:
            answers = [error] * len(taken)
        for (_, future, loop), answer in zip(taken, answers, strict=True):
            try:
                loop.call_soon_threadsafe(_settle, future, answer)
            except RuntimeError:  # the loop has ended: nobody waits
                if not isinstance(answer, Exception):
                    answer.fill(0)

    def _embed_together(self, crops: list[U8]) -> F32:
        if len(crops) == 1:
            return self._recogniser.embed(crops[0])
        together = np.concatenate(crops)
        try:
            return self._recogniser.embed(together)
        finally:
            together.fill(0)

    def statistics(self) -> InferenceStatistics:
        with self._lock:
            waiting = sum(len(crops) for crops, _, _ in self._waiting)
            embedded, batches = self._embedded, self._batches
        taken = self._workers.statistics()
        return InferenceStatistics(self.workers, embedded, batches, waiting, taken.frames, taken.waited)

    def close(self) -> None:
        self._workers.close()


def _settle(future: asyncio.Future[F32], answer: F32 | Exception) -> None:
    if future.cancelled():
        if not isinstance(answer, Exception):
            answer.fill(0)
    elif isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _abandon(future: asyncio.Future[F32]) -> None:
    """Nobody will read it: what has come is overwritten, and what is still to come as well (`_settle`)."""
    if not future.cancel() and not future.cancelled() and future.exception() is None:
        future.result().fill(0)


@contextmanager
def threads_of_opencv(number: int) -> Iterator[None]:
    """So many compute a call of OpenCV's, the caller's own among them, until the block is left."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(number)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@asynccontextmanager
async def opened(
    pack: Pack, networks: Callable[[Pack], Mapping[str, bytes]], settings: InferenceSettings
) -> AsyncIterator[Inference]:
    """What `load` loads, and the workers that run it. Raises what that raises."""
    workers = settings.workers or cores()
    detector, recogniser, workspaces = await asyncio.to_thread(load, pack, networks, settings, workers)
    # A worker has one core, and further threads of OpenCV's would wait for their part in a busy loop.
    with threads_of_opencv(1), forgetting(workspaces):
        inference = Inference(
            detector, recogniser, workers, settings.batch, high=pack.manifest.detector.score
        )
        try:
            yield inference
        finally:
            await asyncio.to_thread(inference.close)
