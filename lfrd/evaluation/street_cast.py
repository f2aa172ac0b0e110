"""Who comes by in each clip of a street set, on which way, in what light; drawn from the set's seed."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lfrd.evaluation.cutout import Bust, cut_out
from lfrd.evaluation.scenery import Conditions, Shade
from lfrd.evaluation.street import Walker, pixels_of
from lfrd.evaluation.street_plan import Plan
from lfrd.types import Box

CASTING = 1
"""Goes up when walks and light are drawn from the seed otherwise."""
FACES = 40.0, 200.0
"""Narrowest and widest face of a walk in a picture that is `REFERENCE` pixels wide; others in proportion."""
REFERENCE = 1920
PAST = 1.25
"""Who comes up to the camera leaves the picture before the walk's end, with a face smaller by so much."""
SECONDS_APART = 0.5  # between two people who enter, on average: about six faces are in view at once
SECONDS_BEFORE = 4.0  # that the first one has walked when the clip begins: the street is never empty
SECONDS_TO_PASS = 5.0  # that the last one is given


@dataclass(frozen=True, slots=True)
class Scene:
    """One clip as it will be drawn. seed: what `make_clip` draws the rest from."""

    walkers: list[Walker]
    conditions: Conditions
    crf: int
    posts: int
    columns: int
    seed: int


def cast_scenes(plan: Plan, clips: int, seconds: float, width: int) -> list[Scene]:
    """The people in turns over all clips, each with a way of its own; each clip with a light of its own.

    width: of the clips, in pixels.
    """
    people = [walker for clip in plan.clips for walker in clip]
    rng = np.random.default_rng([plan.seed, 5])
    span = max(SECONDS_BEFORE, seconds + SECONDS_BEFORE - SECONDS_TO_PASS)
    count = min(len(people), math.ceil(span / SECONDS_APART))
    turns = iter(range(clips * count))
    scenes = []
    light = _light(rng, clips)
    for number in range(clips):
        walkers = []
        for place in range(count):
            person = people[next(turns) % len(people)]
            enter = span / count * (place + float(rng.uniform(-0.5, 1.5))) - SECONDS_BEFORE
            walkers.append(replace(_way(person, rng, width / REFERENCE), enter=enter))
        conditions, crf = light[number]
        posts, columns = int(rng.integers(1, 4)), int(rng.integers(0, 2))
        scenes.append(Scene(walkers, conditions, crf, posts, columns, plan.seed * 1000 + number))
    return scenes


def _way(person: Walker, rng: np.random.Generator, scale: float) -> Walker:
    """Three of five come up to the camera, one crosses, one stays far away; one of fifteen runs."""
    low, high = FACES
    kind = rng.random()
    if kind < 0.6:
        far, near = rng.uniform(low, 1.5 * low), rng.uniform(0.4 * high, PAST * high)
    elif kind < 0.8:
        near = rng.uniform(1.2 * low, 0.75 * high)
        far = near / 1.15
    else:
        far, near = rng.uniform(low, 1.2 * low), rng.uniform(1.3 * low, 2.2 * low)
    speed = rng.uniform(2.4, 3.2) if rng.random() < 1 / 15 else rng.uniform(0.8, 1.9)
    lane = float(rng.uniform(-1, 1))
    return replace(person, far=float(far) * scale, near=float(near) * scale, speed=float(speed), lane=lane)


def _light(rng: np.random.Generator, clips: int) -> list[tuple[Conditions, int]]:
    """Light, shutter and compression (x264's crf) of each clip; each goes through its range as clips do."""

    def through(low: float, high: float) -> list[float]:
        steps = (rng.permutation(clips) + rng.uniform(0, 1, clips)) / clips
        return [low + (high - low) * float(step) for step in steps]

    drawn = zip(
        through(0.4, 0.8),  # in the shade
        through(1.0, 1.2),  # in the sun
        through(2.5, 5.0),  # metres
        through(-0.7, 0.7),  # slant
        through(0.15, 0.45),  # side light
        through(0.7, 1.1),  # brightness
        through(0.2, 0.6),  # shutter
        through(21, 31),  # crf
        strict=True,
    )
    return [
        (
            Conditions(
                Shade(dark, bright, metres, slant, float(rng.uniform(0, 2 * math.pi))), side, gain, shutter
            ),
            round(crf),
        )
        for dark, bright, metres, slant, side, gain, shutter, crf in drawn
    ]


class Cutting:
    """Cuts each walker out of their picture once for all clips, whichever thread asks first."""

    def __init__(self, places: Mapping[Path, Box], most: int) -> None:
        self._places = places
        self._most = most
        self._lock = threading.Lock()
        self._cut: dict[Path, Future[Bust]] = {}  # one for each person who walks

    def __call__(self, walker: Walker) -> Walker:
        picture = walker.picture
        assert isinstance(picture, Path)
        with self._lock:
            first = picture not in self._cut
            made = self._cut.setdefault(picture, Future())
        if first:
            try:
                made.set_result(cut_out(pixels_of(picture), self._places[picture], self._most))
            except BaseException as error:
                made.set_exception(error)
        return replace(walker, cut=made.result())
