"""Non-maximum suppression: of boxes that overlap, the one with the highest score stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lfrd.types import F32


def suppress(boxes_xywh: F32, scores: F32, iou: float, *, by_smaller: bool = False) -> NDArray[np.intp]:
    """Indices of the boxes that stay, highest score first; among equal scores the first given.

    boxes_xywh: float32 [n, 4]; scores: float32 [n]. A box falls when its overlap with one that stays is above
    `iou` (0..1): their intersection over their union or, `by_smaller`, over the smaller of the two, so that
    a box within a larger one falls as well. Takes memory for n x n numbers: callers cap n.
    """
    if len(boxes_xywh) == 0:
        return np.empty(0, np.intp)
    order = np.argsort(-scores, kind="stable")
    near = _overlaps(boxes_xywh[order], iou, by_smaller=by_smaller)
    alive = np.ones(len(order), np.bool_)
    kept = []
    at = 0
    while alive[at]:
        kept.append(at)
        alive &= ~near[at]
        alive[at] = False
        at = int(alive.argmax())
    return order[kept]


def _overlaps(boxes: F32, iou: float, *, by_smaller: bool) -> NDArray[np.bool_]:
    """[n, n]: whether two boxes overlap by more than `iou`. Compared without dividing: boxes may be empty."""
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    width = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    height = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    area = boxes[:, 2] * boxes[:, 3]
    whole = np.minimum(area[:, None], area) if by_smaller else area[:, None] + area - shared
    return np.asarray(shared > iou * whole)
