"""From five points to an aligned face: the similarity that lays it over a template, and the cut itself."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lfrd.types import F32, F64, U8, Box
from lfrd.vision.picture import Picture

ARCFACE_112: F32 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    np.float32,
)
"""Where the five points lie in a face of 112 x 112, pixels: the template of InsightFace's ArcFace
(`arcface_src` in its face_align.py), which SFace and most recognisers since share."""
ARCFACE_112.flags.writeable = False

MARGIN = 2.0  # pixels cut beyond the needed region, for the interpolation at its border
SHRINK = 0.5  # a face that becomes smaller than this is averaged down first: bilinear sampling would alias
SPARE = 1.25  # and keeps this much more detail than the aligned face can show, so as not to blur twice
FARTHEST = 1e7  # no frame has such a coordinate
SMALLEST, LARGEST = 1e-3, 1e3  # scales between frame and aligned face that a real face can have


def similarity(points: F32, target: F32) -> F64:
    """The rotation, uniform scale and shift that bring each face's points nearest to the target's.

    points: [n, 5, 2] in pixels of the frame; target: [5, 2] in pixels of the aligned face. Returns float64
    [n, 2, 3], frame to aligned face; rows of NaN where the points determine none (all in one place, not
    finite, or so mirrored that only a point is left). The least squares solution of Umeyama, "Least-squares
    estimation of transformation parameters between two point patterns", 1991, equations 40 to 43. In the
    plane it needs no singular values: with points as complex numbers z and target as w, both about their
    means, rotation and scale together are sum(conj(z) w) / sum(|z|^2).
    """
    source = np.asarray(points, np.float64)
    finite = np.asarray((np.abs(source) < FARTHEST).all(axis=(1, 2)))  # false for NaN too
    source = np.where(finite[:, None, None], source, 0)
    z = source[..., 0] + 1j * source[..., 1]
    goal = np.asarray(target, np.float64)
    w = goal[:, 0] + 1j * goal[:, 1]
    z_mean, w_mean = z.mean(axis=1), w.mean()
    zc, wc = z - z_mean[:, None], w - w_mean
    spread = (np.abs(zc) ** 2).sum(axis=1)
    known = spread > 1e-12
    turn = (np.conj(zc) * wc).sum(axis=1) / np.where(known, spread, 1.0)
    scale = np.abs(turn)
    known &= finite & (scale > SMALLEST) & (scale < LARGEST)
    shift = w_mean - turn * z_mean
    matrices = np.empty((len(source), 2, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = turn.real
    matrices[:, 0, 1], matrices[:, 1, 0] = -turn.imag, turn.imag
    matrices[:, 0, 2], matrices[:, 1, 2] = shift.real, shift.imag
    matrices[~known] = np.nan
    return matrices


def usable(matrices: F64) -> NDArray[np.bool_]:
    """bool [n]: which rows of `similarity` are transforms."""
    return np.asarray(np.isfinite(matrices).all(axis=(1, 2)))


def align(picture: Picture, points: F32, target: F32, size: int) -> U8:
    """Each face cut from the full-size frame and laid over the template.

    points: [n, 5, 2] in pixels of the frame; target: [5, 2] in pixels of the aligned face. Returns BGR uint8
    [n, size, size, 3]. Rows whose points determine no transform (see `usable`) are black.

    What lies outside the frame is black too, as in the pictures that recognisers of this family are trained
    on; a repeated edge would draw streaks across the cheek that no face has.
    """
    matrices = similarity(points, target)
    faces = np.zeros((len(matrices), size, size, 3), np.uint8)
    for number in np.flatnonzero(usable(matrices)):
        _cut(picture, matrices[number], faces[number])
    return faces


def _cut(picture: Picture, matrix: F64, out: U8) -> None:
    """Warp one face into `out`, reading no more of the picture than it covers."""
    size = len(out)
    region = _region(matrix, size)
    if not _touches(region, picture.size):
        return
    crop, (left, top) = picture.crop(region)
    try:
        local = matrix.copy()
        local[:, 2] += matrix[:, :2] @ (left, top)
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        if scale < SHRINK:
            crop, local = _shrunk(crop, local, min(1.0, scale * SPARE))
        cv2.warpAffine(crop, local, (size, size), dst=out, flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0))
    finally:
        crop.fill(0)


def _shrunk(crop: U8, local: F64, share: float) -> tuple[U8, F64]:
    """The crop averaged down to about `share` of its sides, and the transform from there. Wipes the crop."""
    height, width = crop.shape[:2]
    w, h = max(2, round(width * share)), max(2, round(height * share))
    small = cast(U8, cv2.resize(crop, (w, h), interpolation=cv2.INTER_AREA))
    crop.fill(0)
    # A pixel's centre is at +0.5: x = (x' + 0.5) * width / w - 0.5.
    stretch = np.array([width / w, height / h])
    scaled = local.copy()
    scaled[:, :2] = local[:, :2] * stretch
    scaled[:, 2] += local[:, :2] @ (0.5 * stretch - 0.5)
    return small, scaled


def _region(matrix: F64, size: int) -> Box:
    """The part of the frame that an aligned face covers, with a margin."""
    corners = np.array([[0, 0], [size - 1, 0], [0, size - 1], [size - 1, size - 1]], np.float64)
    seen = np.linalg.solve(matrix[:, :2], (corners - matrix[:, 2]).T).T
    low, high = seen.min(axis=0) - MARGIN, seen.max(axis=0) + MARGIN
    return Box(float(low[0]), float(low[1]), float(high[0] - low[0]) + 1, float(high[1] - low[1]) + 1)


def _touches(region: Box, frame: tuple[int, int]) -> bool:
    return (
        region.x < frame[0]
        and region.y < frame[1]
        and region.x + region.width > 0
        and region.y + region.height > 0
    )
