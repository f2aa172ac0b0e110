"""Measures the builtin pack and prints the table that stands in lfrd/models/builtin/card.py as MEASURED.

    python -m tools.calibrate_builtin FACES [--margin 0.2]

FACES holds a folder of pictures per person. The first picture of each person (by name) is the list. Every
picture is then searched twice:

- non-mated: on the list without its own person's entry, so N is the number of people less one; it is a
  false positive where its best score reaches the threshold;
- mated (not the first pictures): on the whole list; found where its own person's entry is the best and
  reaches the threshold.

A picture in which no face is found is a search without a candidate. Where there are several faces the one
nearest the picture's centre is taken. The non-mated searches share people and list, so that they tell less
than as many independent ones would: each point is printed with the number of searches behind it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lfrd.errors import LfrdError, MissingError
from lfrd.inference import Network
from lfrd.models.builtin import card
from lfrd.models.builtin.convert import build
from lfrd.types import F32, U8, Detections
from lfrd.vision.alignment import align
from lfrd.vision.pack import MANIFEST, make_detector, make_recogniser, parse_manifest
from lfrd.vision.picture import Picture

FPIRS = (0.1, 0.03, 0.01, 0.003)
BATCH = 16


@dataclass(frozen=True)
class Faces:
    """One row a picture. vectors: float32 [n, dim], zeros where no face was found. people: numbers from 0."""

    vectors: F32
    people: NDArray[np.intp]
    found: int
    detect_ms: float
    embed_ms: float


@dataclass(frozen=True)
class Point:
    fpir: float
    score: float
    false_positives: int
    tpir: float


def search(vectors: F32, people: NDArray[np.intp]) -> tuple[F32, F32]:
    """Best scores of the non-mated searches [n], and scores of the mated ones [m] (-1 where another is best).

    Rows of one person must follow one another; the first of them is the list's.
    """
    listed = np.flatnonzero(np.diff(people, prepend=-1))
    scores = vectors @ vectors[listed].T
    own = people[:, None] == people[listed]
    others = np.where(own, -1, scores).max(1)
    mated = np.delete(np.arange(len(people)), listed)
    right = scores[own]
    return others.astype(np.float32), np.where(right >= others, right, -1)[mated].astype(np.float32)


def points(non_mated: F32, mated: F32, fpirs: tuple[float, ...] = FPIRS) -> list[Point]:
    """For each FPIR the lowest score, to four decimals, at which no larger share of searches alarms."""
    falling = np.sort(non_mated)[::-1].astype(np.float64)
    result = []
    for fpir in fpirs:
        allowed = int(fpir * len(falling))
        score = (np.floor(falling[allowed] * 1e4) + 1) / 1e4
        alarms = int((falling >= score).sum())
        result.append(Point(fpir, float(score), alarms, float((mated >= score).mean())))
    return result


def read_faces(folder: Path, margin: float) -> Faces:
    people = sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    pictures = [(number, path) for number, person in enumerate(people) for path in sorted(person.iterdir())]
    if not pictures:
        raise MissingError(f"{folder}: no folders of pictures; give one folder per person")
    with tempfile.TemporaryDirectory() as temporary:
        pack = Path(temporary) / card.NAME
        build(pack, lambda share, what: None)
        manifest = parse_manifest((pack / MANIFEST).read_text(encoding="utf-8"), pack / MANIFEST)
        files = {role: pack / named.file for role, named in manifest.files.items()}
        networks = {role: Network(file, file.read_bytes(), "cpu", 1) for role, file in files.items()}
    detector = make_detector(manifest, networks)
    recogniser = make_recogniser(manifest, networks["recogniser"])
    target = np.array(card.template_points(margin), np.float32)
    vectors = np.zeros((len(pictures), recogniser.dim), np.float32)
    found, detecting, embedding = 0, 0.0, 0.0
    for start in range(0, len(pictures), BATCH):
        rows, faces = [], []
        for row in range(start, min(start + BATCH, len(pictures))):
            image = cv2.imread(str(pictures[row][1]))
            if image is None:
                raise MissingError(f"{pictures[row][1]}: not a picture that OpenCV can read")
            began = time.perf_counter()
            detections = detector.detect(image.astype(np.uint8, copy=False), manifest.detector.score)
            detecting += time.perf_counter() - began
            if len(detections):
                rows.append(row)
                faces.append(
                    _middle_face(image.astype(np.uint8, copy=False), detections, target, recogniser.size)
                )
        if rows:
            began = time.perf_counter()
            vectors[rows] = recogniser.embed(np.concatenate(faces))
            embedding += time.perf_counter() - began
        found += len(rows)
    owners = np.array([number for number, _ in pictures], np.intp)
    return Faces(vectors, owners, found, 1e3 * detecting / len(pictures), 1e3 * embedding / max(1, found))


def _middle_face(image: U8, detections: Detections, target: F32, size: int) -> U8:
    """The face nearest the picture's centre, aligned: uint8 [1, size, size, 3]."""
    centres = detections.boxes[:, :2] + detections.boxes[:, 2:] / 2
    away = np.linalg.norm(centres - np.array(image.shape[1::-1]) / 2, axis=1)
    return align(Picture(image, planar=False), detections.points[[int(away.argmin())]], target, size)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the builtin model pack on a folder of faces.")
    parser.add_argument(
        "faces", type=Path, metavar="FACES", help="a folder with a folder of pictures per person"
    )
    parser.add_argument(
        "--margin", type=float, default=card.MARGIN, help="room around the face (default %(default)s)"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        faces = read_faces(options.faces, options.margin)
    except LfrdError as error:
        print(error, file=sys.stderr)
        return 1
    non_mated, mated = search(faces.vectors, faces.people)
    print(f"faces found in {faces.found} of {len(faces.people)} pictures")
    print(
        f"one thread: {faces.detect_ms:.1f} ms a picture to detect, {faces.embed_ms:.1f} ms a face to embed"
    )
    print(f"n = {faces.people.max()}, non_mated = {len(non_mated)}, mated = {len(mated)}")
    print("FPIR    score   alarms  TPIR")
    for point in points(non_mated, mated):
        print(f"{point.fpir:<7g} {point.score:.4f}  {point.false_positives:<7d} {point.tpir:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
