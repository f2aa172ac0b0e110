"""Recorded files through the live pipeline, as fast as it goes: each alert a line, and a summary."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.decision.repeats import NewAlert, Repeats, Sighting
from lfrd.errors import LfrdError
from lfrd.metrics import Metrics
from lfrd.pipeline import Counts, Finding
from lfrd.types import AlertId
from lfrd.watching import Watch

Emit = Callable[[dict[str, Any]], None]


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


async def replay(videos: list[Path], watch: Watch, settings: Config, emit: Emit) -> Summary:
    """Each file is a recording of its own: the same person in two of them is two alerts. A file that cannot
    be read is an `error` event, and the others are still replayed."""
    summary = Summary()
    began = time.perf_counter()
    for video in videos:
        try:
            await _replay_one(video, watch, settings, emit, summary)
        except LfrdError as error:
            summary.problems.append(str(error))
            emit({"event": "error", "camera": video.name, "problem": str(error)})
    summary.seconds = time.perf_counter() - began
    emit(summary.as_event())
    return summary


async def _replay_one(video: Path, watch: Watch, settings: Config, emit: Emit, summary: Summary) -> None:
    repeats = Repeats(settings.decision.repeat_seconds)

    async def report(finding: Finding) -> None:
        filing = repeats.file(finding.nominal, finding.camera, finding.track, finding.captured_at)
        match filing:
            case NewAlert():
                summary.alerts += 1
                repeats.attach(finding.nominal, AlertId(str(summary.alerts)))
                emit(_line("alert", finding))
            case Sighting():
                summary.sightings += 1
                emit(_line("sighting", finding))

    pipeline = watch.pipeline(settings, report, Metrics())
    source = recording(video, rate=settings.analysis.rate)
    journey = pipeline.journey(source.camera)
    counts: Counts = journey.counts
    try:
        async with contextlib.aclosing(frames_of(source)) as frames:
            await journey.run(frames, live=False)
    finally:
        summary.frames += source.counts.decoded
        summary.analysed += counts.analysed
        summary.faces += counts.faces
        summary.tracks += counts.tracks
    if source.remark:
        summary.problems.append(source.remark)
        emit({"event": "error", "camera": source.camera, "problem": source.remark})


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
