"""Where one picture shows another scene than the last: a film's cut, a camera turned away or covered."""

from __future__ import annotations

import cv2
import numpy as np

from lfrd.types import F32
from lfrd.vision.picture import Picture

WIDTH, HEIGHT = 32, 18
"""Size of the thumbnails compared, pixels: no face can be told in them."""
ALIKE = 0.3
"""Correlation of two thumbnails below which nothing of the scene is left (see docs/tracking.md)."""
CHANGED = 8.0
"""Least mean difference, grey levels: the noise of two black pictures is no cut."""


def thumbnail(picture: Picture) -> F32:
    """A picture as float32 [HEIGHT, WIDTH] in grey levels."""
    # Some sixty pixels a cell instead of all of them, which takes a tenth of the time.
    sparse = picture.sampled(4 * WIDTH, 4 * HEIGHT)
    small = cv2.resize(sparse, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    sparse.fill(0)
    return np.asarray(small, np.float32)


class Cuts:
    """Compares each picture with the one before. Call `Tracker.finish()` on a cut, before the update: boxes
    alone cannot tell that the face in the same place is another person's."""

    def __init__(self) -> None:
        self._last: F32 | None = None  # the last picture's thumbnail, its mean taken off and kept beside it
        self._mean = 0.0

    def cut(self, scene: F32) -> bool:
        """Whether the picture of this thumbnail begins another scene. False for the first."""
        mean = float(scene.mean())
        now = scene - np.float32(mean)
        last, self._last = self._last, now
        last_mean, self._mean = self._mean, mean
        if last is None:
            return False
        length = float(np.linalg.norm(now) * np.linalg.norm(last))
        correlation = float((now * last).sum()) / length if length else 0.0
        difference = float(np.abs(now + mean - last - last_mean).mean())
        return correlation < ALIKE and difference > CHANGED
