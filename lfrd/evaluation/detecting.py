"""A pack's detector on pictures whose faces are marked: what it found, and what of it is there."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.config import Config
from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.matching import HIT, NEITHER, Found, match
from lfrd.evaluation.wider import Marked
from lfrd.gallery.reading import MAX_SIDE, PictureRefused, read_picture, size_of
from lfrd.inference import Inference, opened
from lfrd.models import library
from lfrd.types import F64
from lfrd.vision.pack import Pack
from lfrd.watching import Progress
from lfrd.workers import Urgency

LOW: Final = 0.05
"""Score from which a found face is counted into precision by recall: far below what begins a track."""
LEAST_WIDTH: Final = 10.0
"""Pixels; a narrower face is neither to be found nor false when it is."""


@dataclass(frozen=True, slots=True)
class Detected:
    """All pictures' faces, true ones and found ones; what is neither hit nor false is only counted.

    found: with `LOW` and up. faces: int [pictures], true ones of each picture; true_width: float64 [faces],
    pixels; true_picture: int [faces]; true_score: float64 [faces], of the found face, -inf where none is.
    ignored: true faces that are marked invalid or too small. neither: found ones on those, and false ones
    that are too small. high: the score from which the pack takes a face for certain. digest: SHA-256 over the
    pictures and their truth.
    """

    pictures: int
    found: Found
    faces: NDArray[np.intp]
    true_width: F64
    true_picture: NDArray[np.intp]
    true_score: F64
    ignored: int
    neither: int
    high: float
    digest: str


def detect(
    truth: Sequence[Marked],
    folder: Path,
    pack: Pack,
    settings: Config,
    *,
    least: float = LEAST_WIDTH,
    progress: Progress = lambda done, total: None,
) -> Detected:
    """Look for faces in every picture of a truth, as the pipeline does at `analysis.max_side`, and match.

    least: width in pixels below which a face does not count. Pictures are turned as their EXIF data says.
    Blocks. Raises MissingError where a picture is not there, before anything is looked at, and CorruptError,
    which may come in a group, for one that cannot be read.
    """
    if not folder.is_dir():
        raise MissingError(f"{folder}: no such folder; give the one that holds the truth's pictures")
    for one in truth:
        if not (folder / one.name).is_file():
            raise MissingError(
                f"{folder / one.name}: no such picture, which line {one.line} of the truth names; give the "
                "folder that the names in the truth begin in"
            )
    seen, high = asyncio.run(_seen(truth, folder, pack, settings, progress))
    return joined(truth, seen, least=least, high=high)


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture's found faces. boxes: float64 [d, 4], pixels of the file's picture; scores: [d]; digest: of
    the file."""

    boxes: F64
    scores: F64
    digest: str


async def _seen(
    truth: Sequence[Marked], folder: Path, pack: Pack, settings: Config, progress: Progress
) -> tuple[list[Seen], float]:
    """What was found in each picture, and the score of a certain face."""
    seen: list[Seen | None] = [None] * len(truth)
    async with opened(pack, library.networks, settings.inference) as inference:
        done = 0
        left: Iterator[tuple[int, Marked]] = iter(enumerate(truth))

        async def look() -> None:
            nonlocal done
            for number, one in left:
                seen[number] = await inference.run(
                    Urgency.FRAME, _look, inference, folder / one.name, settings.analysis.max_side
                )
                done += 1
                progress(done, len(truth))

        async with asyncio.TaskGroup() as group:
            for _ in range(inference.workers):
                group.create_task(look())
        return [one for one in seen if one is not None], inference.high


def _look(inference: Inference, path: Path, max_side: int) -> Seen:
    try:
        read = read_picture(path)
    except PictureRefused as refused:
        raise CorruptError(path, refused.advice) from None
    try:
        found = inference.detect(read.picture, max_side, LOW)
        scale = 1.0
        if max(read.picture.size) == MAX_SIDE:  # it may have been reduced: the truth is in the file's pixels
            scale = max(size_of(path.read_bytes())) / MAX_SIDE
    finally:
        read.picture.release()
    return Seen(found.boxes.astype(np.float64) * scale, found.scores.astype(np.float64), read.digest)


def joined(truth: Sequence[Marked], seen: Sequence[Seen], *, least: float, high: float) -> Detected:
    """Match picture by picture. The two have one row a picture."""
    whole = hashlib.sha256()
    kept: list[Found] = []
    widths: list[F64] = []
    best: list[F64] = []
    faces = np.zeros(len(truth), np.intp)
    ignored = neither = 0
    for number, (marked, one) in enumerate(zip(truth, seen, strict=True)):
        whole.update(f"{marked.name}\0{one.digest}\n".encode())
        whole.update(marked.boxes.tobytes() + marked.invalid.tobytes())
        out = marked.invalid | (marked.boxes[:, 2] < max(least, 1e-9)) | (marked.boxes[:, 3] <= 0)
        made = match(one.boxes, one.scores, marked.boxes, out)
        hits = made.kinds == HIT
        width = np.where(hits, marked.boxes[made.of, 2] if len(out) else 0.0, one.boxes[:, 2])
        counts = (made.kinds != NEITHER) & (hits | (width >= least))
        faces[number] = np.count_nonzero(~out)
        ignored += int(np.count_nonzero(out))
        neither += int(np.count_nonzero(~counts))
        picture = np.full(len(hits), number, np.intp)
        kept.append(Found(one.scores, hits, picture, width)[counts])
        widths.append(marked.boxes[~out, 2])
        reached = np.full(len(out), -np.inf)
        reached[made.of[hits]] = one.scores[hits]
        best.append(reached[~out])
    return Detected(
        pictures=len(truth),
        found=Found(
            np.concatenate([one.scores for one in kept]),
            np.concatenate([one.hits for one in kept]),
            np.concatenate([one.picture for one in kept]),
            np.concatenate([one.width for one in kept]),
        ),
        faces=faces,
        true_width=np.concatenate(widths),
        true_picture=np.repeat(np.arange(len(truth)), faces),
        true_score=np.concatenate(best),
        ignored=ignored,
        neither=neither,
        high=high,
        digest=whole.hexdigest(),
    )
