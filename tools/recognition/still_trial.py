"""The trial with stills: short walks of one photograph searched on a list of other photographs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lfrd.config import Config
from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.types import F32
from tools.recognition.cuts import PLAIN, Mix
from tools.recognition.fusing import Shots, fused
from tools.recognition.judging import Listed, Norm, level, without
from tools.recognition.networks import Networks
from tools.recognition.people import Cast
from tools.recognition.stills import Sight, enrolled, portrait, seed_of, walk
from tools.recognition.ways import Way

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the networks made of everybody, in memory only. listed, strangers: each cut's vectors, float32
    [n, dim], one row a person of `names`, or of the cohort. walks: by person."""

    names: tuple[str, ...]
    listed: dict[str, F32] = field(repr=False)
    strangers: dict[str, F32] = field(repr=False)
    walks: list[tuple[str, Sight]] = field(repr=False)
    mated: frozenset[str]
    refused: int


def see(
    networks: Networks, cast: Cast, ways: Mapping[str, Way], *, walks: int, seed: int, progress: Progress
) -> Seen:
    """Embed the list, the cohort and `walks` walks of each probe picture."""
    of_probe = sorted(set().union(*(way.cuts()[0] for way in ways.values())))
    of_list = sorted(set().union(*(way.cuts()[1] for way in ways.values())))
    names, listed = enrolled_people(networks, cast.listed, of_list, "list", progress)
    _, strangers = enrolled_people(networks, cast.cohort, of_probe, "cohort", progress)
    seen: list[tuple[str, Sight]] = []
    for done, (name, pictures) in enumerate(cast.probes.items()):
        progress("probes", done, len(cast.probes))
        for path in pictures:
            who = portrait(networks, path)
            if who is None:
                continue
            seen += [
                (name, walk(networks, who, of_probe, seed_of(seed, path, number))) for number in range(walks)
            ]
    mated = frozenset(name for name, pictures in cast.probes.items() if pictures[0] != cast.listed[name])
    return Seen(names, listed, strangers, seen, mated & set(names), len(cast.listed) - len(names))


def enrolled_people(
    networks: Networks, pictures: Mapping[str, Path], cuts: Sequence[str], what: str, progress: Progress
) -> tuple[tuple[str, ...], dict[str, F32]]:
    names = []
    rows: dict[str, list[F32]] = {cut: [] for cut in cuts}
    for done, (name, path) in enumerate(pictures.items()):
        progress(what, done, len(pictures))
        who = portrait(networks, path)
        if who is not None:
            names.append(name)
            for cut, vector in enrolled(networks, who, cuts).items():
                rows[cut].append(vector)
    return tuple(names), {cut: np.concatenate(found) for cut, found in rows.items()}


def searches(seen: Seen, way: Way) -> Searches:
    """Each walk of a listed person on the list, and each walk on the list without whoever walks."""
    listed = way.list_of(seen.names, seen.listed)
    norm = way.norm(listed, seen.strangers)
    column = {name: number for number, name in enumerate(listed.names)}
    people = {name: number for number, name in enumerate(sorted({name for name, _ in seen.walks}))}
    own, top = [], []
    mated, non_mated = [], []
    for name, sight in seen.walks:
        right, wrong = judged(sight, way, listed, norm, column.get(name))
        top.append(wrong)
        non_mated.append(people[name])
        if name in seen.mated:
            own.append(right)
            mated.append(people[name])
    return Searches(
        np.array(own),
        np.full(len(own), NO_CANDIDATE),
        np.array(mated, np.intp),
        np.array(top),
        np.array(non_mated, np.intp),
        len(listed.names),
    )


def judged(sight: Sight, way: Way, listed: Listed, norm: Norm, own: int | None) -> tuple[float, float]:
    """The highest threshold at which the walk alerts for its own person, and, on the list without them, for
    anybody; NO_CANDIDATE where at none."""
    shots = shots_of(sight, way.probe)
    if len(shots.worth) < Config().decision.least_shots:
        return NO_CANDIDATE, NO_CANDIDATE
    queries = np.concatenate([fused(shots, way.weighing)[None], shots.templates])
    scores = listed.scores(queries)
    right = NO_CANDIDATE
    if own is not None:
        first, reached = level(norm(queries, scores), Config().decision.agreement, way.score)
        right = reached if first == own else NO_CANDIDATE
        scores = without(scores, [own])
    return right, level(norm(queries, scores), Config().decision.agreement, way.score)[1]


def by_quality(seen: Seen, way: Way, plain: Searches) -> Searches:
    """`plain`, which is the way's, with a threshold for each walk's quality: what a stranger's walk scores at
    the same size, sharpness, agreement among its shots and length of vectors is taken off. A straight line
    fitted to the non-mated searches that it is then judged by, which flatters it."""
    rows = [_measures(shots_of(sight, way.probe), way) for _, sight in seen.walks]
    measures = np.array(rows)
    known = np.isfinite(plain.top)
    design = np.column_stack([np.ones(len(measures)), measures])
    line = np.linalg.lstsq(design[known], plain.top[known], rcond=None)[0]
    expected = (measures - measures[known].mean(axis=0)) @ line[1:]
    of_mated = np.array([name in seen.mated for name, _ in seen.walks])
    return replace(plain, own=plain.own - expected[of_mated], top=plain.top - expected)


def _measures(shots: Shots, way: Way) -> list[float]:
    if not len(shots.worth):
        return [0.0] * 4
    weights = way.weighing(shots)
    return [
        float(np.log(shots.eyes.max())),
        float(np.log1p(shots.sharpness.max())),
        float(np.linalg.norm(weights @ shots.templates) / weights.sum()),
        float(shots.lengths.mean()),
    ]


def shots_of(sight: Sight, probe: Mix) -> Shots:
    return Shots(
        probe.of(sight.vectors),
        np.linalg.norm(sight.vectors[PLAIN], axis=1).astype(np.float64),
        np.array([quality.worth for quality in sight.qualities]),
        np.array([quality.eye_distance for quality in sight.qualities]),
        np.array([quality.sharpness for quality in sight.qualities]),
    )
