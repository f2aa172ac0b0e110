"""How many frames a second of each camera are analysed when the box has too much to do. Pure.

One ceiling for all cameras, lowered at once where frames wait and raised step by step where they do not. What
it is judged by are totals of the last second, so that nothing that happened before weighs on what is now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

WINDOW = 1.0
"""Seconds that are judged."""
DRAIN = 1.0
"""Seconds after a lowering that are not judged: what stood there before must first be done."""
GRACE = 2.0
"""Seconds after the first frames that are not judged: networks see each shape of picture for the first time
then, and what was too much only for that would be remembered."""
FLOOR = 1.0
"""Frames a second below which the ceiling is never lowered: a camera is not given up."""

A_CORE = 3.5
"""Cameras to a core that are looked at as often as the top says from the first moment on; with more, the
ceiling begins lower and rises as far as it may. Street cameras with six faces in view took a quarter of a
core each (docs/performance.md): a guess that spares the first alerts seconds of delay, and is soon forgotten.
"""

LONG_WAIT = 0.040
"""Mean seconds that a frame waits for a worker from which the box has too much to do. About one frame's time
of work: each frame then finds another one before it."""
SHORT_WAIT = 0.015
"""And below which it may be given more."""
MANY_OVERTAKEN = 0.10
"""The same by the share of frames that newer ones replaced before anybody took them: a box with as many
workers as cameras keeps no frame waiting however far it is behind."""
FEW_OVERTAKEN = 0.03
LATE = 0.5
"""The same by the seconds from a frame's capture to the end of its analysis, which know of a decoder that is
behind and of a slow disk as well."""
PROMPT = 0.35
BUSY = 0.92
"""Share of the cores' time from which nothing is added: decoding needs its part, and waits for no worker."""
AMPLE = 0.7
"""The same below which larger steps are safe: one of them cannot reach BUSY."""
GONE = 0.75
"""Share of what was taken when it was too much, below which the load has gone."""

LOWER = 0.85
"""Of a ceiling that is too high; less where less than that share of the due frames is analysed."""
LOWER_MOST = 0.5
LOWER_NEAR = 0.92
"""Where it is about what was too much the last time: what is missing is little."""
RAISE = 1.05
RAISE_FAST = 1.15
RAISE_NEAR = 1.03
NEAR = 0.92
"""Share of a ceiling that was too high from which steps are smaller and take their time."""
FAR = 1.10
"""The same above it: it is not too much any more."""
PAUSE = 2.0
"""Seconds from one such step to the next."""
PATIENCE = 5.0
"""Seconds to the first of them; doubled with each that was too much, up to the following."""
PATIENCE_MOST = 60.0
CALM = 30.0
"""Seconds for which nothing may have been lowered before the pressure is said to be over."""


class Seen(NamedTuple):
    """One camera's totals since it was made: frames due, and those of them that newer ones replaced. lag:
    seconds from capture to the end of analysis of the newest; None where there is none."""

    due: int
    overtaken: int
    lag: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """The box at one moment. at: seconds of a clock that does not go back. frames, waited: frames that
    workers took, and the seconds that those waited for it, since the start. processor: seconds of processor
    time of the whole process. cameras: the live ones, always the same in the same order."""

    at: float
    frames: int
    waited: float
    processor: float
    cameras: Sequence[Seen]


class _Load(Enum):
    TOO_MUCH = auto()
    ENOUGH = auto()
    ROOM = auto()


class _Judgement(NamedTuple):
    """One window. share: of the due frames that workers took. busy: of the cores' time."""

    load: _Load
    share: float
    busy: float


class Governor:
    """Fed a sample every half second or so, it says the ceiling.

    A ceiling that was too high is remembered: what comes near it is tried after a pause that grows each time
    it is too much again. So the ceiling settles, and follows at once when the load has gone.
    """

    def __init__(self, top: float, cores: int, cameras: int = 1) -> None:
        """top: frames a second, the ceiling of a box with nothing to complain of. cores: that the process may
        use."""
        self.top = top
        self._floor = min(FLOOR, top)
        self._cores = cores
        self._samples: deque[Sample] = deque()  # spans WINDOW; as many as are fed in that time
        self.reset()
        if cameras > A_CORE * cores:
            self.ceiling = max(self._floor, top * A_CORE * cores / cameras)
            self.pressed = True

    def reset(self) -> None:
        """Begin anew at the top."""
        self._samples.clear()
        self._due: int | None = None  # frames, by the first sample; None before it
        self._began_at: float | None = None  # when the first frames had come
        self.ceiling = self.top
        """Frames a second; whoever searches smaller pictures from the beginning may set it higher."""
        self.pressed = False
        """Whether less than the top is analysed, or was a moment ago."""
        self.busy = 0.0
        """Share of the cores' time that was taken in the last window."""
        self._too_high: float | None = None  # the ceiling that was last too much
        self._busy_then = 0.0  # the share of the cores' time that was taken then
        self._lowered_at = self._raised_at = 0.0
        self._patience = PATIENCE

    def forget(self) -> None:
        """A frame takes another time from now on: what was too much says nothing any more."""
        self._samples.clear()
        self._too_high, self._patience = None, PATIENCE

    def update(self, now: Sample) -> float:
        """The ceiling from now on."""
        if not self._has_begun(now) or (self.pressed and now.at - self._lowered_at < DRAIN):
            return self.ceiling
        samples = self._samples
        samples.append(now)
        while len(samples) > 2 and samples[1].at <= now.at - WINDOW:
            samples.popleft()
        if now.at - samples[0].at < WINDOW:
            return self.ceiling
        judged = self._judged(samples[0], now)
        self.busy = judged.busy
        if judged.load is _Load.TOO_MUCH:
            self._lower(now.at, judged)
        elif judged.load is _Load.ROOM and self.ceiling < self.top:
            self._raise(now.at, judged.busy)
        if self.ceiling == self.top and now.at - self._lowered_at >= CALM:
            self.pressed = False
        return self.ceiling

    def _has_begun(self, now: Sample) -> bool:
        """Whether frames have come for longer than `GRACE`."""
        due = sum(seen.due for seen in now.cameras)
        if self._due is None:
            self._due = due
        if self._began_at is None and due > self._due:
            self._began_at = now.at
        return self._began_at is not None and now.at - self._began_at >= GRACE

    def _judged(self, then: Sample, now: Sample) -> _Judgement:
        frames = now.frames - then.frames
        wait = (now.waited - then.waited) / frames if frames else 0.0
        changes = [
            (new.due - old.due, new.overtaken - old.overtaken)
            for old, new in zip(then.cameras, now.cameras, strict=True)
            if new.due > old.due
        ]
        overtaken = _typical([overtaken / due for due, overtaken in changes])
        lag = _typical([seen.lag for seen in now.cameras if seen.lag is not None])
        share = frames / max(1, sum(due for due, _ in changes))
        busy = (now.processor - then.processor) / (now.at - then.at) / self._cores
        if wait > LONG_WAIT or overtaken > MANY_OVERTAKEN or lag > LATE:
            load = _Load.TOO_MUCH
        elif wait > SHORT_WAIT or overtaken > FEW_OVERTAKEN or lag > PROMPT or busy > BUSY:
            load = _Load.ENOUGH
        else:
            load = _Load.ROOM
        return _Judgement(load, share, busy)

    def _lower(self, at: float, judged: _Judgement) -> None:
        self.pressed = True
        self._lowered_at = at
        self._samples.clear()
        if self.ceiling == self._floor:
            return
        near = self._too_high is not None and self.ceiling >= NEAR * self._too_high
        if near:
            self._patience = min(PATIENCE_MOST, 2 * self._patience)
        self._too_high, self._busy_then = self.ceiling, judged.busy
        usual = LOWER_NEAR if near else LOWER
        self.ceiling = max(self._floor, self.ceiling * max(LOWER_MOST, min(usual, judged.share)))

    def _raise(self, at: float, busy: float) -> None:
        near = self._too_high is not None and self.ceiling * RAISE > NEAR * self._too_high
        gone = busy < GONE * self._busy_then  # the load is plainly less than what was too much
        if near and not gone and at < max(self._lowered_at + self._patience, self._raised_at + PAUSE):
            return
        fast = gone or (busy < AMPLE and not near)
        step = RAISE_FAST if fast else RAISE_NEAR if near else RAISE
        self.ceiling, self._raised_at = min(self.top, self.ceiling * step), at
        if self._too_high is not None and self.ceiling > FAR * self._too_high:
            self._too_high, self._patience = None, PATIENCE


def _typical(values: list[float]) -> float:
    """The lower median: what at least half of the cameras show. One that is slow by itself, with a picture
    too large for its one decoder, is no reason to look less at the others. 0 for none."""
    return sorted(values)[(len(values) - 1) // 2] if values else 0.0
