"""A rectangle of a picture's pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfrd.types import F32, U8


class Part(NamedTuple):
    """Columns left..right and rows top..bottom; the last ones are excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width, height."""
        return self.right - self.left, self.bottom - self.top

    def cuts(self, boxes: F32, size: tuple[int, int]) -> NDArray[np.bool_]:
        """Which boxes [n, 4] (x, y, width, height, in pixels of the part) reach past an edge that is not also
        the edge of the picture, whose width and height `size` gives."""
        low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
        before = (low < 0) & (np.array(self[:2]) > 0)
        after = (high > np.array(self.size)) & (np.array(self[2:]) < np.array(size))
        return np.asarray((before | after).any(axis=1))

    def of(self, pixels: U8) -> U8:
        """This part of a picture [height, width, ...]: a view."""
        return pixels[self.top : self.bottom, self.left : self.right]
