"""The trial of several pictures a person on the list: the nearest of them, their mean, or the better one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.gallery.folder import read_folder
from lfrd.types import F32, F64
from tools.recognition.judging import Listed, plain
from tools.recognition.networks import Networks
from tools.recognition.people import Half, half_of
from tools.recognition.still_trial import Progress, judged
from tools.recognition.stills import enrolled, portrait, seed_of, walk
from tools.recognition.ways import Way

PICTURES = 2  # of each person on the list


def several_pictures(
    networks: Networks,
    faces: Path,
    way: Way,
    half: Half,
    *,
    leave_out: Collection[str],
    walks: int,
    seed: int,
    progress: Progress,
) -> dict[str, Searches]:
    """Everybody with more than PICTURES pictures is listed with the first of them; the others are probes. The
    same for every row of the list, or a longer entry would gain false alerts that the others do not."""
    people = [entry for entry in read_folder(faces) if entry.nominal not in leave_out and entry.pictures]
    names: list[str] = []
    rows: list[F32] = []
    worth: list[list[float]] = []
    mates = [entry for entry in people if len(entry.pictures) > PICTURES]
    for done, entry in enumerate(mates):
        progress("list", done, len(mates))
        found = [who for path in entry.pictures[:PICTURES] if (who := portrait(networks, path)) is not None]
        if len(found) == PICTURES:
            cuts = sorted(way.cuts()[1])
            rows.append(np.stack([way.probe.of(enrolled(networks, who, cuts))[0] for who in found]))
            worth.append([who.worth for who in found])
            names.append(entry.nominal)
    lists = list_rows(np.stack(rows), np.array(worth))
    column = {name: number for number, name in enumerate(names)}
    searched = [entry for entry in people if half_of(entry.nominal) == half]
    levels: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in lists}
    mated: list[int] = []
    non_mated: list[int] = []
    for number, entry in enumerate(searched):
        progress("probes", number, len(searched))
        own = column.get(entry.nominal)
        for path in entry.pictures[PICTURES:] if own is not None else entry.pictures[:1]:
            who = portrait(networks, path)
            if who is None:
                continue
            for turn in range(walks):
                sight = walk(networks, who, sorted(way.cuts()[0]), seed_of(seed, path, turn))
                non_mated.append(number)
                if own is not None:
                    mated.append(number)
                for name, found_rows in lists.items():
                    right, wrong = judged(sight, way, Listed(found_rows, tuple(names)), plain, own)
                    levels[name][1].append(wrong)
                    if own is not None:
                        levels[name][0].append(right)
    return {
        name: Searches(
            np.array(own_scores),
            np.full(len(own_scores), NO_CANDIDATE),
            np.array(mated, np.intp),
            np.array(top),
            np.array(non_mated, np.intp),
            len(names),
        )
        for name, (own_scores, top) in levels.items()
    }


def list_rows(pictures: F32, worth: F64) -> dict[str, F32]:
    """What a list makes of float32 [n, PICTURES, dim] and their worth [n, PICTURES]; "one picture" first."""
    better = worth.argmax(axis=1)
    weights = (worth / worth.max(axis=1, keepdims=True)) ** 2
    return {
        "one picture": pictures[:, :1],
        "the better one": pictures[np.arange(len(pictures)), better][:, None],
        "nearest of two": pictures,
        "mean of two": _unit(pictures.mean(axis=1)),
        "mean of two by worth": _unit((pictures * weights[:, :, None]).mean(axis=1)),
        "nearest of two and mean": np.concatenate([pictures, _unit(pictures.mean(axis=1))], axis=1),
    }


def _unit(rows: F32) -> F32:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)[:, None]
