"""SCRFD (InsightFace) with points: one network, three strides, two anchors a cell."""

from __future__ import annotations

import numpy as np

from lfrd.types import F32
from lfrd.vision.dense import STRIDES, UnfitModel, cells

ANCHORS = 2  # a cell, one after the other in the outputs


def decoded(outputs: dict[str, F32], width: int, height: int, low: float) -> tuple[F32, F32, F32]:
    """Boxes (x, y, width, height), points and scores as `dense.Decode` has them, before suppression.

    Outputs a stride: scores [n, 1] (probabilities), boxes [n, 4] (left, top, right, bottom) and points
    [n, 10] (x, y), all counted in strides from the cell's corner; n is twice the number of cells. Exports
    name them score_8, bbox_8, kps_8 or only number them, with or without a leading batch dimension, so they
    are told apart by their shapes, which are all different.
    """
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
