"""YuNet (libfacedetection), and its export in the OpenCV Zoo: one network, three strides, one cell a face."""

from __future__ import annotations

import numpy as np

from lfrd.types import F32, U8, Detections
from lfrd.vision.adapters import Runner
from lfrd.vision.dense import STRIDES, Input, UnfitModel, cells, finished

FARTHEST = 12.0  # exp(12) x 8 pixels: larger than any picture, and still far from overflow


class YunetDetector:
    """A `Detector`. Thread-safe where its runner is: nothing is kept between calls.

    Outputs a stride S: `cls_S` and `obj_S` [1, n, 1], probabilities; `bbox_S` [1, n, 4], the centre's place
    in its cell and the logarithm of the sides, in cells; `kps_S` [1, n, 10], points in cells from their cell.
    """

    def __init__(self, run: Runner, prepared: Input, *, nms_iou: float) -> None:
        self._run = run
        self._prepared = prepared
        self._nms_iou = nms_iou

    def detect(self, image: U8, low: float) -> Detections:
        """Faces of a BGR picture of any size whose score is at least `low`; boxes may reach past its edge.

        Raises UnfitModel where the network's outputs are not YuNet's.
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
    suppression. A face's score is the geometric mean of its class and its objectness."""
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
