"""YuNet (libfacedetection), and its export in the OpenCV Zoo: one network, three strides, one cell a face."""

from __future__ import annotations

import numpy as np

from lfrd.types import F32
from lfrd.vision.dense import STRIDES, UnfitModel, cells

FARTHEST = 12.0  # exp(12) x 8 pixels: larger than any picture, and still far from overflow


def decoded(outputs: dict[str, F32], width: int, height: int, low: float) -> tuple[F32, F32, F32]:
    """Boxes (x, y, width, height), points and scores as `dense.Decode` has them, before suppression.

    Outputs a stride S: `cls_S` and `obj_S` [1, n, 1], probabilities; `bbox_S` [1, n, 4], the centre's place
    in its cell and the logarithm of the sides, in cells; `kps_S` [1, n, 10], points in cells from their cell.
    A face's score is the geometric mean of its class and its objectness.
    """
    boxes, points, scores = [], [], []
    for stride in STRIDES:
        columns, rows = width // stride, height // stride
        named = {part: outputs.get(f"{part}_{stride}") for part in ("cls", "obj", "bbox", "kps")}
        for (part, output), sides in zip(named.items(), (1, 1, 4, 10), strict=True):
            if output is None:
                raise UnfitModel("detector", "yunet", f"the network has no output {part}_{stride}")
            if output.size != columns * rows * sides:
                raise UnfitModel(
                    "detector",
                    "yunet",
                    f"output {part}_{stride} is {list(output.shape)} for a picture of {width} x {height}",
                )
        cls, obj, bbox, kps = (np.asarray(output, np.float32) for output in named.values())
        likely = np.sqrt(np.clip(cls.reshape(-1), 0, 1) * np.clip(obj.reshape(-1), 0, 1))
        found = np.flatnonzero(likely >= low)
        cell = cells(found, columns)
        place = bbox.reshape(-1, 4)[found]
        centre = (cell + place[:, :2]) * stride
        sides_of = np.exp(np.clip(place[:, 2:], -FARTHEST, FARTHEST)) * stride
        boxes.append(np.concatenate([centre - sides_of / 2, sides_of], axis=1))
        points.append((kps.reshape(-1, 5, 2)[found] + cell[:, None]) * stride)
        scores.append(likely[found])
    return np.concatenate(boxes), np.concatenate(points), np.concatenate(scores)
