"""Recorded files through the live pipeline, as fast as it goes: each alert a line, and a summary."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.decision.repeats import NewAlert, Repeats, Sighting
from lfrd.errors import MissingError, SourceError
from lfrd.gallery.folder import shown
from lfrd.metrics import Metrics
from lfrd.pipeline import Counts, Finding, Pipeline
from lfrd.types import AlertId, Frame
from lfrd.watching import Watch

Emit = Callable[[dict[str, Any]], None]
"""Takes one event: alert, sighting, error, and last the summary."""
Progress = Callable[[float], object]
"""Told how many seconds of film have been looked at, all files together."""


@dataclass
class Summary:
    """What all files together came to. `seconds` are of this machine's clock, not of the films."""

    frames: int = 0
    analysed: int = 0
    faces: int = 0
    tracks: int = 0
    alerts: int = 0
    sightings: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def as_event(self) -> dict[str, Any]:
        return {
            "event": "summary",
            "frames": self.frames,
            "frames_analysed": self.analysed,
            "faces": self.faces,
            "tracks": self.tracks,
            "alerts": self.alerts,
            "sightings": self.sightings,
            "seconds": round(self.seconds, 3),
            "fps": round(self.frames / self.seconds, 1) if self.seconds else 0.0,
        }


async def replay(
    videos: list[Path],
    watch: Watch,
    settings: Config,
    emit: Emit,
    progress: Progress = lambda seconds: None,
) -> Summary:
    """Each file is a recording of its own: the same person in two of them is two alerts. A file that cannot
    be read is an `error` event, and the others are still replayed; the summary is emitted in either case."""
    summary = Summary()
    filing = _Filing(summary, settings.decision.repeat_seconds, emit)
    pipeline = watch.pipeline(settings, filing.report, Metrics())
    before = 0.0
    began = time.perf_counter()
    for video in videos:
        name = name_of(video)
        filing.begin()

        def seen(seconds: float, before: float = before) -> None:
            progress(before + seconds)

        try:
            # A task of its own: Python 3.11 leaves the owner of a failed TaskGroup counted as cancelled, and
            # Ctrl+C during a later film would then not be told from that.
            remark = await asyncio.create_task(_replay_one(video, name, pipeline, summary, seen))
        except* (SourceError, MissingError) as group:
            remark = _words(group)
        if remark:
            summary.problems.append(remark)
            emit({"event": "error", "camera": name, "problem": remark})
        before += film_seconds(video)
    summary.seconds = time.perf_counter() - began
    emit(summary.as_event())
    return summary


class _Filing:
    """Findings as events: an alert the first time that a recording shows somebody, then sightings."""

    def __init__(self, summary: Summary, repeat_seconds: float, emit: Emit) -> None:
        self._summary = summary
        self._repeat_seconds = repeat_seconds
        self._emit = emit
        self._repeats = Repeats(repeat_seconds)  # of this recording

    def begin(self) -> None:
        """Another recording, in which everyone is new."""
        self._repeats = Repeats(self._repeat_seconds)

    async def report(self, finding: Finding) -> None:
        filing = self._repeats.file(finding.nominal, finding.camera, finding.track, finding.captured_at)
        match filing:
            case NewAlert():
                self._summary.alerts += 1
                self._repeats.attach(finding.nominal, AlertId(str(self._summary.alerts)))
                self._emit(_line("alert", finding))
            case Sighting():
                self._summary.sightings += 1
                self._emit(_line("sighting", finding))


async def _replay_one(video: Path, name: str, pipeline: Pipeline, summary: Summary, seen: Progress) -> str:
    """What the recording lacked, in a line; nothing where it was whole."""
    source = recording(video, name=name, rate=pipeline.settings.analysis.rate)
    journey = pipeline.journey(source.camera)
    counts: Counts = journey.counts
    try:
        async with (
            contextlib.aclosing(frames_of(source)) as frames,
            contextlib.aclosing(_watched(frames, seen)) as watched,
        ):
            await journey.run(watched, live=False, rests=False)
    finally:
        summary.frames += source.counts.decoded
        summary.analysed += counts.analysed
        summary.faces += counts.faces
        summary.tracks += counts.tracks
    return source.remark


async def _watched(frames: AsyncIterator[Frame], seen: Progress) -> AsyncGenerator[Frame, None]:
    async for frame in frames:
        seen(frame.captured_at)
        yield frame


def name_of(video: Path) -> str:
    """What events call a recording: its file's own name, a link's included."""
    return shown(video.name if video.name not in ("", "..") else video.resolve().name)


def film_seconds(video: Path) -> float:
    """How long a recording says it is, for a progress bar; 0 where it does not say."""
    try:
        with av.open(str(video)) as container:
            return (container.duration or 0) / av.time_base
    except (av.FFmpegError, OSError):
        return 0.0


def _words(group: BaseExceptionGroup[SourceError | MissingError]) -> str:
    """The first error's own words: the event has the camera's name beside them."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first.problem if isinstance(first, SourceError) else str(first)


def _line(event: str, finding: Finding) -> dict[str, Any]:
    box = finding.box
    return {
        "event": event,
        "t": round(finding.captured_at, 3),
        "camera": finding.camera,
        "person": finding.nominal,
        "score": round(finding.score, 4),
        "track": finding.track,
        "box": [round(v, 1) for v in (box.x, box.y, box.width, box.height)],
    }
