"""Clips with truth through the product's own pipeline: what it alerts for, and what it was that it saw.

What counts are the pipeline's alerts. Why a passage was lost is read from what the networks saw, looked at a
second time (`looks.py`) with the same settings; `ClipResult.differ` counts where the two did not agree.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.looks import follow, look
from lfrd.evaluation.passages import Raised
from lfrd.evaluation.street_scene import Alert, Crossing, Row, Scene
from lfrd.evaluation.street_trial import scores_for, verdicts
from lfrd.evaluation.street_truth import Clip
from lfrd.metrics import Metrics
from lfrd.pipeline import Finding, Pipeline
from lfrd.types import Frame, TrackId
from lfrd.vision.attention import Attention
from lfrd.vision.pack import Pack
from lfrd.watching import Progress, Watch, watching

FPIRS = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
"""Rates at whose thresholds the same evidence is judged again."""


@dataclass(frozen=True, slots=True)
class ClipResult:
    """seconds: of film. frames: decoded, and how many of them were analysed. tracks: the pipeline's. alerts:
    tracks that alerted, once for each nominal; false: those for somebody whom the track does not show.

    Of the second look: looked, its tracks; glued, those with several people's faces; differ, alerts that only
    one of the two made; strayed, whether none of its faces lies on any box of the truth. rows: one for each
    score that was asked for.
    """

    seconds: float
    frames: int
    analysed: int
    tracks: int
    alerts: int
    false: int
    glued: int
    looked: int
    differ: int
    strayed: bool
    crossings: list[Crossing]
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Measured:
    """scores: (FPIR that the threshold is for, threshold), the one in use first; None for one set by hand.
    source: where that came from, in words. refused: nominals that could not be enrolled."""

    nominals: int
    refused: int
    source: str
    scores: list[tuple[float | None, float]]
    clips: list[ClipResult] = field(default_factory=list)


async def measure(
    clips: Sequence[Clip],
    pack: Pack,
    watchlist: Path,
    settings: Config,
    *,
    fpirs: Sequence[float] = FPIRS,
    enrolling: Progress = lambda done, total: None,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> Measured:
    """Play the clips as `lfrd replay` does, and count.

    fpirs: further rates to judge the evidence at, as far as the pack's card has them. enrolling: pictures,
    and of how many; progress: seconds of film, and of how many.
    Raises MissingError where nobody of the list can be looked for, CorruptError for a damaged clip,
    CalibrationError and SourceError.
    """
    async with watching(pack, watchlist, settings, enrolling) as watch:
        gallery = watch.enrolment.gallery
        if not len(gallery):
            raise MissingError(
                f"watchlist {watchlist}: nobody can be looked for; `lfrd watchlist check` tells why"
            )
        further = scores_for(pack, settings, fpirs if pack.manifest.calibration else (), gallery.pictures)
        measured = Measured(
            len(gallery),
            len(watch.enrolment.refused),
            watch.threshold.source,
            [
                (watch.threshold.fpir, watch.threshold.score),
                *further,
            ],
        )
        numbers: dict[str, int] = {}
        total = sum(clip.seconds for clip in clips)
        before = 0.0
        for clip in clips:

            def told(seconds: float, before: float = before) -> None:
                progress(before + seconds, total)

            one = await _clip(clip, watch, settings, [score for _, score in measured.scores], numbers, told)
            measured.clips.append(one)
            before += clip.seconds
        progress(total, total)
    return measured


async def _clip(
    clip: Clip,
    watch: Watch,
    settings: Config,
    scores: Sequence[float],
    numbers: dict[str, int],
    told: Callable[[float], None],
) -> ClipResult:
    raised: list[Alert] = []

    async def report(finding: Finding) -> None:
        raised.append(Alert(finding.nominal, finding.track, finding.captured_at, finding.score, finding.box))

    pipeline = watch.pipeline(settings, report, Metrics())
    # The second look takes about as long, and does not say how far it is.
    frames, analysed, followed = await _play(clip.video, pipeline, lambda seconds: told(seconds / 2))
    looks = await look(
        clip.video,
        watch.inference,
        rate=settings.analysis.rate,
        max_side=settings.analysis.max_side,
        least_eyes=settings.analysis.eye_distance_pixels,
        attention=Attention.of(settings),
    )
    tracks = follow(looks, settings, watch.inference.high)
    try:
        with watch.watchlist.lease() as gallery:
            seen = Scene(clip.truth, tracks, gallery, settings, pipeline.rule, pipeline.split_below)
            listed = frozenset(watch.enrolment.enrolled)
            refused = frozenset(watch.enrolment.refused)
            crossings = [
                seen.crossing(passage, raised, listed, refused, numbers) for passage in clip.truth.passages
            ]
            rows = [seen.row(score, listed) for score in scores]
    finally:
        for one in looks:
            one.templates.fill(0)
    first = {(alert.track, alert.nominal) for alert in raised}
    again = verdicts(seen.judged, pipeline.rule)
    boxed = any(passage.boxes for passage in clip.truth.passages)
    return ClipResult(
        seconds=clip.seconds,
        frames=frames,
        analysed=analysed,
        tracks=followed,
        alerts=len(first),
        false=len({(alert.track, alert.nominal) for alert in raised if not seen.is_right(alert)}),
        glued=sum(len(people) > 1 for people in seen.owner.values()),
        looked=len(tracks),
        differ=len(_moments(raised) ^ _moments(again)),
        strayed=boxed and bool(tracks) and not any(seen.owner.values()),
        crossings=crossings,
        rows=rows,
    )


async def _play(video: Path, pipeline: Pipeline, told: Callable[[float], None]) -> tuple[int, int, int]:
    """As `lfrd replay` does, but that every finding is told, repeats included. Frames decoded, frames
    analysed, tracks. Raises CorruptError for a clip that could not be read to its end."""
    source = recording(video, rate=pipeline.settings.analysis.rate)
    journey = pipeline.journey(source.camera)
    async with (
        contextlib.aclosing(frames_of(source)) as frames,
        contextlib.aclosing(_watched(frames, told)) as watched,
    ):
        await journey.run(watched, live=False, rests=False)
    if source.remark:
        raise CorruptError(video, f"{source.remark}; measure on a whole clip")
    return source.counts.decoded, journey.counts.analysed, journey.counts.tracks


async def _watched(
    frames: AsyncIterator[Frame], told: Callable[[float], None]
) -> AsyncGenerator[Frame, None]:
    async for frame in frames:
        told(frame.captured_at)
        yield frame


def _moments(raised: Sequence[Raised]) -> set[tuple[TrackId, str, float]]:
    """When each track first alerted for each nominal."""
    first: dict[tuple[TrackId, str], float] = {}
    for alert in raised:
        first.setdefault((alert.track, alert.nominal), alert.at)
    return {(track, nominal, at) for (track, nominal), at in first.items()}
