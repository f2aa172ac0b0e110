"""A picture with its shadows lit is a copy, and shows more of what is dark."""

from __future__ import annotations

import numpy as np

from lfrd.types import U8
from lfrd.vision.light import lifted


def test_what_is_dark_is_spread_over_more_levels_and_the_picture_itself_stays() -> None:
    dark: U8 = np.random.default_rng(1).integers(10, 20, (90, 160, 3), dtype=np.uint8)
    before = dark.copy()
    bright = lifted(dark)
    assert bright.shape == dark.shape
    assert float(bright.max()) > 1.5 * float(dark.max())
    assert (dark == before).all()
