from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from lfrd.capture.pixels import LARGEST_SIDE, Pixels, SizeError, check_size
from lfrd.capture.source import recording
from lfrd.types import U8
from lfrd.vision.picture import BufferPool
from tests.clips import GREEN, drawn, number_in, turned, write_clip


def shown(frame: av.VideoFrame) -> U8:
    picture = Pixels(BufferPool()).picture(frame)
    return picture.scaled(*picture.size)


def frame_of(image: U8, pix_fmt: str, *, full: bool = False) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(
        format=pix_fmt, dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG
    )
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    return frame


@pytest.mark.parametrize(
    ("pix_fmt", "full"),
    [
        ("yuv420p", False),
        ("yuv420p", True),
        ("yuvj420p", True),
        ("yuvj422p", True),
        ("yuv422p", False),
        ("yuyv422", False),
        ("nv12", False),
        ("yuv420p10le", False),
        ("bgr24", False),
        ("rgb24", False),
        ("bgra", False),
        ("gbrp", False),
    ],
)
def test_colours_are_right_in_every_format_and_range(pix_fmt: str, full: bool) -> None:
    image = shown(frame_of(drawn(0b101010101010), pix_fmt, full=full))
    assert np.abs(image[-20:, :].astype(int) - GREEN).max() <= 6
    assert image[5, 5].min() > 245
    assert image[5, 5 + 320 // 12].max() < 10
    assert number_in(image) == 0b101010101010


def test_an_infrared_picture_in_grey_keeps_black_and_white() -> None:
    image = shown(frame_of(drawn(1 << 11), "gray", full=True))
    assert image[5, 5].min() > 245
    assert image[5, 40].max() < 10


def test_odd_sides_are_cut_to_even_ones() -> None:
    picture = Pixels(BufferPool()).picture(frame_of(drawn(5, 321, 241), "yuv420p"))
    assert picture.size == (320, 240)
    assert number_in(picture.scaled(320, 240)) == 5


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p", "yuv422p"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_recording_that_a_phone_has_turned_comes_upright(
    tmp_path: Path, degrees: int, pix_fmt: str
) -> None:
    flat = write_clip(tmp_path / "flat.mp4", [0b110000000000], pix_fmt=pix_fmt)
    with recording(turned(flat, tmp_path / "turned.mp4", degrees)) as source:
        (frame,) = source
        image = frame.picture.scaled(*frame.picture.size)
    upright = np.rot90(image, degrees // 90)  # counter-clockwise: undoes what the player does
    assert upright.shape == (240, 320, 3)
    assert number_in(np.ascontiguousarray(upright)) == 0b110000000000
    assert np.abs(upright[-20:].astype(int) - GREEN).max() <= 8


def test_a_frame_without_the_limits_is_refused_with_its_size() -> None:
    with pytest.raises(SizeError, match=f"{LARGEST_SIDE + 2} x 100 pixels; at most {LARGEST_SIDE}"):
        check_size(LARGEST_SIDE + 2, 100)
    with pytest.raises(SizeError, match="1 x 100"):
        check_size(1, 100)


def test_buffers_are_reused_between_frames() -> None:
    pool = BufferPool()
    pixels = Pixels(pool)
    first = pixels.picture(frame_of(drawn(1), "yuv420p"))
    buffer = first._pixels
    first.release()
    idle = pool.take((360, 320))
    assert idle is buffer, "the pool made a new buffer instead of keeping the first"
    pool.give(idle)
    again = pixels.picture(frame_of(drawn(2), "yuv420p"))
    assert number_in(again.scaled(320, 240)) == 2
    again.release()
