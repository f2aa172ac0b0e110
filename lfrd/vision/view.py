"""The picture of a face that an officer is shown: cut with its surroundings, and small enough to send."""

from __future__ import annotations

from typing import cast

import cv2

from lfrd.types import U8, Box
from lfrd.vision.picture import Picture

MARGIN = 1.8  # it shows this many times the face's box
HEIGHT = 360  # pixels, at the most
JPEG_QUALITY = 88


def cut(picture: Picture, box: Box) -> U8:
    """The face in `box` with its surroundings, as BGR uint8 [height, width, 3], which the caller wipes."""
    view, _ = picture.crop(box.grown(MARGIN))
    return view


def jpeg(view: U8) -> bytes:
    """A BGR picture as a JPEG file at most HEIGHT pixels high. Leaves `view` as it is."""
    height, width = view.shape[:2]
    small = view
    if height > HEIGHT:
        size = max(1, round(width * HEIGHT / height)), HEIGHT
        small = cast(U8, cv2.resize(view, size, interpolation=cv2.INTER_AREA))
    done, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if small is not view:
        small.fill(0)
    assert done, "OpenCV encodes any BGR picture"
    return coded.tobytes()
