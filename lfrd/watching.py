"""What `run`, `demo` and `replay` share: a pack opened, a watchlist enrolled, a threshold derived."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lfrd.config import Config
from lfrd.decision.rule import Rule
from lfrd.decision.threshold import (
    CalibrationPoints,
    Threshold,
    by_hand,
    lowest_score,
    points_of,
    threshold_for,
)
from lfrd.gallery.enrol import LIMITS, Enrolment, enrol
from lfrd.gallery.folder import read_folder
from lfrd.gallery.index import GalleryHolder
from lfrd.inference import Inference, opened
from lfrd.metrics import Metrics
from lfrd.models import library
from lfrd.pipeline import Pipeline, Report
from lfrd.types import Face, TrackId
from lfrd.vision.pack import Pack
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits

Progress = Callable[[int, int], None]
"""Told (done, total) pictures."""

ENROL_MAX_SIDE = 1280  # pictures of the watchlist are searched for faces at up to this many pixels


@dataclass(frozen=True)
class Watch:
    """A site's eyes and memory for as long as the context is open: nothing of it is on disk."""

    inference: Inference
    watchlist: GalleryHolder
    enrolment: Enrolment
    threshold: Threshold
    pack: Pack

    def pipeline(self, settings: Config, report: Report, metrics: Metrics) -> Pipeline:
        return pipeline_of(
            self.pack, self.inference, self.watchlist, self.threshold.score, settings, report, metrics
        )


def pipeline_of(
    pack: Pack,
    inference: Inference,
    watchlist: GalleryHolder,
    threshold: float,
    settings: Config,
    report: Report,
    metrics: Metrics,
) -> Pipeline:
    """The journey of frames for one watchlist and one threshold (a score, -1..1)."""
    lowest = lowest_score(calibrations(pack))
    return Pipeline(
        inference=inference,
        watchlist=watchlist,
        rule=Rule(
            threshold=threshold,
            least_shots=settings.decision.least_shots,
            agreement=settings.decision.agreement,
        ),
        settings=settings,
        report=report,
        metrics=metrics,
        track_ids=(TrackId(number) for number in itertools.count(1)),
        split_below=threshold * 0.8 if lowest is None else lowest,
    )


@asynccontextmanager
async def watching(pack: Pack, folder: Path, settings: Config, progress: Progress) -> AsyncIterator[Watch]:
    """Load the networks and enrol a watchlist folder. Raises what those raise, and CalibrationError."""
    async with opened(pack, library.networks, settings.inference) as inference:
        enrolment = await enrol_folder(inference, folder, settings, progress)
        watchlist = GalleryHolder(enrolment.gallery)
        try:
            yield Watch(
                inference, watchlist, enrolment, derive(pack, settings, enrolment.gallery.pictures), pack
            )
        finally:
            watchlist.close()


async def enrol_folder(inference: Inference, folder: Path, settings: Config, progress: Progress) -> Enrolment:
    """Turn a folder of people into templates in memory, with a reason for each picture refused."""

    async def examine(picture: Picture) -> list[Face]:
        examined = await inference.examine(picture, LIMITS, ENROL_MAX_SIDE)
        return [face for face in examined.faces if face.score >= inference.high]

    return await enrol(
        read_folder(folder),
        examine,
        inference.embed,
        dim=inference.dim,
        progress=progress,
        wanted=Limits.of(settings.analysis),
    )


def derive(pack: Pack, settings: Config, pictures: int) -> Threshold:
    """The threshold for the wanted FPIR on a list of so many pictures, or the one set by hand."""
    if settings.decision.threshold is not None:
        return by_hand(settings.decision.threshold)
    return threshold_for(calibrations(pack), settings.decision.fpir, max(1, pictures))


def calibrations(pack: Pack) -> list[CalibrationPoints]:
    return points_of(pack.manifest.calibration)
