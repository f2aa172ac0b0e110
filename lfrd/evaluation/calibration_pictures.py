"""Single pictures as a calibration's sample: some of the people are the list and the others search it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.config import Config
from lfrd.errors import CalibrationError
from lfrd.evaluation.acquire import Acquired, acquire_probes, enrol_people
from lfrd.evaluation.calibration import Sample
from lfrd.evaluation.people import People, Progress
from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.gallery.folder import shown
from lfrd.inference import opened
from lfrd.models import library
from lfrd.types import F32, F64
from lfrd.vision.pack import Pack

FOLDS: Final = 5
"""The people are dealt out into so many parts; each part searches the list of the others."""
REPEATS: Final = 4
"""How often they are dealt out. More smooth the choice of the list's pictures; they are not more people."""
ROWS: Final = 1024
"""Searches at once, so that a table of scores stays small."""


async def of_pictures(
    pack: Pack,
    people: People,
    settings: Config,
    *,
    about: str,
    size: int | None = None,
    seed: int,
    progress: Progress = lambda done, total: None,
) -> Sample:
    """Make templates of everyone's pictures, as a watchlist's and as a camera's, and search.

    about: whose pictures they are, in words. size: people on each list; as many as there are if None.
    progress: pictures, each of which is looked at twice. Templates are in memory only and wiped. Raises
    CalibrationError where there are too few people, and what opening the pack raises.
    """
    half = people.counts["pictures"]
    async with opened(pack, library.networks, settings.inference) as inference:
        with ExitStack() as kept:
            listed = await enrol_people(people, inference, settings, lambda k, _: progress(k, 2 * half))
            kept.callback(listed.wipe)
            probes = await acquire_probes(
                people, inference, settings, lambda k, _: progress(half + k, 2 * half)
            )
            kept.callback(probes.wipe)
            progress(2 * half, 2 * half)
            searches = searched(listed, probes, size=size, seed=seed)
    return Sample("picture", searches, FOLDS * REPEATS, about, people.digest)


def without(people: People, names: Collection[str]) -> People:
    """Everyone but these. Raises CalibrationError for a name that nobody has."""
    unknown = sorted(set(names) - set(people.names))
    if unknown:
        raise CalibrationError(f"--leave-out {shown(unknown[0])}: {shown(people.folder)} has no such folder")
    kept = [row for row, name in enumerate(people.names) if name not in names]
    return replace(
        people,
        names=tuple(people.names[row] for row in kept),
        pictures=tuple(people.pictures[row] for row in kept),
    )


def searched(
    listed: Acquired,
    probes: Acquired,
    *,
    size: int | None,
    seed: int,
    folds: int = FOLDS,
    repeats: int = REPEATS,
) -> Searches:
    """Every probe searched on lists without its person, and on lists with another picture of them.

    listed, probes: templates of the same files, row for row. People are dealt out into `folds` parts,
    `repeats` times. Each part's probes search a list of `size` of the other people, one picture each, both
    drawn; and the other pictures of those on the list search it as well, which are mated searches. A probe
    that gave no template is no non-mated search (the live pipeline would not search with it either) and a
    missed mated one. Raises CalibrationError where the people are too few for that.
    """
    generator = np.random.default_rng(seed)
    able = np.flatnonzero(listed.enrolled)
    most = len(able) - -(-len(able) // folds)
    entries = most if size is None else size
    if len(able) < 2 * folds or not 0 < entries <= most:
        raise CalibrationError(
            f"{len(able):,} people can be enrolled: a list of {max(entries, 1):,} cannot be drawn from "
            f"four in five of them; give more people, or at most --size {max(most, 1)}"
        )
    rows_of = [np.flatnonzero(listed.acquired & (listed.person == person)) for person in range(listed.people)]
    seen, counted = probes.acquired, probes.counted
    top: list[F64] = []
    own: list[F64] = []
    other: list[F64] = []
    strangers, mated = [], []
    for _ in range(repeats):
        for part in np.array_split(generator.permutation(able), folds):
            people = generator.choice(np.setdiff1d(able, part), entries, replace=False)
            chosen = np.array([generator.choice(rows_of[person]) for person in people], np.intp)
            entry = np.full(listed.people, -1, np.intp)
            entry[people] = np.arange(entries)
            gallery = listed.vectors[chosen]
            try:
                non_mates = np.flatnonzero(seen & np.isin(probes.person, part))
                _, best = _scores(probes.vectors, non_mates, gallery, np.full(len(non_mates), -1, np.intp))
                mates = np.setdiff1d(np.flatnonzero(counted & (entry[probes.person] >= 0)), chosen)
                to_own, to_other = _scores(probes.vectors, mates, gallery, entry[probes.person[mates]])
            finally:
                gallery.fill(0)
            missed = ~seen[mates]
            to_own[missed], to_other[missed] = NO_CANDIDATE, NO_CANDIDATE
            top.append(best)
            strangers.append(probes.person[non_mates])
            own.append(to_own)
            other.append(to_other)
            mated.append(probes.person[mates])
    return Searches(
        np.concatenate(own),
        np.concatenate(other),
        np.concatenate(mated),
        np.concatenate(top),
        np.concatenate(strangers),
        entries,
    )


def _scores(vectors: F32, rows: NDArray[np.intp], gallery: F32, entry: NDArray[np.intp]) -> tuple[F64, F64]:
    """Of each probe, the score to its own entry (NO_CANDIDATE where `entry` is -1) and the highest to any
    other."""
    own = np.full(len(rows), NO_CANDIDATE)
    other = np.full(len(rows), NO_CANDIDATE)
    for start in range(0, len(rows), ROWS):
        part = slice(start, start + ROWS)
        table = (vectors[rows[part]] @ gallery.T).astype(np.float64)
        has = np.flatnonzero(entry[part] >= 0)
        at = entry[part][has]
        own[part][has] = table[has, at]
        table[has, at] = NO_CANDIDATE
        other[part] = table.max(1)
    return own, other
