"""The ways to cut a face out of a picture that are on trial, and the templates made of such cuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from lfrd.types import F32, U8, Box
from lfrd.vision.alignment import align
from lfrd.vision.picture import Picture
from tools.recognition.networks import Networks

PLAIN, MIRRORED = "plain", "mirrored"

AROUND = 3.0  # eye distances that an enlarged part reaches from the face's middle
EYES_ENLARGED = 70.0  # pixels between the eyes of a small face after enlargement: twice what is cut
EYES_SOUGHT = 40.0  # and of a face that is looked for a second time
LIGHT = 110.0  # mean grey of a levelled face
MOST = 6.0  # times that a face is enlarged

Cut = Callable[[Networks, Picture, F32], U8]
"""Picture and points float32 [n, 5, 2] (its pixels) to aligned faces uint8 [n, size, size, 3]."""


def _plain(networks: Networks, picture: Picture, points: F32) -> U8:
    recogniser = networks.recogniser
    return align(picture, points, recogniser.template_points, recogniser.size)


def _mirrored(networks: Networks, picture: Picture, points: F32) -> U8:
    return np.ascontiguousarray(_plain(networks, picture, points)[:, :, ::-1])


def _framed(scale: float = 1.0, right: float = 0.0, down: float = 0.0) -> Cut:
    """scale: of the face in its frame; right, down: pixels of 112 that the face is moved by."""

    def cut(networks: Networks, picture: Picture, points: F32) -> U8:
        target, size = networks.recogniser.template_points, networks.recogniser.size
        middle = np.float32((size - 1) / 2)
        moved = np.array([right, down], np.float32) * np.float32(size / 112)
        return align(picture, points, (target - middle) * np.float32(scale) + middle + moved, size)

    return cut


def _without_nose(networks: Networks, picture: Picture, points: F32) -> U8:
    """A turned head's nose lies aside, and pulls the other points from their places."""
    rows = [0, 1, 3, 4]
    target, size = networks.recogniser.template_points, networks.recogniser.size
    return align(picture, points[:, rows], target[rows], size)


def _enlarged(networks: Networks, picture: Picture, points: F32) -> U8:
    """Small faces enlarged with Lanczos' kernel before they are cut."""
    target, size = networks.recogniser.template_points, networks.recogniser.size
    faces = []
    for face in points:
        part, corner, times = _part(picture, face, EYES_ENLARGED, cv2.INTER_LANCZOS4)
        local = (face - corner + 0.5) * times - 0.5
        faces.append(align(Picture(part, planar=False), local[None].astype(np.float32), target, size))
    return np.concatenate(faces) if faces else _plain(networks, picture, points)


def _filtered(change: Callable[[F32], F32]) -> Cut:
    """change: float32 [size, size, 3], 0..255, to the same."""

    def cut(networks: Networks, picture: Picture, points: F32) -> U8:
        aligned = _plain(networks, picture, points)
        for face in aligned:
            face[:] = np.clip(np.rint(change(face.astype(np.float32))), 0, 255).astype(np.uint8)
        return aligned

    return cut


def _soft(face: F32) -> F32:
    return cast(F32, cv2.GaussianBlur(face, (0, 0), 1.0))


def _sharp(face: F32) -> F32:
    """Unsharp masking."""
    return cast(F32, face + 0.7 * (face - cv2.GaussianBlur(face, (0, 0), 2.0)))


def _levelled(face: F32) -> F32:
    """The same light on every face: mean grey of its middle half."""
    quarter = len(face) // 4
    mean = float(face[quarter:-quarter, quarter:-quarter].mean())
    return cast(F32, face * (LIGHT / max(mean, 1.0)))


def _refined(networks: Networks, picture: Picture, points: F32) -> U8:
    return _plain(networks, picture, refined(networks, picture, points))


def _refined_mirrored(networks: Networks, picture: Picture, points: F32) -> U8:
    return np.ascontiguousarray(_refined(networks, picture, points)[:, :, ::-1])


def refined(networks: Networks, picture: Picture, points: F32) -> F32:
    """The five points of each face looked for again in an enlarged part of the full-size picture; those that
    were given where the detector does not find the face there."""
    better = points.copy()
    for number, face in enumerate(points):
        part, corner, times = _part(picture, face, EYES_SOUGHT, cv2.INTER_LINEAR)
        found = networks.detector.detect(part, networks.high / 2)
        if not len(found):
            continue
        seen = (found.points + 0.5) / np.float32(times) - 0.5 + corner
        off = np.abs(seen - face).max(axis=(1, 2)) / max(_eyes(face), 1e-6)
        nearest = int(off.argmin())
        if off[nearest] < 0.5:
            better[number] = seen[nearest]
    return better


def _part(picture: Picture, face: F32, eyes: float, how: int) -> tuple[U8, F32, float]:
    """The face's surroundings with `eyes` pixels between its eyes (smaller faces are enlarged, larger ones
    left), where its corner lies in the picture, and how many times it was enlarged."""
    distance = max(_eyes(face), 1.0)
    x, y = (float(v) for v in face.mean(axis=0))
    reach = AROUND * distance
    part, (left, top) = picture.crop(Box(x - reach, y - reach, 2 * reach, 2 * reach))
    times = min(max(1.0, eyes / distance), MOST)
    side = round(part.shape[1] * times), round(part.shape[0] * times)
    if times > 1:
        part = cast(U8, cv2.resize(part, side, interpolation=how))
    return part, np.array([left, top], np.float32), times


def _eyes(face: F32) -> float:
    return float(np.hypot(*(face[1] - face[0])))


def _as_small(eyes: float) -> Cut:
    """The face as a camera would show it with so many pixels between the eyes: for the list's portraits, to
    meet small faces with small ones. A smaller face is left as it is."""

    def cut(networks: Networks, picture: Picture, points: F32) -> U8:
        faces = []
        for face in points:
            share = min(1.0, eyes / max(_eyes(face), 1e-6))
            side = max(2, round(picture.width * share)), max(2, round(picture.height * share))
            small = cast(U8, cv2.resize(picture.scaled(*picture.size), side, interpolation=cv2.INTER_AREA))
            stretch = np.array([side[0] / picture.width, side[1] / picture.height], np.float32)
            local = (face + 0.5) * stretch - 0.5
            faces.append(_plain(networks, Picture(small, planar=False), local[None].astype(np.float32)))
        return np.concatenate(faces)

    return cut


CUTS: Mapping[str, Cut] = {
    PLAIN: _plain,
    MIRRORED: _mirrored,
    "tight": _framed(1.06),
    "loose": _framed(0.94),
    "right": _framed(right=3),
    "left": _framed(right=-3),
    "down": _framed(down=3),
    "up": _framed(down=-3),
    "without nose": _without_nose,
    "enlarged": _enlarged,
    "soft": _filtered(_soft),
    "sharp": _filtered(_sharp),
    "levelled": _filtered(_levelled),
    "refined": _refined,
    "refined mirrored": _refined_mirrored,
}
"""What may be done to any face."""

SMALL: Mapping[str, Cut] = {f"as {eyes} px": _as_small(eyes) for eyes in (30, 22, 16)}
"""What may be done to a portrait of the list besides."""


@dataclass(frozen=True, slots=True)
class Mix:
    """A template made of several cuts: the sum of their vectors, at length 1."""

    cuts: tuple[str, ...] = (PLAIN,)

    def of(self, vectors: Mapping[str, F32]) -> F32:
        """Each cut's vectors float32 [n, dim] to templates float32 [n, dim]; a row without length stays 0."""
        total = np.sum([vectors[cut] for cut in self.cuts], axis=0, dtype=np.float32)
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        return cast(F32, np.divide(total, lengths, out=np.zeros_like(total), where=lengths > 1e-12))


def cut_all(networks: Networks, picture: Picture, points: F32, cuts: Sequence[str]) -> dict[str, U8]:
    """Each cut's aligned faces, uint8 [n, size, size, 3]."""
    known = {**CUTS, **SMALL}
    return {name: known[name](networks, picture, points) for name in cuts}


def embedded(networks: Networks, aligned: Mapping[str, U8]) -> dict[str, F32]:
    """Each cut's vectors, float32 [n, dim], as long as the network made them; all in the same batches."""
    if not aligned:
        return {}
    vectors = networks.embed(np.concatenate(list(aligned.values())))
    ends = np.cumsum([len(faces) for faces in aligned.values()])[:-1]
    return dict(zip(aligned, np.split(vectors, ends), strict=True))
