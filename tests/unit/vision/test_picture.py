"""A picture's buffer: scaled, cut, given back, wiped."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.types import U8, Box
from lfrd.vision.part import Part
from lfrd.vision.picture import BufferPool, Picture


def gradient(width: int, height: int) -> U8:
    """A smooth BGR picture: colours survive YUV 4:2:0 within a few levels."""
    x = np.linspace(0, 1, width)[None, :, None]
    y = np.linspace(0, 1, height)[:, None, None]
    return np.asarray(np.clip(60 + 120 * x + 40 * y + np.array([0, 15, 30]), 0, 255), np.uint8)


def planar(bgr: U8) -> Picture:
    return Picture(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8), planar=True)


@given(st.integers(8, 60), st.integers(8, 60), st.integers(2, 45), st.integers(2, 45))
def test_both_layouts_scale_to_the_same_colours(
    half_w: int, half_h: int, to_half_w: int, to_half_h: int
) -> None:
    bgr = gradient(2 * half_w, 2 * half_h)
    width, height = 2 * to_half_w, 2 * to_half_h
    one = planar(bgr).scaled(width, height).astype(int)
    other = Picture(bgr, planar=False).scaled(width, height).astype(int)
    assert one.shape == other.shape == (height, width, 3)
    assert np.abs(one - other).mean() < 6


def noise(width: int, height: int) -> U8:
    """I420: hard edges of every size, which interpolation would pass over."""
    return np.random.default_rng(5).integers(16, 236, (height * 3 // 2, width)).astype(np.uint8)


def by_area(buffer: U8, width: int, height: int) -> U8:
    """The same planes, each the mean over its area, as BGR."""
    rows = buffer.shape[0] * 2 // 3
    chroma = buffer[rows:].reshape(2, rows // 2, -1)
    luma = cv2.resize(buffer[:rows], (width, height), interpolation=cv2.INTER_AREA)
    parts = [cv2.resize(p, (width // 2, height // 2), interpolation=cv2.INTER_AREA) for p in chroma]
    planes = np.concatenate([luma.ravel(), *(part.ravel() for part in parts)])
    return np.asarray(cv2.cvtColor(planes.reshape(height * 3 // 2, width), cv2.COLOR_YUV2BGR_I420), np.uint8)


@pytest.mark.parametrize(("width", "height"), [(96, 54), (64, 36), (1280, 720)])
def test_half_the_sides_is_the_mean_of_each_four_pixels_to_the_bit(width: int, height: int) -> None:
    buffer = noise(2 * width, 2 * height)
    assert (Picture(buffer, planar=True).scaled(width, height) == by_area(buffer, width, height)).all()


@pytest.mark.parametrize(
    ("size", "to"),
    [
        ((1920, 1080), (640, 360)),
        ((1920, 1080), (800, 450)),
        ((1920, 1080), (480, 270)),
        ((1280, 720), (960, 540)),
        ((2560, 1440), (960, 540)),
        ((3840, 2160), (960, 540)),
        ((1922, 1082), (640, 360)),
        ((1080, 1920), (540, 960)),
    ],
)
def test_a_smaller_picture_is_close_to_the_mean_over_the_area(
    size: tuple[int, int], to: tuple[int, int]
) -> None:
    """A real picture's edges, drawn: discs of every size in every shade."""
    drawn = np.full((size[1], size[0], 3), 110, np.uint8)
    rng = np.random.default_rng(5)
    for _ in range(400):
        centre = int(rng.integers(size[0])), int(rng.integers(size[1]))
        shade = tuple(int(level) for level in rng.integers(30, 225, 3))
        cv2.circle(drawn, centre, int(rng.integers(3, 60)), shade, -1, cv2.LINE_AA)
    buffer = np.asarray(cv2.cvtColor(drawn, cv2.COLOR_BGR2YUV_I420), np.uint8)
    one = Picture(buffer, planar=True).scaled(*to).astype(int)
    assert np.abs(one - by_area(buffer, *to)).mean() < 1


@pytest.mark.parametrize(("width", "height", "factor"), [(1008, 1120, 4), (1010, 1100, 5)])
def test_no_pixel_is_passed_over_whether_or_not_the_sides_halve(width: int, height: int, factor: int) -> None:
    """White lines one pixel thick, at every phase of the smaller picture's."""
    buffer = np.full((height * 3 // 2, width), 128, np.uint8)
    buffer[:height] = 16
    lines = range(0, height, 97)
    buffer[lines] = 235
    small = Picture(buffer, planar=True).scaled(width // factor, height // factor)
    rows = [line // factor for line in lines]
    assert min(int(small[max(0, row - 1) : row + 2].max()) for row in rows) > 20


PARTS = [
    Part(0, 0, 0, 0),
    Part(0, 96, 0, 288),
    Part(32, 64, 256, 0),
    Part(96, 0, 288, 96),
    Part(128, 32, 0, 0),
]
"""0 on the right or at the bottom is the picture's edge."""


@pytest.mark.parametrize(
    ("size", "to"),
    [
        ((1920, 1080), (960, 540)),  # halved
        ((1920, 1080), (640, 360)),  # halved and interpolated, between the same pixels
        ((3840, 2160), (960, 540)),  # halved twice
        ((1280, 720), (960, 540)),  # interpolated, between other pixels
        ((2592, 1944), (640, 480)),
        ((1922, 1082), (640, 360)),  # averaged over uneven areas
        ((704, 576), (704, 576)),  # as it is
        ((540, 960), (540, 960)),
    ],
)
@pytest.mark.parametrize("is_planar", [True, False])
def test_a_part_has_the_same_bits_as_in_the_whole(
    size: tuple[int, int], to: tuple[int, int], is_planar: bool
) -> None:
    buffer = noise(*size)
    picture = Picture(buffer if is_planar else buffer.reshape(-1, size[0] // 2, 3), planar=is_planar)
    if not is_planar:
        to = to[0] // 2, to[1] // 2
    whole = picture.scaled(*to)
    for left, top, right, bottom in PARTS:
        part = Part(left, top, right or to[0], bottom or to[1])
        assert np.array_equal(picture.scaled(*to, part), part.of(whole)), part


@given(st.integers(4, 60), st.integers(4, 60), st.integers(2, 60), st.integers(2, 60), st.data())
def test_any_part_at_any_size_has_the_same_bits_as_in_the_whole(
    half_w: int, half_h: int, to_half_w: int, to_half_h: int, data: st.DataObject
) -> None:
    picture = Picture(noise(2 * half_w, 2 * half_h), planar=True)
    whole = picture.scaled(2 * to_half_w, 2 * to_half_h)
    left, right = sorted(data.draw(st.lists(st.integers(0, to_half_w), min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(data.draw(st.lists(st.integers(0, to_half_h), min_size=2, max_size=2, unique=True)))
    part = Part(2 * left, 2 * top, 2 * right, 2 * bottom)
    assert np.array_equal(picture.scaled(2 * to_half_w, 2 * to_half_h, part), part.of(whole))


@pytest.mark.parametrize(
    ("size", "to"), [((30, 8), (60, 8)), ((60, 40), (90, 80)), ((1610, 810), (322, 162))]
)
def test_a_part_has_the_same_bits_where_pixels_beyond_it_are_mixed_in(
    size: tuple[int, int], to: tuple[int, int]
) -> None:
    """Enlarged, and averaged over two and a half pixels."""
    picture = Picture(noise(*size), planar=True)
    whole = picture.scaled(*to)
    for part in (Part(0, 0, 20, 4), Part(20, 4, to[0], to[1]), Part(10, 2, 50, 8)):
        assert np.array_equal(picture.scaled(*to, part), part.of(whole)), part


def test_a_part_of_half_a_colour_pixel_is_refused() -> None:
    with pytest.raises(ValueError, match="even sides"):
        Picture(noise(64, 64), planar=True).scaled(32, 32, Part(0, 1, 32, 32))


def test_sampled_pixels_have_the_grey_of_the_picture_in_both_layouts() -> None:
    bgr = gradient(640, 360)
    grey = cv2.cvtColor(cv2.resize(bgr, (64, 36), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY).astype(
        int
    )
    for picture in (planar(bgr), Picture(bgr, planar=False)):
        found = picture.sampled(64, 36)
        assert found.shape == (36, 64)
        assert np.abs(found - grey).max() <= 3


@given(st.floats(-50, 150), st.floats(-50, 150), st.floats(0, 120), st.floats(0, 120))
def test_a_crop_shows_what_lies_there(x: float, y: float, width: float, height: float) -> None:
    bgr = gradient(100, 80)
    for picture in (planar(bgr), Picture(bgr, planar=False)):
        crop, (left, top) = picture.crop(Box(x, y, width, height))
        rows, columns = crop.shape[:2]
        assert rows >= 2
        assert columns >= 2
        assert 0 <= left <= 98
        assert 0 <= top <= 78
        there = bgr[top : top + rows, left : left + columns].astype(int)
        assert np.abs(crop.astype(int) - there).max() <= 8


def test_a_crop_is_a_copy() -> None:
    bgr = gradient(20, 20)
    crop, _ = Picture(bgr, planar=False).crop(Box(0, 0, 10, 10))
    crop.fill(0)
    assert bgr.any()


def test_a_released_picture_is_wiped_and_shows_nothing_more() -> None:
    bgr = gradient(20, 20)
    picture = Picture(bgr, planar=False)
    picture.release()
    picture.release()
    assert not bgr.any()
    with pytest.raises(ValueError, match="released"):
        picture.scaled(10, 10)


def test_a_picture_refuses_to_be_pickled() -> None:
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(Picture(gradient(20, 20), planar=False))


@pytest.mark.parametrize("shape", [(31, 20), (30, 21)])
def test_a_buffer_that_is_not_i420_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="I420"):
        Picture(np.zeros(shape, np.uint8), planar=True)


def test_a_pool_reuses_buffers_and_keeps_few() -> None:
    pool = BufferPool(limit=2)
    first = pool.take((6, 4))
    pool.give(first)
    assert pool.take((6, 4)) is first
    spare = [np.ones((6, 4), np.uint8) for _ in range(4)]
    for buffer in spare:
        pool.give(buffer)
    taken = [pool.take((6, 4)) for _ in range(4)]
    assert sum(any(one is buffer for buffer in spare) for one in taken) == 2


def test_a_buffer_that_comes_back_is_wiped_whether_it_is_kept_or_not() -> None:
    """One that is kept may lie idle for as long as the camera runs."""
    pool = BufferPool(limit=1)
    kept, spare, late = (np.ones((6, 4), np.uint8) for _ in range(3))
    pool.give(kept)
    pool.give(spare)
    pool.close()
    pool.give(late)
    assert not kept.any()
    assert not spare.any()
    assert not late.any()


def test_a_pool_gives_no_buffer_of_another_size() -> None:
    pool = BufferPool()
    pool.give(np.ones((6, 4), np.uint8))
    assert pool.take((12, 8)).shape == (12, 8)
