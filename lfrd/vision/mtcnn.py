"""MTCNN as a detector: three networks in a cascade, each looking closer at what the last one let through.

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks,
2016. P-Net slides over a pyramid of the picture, R-Net looks at each candidate in 24 x 24 pixels, O-Net in
48 x 48 and gives the five points. Names and shapes of the networks' inputs and outputs:
lfrd/models/builtin/graphs.py.

Coordinates here run along pixel edges: a picture w pixels wide reaches from 0 to w. Where the authors' Matlab
counts pixels from 1 and adds 1 to a side, nothing needs adding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lfrd.types import F32, U8, Detections
from lfrd.vision.adapters import Runner
from lfrd.vision.nms import suppress

_CELL: Final = 12  # pixels that one output of P-Net looks at
_STRIDE: Final = 2  # pixels between two outputs of P-Net
_RNET_SIDE: Final = 24
_ONET_SIDE: Final = 48
_CHUNK: Final = 64  # patches in one call: their intermediate layers stay within a few megabytes
_GREY: Final = (127.5, 127.5, 127.5)


@dataclass(frozen=True, slots=True)
class _Level:
    """One size of the picture. scale: level pixels a picture pixel, across and down."""

    pixels: U8
    scale: tuple[float, float]


class MtcnnDetector:
    """Finds faces and their five points. Thread-safe where its runners are."""

    step: Final = None
    """A part has a pyramid of its own: what is found in it depends on how large it is."""

    def __init__(
        self,
        pnet: Runner,
        rnet: Runner,
        onet: Runner,
        *,
        thresholds: tuple[float, float] = (0.7, 0.7),
        nms_iou: float = 0.7,
        least_face: float = 24.0,
        shrink: float = 0.709,
        colour: Literal["rgb", "bgr"] = "rgb",
        mean: tuple[float, float, float] = _GREY,
        scale: float = 0.0078125,
        most: int = 512,
    ) -> None:
        """Raises ValueError where a number is out of its range.

        thresholds: the probability (0..1) above which P-Net and R-Net let a box through; O-Net's is
        `detect`'s `low`. The authors' 0.6 for P-Net found no more faces (score 0.7) in two clips and 1,663
        portraits, and took longer. nms_iou: overlap above which two boxes are one
        face (between levels and behind R-Net over the union, behind O-Net over the smaller box). least_face:
        side in pixels of the smallest face looked for. shrink: ratio between levels of the pyramid. mean,
        scale: (pixel - mean) x scale goes into the networks, channels in the order `colour`. most:
        candidates kept a stage, best first.
        """
        if not 0 < shrink < 1:
            raise ValueError(f"shrink must lie between 0 and 1, not {shrink}")
        if least_face < _CELL:
            raise ValueError(f"least_face must be at least {_CELL} pixels, not {least_face}")
        if most < 1:
            raise ValueError(f"most must be at least 1, not {most}")
        self._pnet = pnet
        self._rnet = rnet
        self._onet = onet
        self._pnet_threshold, self._rnet_threshold = thresholds
        self._nms_iou = nms_iou
        self._least_face = least_face
        self._shrink = shrink
        self._swap = colour == "rgb"  # pictures come as BGR
        self._mean = np.array(mean, np.float32).reshape(3, 1, 1)
        self._scale = scale
        self._most = most  # bounds memory: suppression takes most x most numbers, a stage `most` patches

    def detect(self, image: U8, low: float) -> Detections:
        """Faces with an O-Net score of at least `low`; see `adapters.Detector`.

        Boxes may reach past the picture. A picture in which no face of `least_face` pixels fits gives none.
        """
        with self._pyramid(image) as levels:
            boxes = self._propose(levels)
            boxes = self._refine(levels, boxes)
            return self._finish(levels, boxes, low)

    # ---- the three stages. Between them boxes are squares, float32 [n, 3]: left, top, side ----------------

    def _propose(self, levels: list[_Level]) -> F32:
        """P-Net over every level but the first, which is the picture itself."""
        found = [self._propose_at(level) for level in levels[1:]]
        if not found:
            return np.empty((0, 3), np.float32)
        boxes = np.concatenate([boxes for boxes, _ in found])
        scores = np.concatenate([scores for _, scores in found])
        return _squares(boxes[self._distinct(boxes, scores, self._nms_iou)])

    def _propose_at(self, level: _Level) -> tuple[F32, F32]:
        """Boxes [n, 4] and scores [n] of one level, in pixels of the picture."""
        blob = self._blob(level.pixels[None])
        out = self._pnet({"input": blob})
        blob.fill(0)
        face, offsets = out["face"][0, 0], out["offsets"][0]
        rows, columns = np.nonzero(face > self._pnet_threshold)
        scores = face[rows, columns]
        corners = np.stack([columns, rows], 1).astype(np.float32) * _STRIDE
        cells = np.concatenate([corners, np.full_like(corners, _CELL)], 1)
        shrunk = np.array(level.scale * 2, np.float32)
        boxes = np.divide(_shifted(cells, offsets[:, rows, columns].T), shrunk, dtype=np.float32)
        kept = self._distinct(boxes, scores, 0.5)  # neighbours at one level: the authors' number
        return boxes[kept], scores[kept]

    def _refine(self, levels: list[_Level], squares: F32) -> F32:
        if len(squares) == 0:
            return squares
        out = self._look(self._rnet, levels, squares, _RNET_SIDE)
        scores = out["face"][:, 0]
        passed = scores > self._rnet_threshold
        boxes = _shifted(_xywh(squares[passed]), out["offsets"][passed])
        return _squares(boxes[self._distinct(boxes, scores[passed], self._nms_iou)])

    def _finish(self, levels: list[_Level], squares: F32, low: float) -> Detections:
        if len(squares) == 0:
            return Detections.none()
        out = self._look(self._onet, levels, squares, _ONET_SIDE)
        scores = out["face"][:, 0]
        passed = scores >= low
        squares, scores = squares[passed], scores[passed]
        # Five x, then five y; from edges to pixel centres, as all points in lfrd.
        points = out["points"][passed].reshape(-1, 2, 5).transpose(0, 2, 1)
        points = points * squares[:, None, 2:] + squares[:, None, :2] - np.float32(0.5)
        boxes = _shifted(_xywh(squares), out["offsets"][passed])
        kept = suppress(boxes, scores, self._nms_iou, by_smaller=True)
        return Detections(boxes[kept], points[kept], scores[kept])

    # ---- pixels --------------------------------------------------------------------------------------------

    @contextmanager
    def _pyramid(self, image: U8) -> Iterator[list[_Level]]:
        """The picture, and below it the levels for P-Net; those are overwritten at the end."""
        height, width = image.shape[:2]
        levels = [_Level(image, (1.0, 1.0))]
        scale = _CELL / self._least_face
        while min(height, width) * scale >= _CELL:
            size = max(_CELL, round(width * scale)), max(_CELL, round(height * scale))
            pixels = cast(U8, cv2.resize(levels[-1].pixels, size, interpolation=cv2.INTER_AREA))
            levels.append(_Level(pixels, (size[0] / width, size[1] / height)))
            scale *= self._shrink
        try:
            yield levels
        finally:
            for level in levels[1:]:
                level.pixels.fill(0)

    def _look(self, network: Runner, levels: list[_Level], squares: F32, side: int) -> dict[str, F32]:
        """The network's outputs for the squares, cut from the picture at side x side pixels."""
        parts = []
        for start in range(0, len(squares), _CHUNK):
            patches = _cut(levels, squares[start : start + _CHUNK], side)
            blob = self._blob(patches)
            parts.append(network({"input": blob}))
            patches.fill(0)
            blob.fill(0)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _blob(self, pictures: U8) -> F32:
        """BGR uint8 [n, h, w, 3] as the networks want it, float32 [n, 3, h, w]."""
        channels = pictures[..., ::-1] if self._swap else pictures
        blob = channels.transpose(0, 3, 1, 2).astype(np.float32, order="C")
        blob -= self._mean
        blob *= np.float32(self._scale)
        return blob

    def _distinct(self, boxes: F32, scores: F32, iou: float) -> NDArray[np.intp]:
        """The best `most` boxes, less those that overlap a better one."""
        if len(scores) > self._most:
            best = np.argpartition(-scores, self._most)[: self._most]
            return best[suppress(boxes[best], scores[best], iou)]
        return suppress(boxes, scores, iou)


def _cut(levels: list[_Level], squares: F32, side: int) -> U8:
    """BGR uint8 [n, side, side, 3]; what lies outside the picture is grey.

    Each square is sampled from the smallest level that still has a pixel for each of the patch's: a large
    face is not reduced to 24 pixels by leaving most of it out.
    """
    patches = np.empty((len(squares), side, side, 3), np.uint8)
    scales = np.array([min(level.scale) for level in levels])
    finest = (scales[:, None] * squares[:, 2] >= side).sum(0) - 1
    chosen = np.maximum(finest, 0)
    centres = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
    for number in np.unique(chosen):
        level = levels[number]
        rows = chosen == number
        some = squares[rows]
        across = (some[:, :1] + centres * some[:, 2:]) * np.float32(level.scale[0]) - np.float32(0.5)
        down = (some[:, 1:2] + centres * some[:, 2:]) * np.float32(level.scale[1]) - np.float32(0.5)
        shape = (len(some), side, side)
        x = np.broadcast_to(across[:, None, :], shape).reshape(-1, side)
        y = np.broadcast_to(down[:, :, None], shape).reshape(-1, side)
        cut = cv2.remap(
            level.pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=_GREY
        )
        patches[rows] = cut.reshape(*shape, 3)
        cut.fill(0)
    return patches


def _xywh(squares: F32) -> F32:
    return squares[:, [0, 1, 2, 2]]


def _squares(boxes: F32) -> F32:
    """[n, 4] x, y, width, height as squares [n, 3] about the same centres, of the longer side."""
    side = boxes[:, 2:].max(1, keepdims=True)
    return np.concatenate([boxes[:, :2] + (boxes[:, 2:] - side) / 2, side], 1)


def _shifted(boxes: F32, offsets: F32) -> F32:
    """Boxes [n, 4] (x, y, width, height) with each edge moved by offsets [n, 4] (left, top, right, bottom)
    in units of the box's width and height."""
    moved = offsets * boxes[:, [2, 3, 2, 3]]
    corner = boxes[:, :2] + moved[:, :2]
    far = boxes[:, :2] + boxes[:, 2:] + moved[:, 2:]
    return np.concatenate([corner, far - corner], 1)
