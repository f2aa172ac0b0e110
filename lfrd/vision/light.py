"""A picture as if its shadows were lit, for a detector that overlooks faces in the dark."""

from __future__ import annotations

from typing import Final, cast

import cv2

from lfrd.types import U8

CONTRAST: Final = 4.0
TILES: Final = (8, 8)
"""Of OpenCV's contrast-limited adaptive histogram equalisation: how steep, and of how many parts each has its
own. docs/preview.md has what they are good for."""


def lifted(image: U8) -> U8:
    """A copy of BGR uint8 [height, width, 3], each part's brightness spread over the whole range; the caller
    wipes it."""
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
    light = cv2.createCLAHE(CONTRAST, TILES).apply(cv2.extractChannel(lab, 0))
    cv2.insertChannel(light, lab, 0)
    light.fill(0)
    bright = cast(U8, cv2.cvtColor(lab, cv2.COLOR_LAB2BGR))
    lab.fill(0)
    return bright
