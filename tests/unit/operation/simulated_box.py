"""A box that analyses cameras' frames, simulated: for tests of what governs it. What is due and the governor
are the real ones; frames, workers and time are not."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from lfrd.capture.rate import Ceiling, Share
from lfrd.operation.governor import Governor, Sample, Seen
from lfrd.operation.size import Size

STEP = 0.5
"""Seconds between two looks of the governor."""


@dataclass
class Camera:
    """One paced camera: one frame of it is examined at a time, and the newest one waits for that."""

    share: Share
    fps: float
    due: int = 0
    overtaken: int = 0
    analysed: int = 0
    lag: float | None = None
    busy: bool = False
    latest: float | None = None
    """captured_at of the frame that waits."""
    off: bool = False
    extra: float = 0.0
    """Seconds that a frame of it takes more, without a worker: a slow disk, say."""


@dataclass
class Box:
    """cost: seconds of a worker for one frame, drawn evenly within `spread` of it. decode: of a core for
    decoding one. top: the ceiling where there is nothing to complain of. others: share of the cores that
    other processes take. sides: at which frames may be searched, largest first; searching: share of the cost
    that goes with the pixels, at the first of them."""

    cost: float
    decode: float = 0.002
    workers: int = 2
    cores: int = 2
    top: float = 10.0
    spread: float = 0.3
    others: float = 0.0
    sides: Sequence[int] = (960,)
    searching: float = 0.5
    seed: int = 1
    now: float = 0.0
    frames: int = 0
    """Frames that workers took."""
    waited: float = 0.0
    """Seconds that those stood before."""
    ceilings: list[float] = field(default_factory=list)
    """One a look of the governor."""
    searched: list[int] = field(default_factory=list)
    """The side chosen at each of them."""

    def __post_init__(self) -> None:
        self.ceiling = Ceiling(self.top)
        self.governor = Governor(self.top, self.cores)
        self.size = Size(self.sides)
        self.cameras: list[Camera] = []
        self._random = random.Random(self.seed)
        self._events: list[tuple[float, int, str, Camera | None, float]] = []  # a heap
        self._number = 0
        self._queue: deque[tuple[float, Camera, float]] = deque()  # (asked at, camera, captured at)
        self._free = self.workers
        self._processor = 0.0
        self._at(STEP, "look")

    def add(self, number: int, fps: float = 25.0, *, together: bool = True) -> None:
        """Cameras whose frames come at the same moments, or not."""
        count = len(self.cameras) + number
        for place in range(len(self.cameras), count):
            camera = Camera(Share(self.ceiling, place / count), fps)
            self.cameras.append(camera)
            self._at(self.now + (0.0 if together else self._random.uniform(0, 1 / fps)), "frame", camera)

    @property
    def capacity(self) -> float:
        """Frames a second of each camera that the workers can do."""
        on = [camera for camera in self.cameras if not camera.off]
        return self.workers / (self._look_seconds * self._stretch * len(on))

    @property
    def _look_seconds(self) -> float:
        """Of a worker for one frame at the size of now, on average."""
        pixels = (self.size.side / self.sides[0]) ** 2
        return self.cost * (1 + self.searching * (pixels - 1))

    @property
    def _stretch(self) -> float:
        """How much longer everything takes because of decoding and of other processes."""
        decoding = sum(c.fps * self.decode for c in self.cameras if not c.off) / self.cores
        return 1 / max(0.05, 1 - decoding - self.others)

    def run(self, seconds: float) -> list[float]:
        """Returns the ceilings of that time."""
        until, before = self.now + seconds, len(self.ceilings)
        while self._events[0][0] <= until:
            self.now, _, what, camera, captured = heapq.heappop(self._events)
            if what == "look":
                self._look()
            elif camera is not None and what == "frame":
                self._frame(camera)
            elif camera is not None and what == "examined":
                self._examined(camera, captured)
            elif camera is not None:
                self._done(camera, captured)
        self.now = until
        return self.ceilings[before:]

    def _at(self, at: float, what: str, camera: Camera | None = None, captured: float = 0.0) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, what, camera, captured))

    def _look(self) -> None:
        seen = [Seen(c.due, c.overtaken, c.lag) for c in self.cameras]
        sample = Sample(self.now, self.frames, self.waited, self._processor, seen)
        self.ceiling.change(self.now, self.governor.update(sample))
        self.ceilings.append(self.ceiling.rate)
        self.searched.append(self.size.update(self.now, self.governor))
        self._at(self.now + STEP, "look")

    def _frame(self, camera: Camera) -> None:
        if camera.off:
            camera.lag = None
            return
        self._at(self.now + 1 / camera.fps, "frame", camera)
        self._processor += self.decode
        if not camera.share.due(self.now):
            return
        camera.due += 1
        if camera.busy:
            camera.overtaken += camera.latest is not None
            camera.latest = self.now
        else:
            self._ask(camera, self.now)

    def _ask(self, camera: Camera, captured: float) -> None:
        camera.busy = True
        self._queue.append((self.now, camera, captured))
        self._take()

    def _take(self) -> None:
        while self._free and self._queue:
            asked, camera, captured = self._queue.popleft()
            self._free -= 1
            self.frames += 1
            self.waited += self.now - asked
            cost = self._look_seconds * self._random.uniform(1 - self.spread, 1 + self.spread)
            self._processor += cost
            self._at(self.now + cost * self._stretch, "examined", camera, captured)

    def _examined(self, camera: Camera, captured: float) -> None:
        self._free += 1
        if camera.extra:
            self._at(self.now + camera.extra, "done", camera, captured)
        else:
            self._done(camera, captured)
        self._take()

    def _done(self, camera: Camera, captured: float) -> None:
        camera.busy = False
        camera.analysed += 1
        camera.lag = self.now - captured
        latest, camera.latest = camera.latest, None
        if latest is not None and not camera.off:
            self._ask(camera, latest)
