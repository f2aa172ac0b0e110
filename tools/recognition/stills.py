"""Photographs made into short walks past a camera: small, blurred, dim, noisy and compressed, from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from lfrd.config import Analysis
from lfrd.evaluation.looks import EVERY_FACE, refusal
from lfrd.gallery.enrol import LIMITS, subject
from lfrd.types import F32, U8, Detections, Face, Quality
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits, examine
from tools.recognition.cuts import cut_all, embedded
from tools.recognition.networks import Networks

SHOTS = 6  # as `tracking.shots`
NEAREST = 18.0, 40.0  # pixels between the eyes where a walk ends
FARTHEST = 14.0  # and the fewest where it begins, or half of the nearest
FULL = 2.0  # the frame has so many times the detector's pixels a side: 1920 to 960
MOVED = 0.3  # eye distances that a face moves while the shutter is open, at the most: 1.3 m/s for 1/70 s
TILT = 8.0  # degrees
LIGHT = 0.55, 1.15
NOISE = 1.0, 5.0  # standard deviation of the sensor's, of 255
KEPT = 30, 80  # JPEG's quality, which stands for H.264's


@dataclass(frozen=True, slots=True)
class Portrait:
    """A picture's subject. points: float32 [5, 2], pixels."""

    pixels: U8 = field(repr=False)
    points: F32 = field(repr=False)
    worth: float


@dataclass(frozen=True, slots=True)
class Sight:
    """The usable shots of one walk. vectors: each cut's, float32 [n, dim]; qualities: one a shot."""

    vectors: dict[str, F32] = field(repr=False)
    qualities: list[Quality]


def portrait(networks: Networks, path: Path) -> Portrait | None:
    """What enrolment would take of a picture; None where it would refuse it."""
    pixels = cv2.imread(str(path))
    if pixels is None:
        return None
    picture = Picture(np.asarray(pixels, np.uint8), planar=False)
    found = networks.detector.detect(picture.scaled(*picture.size), networks.high)
    face = subject(_faces(networks, picture, found, LIMITS))
    if face is None or face.aligned is None:
        return None
    return Portrait(np.asarray(pixels, np.uint8), face.points, face.quality.worth)


def enrolled(networks: Networks, who: Portrait, cuts: Sequence[str]) -> dict[str, F32]:
    """Each cut's vector, float32 [1, dim]."""
    picture = Picture(who.pixels.copy(), planar=False)
    return embedded(networks, cut_all(networks, picture, who.points[None], cuts))


def walk(networks: Networks, who: Portrait, cuts: Sequence[str], seed: Sequence[int]) -> Sight:
    """What a camera sees of somebody who shows this portrait from each distance. The settings' limits refuse
    shots as they do live."""
    rng = np.random.default_rng(seed)
    nearest = rng.uniform(*NEAREST)
    sizes = np.linspace(max(FARTHEST, nearest / 2), nearest, SHOTS) * rng.uniform(0.96, 1.04, SHOTS)
    film = _Film(
        moved=rng.uniform(0, MOVED),
        light=rng.uniform(*LIGHT),
        noise=rng.uniform(*NOISE),
        kept=int(rng.integers(*KEPT)),
    )
    limits = Limits.of(Analysis())
    aligned: list[dict[str, U8]] = []
    qualities = []
    for eyes in sizes:
        frame, points = film.frame(who, float(eyes), rng)
        picture = Picture(frame, planar=False)
        small = picture.scaled(round(picture.width / FULL), round(picture.height / FULL))
        found = networks.detector.detect(small, networks.high)
        stretch = np.array([picture.width / small.shape[1], picture.height / small.shape[0]], np.float32)
        found = Detections(found.boxes * np.tile(stretch, 2), found.points * stretch, found.scores)
        row = _nearest(found, points)
        if row is None:
            continue
        (face,) = _faces(networks, picture, found[np.array([row])], EVERY_FACE)
        if refusal(face.quality, limits) is not None:
            continue
        aligned.append(cut_all(networks, picture, face.points[None], cuts))
        qualities.append(face.quality)
    size = networks.recogniser.size
    none = np.empty((0, size, size, 3), np.uint8)
    faces = {cut: np.concatenate([none, *(one[cut] for one in aligned)]) for cut in cuts}
    return Sight(embedded(networks, faces), qualities)


def seed_of(seed: int, path: Path, number: int) -> list[int]:
    """The same walk for the same picture, whoever else takes part."""
    name = hashlib.sha256(f"{path.parent.name}/{path.name}".encode()).digest()[:8]
    return [seed, int.from_bytes(name, "big"), number]


@dataclass(frozen=True, slots=True)
class _Film:
    """What does not change on a walk. moved: eye distances; light: factor; noise: of 255; kept: JPEG's."""

    moved: float
    light: float
    noise: float
    kept: int

    def frame(self, who: Portrait, eyes: float, rng: np.random.Generator) -> tuple[U8, F32]:
        """BGR uint8 with so many pixels between the eyes, and where the five points are in it."""
        share = eyes / max(float(np.hypot(*(who.points[1] - who.points[0]))), 1e-6)
        height, width = (max(64, 2 * round(side * share / 2)) for side in who.pixels.shape[:2])
        turn = cv2.getRotationMatrix2D(
            tuple(float(v) for v in who.points.mean(axis=0)), rng.uniform(-TILT, TILT), share
        )
        turn[:, 2] += np.array([width, height]) / 2 - who.points.mean(axis=0) + rng.uniform(-1, 1, 2)
        source = who.pixels
        if share < 1:  # or the warp would pass over pixels
            source = cast(U8, cv2.GaussianBlur(source, (0, 0), 0.45 * np.sqrt(max(1 / share**2 - 1, 0.01))))
        seen = cv2.warpAffine(
            source, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        blurred = cv2.filter2D(seen.astype(np.float32), -1, self._movement(eyes, rng))
        noisy = blurred * self.light + rng.normal(0, self.noise, blurred.shape)
        _, packed = cv2.imencode(
            ".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, self.kept]
        )
        frame = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        return frame, (who.points @ turn[:, :2].T + turn[:, 2]).astype(np.float32)

    def _movement(self, eyes: float, rng: np.random.Generator) -> F32:
        """A line of the movement's length, mostly sideways, as a kernel."""
        length = self.moved * eyes * rng.uniform(0.4, 1.0)
        angle = rng.normal(0, 0.4)
        side = 2 * int(np.ceil(length / 2)) + 3
        kernel = np.zeros((side, side), np.float32)
        steps = np.linspace(-length / 2, length / 2, 33)
        x, y = side // 2 + steps * np.cos(angle), side // 2 + steps * np.sin(angle)
        for dx in (0, 1):  # shared among the four pixels around each step
            for dy in (0, 1):
                weight = np.abs(1 - dx - (x % 1)) * np.abs(1 - dy - (y % 1))
                np.add.at(kernel, (np.floor(y).astype(int) + dy, np.floor(x).astype(int) + dx), weight)
        return cast(F32, kernel / kernel.sum())


def _nearest(found: Detections, points: F32) -> int | None:
    """The row whose points lie where the portrait's are; None where no face was found there."""
    if not len(found):
        return None
    eyes = float(np.hypot(*(points[1] - points[0])))
    off = np.linalg.norm(found.points.mean(axis=1) - points.mean(axis=0), axis=1) / eyes
    return int(off.argmin()) if off.min() < 0.5 else None


def _faces(networks: Networks, picture: Picture, found: Detections, limits: Limits) -> list[Face]:
    recogniser = networks.recogniser
    return examine(picture, found, recogniser.size, recogniser.template_points, limits)
