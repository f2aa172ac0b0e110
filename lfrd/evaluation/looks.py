"""What the networks saw of a clip, kept in memory, so that settings are compared without looking again.

`look` is the costly part: detection, measuring and a template of every face. What follows in the pipeline
(which frames, which faces, tracks, best shots, verdicts) is then done again by the pipeline's own parts, for
any settings. A test holds that both ways come to the same alerts.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lfrd.capture.rate import Rate
from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.decision.rule import Rule, Verdict
from lfrd.gallery.index import Gallery
from lfrd.inference import Inference
from lfrd.tracking.cuts import Cuts
from lfrd.tracking.shots import Evidence, Shot
from lfrd.tracking.tracker import Tracker
from lfrd.types import F32, Box, Candidate, Detections, NominalId, Quality, Refusal, TrackId
from lfrd.vision.attention import Attention
from lfrd.vision.quality import Limits
from lfrd.vision.template import Template

EVERY_FACE = Limits(eye_distance=0.0, sharpness=0.0, pose=1.0, darkest=0.0, brightest=255.0, cut=1.0)


@dataclass(frozen=True, slots=True)
class Look:
    """One frame. cut: it begins another scene. qualities: one a row of `found`, refused only where no face
    can be cut out. templates: float32 [n, dim], zeros where there is none."""

    at: float
    cut: bool
    found: Detections
    qualities: list[Quality]
    templates: F32


@dataclass(frozen=True, slots=True)
class Seen:
    """One confident face of a track. refusal: under the settings that the tracks were made with."""

    at: float
    box: Box
    quality: Quality
    refusal: Refusal | None
    template: F32


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one verdict of a track stood on; see `Rule.judge`."""

    at: float
    best: Candidate | None
    shot_scores: F32
    shot_best: list[NominalId | None]

    def verdict(self, rule: Rule) -> Verdict:
        return rule.judge(self.best, self.shot_scores, self.shot_best)


@dataclass(slots=True)
class Gathered:
    """What became of one track's faces. embedded: how many of them a template was made of."""

    embedded: int = 0
    judgements: list[Judgement] = field(default_factory=list)


async def look(
    video: Path,
    inference: Inference,
    *,
    rate: float | None,
    max_side: int,
    least_eyes: float = 0.0,
    attention: Attention | None = None,
) -> list[Look]:
    """Every frame of a recording, or `rate` a second of it. Faces with fewer than `least_eyes` pixels between
    the eyes get no template. attention: a new one where the pipeline has one, so that what it searches of
    each frame is searched here; None for the whole view. The caller keeps the result in memory only: it is
    biometrics."""
    looks: list[Look] = []
    cuts = Cuts()
    attention = attention or Attention(0)
    untold: deque[tuple[Look, Detections]] = deque()
    async with contextlib.aclosing(frames_of(recording(video, rate=rate))) as frames:
        async for frame in frames:
            region = attention.region(frame.captured_at, frame.picture.size)
            try:
                seen = await inference.examine(frame.picture, EVERY_FACE, max_side, region=region)
            finally:
                frame.release()
            templates: F32 = np.zeros((len(seen.faces), inference.dim), np.float32)
            rows = [
                row
                for row, face in enumerate(seen.faces)
                if face.score >= inference.high and face.quality.eye_distance >= least_eyes
            ]
            aligned = [(row, cut) for row in rows if (cut := seen.faces[row].aligned) is not None]
            if aligned:
                templates[[row for row, _ in aligned]] = await inference.embed(
                    np.stack([cut for _, cut in aligned])
                )
            qualities = [face.quality for face in seen.faces]
            one = Look(frame.captured_at, cuts.cut(seen.scene), seen.found, qualities, templates)
            looks.append(one)
            untold.append((one, seen.cut))
            if len(untold) == inference.workers:  # as many as the pipeline has under way at once
                told, in_part = untold.popleft()
                if told.cut:
                    attention.forget()
                attention.note(told.at, frame.picture.size, told.found, in_part)
    return looks


def refusal(quality: Quality, limits: Limits) -> Refusal | None:
    """The reason against a face that `EVERY_FACE` let pass, under other limits; in the order of `REASONS`."""
    turned = max(abs(quality.yaw), abs(quality.pitch), abs(quality.roll))
    tests = {
        Refusal.CUT: quality.cut > limits.cut,
        Refusal.POSE: turned > limits.pose or quality.refusal is not None,
        Refusal.SMALL: quality.eye_distance < limits.eye_distance,
        Refusal.DARK: quality.exposure < limits.darkest,
        Refusal.BRIGHT: quality.exposure > limits.brightest,
        Refusal.BLURRED: quality.sharpness < limits.sharpness,
    }
    return next((reason for reason, holds in tests.items() if holds), None)


def follow(looks: Sequence[Look], settings: Config, high: float) -> dict[TrackId, list[Seen]]:
    """The confident faces of each track that was confirmed, as the pipeline makes them with these settings.

    Numbered from 1 as a replay numbers them. high: the detector's score of a confident face.
    """
    limits = Limits.of(settings.analysis)
    due = Rate(settings.analysis.rate).due
    tracker = Tracker(
        ids=(TrackId(number) for number in itertools.count(1)),
        high=high,
        lost_seconds=settings.tracking.lost_seconds,
        longest_seconds=settings.tracking.longest_seconds,
        most=settings.tracking.most,
    )
    tracks: dict[TrackId, list[Seen]] = {}
    cut = False  # since the last frame that was due
    for one in looks:
        cut = cut or one.cut
        if not due(one.at):
            continue
        if cut:
            tracker.finish()
            cut = False
        update = tracker.update(one.found, one.at)
        for row, track in enumerate(update.tracks):
            if track is None or one.found.scores[row] < high:
                continue
            quality = one.qualities[row]
            box = Box(*(float(side) for side in one.found.boxes[row]))
            seen = Seen(one.at, box, quality, refusal(quality, limits), one.templates[row])
            tracks.setdefault(track, []).append(seen)
    return {track: seen for track, seen in tracks.items() if len(seen) > 1}


def gather(
    seen: Sequence[Seen],
    gallery: Gallery,
    settings: Config,
    split_below: float,
    rule: Rule | None = None,
    *,
    without: Collection[str] = (),
) -> Gathered:
    """One track's faces to its evidence, judged from `least_shots` kept shots on.

    rule: whose verdicts settle the track, as in the pipeline; with None nothing does, so that the same
    judgements stand for every threshold. without: nominals who are taken from the list, so that a listed
    person's track is a non-mated search too.
    """
    evidence = Evidence(settings.tracking.shots, split_below=split_below)
    gathered = Gathered()
    for face in seen:
        worth = face.quality.worth
        if face.refusal is not None or not face.template.any() or not evidence.wants(worth, face.at):
            continue
        gathered.embedded += 1
        evidence.add(Shot(Template(face.template), worth, face.at))
        if len(evidence) >= settings.decision.least_shots and not evidence.doubts:
            made, nearest = _judgement(evidence, gallery, face.at, without)
            gathered.judgements.append(made)
            if rule is not None and nearest is not None:
                evidence.judged(made.verdict(rule).alert, nearest, rule.shot_threshold)
    evidence.wipe()
    return gathered


def _judgement(
    evidence: Evidence, gallery: Gallery, at: float, without: Collection[str]
) -> tuple[Judgement, float | None]:
    """With the highest score of the fused template or a shot to anybody; None where nobody is left."""
    fused = evidence.fused()
    shots = evidence.matrix()
    if fused is None:
        return Judgement(at, None, np.zeros(len(shots), np.float32), [None] * len(shots)), None
    found = gallery.search(np.concatenate([fused.vector[None], shots]), count=1 + len(without))
    first = [next((c for c in ranked if c.nominal not in without), None) for ranked in found]
    best = first[0]
    scores = np.zeros(len(shots), np.float32) if best is None else gallery.scores(shots, best.nominal)
    made = Judgement(at, best, scores, [None if c is None else c.nominal for c in first[1:]])
    return made, max((c.score for c in first if c is not None), default=None)
