"""SCRFD (InsightFace) with points: one network, three strides, two anchors a cell."""

from __future__ import annotations

import numpy as np

from lfrd.types import F32, U8, Detections
from lfrd.vision.adapters import Runner
from lfrd.vision.dense import STRIDES, Input, UnfitModel, cells, finished

ANCHORS = 2  # a cell, one after the other in the outputs


class ScrfdDetector:
    """A `Detector`. Thread-safe where its runner is: nothing is kept between calls.

    Outputs a stride: scores [n, 1] (probabilities), boxes [n, 4] (left, top, right, bottom) and points
    [n, 10] (x, y), all counted in strides from the cell's corner; n is twice the number of cells. Exports
    name them score_8, bbox_8, kps_8 or only number them, with or without a leading batch dimension, so they
    are told apart by their shapes, which are all different.
    """

    def __init__(self, run: Runner, prepared: Input, *, nms_iou: float) -> None:
        self._run = run
        self._prepared = prepared
        self._nms_iou = nms_iou

    def detect(self, image: U8, low: float) -> Detections:
        """Faces of a BGR picture of any size whose score is at least `low`; boxes may reach past its edge.

        Raises UnfitModel where the network's outputs are not SCRFD's.
        """
        tensor, stretch = self._prepared.tensor(image)
        try:
            outputs = self._run({"input": tensor})
        finally:
            tensor.fill(0)
        boxes, points, scores = decoded(outputs, tensor.shape[3], tensor.shape[2], low)
        return finished(boxes, points, scores, stretch=stretch, nms_iou=self._nms_iou)


def decoded(outputs: dict[str, F32], width: int, height: int, low: float) -> tuple[F32, F32, F32]:
    """Boxes [n, 4] (x, y, width, height), points [n, 5, 2] and scores [n] in pixels of the tensor, before
    suppression."""
    shaped: dict[tuple[int, int], F32] = {}
    for output in outputs.values():
        last = output.shape[-1] if output.ndim else 0
        if last:
            shaped[output.size // last, last] = np.asarray(output, np.float32).reshape(-1, last)
    boxes, points, scores = [], [], []
    for stride in STRIDES:
        columns, rows = width // stride, height // stride
        n = columns * rows * ANCHORS
        try:
            likely, sides, place = (shaped[n, last] for last in (1, 4, 10))
        except KeyError as missing:
            wanted = list(missing.args[0])
            raise UnfitModel(
                "detector",
                "scrfd",
                f"no output of shape {wanted} at stride {stride} for a picture of {width} x {height}",
            ) from None
        found = np.flatnonzero(likely[:, 0] >= low)
        anchor = cells(found // ANCHORS, columns) * stride
        reach = sides[found] * stride
        corner = anchor - reach[:, :2]
        boxes.append(np.concatenate([corner, reach[:, :2] + reach[:, 2:]], axis=1))
        points.append(place[found].reshape(-1, 5, 2) * stride + anchor[:, None])
        scores.append(np.clip(likely[found, 0], 0, 1))
    return np.concatenate(boxes), np.concatenate(points), np.concatenate(scores)
