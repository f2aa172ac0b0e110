"""Portraits that installed packages carry, as pixels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from lfrd.types import U8


def portrait(path: Path) -> U8:
    """BGR uint8 [height, width, 3]."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)
