"""Which faces are fit to serve as evidence; measured cheaply first, so that only those are cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lfrd.config import Analysis
from lfrd.types import F32, F64, U8, Box, Detections, Face, Quality, Refusal
from lfrd.vision.alignment import ARCFACE_112, align, similarity, usable
from lfrd.vision.picture import Picture

EYES = float(np.hypot(*(ARCFACE_112[1] - ARCFACE_112[0])))
"""Pixels between the eyes at which sharpness is measured, whatever the pack's own size and framing."""

REACH = 1.25  # half a side of the measured square, in eye distances: from the brows to the chin

WIDE, TALL, BELOW = 2.15, 2.8, 0.33
"""A face's box by its five points: width, height, and how far its middle lies below the eyes' (along the
face), in the larger of eye distance and eyes-to-mouth distance, one of which a turned head keeps. Sideways
the middle lies opposite the nose, as far from the eyes' middle as the nose does. Over 500 portraits that are
whole, the boxes of YuNet and of MTCNN have edges within 0.07 of their sides of it at the median."""

REASONS = (
    Refusal.CUT,
    Refusal.POSE,
    Refusal.SMALL,
    Refusal.DARK,
    Refusal.BRIGHT,
    Refusal.BLURRED,
)
"""The order in which reasons are looked for: the first that holds is the face's. The first three need only
the box and the five points. Pose comes before size, because the eyes of a turned head lie close together
however near it is; light comes before blur, because a face without light has no detail either."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a face must reach, in the units of `types.Quality`; see the settings under [analysis]."""

    eye_distance: float
    sharpness: float
    pose: float
    darkest: float
    brightest: float
    cut: float

    @classmethod
    def of(cls, settings: Analysis, eye_distance_pixels: float | None = None) -> Self:
        """A camera's limits: the site's, with its own eye distance where it has one."""
        return cls(
            eye_distance=(
                settings.eye_distance_pixels if eye_distance_pixels is None else eye_distance_pixels
            ),
            sharpness=settings.sharpness,
            pose=settings.pose,
            darkest=settings.darkest,
            brightest=settings.brightest,
            cut=settings.cut,
        )


def examine(picture: Picture, found: Detections, size: int, target_points: F32, limits: Limits) -> list[Face]:
    """Measure every face of a picture, and align those that may serve as evidence.

    size and target_points are the recogniser's. Returns one face a row of `found`, in its order; `aligned` is
    None where quality refused it. Sharpness and exposure are 0 for faces refused before they were aligned.
    """
    geometry = _Geometry(found.boxes, found.points, picture.size)
    early = geometry.refusals(limits)
    able = usable(similarity(found.points, target_points))
    early = [
        refusal if refusal or able[row] else Refusal.POSE  # no transform: no head seen from the front
        for row, refusal in enumerate(early)
    ]
    rows = np.array([row for row, refusal in enumerate(early) if refusal is None], np.intp)
    aligned = align(picture, found.points[rows], target_points, size)
    details, light = _appearance(aligned, target_points)
    sharpness, exposure = np.zeros(len(found)), np.zeros(len(found))
    sharpness[rows], exposure[rows] = details, light
    place = {int(row): number for number, row in enumerate(rows)}
    faces = []
    for row, refusal in enumerate(early):
        if refusal is None:
            refusal = _appearance_refusal(sharpness[row], exposure[row], limits)
        quality = geometry.quality(row, sharpness[row], exposure[row], refusal)
        # A copy of its own: the faces of one frame are wiped at different times.
        cut = aligned[place[row]].copy() if refusal is None else None
        box = Box(*(float(side) for side in found.boxes[row]))
        faces.append(Face(box, found.points[row].copy(), float(found.scores[row]), quality, cut))
    aligned.fill(0)
    return faces


def measure(
    boxes: F32,
    points: F32,
    aligned: U8,
    frame_size: tuple[int, int],
    limits: Limits,
    target_points: F32 | None = None,
) -> list[Quality]:
    """Every face's quality and the first reason against it, in the order of REASONS.

    boxes: [n, 4] and points: [n, 5, 2] in pixels of the frame; aligned: BGR uint8 [n, size, size, 3];
    frame_size: width, height; target_points: where the five points lie in an aligned face (the ArcFace
    template at its size if None).
    """
    target = ARCFACE_112 * (aligned.shape[1] / 112) if target_points is None else target_points
    geometry = _Geometry(boxes, points, frame_size)
    sharpness, exposure = _appearance(aligned, target)
    return [
        geometry.quality(row, sharp, light, early or _appearance_refusal(sharp, light, limits))
        for row, (sharp, light, early) in enumerate(
            zip(sharpness, exposure, geometry.refusals(limits), strict=True)
        )
    ]


class _Geometry:
    """What the box and the five points alone say, as arrays with one row a face.

    With u the unit vector from the left eye to the right as seen in the picture, v at a right angle to it
    towards the mouth, d the eye distance, m the point between the eyes, c the point between the mouth's
    corners and n the nose:
    yaw = (n - m).u / (d / 2): 0 with the nose midway, -1 or 1 with it under an eye or beyond;
    pitch = 2 (n - m).v / (c - m).v - 1: 0 with the nose midway between eyes and mouth, -1 with it at the
    eyes (looking up), 1 at the mouth (looking down);
    roll = angle of u against the horizontal / 90 degrees, clockwise.
    All three are clipped to -1..1, and yaw and pitch do not change with roll. Points that are not finite, or
    eyes in one place, count as an eye distance of 0 and a pose of 1.
    """

    def __init__(self, boxes: F32, points: F32, frame_size: tuple[int, int]) -> None:
        at = np.asarray(points, np.float64)
        sound = np.asarray(np.isfinite(at).all(axis=(1, 2)))
        at = np.where(sound[:, None, None], at, 0.0)
        eyes = at[:, 1] - at[:, 0]
        self.eye_distance: F64 = np.hypot(eyes[:, 0], eyes[:, 1])
        sound &= self.eye_distance > 1e-6
        d = np.where(sound, self.eye_distance, 1.0)
        u = eyes / d[:, None]
        v = np.stack([-u[:, 1], u[:, 0]], axis=1)
        middle = (at[:, 0] + at[:, 1]) / 2
        nose, mouth = at[:, 2] - middle, (at[:, 3] + at[:, 4]) / 2 - middle
        drop = (mouth * v).sum(axis=1)
        sound_drop = sound & (drop > 1e-6)  # a mouth above the eyes is no face seen from the front
        depth = (nose * v).sum(axis=1) / np.where(sound_drop, drop, 1.0)
        self.yaw: F64 = np.where(sound, np.clip((nose * u).sum(axis=1) / (d / 2), -1, 1), 1.0)
        self.pitch: F64 = np.where(sound_drop, np.clip(2 * depth - 1, -1, 1), 1.0)
        self.roll: F64 = np.where(
            sound, np.clip(np.arctan2(eyes[:, 1], eyes[:, 0]) / (np.pi / 2), -1, 1), 1.0
        )
        # A detector may predict only what it sees of a face (YuNet) or all of it (MTCNN). The points of a
        # face that the frame cuts stay near their places, and say how much is missing.
        size = np.maximum(d, drop)
        whole = _whole(middle, u, v, size, np.clip((nose * u).sum(axis=1), -size, size))
        self.cut: F64 = np.maximum(
            _outside(np.asarray(boxes, np.float64), frame_size),
            np.where(sound, _outside(whole, frame_size), 0.0),
        )

    def refusals(self, limits: Limits) -> list[Refusal | None]:
        turned = np.max(np.abs([self.yaw, self.pitch, self.roll]), axis=0)
        tests = (
            self.cut > limits.cut,
            turned > limits.pose,
            self.eye_distance < limits.eye_distance,
        )
        return [
            next((reason for reason, holds in zip(REASONS, row, strict=False) if holds), None)
            for row in zip(*tests, strict=True)
        ]

    def quality(self, row: int, sharpness: float, exposure: float, refusal: Refusal | None) -> Quality:
        return Quality(
            eye_distance=float(self.eye_distance[row]),
            sharpness=float(sharpness),
            yaw=float(self.yaw[row]),
            pitch=float(self.pitch[row]),
            roll=float(self.roll[row]),
            exposure=float(exposure),
            cut=float(self.cut[row]),
            refusal=refusal,
        )


def _whole(middle: F64, u: F64, v: F64, size: F64, across: F64) -> F64:
    """The boxes [n, 4] that faces with these points have where nothing cuts them: around an ellipse WIDE x
    TALL, upright along v. across: from the eyes' middle to the nose along u, pixels."""
    centre = middle - across[:, None] * u + (BELOW * size)[:, None] * v
    sides = size[:, None] * np.hypot(WIDE * u, TALL * v)
    return np.concatenate([centre - sides / 2, sides], axis=1)


def _outside(boxes: F64, frame_size: tuple[int, int]) -> F64:
    """The share of each box that lies outside the frame; 1 for a box without area."""
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    area = np.prod(high - low, axis=1)  # as `inside` is reckoned: a box that is all inside gives exactly 0
    real = np.isfinite(area) & (boxes[:, 2:] > 0).all(axis=1) & (area > 0)
    inside = np.prod(np.clip(high, 0, frame_size) - np.clip(low, 0, frame_size), axis=1)
    return np.where(real, np.clip(1 - inside / np.where(real, area, 1.0), 0, 1), 1.0)


def _appearance(aligned: U8, target_points: F32) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sharpness and exposure, float64 [n] each, of the square from brows to chin.

    Sharpness is the variance of the four-neighbour Laplacian of the grey square (Pech-Pacheco and others,
    "Diatom autofocusing in brightfield microscopy", 2000) after scaling it so that the eyes are EYES pixels
    apart, so that packs of different framing compare. A face enlarged from few pixels has no fine detail and
    falls by itself. The aligned face's rim is left out: background would count as detail, and so would the
    black beyond a frame's edge.
    """
    n, size = len(aligned), aligned.shape[1]
    if not n:
        return np.empty(0), np.empty(0)
    grey = cast(U8, cv2.cvtColor(aligned.reshape(n * size, size, 3), cv2.COLOR_BGR2GRAY))
    grey = grey.reshape(n, size, size)
    eyes = float(np.hypot(*(target_points[1] - target_points[0])))
    centre = target_points.mean(axis=0)
    low = np.clip(np.floor(centre - REACH * eyes), 0, size - 3).astype(int)
    high = np.clip(np.ceil(centre + REACH * eyes), low + 3, size).astype(int)
    square = grey[:, low[1] : high[1], low[0] : high[0]]
    exposure = square.mean(axis=(1, 2))
    share = EYES / eyes
    if abs(share - 1) > 0.01:
        side = max(3, round(square.shape[2] * share)), max(3, round(square.shape[1] * share))
        how = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
        scaled = np.empty((n, side[1], side[0]), np.uint8)
        for face, out in zip(square, scaled, strict=True):
            cv2.resize(face, side, dst=out, interpolation=how)
        square = scaled
    fine = square.astype(np.float32)
    laplacian = (fine[:, :-2, 1:-1] + fine[:, 2:, 1:-1] + fine[:, 1:-1, :-2] + fine[:, 1:-1, 2:]) - 4 * fine[
        :, 1:-1, 1:-1
    ]
    sharpness = laplacian.var(axis=(1, 2))
    for buffer in (grey, square, fine, laplacian):
        buffer.fill(0)
    return sharpness.astype(np.float64), exposure.astype(np.float64)


def _appearance_refusal(sharpness: float, exposure: float, limits: Limits) -> Refusal | None:
    tests = (exposure < limits.darkest, exposure > limits.brightest, sharpness < limits.sharpness)
    return next((reason for reason, holds in zip(REASONS[3:], tests, strict=True) if holds), None)
