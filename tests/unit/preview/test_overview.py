"""What the live picture is given of a frame, and that recognition is given the same as ever."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from lfrd.inference import DOUBT, Inference, Wanted
from lfrd.types import U8
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits
from lfrd.vision.zone import Zone
from tests.portraits import portrait

ANY = Limits(eye_distance=0, sharpness=0, pose=9, darkest=0, brightest=255, cut=1)
LEFT = Zone([(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)])


def two(astronaut: Path, admiral: Path) -> Picture:
    halves = [cv2.resize(portrait(person), (512, 512)) for person in (astronaut, admiral)]
    pixels: U8 = np.asarray(np.hstack(halves), np.uint8)
    return Picture(pixels, planar=False)


async def test_recognition_finds_the_same_faces_whether_or_not_somebody_watches(
    inference: Inference, astronaut: Path, admiral: Path
) -> None:
    for zone in (None, LEFT):
        alone = await inference.examine(two(astronaut, admiral), ANY, 960, zone)
        watched = await inference.examine(two(astronaut, admiral), ANY, 960, zone, Wanted(640, True))
        assert alone.overview is None
        assert (watched.found.boxes == alone.found.boxes).all()
        assert (watched.found.scores == alone.found.scores).all()
        assert len(watched.faces) == len(alone.faces)


async def test_the_live_picture_is_given_faces_outside_the_zone_and_very_doubtful_ones_too(
    inference: Inference, astronaut: Path, admiral: Path
) -> None:
    seen = await inference.examine(two(astronaut, admiral), ANY, 960, LEFT, Wanted(640, True))
    assert len(seen.found) == 1
    overview = seen.overview
    assert overview is not None
    assert len(overview.found) >= 2
    assert (overview.found.boxes[overview.rows] == seen.found.boxes).all()
    assert overview.found.scores.min() >= inference.high * DOUBT
    assert overview.pixels is not None
    assert overview.pixels.shape == (320, 640, 3)
    overview.wipe()
    assert overview.pixels is None


async def test_a_face_too_doubtful_for_recognition_is_told_to_the_live_picture_alone(
    inference: Inference, astronaut: Path, admiral: Path
) -> None:
    """As if the pack asked for more than these two faces have."""
    inference.high = 2.2
    seen = await inference.examine(two(astronaut, admiral), ANY, 960, None, Wanted(640, True))
    assert len(seen.found) == len(seen.faces) == 0
    assert seen.overview is not None
    assert len(seen.overview.found) == 2
    assert len(seen.overview.rows) == 0


async def test_the_live_picture_passes_over_no_pixel_however_small_it_is(inference: Inference) -> None:
    """White lines of one pixel and three black ones between, at sizes near the detector's and far off."""
    pixels = np.zeros((540, 960, 3), np.uint8)
    pixels[:, ::4] = 255
    for side in (832, 640, 480, 320, 240):
        seen = await inference.examine(
            Picture(pixels.copy(), planar=False), ANY, 960, None, Wanted(side, True)
        )
        assert seen.overview is not None
        assert seen.overview.pixels is not None
        assert abs(seen.overview.pixels.mean() - 255 / 4) < 5, side


async def test_no_pixels_are_copied_while_only_faces_are_wanted(
    inference: Inference, astronaut: Path, admiral: Path
) -> None:
    seen = await inference.examine(two(astronaut, admiral), ANY, 960, None, Wanted(640, False))
    assert seen.overview is not None
    assert seen.overview.pixels is None
