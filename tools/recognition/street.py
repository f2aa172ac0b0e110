"""The trial with street clips: the product's tracks and shots, with each face cut in every way on trial."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.decision.threshold import lowest_score
from lfrd.evaluation.looks import EVERY_FACE, Look, Seen, follow, refusal
from lfrd.evaluation.passages import Owners, owners
from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.evaluation.street_set import StreetSet
from lfrd.gallery.folder import read_folder
from lfrd.inference import detection_size
from lfrd.tracking.cuts import Cuts, thumbnail
from lfrd.tracking.shots import Evidence, Shot
from lfrd.types import F32, Detections, TrackId
from lfrd.vision.quality import Limits, examine
from lfrd.vision.template import Template
from lfrd.watching import calibrations
from tools.recognition.cuts import PLAIN, cut_all, embedded
from tools.recognition.fusing import Shots, fused
from tools.recognition.judging import Listed, Norm, level, without
from tools.recognition.networks import Networks
from tools.recognition.people import Half, half_of
from tools.recognition.still_trial import Progress, enrolled_people
from tools.recognition.ways import Way


@dataclass(frozen=True, slots=True)
class Street:
    """One set as it was seen, in memory only. cuts: whose vectors stand side by side in each face's template,
    in this order. listed, strangers: as in `still_trial.Seen`."""

    truth: StreetSet
    cuts: tuple[str, ...]
    names: tuple[str, ...]
    listed: dict[str, F32] = field(repr=False)
    strangers: dict[str, F32] = field(repr=False)
    tracks: list[tuple[dict[TrackId, list[Seen]], dict[TrackId, Owners]]] = field(repr=False)
    """Of each clip."""


async def see_street(
    networks: Networks,
    street: StreetSet,
    faces: Path,
    ways: Mapping[str, Way],
    *,
    leave_out: Sequence[str],
    progress: Progress,
) -> Street:
    """Look at every clip once, at the product's rate. faces: the folder that the set was drawn from: people
    of it who neither walk nor are listed are the cohort."""
    of_probe = tuple(sorted(set().union(*(way.cuts()[0] for way in ways.values()))))
    of_list = sorted(set().union(*(way.cuts()[1] for way in ways.values())))
    on_list: dict[str, Path] = {entry.nominal: entry.pictures[0] for entry in read_folder(street.watchlist)}
    names, listed = enrolled_people(networks, on_list, of_list, "list", progress)
    walking = {passage.person for truth in street.truths for passage in truth.passages}
    idle: dict[str, Path] = {
        entry.nominal: entry.pictures[0]
        for entry in read_folder(faces)
        if entry.nominal not in walking | set(on_list) | set(leave_out)
    }
    _, strangers = enrolled_people(networks, idle, of_probe, "cohort", progress)
    tracks = []
    for done, (clip, truth) in enumerate(zip(street.clips, street.truths, strict=True)):
        progress("clips", done, len(street.clips))
        followed = follow(await _look(networks, clip, of_probe), Config(), networks.high)
        tracks.append((followed, owners(truth, followed)))
    return Street(street, of_probe, names, listed, strangers, tracks)


async def _look(networks: Networks, clip: Path, cuts: Sequence[str]) -> list[Look]:
    """As `lfrd.evaluation.looks.look`, with every cut's vector for each face that the limits let pass."""
    settings = Config()
    limits = Limits.of(settings.analysis)
    recogniser = networks.recogniser
    scenes = Cuts()
    looks = []
    async with contextlib.aclosing(frames_of(recording(clip, rate=settings.analysis.rate))) as frames:
        async for frame in frames:
            picture = frame.picture
            small = picture.scaled(*detection_size(picture.size, settings.analysis.max_side))
            found = networks.detector.detect(small, networks.high / 2)
            stretch = np.array([picture.width / small.shape[1], picture.height / small.shape[0]], np.float32)
            found = Detections(found.boxes * np.tile(stretch, 2), found.points * stretch, found.scores)
            measured = examine(picture, found, recogniser.size, recogniser.template_points, EVERY_FACE)
            qualities = [face.quality for face in measured]
            fit = [
                row
                for row, quality in enumerate(qualities)
                if found.scores[row] >= networks.high and refusal(quality, limits) is None
            ]
            templates = np.zeros((len(found), len(cuts) * recogniser.dim), np.float32)
            if fit:
                made = embedded(networks, cut_all(networks, picture, found.points[fit], cuts))
                templates[fit] = np.concatenate([made[cut] for cut in cuts], axis=1)
            cut = scenes.cut(thumbnail(picture))
            frame.release()
            looks.append(Look(frame.captured_at, cut, found, qualities, templates))
    return looks


def street_searches(networks: Networks, streets: Sequence[Street], way: Way, half: Half) -> Searches:
    """Each passage of a listed person, and each track on the list without those whom it follows. Tracks of
    nobody's face are left out: they belong to neither half."""
    own: list[float] = []
    top: list[float] = []
    mated: list[int] = []
    non_mated: list[int] = []
    numbers: dict[str, int] = {}
    for street in streets:
        listed = way.list_of(street.names, street.listed)
        norm = way.norm(listed, street.strangers)
        column = {name: number for number, name in enumerate(listed.names)}
        for truth, (tracks, owner) in zip(street.truth.truths, street.tracks, strict=True):
            reached: dict[TrackId, list[tuple[str, float]]] = {}
            for track, faces in tracks.items():
                people = {passage.person for passage in owner[track]}
                if not any(half_of(name) == half for name in people):
                    continue
                taken = [column[name] for name in people if name in column]
                right, wrong = judged_track(networks, street, faces, way, listed, norm, taken)
                reached[track] = right
                if half_of(owner[track][0].person) == half:
                    top.append(wrong)
                    non_mated.append(numbers.setdefault(owner[track][0].person, len(numbers)))
            for passage in truth.passages:
                name = passage.person
                if name not in column or name not in street.truth.sought or half_of(name) != half:
                    continue
                levels = [
                    score
                    for track, right in reached.items()
                    if passage in owner[track]
                    for nominal, score in right
                    if nominal == name
                ]
                own.append(max(levels, default=NO_CANDIDATE))
                mated.append(numbers.setdefault(name, len(numbers)))
    return Searches(
        np.array(own),
        np.full(len(own), NO_CANDIDATE),
        np.array(mated, np.intp),
        np.array(top),
        np.array(non_mated, np.intp),
        min(len(street.names) for street in streets),
    )


def judged_track(
    networks: Networks,
    street: Street,
    faces: Sequence[Seen],
    way: Way,
    listed: Listed,
    norm: Norm,
    taken: Sequence[int],
) -> tuple[list[tuple[str, float]], float]:
    """Whom each judgement of a track names, and up to which threshold; and the highest threshold at which it
    alerts on the list without `taken`."""
    settings = Config()
    usable = [face for face in faces if face.refusal is None and face.template.any()]
    if not usable:
        return [], NO_CANDIDATE
    vectors = dict(
        zip(
            street.cuts,
            np.split(np.stack([face.template for face in usable]), len(street.cuts), axis=1),
            strict=True,
        )
    )
    templates = way.probe.of(vectors)
    lengths = np.linalg.norm(vectors[PLAIN], axis=1)
    split_below = lowest_score(calibrations(networks.pack))
    assert split_below is not None
    evidence = Evidence(settings.tracking.shots, split_below=split_below)
    row_of: dict[int, int] = {}
    shots_alive: list[Shot] = []  # or a new one could get the number of one that is gone
    right: list[tuple[str, float]] = []
    wrong = NO_CANDIDATE
    for row, face in enumerate(usable):
        worth = face.quality.worth
        if not evidence.wants(worth, face.at):
            continue
        shot = Shot(Template(templates[row]), worth, face.at)
        shots_alive.append(shot)
        row_of[id(shot)] = row
        evidence.add(shot)
        if len(evidence) < settings.decision.least_shots or evidence.doubts:
            continue
        rows = [row_of[id(kept)] for kept in evidence.shots()]
        shots = Shots(
            templates[rows],
            lengths[rows].astype(np.float64),
            np.array([usable[r].quality.worth for r in rows]),
            np.array([usable[r].quality.eye_distance for r in rows]),
            np.array([usable[r].quality.sharpness for r in rows]),
        )
        queries = np.concatenate([fused(shots, way.weighing)[None], shots.templates])
        scores = listed.scores(queries)
        agreement = settings.decision.agreement
        if taken:
            first, score = level(norm(queries, scores), agreement, way.score)
            right.append((listed.names[first], score))
            scores = without(scores, taken)
        wrong = max(wrong, level(norm(queries, scores), agreement, way.score)[1])
    evidence.wipe()
    return right, wrong
