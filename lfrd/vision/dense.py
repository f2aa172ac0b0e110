"""What the one-stage detectors share: the picture as a tensor, cells of a stride, and the last sorting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from lfrd.errors import LfrdError
from lfrd.types import F32, U8, Detections
from lfrd.vision.adapters import Runner
from lfrd.vision.nms import suppress

STRIDES = (8, 16, 32)
"""Pixels a cell, of the three maps that YuNet and SCRFD look at."""

MOST = 1000
"""Candidates of one picture that are compared with each other; more, and the lowest scores are left out."""


class UnfitModel(LfrdError):
    """A network's outputs are not those of the kind that the manifest says it is."""

    def __init__(self, part: str, kind: str, problem: str) -> None:
        super().__init__(
            f'model pack: {part}: {problem}; is {part}.kind = "{kind}" right for this file? '
            "`lfrd models verify` checks the pack"
        )


@dataclass(frozen=True, slots=True)
class Input:
    """How a detector wants its picture: (pixel - mean) x scale, mean in the order of `rgb`.

    `fixed_size` (width, height) is set for a network that takes one size only: the picture is fitted into it.
    Any other is padded, at the right and below, to multiples of the largest stride.
    """

    rgb: bool
    mean: tuple[float, float, float]
    scale: float
    fixed_size: tuple[int, int] | None = None

    def tensor(self, image: U8) -> tuple[F32, tuple[float, float]]:
        """image: BGR uint8 [height, width, 3]. Returns float32 [1, 3, h, w], to be wiped by the caller, and
        the pixels of the image to one of the tensor, in x and in y."""
        height, width = image.shape[:2]
        w, h = self.fixed_size or (_up(width), _up(height))
        canvas = np.zeros((h, w, 3), np.uint8)
        if self.fixed_size is None:
            canvas[:height, :width] = image
            stretch = (1.0, 1.0)
        else:
            fit = min(w / width, h / height)
            inner = max(1, min(w, round(width * fit))), max(1, min(h, round(height * fit)))
            how = cv2.INTER_AREA if fit < 1 else cv2.INTER_LINEAR
            fitted = cv2.resize(image, inner, interpolation=how)
            canvas[: inner[1], : inner[0]] = fitted
            fitted.fill(0)
            stretch = width / inner[0], height / inner[1]
        tensor = self._planes(canvas)
        canvas.fill(0)
        return tensor, stretch

    def _planes(self, canvas: U8) -> F32:
        """Channel by channel, which takes a quarter of the time of cv2.dnn.blobFromImage."""
        tensor = np.empty((1, 3, *canvas.shape[:2]), np.float32)
        plane = np.empty(canvas.shape[:2], np.uint8)
        for number, mean in enumerate(self.mean):
            cv2.extractChannel(canvas, 2 - number if self.rgb else number, dst=plane)
            tensor[0, number] = plane
            if mean:
                tensor[0, number] -= np.float32(mean)
            if self.scale != 1:
                tensor[0, number] *= np.float32(self.scale)
        plane.fill(0)
        return tensor


def cells(rows: np.ndarray[tuple[int], np.dtype[np.intp]], columns: int) -> F32:
    """float32 [n, 2]: column and row of cells counted line by line. Asked for the few cells that hold a face,
    so that no grid has to be kept for each size of picture."""
    y, x = np.divmod(rows, columns)
    return np.stack([x, y], axis=1).astype(np.float32)


def finished(
    boxes: F32, points: F32, scores: F32, *, stretch: tuple[float, float], nms_iou: float
) -> Detections:
    """One row a face: overlaps suppressed, highest first, in pixels of the image, points left to right.

    boxes: [n, 4] as x, y, width, height; points: [n, 5, 2]; scores: [n]; all in pixels of the tensor. Rows
    that are not finite, which only a damaged model gives, are left out.
    """
    sound = np.isfinite(boxes).all(axis=1) & np.isfinite(points).all(axis=(1, 2)) & np.isfinite(scores)
    if not sound.all():
        boxes, points, scores = boxes[sound], points[sound], scores[sound]
    if len(scores) > MOST:
        top = np.argpartition(scores, -MOST)[-MOST:]
        boxes, points, scores = boxes[top], points[top], scores[top]
    kept = suppress(boxes, scores, nms_iou)
    ratio = np.array(stretch, np.float32)
    return Detections(
        np.ascontiguousarray(boxes[kept] * np.tile(ratio, 2), np.float32),
        left_to_right(np.ascontiguousarray(points[kept] * ratio, np.float32)),
        np.ascontiguousarray(scores[kept], np.float32),
    )


def left_to_right(points: F32) -> F32:
    """The two eyes, and the two mouth corners, ordered as seen in the picture; changed in place."""
    for one, other in ((0, 1), (3, 4)):
        crossed = points[:, one, 0] > points[:, other, 0]
        points[crossed, one], points[crossed, other] = points[crossed, other], points[crossed, one]
    return points


def _up(side: int) -> int:
    largest = STRIDES[-1]
    return -(-side // largest) * largest


Decode: TypeAlias = Callable[[dict[str, F32], int, int, float], tuple[F32, F32, F32]]
"""A network's outputs for a tensor of this width and height to boxes [n, 4], points [n, 5, 2] and scores [n]
of at least the last argument, in pixels of the tensor. Raises UnfitModel where they are another network's."""


class DenseDetector:
    """A `Detector`. Thread-safe where its runner is: nothing is kept between calls."""

    def __init__(self, run: Runner, prepared: Input, decode: Decode, *, nms_iou: float) -> None:
        self._run = run
        self._prepared = prepared
        self._decode = decode
        self._nms_iou = nms_iou

    def detect(self, image: U8, low: float) -> Detections:
        """Faces of a BGR picture of any size whose score is at least `low`; boxes may reach past its edge.

        Raises UnfitModel where the network's outputs are of another kind.
        """
        tensor, stretch = self._prepared.tensor(image)
        try:
            outputs = self._run({"input": tensor})
        finally:
            tensor.fill(0)
        boxes, points, scores = self._decode(outputs, tensor.shape[3], tensor.shape[2], low)
        return finished(boxes, points, scores, stretch=stretch, nms_iou=self._nms_iou)
