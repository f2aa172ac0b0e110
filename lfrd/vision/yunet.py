"""YuNet (libfacedetection), and its export in the OpenCV Zoo: one network, three strides, one cell a face."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lfrd.types import F32
from lfrd.vision.dense import STRIDES, UnfitModel, cells

PARTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""What the network says of each cell, and in how many numbers: `decoded` says which."""

MAP = "map_{}"
"""The output of a stride whose heads `models.heads` has joined."""

FARTHEST = 12.0  # exp(12) x 8 pixels: larger than any picture, and still far from overflow
STEEPEST = 80.0  # exp(80) is the end of float32, nearly; a probability of 1 / exp(80) is none


def decoded(outputs: dict[str, F32], width: int, height: int, low: float) -> tuple[F32, F32, F32]:
    """Boxes (x, y, width, height), points and scores as `dense.Decode` has them, before suppression.

    Outputs a stride S: `cls_S` and `obj_S` [1, n, 1], probabilities; `bbox_S` [1, n, 4], the centre's place
    in its cell and the logarithm of the sides, in cells; `kps_S` [1, n, 10], points in cells from their cell.
    Or `map_S` [1, 16, rows, columns], all of them in this order; of its first two the probabilities are still
    to be made. A face's score is the geometric mean of its class and its objectness.
    """
    at, values, scores, scales = [], [], [], []
    for stride in STRIDES:
        columns, rows = width // stride, height // stride
        name = MAP.format(stride)
        if name in outputs:
            _check(outputs, name, columns * rows * sum(PARTS.values()), width, height)
            found, likely, said = _likely_of_map(outputs[name], low)
        else:
            for part, sides in PARTS.items():
                _check(outputs, f"{part}_{stride}", columns * rows * sides, width, height)
            cls, obj, bbox, kps = (outputs[f"{part}_{stride}"] for part in PARTS)
            found, likely, said = _likely(cls, obj, bbox, kps, low)
        at.append(cells(found, columns))
        values.append(said)
        scores.append(likely)
        scales.append(np.full((len(found), 1), stride, np.float32))
    cell, place, scale = np.concatenate(at), np.concatenate(values), np.concatenate(scales)
    centre = (cell + place[:, :2]) * scale
    extent = np.exp(np.clip(place[:, 2:4], -FARTHEST, FARTHEST)) * scale
    boxes = np.concatenate([centre - extent / 2, extent], axis=1)
    points = (place[:, 4:].reshape(-1, 5, 2) + cell[:, None]) * scale[:, None]
    return boxes, points, np.concatenate(scores)


def probabilities(raw: F32) -> F32:
    """The logistic function of a network's raw numbers."""
    return np.asarray(1 / (1 + np.exp(-np.clip(raw, -STEEPEST, STEEPEST))), np.float32)


Cells = tuple[NDArray[np.intp], F32, F32]
"""The cells, counted line by line, whose score is high enough: which they are, [n]; their scores, [n]; `bbox`
and `kps` of each, [n, 14]."""


def _likely(cls: F32, obj: F32, bbox: F32, kps: F32, low: float) -> Cells:
    likely = np.sqrt(np.clip(cls.reshape(-1), 0, 1) * np.clip(obj.reshape(-1), 0, 1))
    found = np.flatnonzero(likely >= low)
    said = np.concatenate([bbox.reshape(-1, 4)[found], kps.reshape(-1, 10)[found]], axis=1)
    return found, likely[found], said


def _likely_of_map(joined: F32, low: float) -> Cells:
    """Neither probability exceeds 1, so both must reach the square of `low`: that is asked of the raw numbers
    first, and spares nearly all cells the exponentials."""
    flat = joined.reshape(joined.shape[1], -1)
    gate = _raw(min(low * low, 0.999)) - 1e-3  # a hair too wide: `low` itself decides
    near = np.flatnonzero((flat[0] >= gate) & (flat[1] >= gate))
    cls, obj = probabilities(flat[:2, near])
    likely = np.sqrt(cls * obj)
    certain = likely >= low
    found = near[certain]
    return found, likely[certain], flat[2:, found].T


def _raw(probability: float) -> float:
    """The inverse of `probabilities`."""
    return math.log(probability / (1 - probability)) if probability > 0 else -math.inf


def _check(outputs: dict[str, F32], name: str, size: int, width: int, height: int) -> None:
    output = outputs.get(name)
    if output is None:
        raise UnfitModel("detector", "yunet", f"the network has no output {name}")
    if output.size != size:
        raise UnfitModel(
            "detector", "yunet", f"output {name} is {list(output.shape)} for a picture of {width} x {height}"
        )
