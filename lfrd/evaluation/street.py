"""Street clips with truth: people walk towards a camera and past it, and it is known who is seen when.

A clip is drawn, not filmed: faces come from portraits, everything else is generated. It shows whether the
whole way from file to alert works, and how much is lost to size, motion, cover and compression. It does not
show how good a model is on a real street: portraits keep one pose and one expression.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.cutout import Bust, Locate, bust
from lfrd.evaluation.scenery import PLAIN, Conditions, Post, View, draw_post, shaded, street
from lfrd.evaluation.walking import Actor, Walk
from lfrd.types import U8, Box

Progress = Callable[[int, int], object]
"""Told how many frames are done, and of how many."""
Profile = Literal["baseline", "high"]
"""H.264's: baseline is what any player shows; high, without B-frames, is what cameras send."""

VISIBLE = 0.5
"""A face counts as seen while this share of it is inside the frame and uncovered."""
GRAIN = 24  # pixels by which the pattern of the sensor's noise is moved about at the most
POST_MARK = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Walker:
    """One person's walk. What is None is drawn from the clip's seed.

    picture: a portrait's file, or BGR pixels. enter: seconds at which the walk begins, out of view. speed:
    metres a second. far, near: width of the face in pixels where the walk begins and where it passes the
    camera. lane: -1 (left) to 1 (right). cut: the picture's head and shoulders; None to have them cut out.
    """

    name: str
    picture: Path | U8 = field(repr=False)
    enter: float | None = None
    speed: float | None = None
    far: float | None = None
    near: float | None = None
    lane: float | None = None
    cut: Bust | None = None


@dataclass(slots=True)
class Passage:
    """One person's way through the view; boxes as (seconds, x, y, width, height), only while VISIBLE."""

    person: str
    boxes: list[tuple[float, float, float, float, float]] = field(default_factory=list)

    @property
    def enter(self) -> float:
        return self.boxes[0][0]

    @property
    def leave(self) -> float:
        return self.boxes[-1][0]


@dataclass(frozen=True, slots=True)
class Truth:
    """Who passes when and where, in the order of appearance; people who were never visible are left out."""

    passages: list[Passage]

    def as_json(self) -> list[dict[str, Any]]:
        """[{"person", "enter", "leave", "boxes": [[t, x, y, w, h], ...]}], seconds and pixels."""
        return [
            {"person": p.person, "enter": p.enter, "leave": p.leave, "boxes": [list(b) for b in p.boxes]}
            for p in self.passages
        ]

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.as_json()), encoding="utf-8")


def read_truth(path: Path) -> Truth:
    """Raises MissingError or CorruptError."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return Truth([Passage(str(r["person"]), [_row(box) for box in r["boxes"]]) for r in rows])
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror}); give the clip's truth") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(path, "not a clip's truth; make it anew with the clip") from error


def _row(values: Sequence[float]) -> tuple[float, float, float, float, float]:
    t, x, y, w, h = (float(value) for value in values)
    return t, x, y, w, h


def make_clip(
    path: Path,
    walkers: Sequence[Walker],
    *,
    seconds: float,
    locate: Locate,
    size: tuple[int, int] = (1280, 720),
    fps: float = 25.0,
    seed: int = 1,
    crf: int = 23,
    posts: int = 2,
    columns: int = 0,
    conditions: Conditions = PLAIN,
    profile: Profile = "baseline",
    progress: Progress = lambda done, total: None,
) -> Truth:
    """Draw a clip and write it as H.264 in an MP4 file (yuv420p, its index in front).

    The same arguments give the same clip, to a rounding of its pixels. size: even width and height. crf:
    x264's, 18 is good and 35 poor. posts, columns: how many stand in the way, 9 and 60 cm wide. Raises
    CorruptError for a portrait that is no picture or has no face.
    """
    view = View(*size)
    if view.width % 2 or view.height % 2:
        raise ValueError(f"sides must be even, not {size}")
    total = round(seconds * fps)
    progress(0, total)
    cut = _busts(walkers, locate)
    actors = [
        Actor(one, _walk(walker, view, seconds, rng), rng, conditions)
        for one, walker, rng in zip(
            cut, walkers, np.random.default_rng(seed).spawn(len(walkers)), strict=True
        )
    ]
    passages = [Passage(walker.name) for walker in walkers]
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        rate = Fraction(fps).limit_denominator(1001)
        options = {"crf": str(crf), "preset": "veryfast", "profile": profile, "threads": "1"}
        if profile != "baseline":
            options |= {"bf": "0", "g": str(round(2 * fps))}
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = view.width, view.height, "yuv420p"
        drawn = frames(view, actors, total, fps, seed, posts, columns, conditions)
        for number, (picture, seen) in enumerate(drawn):
            for index, box in seen:
                at = round(number / fps, 4)
                sides = (round(side, 1) for side in (box.x, box.y, box.width, box.height))
                passages[index].boxes.append(_row((at, *sides)))
            planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(cast(U8, planes), format="yuv420p")))
            progress(number + 1, total)
        container.mux(stream.encode(None))
    return Truth(sorted((p for p in passages if p.boxes), key=lambda p: p.enter))


def frames(
    view: View,
    actors: Sequence[Actor],
    total: int,
    fps: float,
    seed: int,
    posts: int,
    columns: int = 0,
    conditions: Conditions = PLAIN,
) -> Iterator[tuple[U8, list[tuple[int, Box]]]]:
    """Each frame, BGR, and the faces that are visible in it as (actor's index, box), nearest last."""
    rng = np.random.default_rng([seed, 2])
    background = street(view, rng)
    standing = [
        Post(float(rng.choice((-1, 1)) * rng.uniform(0.4, 1.4)), float(rng.uniform(3, 6)), 4.0)
        for _ in range(posts)
    ]
    standing += [
        Post(float(rng.choice((-1, 1)) * rng.uniform(0.5, 1.2)), float(rng.uniform(3.5, 7)), 2.6, 0.6)
        for _ in range(columns)
    ]
    if conditions.shade is not None:
        background = shaded(background, view, conditions.shade)
    grain = _grain(view, rng)
    owner: NDArray[np.uint16] = np.zeros((view.height, view.width), np.uint16)
    for number in range(total):
        t = number / fps
        frame = background.copy()
        owner.fill(0)
        boxes: list[tuple[int, Box]] = []
        scene: list[tuple[float, int, Post | None]] = [(post.z, -1, post) for post in standing]
        for index, actor in enumerate(actors):
            place = actor.walk.at(t)
            if place is not None:
                scene.append((place[1], index, None))
            elif t > actor.walk.enter:
                actor.rest()
        for _, index, post in sorted(scene, key=lambda thing: -thing[0]):
            if post is not None:
                draw_post(frame, view, post, owner, POST_MARK)
                continue
            box = actors[index].draw(frame, view, t, 1 / fps, owner, index + 1)
            if box is not None:
                boxes.append((index, box))
        cloud = conditions.brightness * (1 + 0.04 * np.sin(0.7 * t + seed))
        dx, dy = rng.integers(0, GRAIN, 2)
        noise = grain[dy : dy + view.height, dx : dx + view.width]
        lit = cv2.convertScaleAbs(frame, alpha=float(cloud))
        final = cast(U8, cv2.add(lit, noise, dtype=cv2.CV_8U))
        yield final, [(index, box) for index, box in boxes if _visible(owner, index + 1, box) >= VISIBLE]


def _grain(view: View, rng: np.random.Generator) -> NDArray[np.int16]:
    """Noise of a sensor in daylight: about 2.5 levels, mostly of brightness."""
    shape = view.height + GRAIN, view.width + GRAIN
    luma, chroma = rng.normal(0, 2.2, (*shape, 1)), rng.normal(0, 1.2, (*shape, 3))
    return np.rint(luma + chroma).astype(np.int16)


def _visible(owner: NDArray[np.uint16], mark: int, box: Box) -> float:
    """The share of the middle of a face's box that is inside the frame and not covered."""
    inner = box.grown(0.7)
    x0, y0 = max(0, round(inner.x)), max(0, round(inner.y))
    part = owner[y0 : max(0, round(inner.y + inner.height)), x0 : max(0, round(inner.x + inner.width))]
    return float(np.count_nonzero(part == mark)) / max(1.0, inner.area)


def _busts(walkers: Sequence[Walker], locate: Locate) -> list[Bust]:
    """Each walker's; who walks several times is cut out once."""
    cut: dict[Path | int, Bust] = {}
    found = []
    for walker in walkers:
        if walker.cut is not None:
            found.append(walker.cut)
            continue
        same = walker.picture if isinstance(walker.picture, Path) else id(walker.picture)
        if same not in cut:
            cut[same] = bust(pixels_of(walker.picture), locate, walker.name)
        found.append(cut[same])
    return found


def pixels_of(picture: Path | U8) -> U8:
    """BGR. Raises MissingError or CorruptError."""
    if not isinstance(picture, Path):
        return picture
    if not picture.is_file():
        raise MissingError(f"{picture}: no such picture")
    pixels = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if pixels is None:
        raise CorruptError(picture, "not a picture that can be read; give JPEG or PNG")
    return cast(U8, pixels)


def _walk(walker: Walker, view: View, seconds: float, rng: np.random.Generator) -> Walk:
    def given(value: float | None, low: float, high: float) -> float:
        drawn = float(
            rng.uniform(low, high)
        )  # always drawn: setting one value leaves the others as they were
        return drawn if value is None else value

    sizes = view.width / 1280
    return Walk(
        view,
        enter=given(walker.enter, -1.0, max(0.0, seconds - 4.0)),
        speed=given(walker.speed, 0.9, 1.7),
        far=view.depth(given(walker.far, 28 * sizes, 44 * sizes)),
        near=view.depth(given(walker.near, 90 * sizes, 200 * sizes)),
        lane=given(walker.lane, -1.0, 1.0),
        rng=rng,
    )


def crowd(folder: Path, people: int, *, seed: int, picture: int = -1) -> list[Walker]:
    """Walkers from a folder that holds a folder of pictures per person.

    picture: which of each person's pictures walks, in order of name; the last by default, so that the first
    may stand on the watchlist. Raises MissingError where the folder has fewer people.
    """
    named = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    if len(named) < people:
        raise MissingError(f"{folder}: {len(named)} people are in it, and {people} are wanted")
    chosen = np.random.default_rng([seed, 3]).choice(len(named), people, replace=False)
    walkers = []
    for index in chosen:
        pictures = sorted(p for p in named[index].iterdir() if p.is_file() and not p.name.startswith("."))
        if not pictures:
            raise MissingError(f"{named[index]}: no picture is in it")
        walkers.append(Walker(named[index].name, pictures[picture]))
    return walkers


def demo_clip(
    path: Path,
    portraits: Sequence[Path],
    locate: Locate,
    progress: Progress = lambda done, total: None,
) -> Truth:
    """Fourteen seconds at 960 x 540: the first person walks by, then the second, then both together.

    Each is called by the file's name without its ending. Takes about 3 s of one core.
    """
    first, second = portraits
    walkers = [
        Walker(first.stem, first, enter=-0.4, speed=1.2, far=28, near=105, lane=-0.35),
        Walker(second.stem, second, enter=4.1, speed=1.25, far=28, near=110, lane=0.4),
        Walker(first.stem, first, enter=8.0, speed=1.25, far=28, near=105, lane=0.45),
        Walker(second.stem, second, enter=8.5, speed=1.2, far=28, near=105, lane=-0.45),
    ]
    return make_clip(
        path, walkers, seconds=14.0, locate=locate, size=(960, 540), seed=7, posts=1, progress=progress
    )
