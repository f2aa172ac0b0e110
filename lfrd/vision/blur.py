"""Faces made unrecognisable for good: what was there is replaced, not smeared."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from lfrd.types import F32, U8

GROWN = 1.7
"""Each box is covered at this many times its sides: hair, ears and chin too, and a box that sits badly."""
CELLS = 4
"""A face becomes so many squares across and down."""
STEP = 32
"""Brightness levels that become one: with the cells, a face keeps 4 x 4 colours of three times three bits."""


def hide(image: U8, boxes: F32) -> None:
    """Replace every face of a picture by a few coarse squares of its mean colours, in place.

    image: BGR uint8 [height, width, 3]; boxes: float32 [n, 4], x, y, width, height in its pixels, as
    `types.Detections` has them; they may reach past the picture. Nothing of the original detail is left to
    work back from, as there would be after a Gaussian blur; and because colours are rounded, many pictures of
    one face do not add up to a better one. Boxes that are not finite are left out.
    """
    height, width = image.shape[:2]
    for x, y, w, h in np.asarray(boxes, np.float64)[np.isfinite(boxes).all(axis=1)]:
        left, right = _span(x, w, width)
        top, bottom = _span(y, h, height)
        if left < right and top < bottom:
            _replace(image[top:bottom, left:right])


def _span(start: float, length: float, limit: int) -> tuple[int, int]:
    """First pixel and the one behind the last of a side, grown and clipped to the picture."""
    grown = length * GROWN
    first = start + (length - grown) / 2
    return int(np.clip(np.floor(first), 0, limit)), int(np.clip(np.ceil(first + grown), 0, limit))


def _replace(part: U8) -> None:
    rows = np.linspace(0, part.shape[0], min(CELLS, part.shape[0]) + 1).astype(int)
    columns = np.linspace(0, part.shape[1], min(CELLS, part.shape[1]) + 1).astype(int)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            cell = part[top:bottom, left:right]
            mean = cell.mean(axis=(0, 1))
            cell[:] = (mean // STEP * STEP + STEP // 2).astype(np.uint8)
