"""What the one-stage detectors share: the picture as a tensor, cells of a stride, and the last sorting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

LARGEST_KEPT = 1920 * 1088
"""Pixels of the largest tensor that is kept for the next picture: 25 MB."""


class UnfitModel(LfrdError):
    """A network's outputs are not those of the kind that the manifest says it is."""

    def __init__(self, part: str, kind: str, problem: str) -> None:
        super().__init__(
            f'model pack: {part}: {problem}; is {part}.kind = "{kind}" right for this file? '
            "`lfrd models verify` checks the pack"
        )


class _Idle(threading.local):
    """Memory that this thread keeps for its next pictures, wiped. What is new to a process has to be cleared
    by the system first, which takes as long as filling it."""

    def __init__(self) -> None:
        # As large as the largest tensor was: parts of pictures are of many sizes, and all fit.
        self._numbers: F32 = np.empty(0, np.float32)

    def take(self, height: int, width: int) -> F32:
        """float32 [1, 3, height, width], all zeros; nobody else's until it is given back."""
        kept, self._numbers = self._numbers, np.empty(0, np.float32)
        wanted = 3 * height * width
        if len(kept) < wanted:
            kept = np.zeros(wanted, np.float32)
        return kept[:wanted].reshape(1, 3, height, width)

    def give(self, tensor: F32) -> None:
        """Overwrite a tensor, and keep its memory where it is not too large."""
        tensor.fill(0)
        owner = tensor.base
        if isinstance(owner, np.ndarray) and len(self._numbers) < len(owner) <= 3 * LARGEST_KEPT:
            self._numbers = owner


_idle = _Idle()


@dataclass(frozen=True, slots=True)
class Input:
    """How a detector wants its picture: (pixel - mean) x scale, mean in the order of `rgb`.

    `fixed_size` (width, height) is set for a network that takes one size only: the picture is fitted into it.
    Any other is padded with black, at the right and below, to multiples of the largest stride.
    """

    rgb: bool
    mean: tuple[float, float, float]
    scale: float
    fixed_size: tuple[int, int] | None = None

    @contextmanager
    def tensor(self, image: U8) -> Iterator[tuple[F32, tuple[float, float]]]:
        """image: BGR uint8 [height, width, 3]. Gives float32 [1, 3, h, w], which is overwritten at the end of
        the block, and the pixels of the image to one of the tensor, in x and in y."""
        height, width = image.shape[:2]
        w, h = self.fixed_size or (_up(width), _up(height))
        tensor = _idle.take(h, w)
        try:
            if self.fixed_size is None:
                self._fill(tensor, image)
                yield tensor, (1.0, 1.0)
                return
            fit = min(w / width, h / height)
            inner = max(1, min(w, round(width * fit))), max(1, min(h, round(height * fit)))
            how = cv2.INTER_AREA if fit < 1 else cv2.INTER_LINEAR
            fitted = np.asarray(cv2.resize(image, inner, interpolation=how), np.uint8)
            self._fill(tensor, fitted)
            fitted.fill(0)
            yield tensor, (width / inner[0], height / inner[1])
        finally:
            _idle.give(tensor)

    def _fill(self, tensor: F32, picture: U8) -> None:
        """Write the picture into the top left corner, black around it. Plane by plane and straight from the
        picture: that takes a quarter of the time of cv2.dnn.blobFromImage, and leaves no copy to be wiped."""
        rows, columns = picture.shape[:2]
        scale = np.float32(self.scale)
        for number, mean in enumerate(map(np.float32, self.mean)):
            plane = tensor[0, number]
            inner = plane[:rows, :columns]
            inner[:] = picture[..., 2 - number if self.rgb else number]
            if mean:
                inner -= mean
            if scale != 1:
                inner *= scale
            black = (0 - mean) * scale
            plane[rows:] = black
            plane[:rows, columns:] = black


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
    """A `Detector`. Thread-safe where its runner is: between calls nothing is kept but wiped memory, by each
    thread its own."""

    def __init__(self, run: Runner, prepared: Input, decode: Decode, *, nms_iou: float) -> None:
        self._run = run
        self._prepared = prepared
        self._decode = decode
        self._nms_iou = nms_iou
        self.step = STRIDES[-1] if prepared.fixed_size is None else None

    def detect(self, image: U8, low: float) -> Detections:
        """Faces of a BGR picture of any size whose score is at least `low`; boxes may reach past its edge.

        Raises UnfitModel where the network's outputs are of another kind.
        """
        with self._prepared.tensor(image) as (tensor, stretch):
            outputs = self._run({"input": tensor})
            h, w = tensor.shape[2:]
        boxes, points, scores = self._decode(outputs, w, h, low)
        return finished(boxes, points, scores, stretch=stretch, nms_iou=self._nms_iou)
