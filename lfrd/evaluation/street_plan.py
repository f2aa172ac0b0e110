"""Who walks through a street trial, and who is on the list: drawn from a seed, with the clips to it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from lfrd.errors import MissingError
from lfrd.evaluation.cutout import Locate
from lfrd.evaluation.street import Truth, Walker, make_clip, read_truth
from lfrd.gallery.enrol import DOMINANCE
from lfrd.gallery.folder import read_folder
from lfrd.types import Box

Half = Literal["all", "tune", "report"]
"""Which people may walk: every other one (by name) is for choosing settings, the rest for reporting."""

DRAWING = 1
"""Goes up when `street.make_clip` draws otherwise, so that clips that were kept are made anew."""
SECONDS_APART = 0.85  # between two people who enter, on average: four or five are in view at once
SECONDS_TO_PASS = 8.0  # that the last one is given
NEAR = 60.0, 110.0
"""Pixels of a face's width where its walker passes the camera."""


@dataclass(frozen=True, slots=True)
class Plan:
    """listed: the watchlist's picture of each nominal. clips: who walks in each. sought: the walkers who are
    on the list; their picture in the clip is not the list's."""

    listed: dict[str, Path]
    clips: list[list[Walker]]
    sought: frozenset[str]
    seed: int


def make_plan(
    people: Path,
    clear: Callable[[Path], bool],
    *,
    seed: int,
    half: Half = "all",
    sought: int = 100,
    strangers: int = 100,
    nominals: int = 900,
    crowd: int = 25,
    leave_out: Collection[str] = (),
) -> Plan:
    """Draw walkers and a list from a folder that holds a folder of pictures per person.

    Sought people have two pictures or more: the first is on the list, another walks. Strangers are on no
    list, and fillers bring the list to `nominals`. clear: whether a picture shows beyond doubt whom it is of,
    asked of all pictures but the fillers'. crowd: walkers a clip. leave_out: people who take no part, because
    another folder shows the same person. Raises MissingError where the folder has too few people.
    """
    rng = np.random.default_rng([seed, 4])
    entries = [entry for entry in read_folder(people) if entry.pictures and entry.nominal not in leave_out]
    rng.shuffle(entries)
    names = sorted(entry.nominal for entry in entries)
    able = set(names if half == "all" else names[0 if half == "tune" else 1 :: 2])
    walkers: list[Walker] = []
    listed: dict[str, Path] = {}
    for entry in entries:
        if entry.nominal not in able or len(walkers) == sought or len(entry.pictures) < 2:
            continue
        walking = entry.pictures[int(rng.integers(1, len(entry.pictures)))]
        if clear(entry.pictures[0]) and clear(walking):
            listed[entry.nominal] = entry.pictures[0]
            walkers.append(Walker(entry.nominal, walking, near=float(rng.uniform(*NEAR))))
    for entry in entries:
        if entry.nominal not in able or len(walkers) == sought + strangers or entry.nominal in listed:
            continue
        if clear(entry.pictures[0]):
            walkers.append(Walker(entry.nominal, entry.pictures[0], near=float(rng.uniform(*NEAR))))
    walking_names = {walker.name for walker in walkers}
    fillers = [entry for entry in entries if entry.nominal not in walking_names][: nominals - sought]
    if len(walkers) < sought + strangers or len(fillers) < nominals - sought:
        raise MissingError(
            f"{people}: {len(entries)} people are in it: too few for {sought} who are sought, {strangers} "
            f"strangers and a list of {nominals}"
        )
    wanted = frozenset(listed)
    listed |= {entry.nominal: entry.pictures[0] for entry in fillers}
    order = [walkers[int(i)] for i in rng.permutation(len(walkers))]
    clips = [_spread(order[start : start + crowd], rng) for start in range(0, len(order), crowd)]
    return Plan(listed, clips, wanted, seed)


def clear_subject(locate: Locate) -> Callable[[Path], bool]:
    """Whether the largest face of a picture is `DOMINANCE` times as large as the next, as enrolment asks."""

    return lambda path: subject(path, locate) is not None


def subject(path: Path, locate: Locate) -> Box | None:
    """The face of the one whom a picture shows beyond doubt, as `clear_subject` has it; None without."""
    picture = cv2.imread(str(path))
    if picture is None:
        return None
    boxes = locate(np.asarray(picture, np.uint8)).boxes
    areas = np.prod(boxes[:, 2:], axis=1)
    ranked = np.argsort(areas)[::-1]
    if not len(areas) or (len(areas) > 1 and areas[ranked[0]] < DOMINANCE * areas[ranked[1]]):
        return None
    return Box(*(float(side) for side in boxes[ranked[0]]))


def _spread(walkers: Sequence[Walker], rng: np.random.Generator) -> list[Walker]:
    """One enters after the other, now and then two at once."""
    return [
        Walker(w.name, w.picture, enter=SECONDS_APART * (i + float(rng.uniform(-1, 1))), near=w.near)
        for i, w in enumerate(walkers)
    ]


def draw(plan: Plan, folder: Path, locate: Locate) -> Iterator[tuple[Path, Truth]]:
    """Each clip with its truth, drawn into `folder` unless it is there from an earlier trial.

    locate: finds the face in a walker's picture; not part of a clip's name, so keep to one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, walkers in enumerate(plan.clips):
        clip, told = (folder / f"{key(plan, number)}{ending}" for ending in (".mp4", ".json"))
        if not (clip.exists() and told.exists()):
            unfinished = folder / f"making-{os.getpid()}"
            seconds = SECONDS_APART * len(walkers) + SECONDS_TO_PASS
            try:
                truth = make_clip(
                    unfinished, walkers, seconds=seconds, locate=locate, seed=plan.seed * 1000 + number
                )
                unfinished.replace(clip)
                truth.save(unfinished)
                unfinished.replace(told)
            finally:
                unfinished.unlink(missing_ok=True)
        yield clip, read_truth(told)


def key(plan: Plan, number: int) -> str:
    """A clip's name: the same only for the same walks of the same pictures."""
    walks = [
        (w.name, w.picture.name if isinstance(w.picture, Path) else "", w.enter, w.near)
        for w in plan.clips[number]
    ]
    said = json.dumps([DRAWING, plan.seed, number, walks])
    return f"street-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
