"""A cut in a film is told from a walk, a flicker and a sway."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from lfrd.tracking.cuts import HEIGHT, WIDTH, Cuts
from lfrd.tracking.cuts import thumbnail as of_picture
from lfrd.types import F32, U8
from lfrd.vision.picture import Picture


def thumbnail(bgr: U8) -> F32:
    return of_picture(Picture(bgr, planar=False))


def scene(seed: int, shade: int = 0) -> U8:
    """A street of our own: blocks of grey, 640 x 360."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(20, 200, (9, 16, 1)).astype(np.uint8)
    wide = cv2.resize(blocks, (640, 360), interpolation=cv2.INTER_NEAREST)
    return np.asarray(np.clip(np.repeat(wide[:, :, None], 3, axis=2) + np.int64(shade), 0, 255), np.uint8)


@pytest.mark.parametrize("size", [(1920, 1080), (960, 540), (641, 357), (300, 400)])
def test_a_thumbnail_is_nearly_the_mean_of_all_pixels(size: tuple[int, int]) -> None:
    grain = np.random.default_rng(1).integers(-20, 21, (size[1], size[0], 3))
    street = np.clip(cv2.resize(scene(1), size, interpolation=cv2.INTER_AREA) + grain, 0, 255).astype(
        np.uint8
    )
    wanted = cv2.resize(street.mean(axis=2), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    found = thumbnail(street)
    assert found.shape == (HEIGHT, WIDTH)
    assert np.abs(found - wanted).mean() < 3


@pytest.mark.parametrize("size", [(1, 1), (33, 17), (2, 400)])
def test_the_smallest_picture_has_a_thumbnail_too(size: tuple[int, int]) -> None:
    found = thumbnail(np.full((size[1], size[0], 3), 90, np.uint8))
    assert found.shape == (HEIGHT, WIDTH)
    assert (found == 90).all()


def test_the_first_picture_is_no_cut() -> None:
    assert not Cuts().cut(thumbnail(scene(1)))


def test_another_scene_is_a_cut_once() -> None:
    cuts = Cuts()
    assert [cuts.cut(thumbnail(picture)) for picture in (scene(1), scene(1), scene(2), scene(2))] == [
        False
    ] * 2 + [
        True,
        False,
    ]


def test_light_that_changes_is_no_cut() -> None:
    cuts = Cuts()
    assert not any(cuts.cut(thumbnail(scene(1, shade))) for shade in (0, 40, -20, 30))


def test_a_passer_by_and_a_sway_are_no_cut() -> None:
    cuts = Cuts()
    for i in range(20):
        picture = np.roll(scene(1), (i % 3, -(i % 2)), axis=(0, 1))
        picture[60:, i * 30 : i * 30 + 90] = 60
        assert not cuts.cut(thumbnail(picture))


def test_noise_in_the_dark_is_no_cut() -> None:
    cuts = Cuts()
    rng = np.random.default_rng(0)
    dark = [rng.integers(0, 9, (360, 640, 3)).astype(np.uint8) for _ in range(5)]
    assert not any(cuts.cut(thumbnail(picture)) for picture in dark)


def test_a_covered_lens_is_a_cut() -> None:
    cuts = Cuts()
    cuts.cut(thumbnail(scene(1)))
    assert cuts.cut(thumbnail(np.zeros((360, 640, 3), np.uint8)))


@pytest.mark.parametrize("every", [1, 3, 6])
def test_every_cut_of_a_real_film_is_found_and_a_speaker_is_not_cut_off(shared: Path, every: int) -> None:
    cuts = Cuts()
    found = []
    with av.open(str(shared / "video" / "stage.mp4")) as film:
        for number, frame in enumerate(film.decode(video=0)):
            if number % every == 0:
                scene = thumbnail(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
                found += [number] if cuts.cut(scene) else []
    for cut in (20, 82, 211):
        assert any(cut <= number < cut + every for number in found)
    assert not any(82 + every <= number < 211 for number in found)
