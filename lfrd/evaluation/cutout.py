"""A portrait to a figure that can walk: head and shoulders cut from their background, on a drawn body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from lfrd.errors import CorruptError
from lfrd.types import F32, U8, Box, Detections

Locate = Callable[[U8], Detections]
"""Finds the faces of a BGR picture."""

FACE = 150
"""Most pixels of a face's width in a figure; a portrait with a smaller face is never enlarged here."""
ABOVE, BELOW, BESIDE = 0.75, 0.95, 1.0
"""How far the cut reaches from the face's box, in its heights (above, below) and widths (beside)."""
SHOULDERS = 2.55  # width of the shoulders in face widths: 38 cm to 15 cm
TORSO = 3.2  # from chin to hip, in face heights


@dataclass(frozen=True, slots=True)
class Bust:
    """Head and shoulders as a portrait has them: cut out once, however often their owner walks.

    pixels: BGR [h, w, 3]. opacity: float32 [h, w], 0..1. face: the face's box in these pixels.
    """

    pixels: U8 = field(repr=False)
    opacity: F32 = field(repr=False)
    face: Box


@dataclass(frozen=True, slots=True)
class Figure:
    """A person from the hips up, without legs: these are drawn anew at each step.

    pixels: float32 [h, w, 4], BGR 0..255 times opacity, and opacity 0..1. face: the face's box in its pixels.
    trousers: BGR.
    """

    pixels: F32
    face: Box
    trousers: tuple[int, int, int]


def bust(picture: U8, locate: Locate, name: str = "portrait") -> Bust:
    """Cut the person with the largest face out of a BGR picture. Takes most of a second of one core.

    Raises CorruptError where no face is found.
    """
    found = locate(picture)
    if not len(found):
        raise CorruptError(Path(name), "no face was found in the portrait; give one from the front")
    largest = int(np.argmax(found.boxes[:, 2] * found.boxes[:, 3]))
    return cut_out(picture, Box(*(float(side) for side in found.boxes[largest])))


def cut_out(picture: U8, face: Box, most: int = FACE) -> Bust:
    """As `bust`, where it is known which face, and where. most: pixels of its width that are kept."""
    x, y, w, h = face.x, face.y, face.width, face.height
    scale = min(1.0, most / w)
    if scale < 1:
        side = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
        picture = cast(U8, cv2.resize(picture, side, interpolation=cv2.INTER_AREA))
        x, y, w, h = x * scale, y * scale, w * scale, h * scale
    part, face = _part(picture, Box(x, y, w, h))
    return Bust(part, _opacity(part, face), face)


def figure(cut: Bust, rng: np.random.Generator) -> Figure:
    """Stand head and shoulders on a body; how it is built and dressed, `rng` says."""
    return _standing(cut.pixels, cut.opacity, cut.face, rng)


def _part(picture: U8, face: Box) -> tuple[U8, Box]:
    """The picture around the face, and the face's box in it."""
    height, width = picture.shape[:2]
    x0 = max(0, int(face.x - BESIDE * face.width))
    x1 = min(width, int(face.x + (1 + BESIDE) * face.width))
    y0 = max(0, int(face.y - ABOVE * face.height))
    y1 = min(height, int(face.y + (1 + BELOW) * face.height))
    return picture[y0:y1, x0:x1].copy(), Box(face.x - x0, face.y - y0, face.width, face.height)


def _opacity(part: U8, face: Box) -> F32:
    """float32 [h, w], 0..1: the person. GrabCut (Rother and others, 2004), told where heads usually are."""
    (cx, cy), w, h = face.centre, face.width, face.height
    chin = face.y + h
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)

    def within(rx: float, ry: float, dy: float = 0.0) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return cast(
            "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
            ((columns - cx) / (rx * w)) ** 2 + ((rows - cy - dy * h) / (ry * h)) ** 2 <= 1,
        )

    slope = np.clip((rows - chin) / (0.6 * h), 0, 1)
    shoulder = (rows > chin - 0.1 * h) & (np.abs(columns - cx) < (0.35 + 0.95 * slope) * w)
    wide = (rows > chin - 0.1 * h) & (np.abs(columns - cx) < (0.6 + 1.2 * slope) * w)
    labels = np.full(part.shape[:2], cv2.GC_BGD, np.uint8)
    labels[within(0.95, 1.05, -0.12) | wide] = cv2.GC_PR_BGD
    labels[within(0.72, 0.82, -0.1) | shoulder] = cv2.GC_PR_FGD
    sure = within(0.5, 0.56) | ((rows > chin) & (np.abs(columns - cx) < 0.28 * w))
    labels[sure] = cv2.GC_FGD
    cv2.setRNGSeed(1)  # its clusters begin at random
    cv2.grabCut(part, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    closed = cv2.morphologyEx(cv2.morphologyEx(inside, cv2.MORPH_OPEN, element), cv2.MORPH_CLOSE, element)
    _, pieces = cv2.connectedComponents(closed)
    person = ((pieces == pieces[int(cy), int(cx)]) | sure).astype(np.float32)
    # The rim still carries the old background: draw it in a little, then make it soft.
    drawn_in = cv2.erode(person, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    soft = cv2.GaussianBlur(drawn_in, (0, 0), max(0.8, 0.02 * w))
    # The cut's lower edge and sides melt into the drawn body, and nothing ends in a straight line.
    bottom = np.clip((part.shape[0] - 1 - rows) / (0.35 * h), 0, 1)
    sides = np.clip(np.minimum(columns, part.shape[1] - 1 - columns) / (0.25 * w), 0, 1)
    sides = np.where(rows < chin, np.clip(sides * 4, 0, 1), sides)
    return cast(F32, (soft * bottom * sides).astype(np.float32))


def _standing(part: U8, opacity: F32, face: Box, rng: np.random.Generator) -> Figure:
    w, h = face.width, face.height
    chin = face.y + h
    canvas_w = int(max(part.shape[1], (SHOULDERS + 0.3) * w)) + 4
    left = (canvas_w - part.shape[1]) // 2
    centre = left + face.centre[0]
    canvas_h = int(chin + TORSO * h)
    worn = opacity > 0.6
    worn[: min(len(worn) - 1, int(chin + 0.25 * h))] = False
    # The body wears what the portrait's shoulders wear, as far as they are in the picture.
    cloth = np.median(part[worn], axis=0) if worn.sum() > 50 else rng.uniform(30, 140, 3)
    body = _torso(canvas_w, canvas_h, centre, chin, w, h)
    shade = _shading(canvas_w, canvas_h, centre, w, rng)
    pixels: F32 = np.zeros((canvas_h, canvas_w, 4), np.float32)
    pixels[..., :3] = np.clip(shade[..., None] * cloth, 0, 255) * body[..., None]
    pixels[..., 3] = body
    top = pixels[: part.shape[0], left : left + part.shape[1]]
    cover = opacity[: len(top), :, None]
    top[..., :3] = part[: len(top)] * cover + top[..., :3] * (1 - cover)
    top[..., 3:] = cover + top[..., 3:] * (1 - cover)
    dark = rng.uniform(25, 75)
    trousers = tuple(int(c) for c in np.clip(dark + rng.uniform(-12, 18, 3), 5, 120))
    box = Box(face.x + left, face.y, w, h)
    return Figure(pixels, box, cast("tuple[int, int, int]", trousers))


def _torso(width: int, height: int, centre: float, chin: float, w: float, h: float) -> F32:
    """float32 [height, width], 0..1: neck, sloping shoulders, arms and trunk."""
    half = SHOULDERS * w / 2
    outline = [
        (-0.28 * w, chin - 0.1 * h),
        (-0.30 * w, chin + 0.22 * h),
        (-0.75 * half, chin + 0.42 * h),
        (-half, chin + 0.75 * h),
        (-1.04 * half, chin + 1.7 * h),
        (-0.86 * half, float(height)),
    ]
    points = [(centre + x, y) for x, y in outline] + [(centre - x, y) for x, y in reversed(outline)]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.array(points, np.float32).round().astype(np.int32)], 255, cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask, (0, 0), max(1.0, 0.05 * w))
    return cast(F32, soft.astype(np.float32) / 255)


def _shading(width: int, height: int, centre: float, w: float, rng: np.random.Generator) -> F32:
    """float32 [height, width], about 1: a round trunk, folds of cloth, and a weave."""
    columns = np.arange(width, dtype=np.float32) - centre
    round_trunk = 1.08 - 0.35 * (columns / (SHOULDERS * w / 2)) ** 2
    coarse = rng.standard_normal((max(2, height // 30), max(2, width // 12)), dtype=np.float32)
    folds = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    weave = rng.standard_normal((height, width), dtype=np.float32)
    return cast(F32, np.clip(round_trunk[None] + 0.07 * folds + 0.03 * weave, 0.3, 1.3).astype(np.float32))
