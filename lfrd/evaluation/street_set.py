"""A folder of street clips with truth and a watchlist: what the benches for many cameras play.

    FOLDER/street.json                  what it is; written first, so that an interrupted set is known again
    FOLDER/clip-01.mp4, clip-01.json    a clip and its truth
    FOLDER/watchlist/NAME/picture.jpg   one picture of each listed person

The faces are somebody's: the folder is the user's own, and never belongs into a repository.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfrd.errors import BusyError, CorruptError, MissingError
from lfrd.evaluation.cutout import FACE, Locate
from lfrd.evaluation.street import Progress, Truth, make_clip, read_truth
from lfrd.evaluation.street_cast import CASTING, FACES, REFERENCE, Cutting, Scene, cast_scenes
from lfrd.evaluation.street_plan import DRAWING, Plan, make_plan, subject
from lfrd.gallery.folder import Entry, read_folder
from lfrd.sealing.lasting import whole
from lfrd.types import Box, Detections

THREADS = 2
"""Clips drawn at once: drawing and encoding leave the interpreter's lock alone most of the time."""


@dataclass(frozen=True, slots=True)
class StreetSet:
    """A set as it lies on the disk. clips, truths: one for one. sought: who walks and is on the list."""

    folder: Path
    seed: int
    clips: list[Path]
    truths: list[Truth]
    watchlist: Path
    sought: frozenset[str]
    size: tuple[int, int]
    fps: float
    seconds: float
    """Of each clip."""


def make_set(
    faces: Path,
    folder: Path,
    *,
    clips: int,
    seconds: float,
    seed: int,
    size: tuple[int, int] = (REFERENCE, 1080),
    fps: float = 25.0,
    sought: int,
    strangers: int,
    nominals: int,
    locate: Locate,
    progress: Progress,
) -> StreetSet:
    """Draw a set into a folder, or what is missing of it there after an interruption.

    faces: a folder of pictures a person. sought people have two pictures or more, one on the list and another
    that walks; strangers are on no list; fillers bring the list to `nominals`. Where fewer walks fit into the
    clips than there are people, some stay at home; nobody comes twice in a clip. The same arguments give the
    same set, to a rounding of its pixels; keep to one `locate`. progress: frames, told from several threads.
    Raises MissingError where there are too few people or the folder holds something else, CorruptError for a
    picture that cannot serve, BusyError while another process draws there, and OSError.
    """
    people = _people(faces)
    asked = {
        "seed": seed,
        "size": list(size),
        "fps": fps,
        "clips": clips,
        "seconds": seconds,
        "sought": sought,
        "strangers": strangers,
        "list": nominals,
    }
    made_of = _made_of(people, asked)
    _require_ours(folder, made_of)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        plan, places = _plan(faces, people, seed, sought, strangers, nominals, locate)
        scenes = cast_scenes(plan, clips, seconds, size[0])
        walking = {walker.name for scene in scenes for walker in scene.walkers}
        names = [f"clip-{number:02}" for number in range(1, clips + 1)]
        _write(
            folder / "street.json",
            asked
            | {
                "clips": [{"file": f"{n}.mp4", "truth": f"{n}.json", "seconds": seconds} for n in names],
                "sought": sorted(plan.sought & walking),
                "strangers": len(walking - plan.sought),
                "made_of": made_of,
            },
        )
        _copy_list(plan, folder / "watchlist")
        _draw(folder, names, scenes, places, seconds, size, fps, progress)
    return read_set(folder)


def read_set(folder: Path) -> StreetSet:
    """Raises MissingError where the folder is no set or not a whole one, and CorruptError."""
    described = folder / "street.json"
    said = _described(described)
    if said is None:
        raise MissingError(f"{folder}: no street is in it; make one with lfrd bench street")
    try:
        clips = [folder / str(row["file"]) for row in said["clips"]]
        told = [folder / str(row["truth"]) for row in said["clips"]]
        width, height = (int(side) for side in said["size"])
        seed, fps, seconds = int(said["seed"]), float(said["fps"]), float(said["clips"][0]["seconds"])
        sought = frozenset(str(name) for name in said["sought"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CorruptError(described, "does not describe a street; make it anew") from error
    for path in (*clips, *told, folder / "watchlist"):
        if not path.exists():
            raise MissingError(f"{path}: not there; lfrd bench street, called as before, goes on drawing")
    truths = [read_truth(path) for path in told]
    return StreetSet(folder, seed, clips, truths, folder / "watchlist", sought, (width, height), fps, seconds)


def describe(made: StreetSet) -> dict[str, Any]:
    """What is in a set, for JSON: passages and bytes of each clip, and how large faces are.

    face_pixels: over all faces of all frames; widest_face_pixels, seconds_in_view: one number a passage;
    faces_in_view: the mean of all frames.
    """
    passages = [passage for truth in made.truths for passage in truth.passages]
    widths = [box[3] for passage in passages for box in passage.boxes]
    frames = round(made.seconds * made.fps) * len(made.clips)
    return {
        "folder": str(made.folder),
        "seed": made.seed,
        "size": list(made.size),
        "fps": made.fps,
        "clips": [
            {
                "file": clip.name,
                "seconds": made.seconds,
                "passages": len(truth.passages),
                "sought": sum(passage.person in made.sought for passage in truth.passages),
                "bytes": clip.stat().st_size,
            }
            for clip, truth in zip(made.clips, made.truths, strict=True)
        ],
        "sought": len(made.sought),
        "list": sum(1 for _ in made.watchlist.iterdir()),
        "faces_in_view": round(len(widths) / frames, 2),
        "face_pixels": _spread(widths),
        "widest_face_pixels": _spread([max(box[3] for box in passage.boxes) for passage in passages]),
        "seconds_in_view": _spread([len(passage.boxes) / made.fps for passage in passages]),
    }


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    return {
        f"p{share}": round(float(np.percentile(values, share)), 1) if values else None
        for share in (0, 5, 25, 50, 75, 95, 100)
    }


def _people(faces: Path) -> list[Entry]:
    if not faces.is_dir():
        raise MissingError(f"{faces}: no such folder; give one that holds a folder of pictures a person")
    try:
        return [entry for entry in read_folder(faces) if entry.pictures]
    except MissingError:
        raise MissingError(f"{faces}: nobody is in it; give a folder of pictures for each person") from None


def _made_of(people: Sequence[Entry], asked: dict[str, Any]) -> str:
    """The same for the same arguments and the same pictures, as far as their names and sizes tell."""
    pictures = [(p.nominal, [(q.name, q.stat().st_size) for q in p.pictures]) for p in people]
    said = json.dumps([DRAWING, CASTING, asked, pictures])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _described(path: Path) -> dict[str, Any] | None:
    """What street.json says; None where there is none. Raises CorruptError."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError) as error:
        raise CorruptError(path, "cannot be read as a street's description; make it anew") from error
    if not isinstance(said, dict):
        raise CorruptError(path, "does not describe a street; make it anew")
    return said


def _require_ours(folder: Path, made_of: str) -> None:
    """Raises MissingError unless the folder is empty, not there, or holds this very set."""
    if folder.exists() and not folder.is_dir():
        raise MissingError(f"{folder}: not a folder; give a new one")
    said = _described(folder / "street.json")
    if said is not None and said.get("made_of") != made_of:
        raise MissingError(f"{folder}: holds another street; give a new folder, or delete this one")
    if said is None and folder.is_dir() and any(not p.name.startswith(".") for p in folder.iterdir()):
        raise MissingError(f"{folder}: holds something else; give a new folder")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other process draws into the folder. Raises BusyError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{folder}: another process draws into it; wait for it, or stop it") from None
        for left in folder.rglob(".*.half"):  # of a process that was killed
            left.unlink()
        yield
    finally:
        os.close(descriptor)


def _plan(
    faces: Path,
    people: Sequence[Entry],
    seed: int,
    sought: int,
    strangers: int,
    nominals: int,
    locate: Locate,
) -> tuple[Plan, dict[Path, Box]]:
    """Who walks and who is listed, and where the face is in each picture that was looked at."""
    places: dict[Path, Box] = {}

    def clear(path: Path) -> bool:
        found = subject(path, locate)
        if found is not None:
            places[path] = found
        return found is not None

    if nominals < sought:
        raise MissingError(f"a list of {nominals} cannot hold {sought} who are sought; make it longer")
    able = sum(len(person.pictures) > 1 for person in people)
    few = (
        f"{faces}: too few for {sought} who are sought, {strangers} strangers and a list of {nominals}: "
        f"{len(people)} people, {able} of them with two pictures, and not each shows one face clearly"
    )
    everybody = max(1, sought + strangers)
    try:
        plan = make_plan(
            faces, clear, seed=seed, sought=sought, strangers=strangers, nominals=nominals, crowd=everybody
        )
    except MissingError:
        if not places:
            raise MissingError(f"{faces}: no face was found in its pictures; give portraits") from None
        raise MissingError(few) from None
    if len(plan.sought) < sought:
        raise MissingError(few)
    return plan, places


def _write(path: Path, value: object) -> None:
    with whole(path) as file:
        file.write(json.dumps(value, indent=1).encode())


def _copy_list(plan: Plan, folder: Path) -> None:
    for name, picture in plan.listed.items():
        copy = folder / name / f"picture{picture.suffix.lower()}"
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with whole(copy) as file:
                file.write(picture.read_bytes())


class _Stopped(Exception):
    """Another clip failed, or the user has had enough: this one is not finished."""


def _draw(
    folder: Path,
    names: Sequence[str],
    scenes: Sequence[Scene],
    places: Mapping[Path, Box],
    seconds: float,
    size: tuple[int, int],
    fps: float,
    progress: Progress,
) -> None:
    """The clips that are not there yet, several at once."""
    each = round(seconds * fps)
    cut = Cutting(places, max(FACE, round(FACES[1] * size[0] / REFERENCE)))
    there = [all((folder / f"{name}{end}").exists() for end in (".mp4", ".json")) for name in names]
    done = [each if whole_clip else 0 for whole_clip in there]
    stop = threading.Event()

    def draw(number: int) -> None:
        def told(at: int, of: int) -> None:
            if stop.is_set():
                raise _Stopped
            done[number] = at
            progress(sum(done), each * len(names))

        clip, half = (folder / name for name in (f"{names[number]}.mp4", f".{names[number]}.mp4.half"))
        scene = scenes[number]
        walkers = []
        for walker in scene.walkers:
            told(0, each)  # or nobody could stop it for as long as cutting takes
            walkers.append(cut(walker))
        try:
            truth = make_clip(
                half,
                walkers,
                seconds=seconds,
                locate=lambda picture: Detections.none(),  # every walker is cut out already
                size=size,
                fps=fps,
                seed=scene.seed,
                crf=scene.crf,
                posts=scene.posts,
                columns=scene.columns,
                conditions=scene.conditions,
                profile="high",
                progress=told,
            )
            half.replace(clip)
        finally:
            half.unlink(missing_ok=True)
        _write(folder / f"{names[number]}.json", truth.as_json())

    progress(sum(done), each * len(names))
    with ThreadPoolExecutor(THREADS, "street") as pool:
        drawing = [pool.submit(draw, number) for number in range(len(names)) if not there[number]]
        try:
            for one in as_completed(drawing):
                one.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
