"""A picture's file is judged by its header before it is decoded, and what is no picture has a reason."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.gallery.reading import MAX_SIDE, MOST_BYTES, PictureRefused, Reason, read_picture, size_of
from lfrd.types import U8

WIDE, HIGH = 60, 40


def pattern() -> U8:
    """Red in the top left quarter, so that turning shows."""
    picture = np.full((HIGH, WIDE, 3), 200, np.uint8)
    picture[: HIGH // 2, : WIDE // 2] = (0, 0, 255)
    return picture


def encoded(kind: str, picture: U8 | None = None) -> bytes:
    done, data = cv2.imencode(kind, pattern() if picture is None else picture)
    assert done
    return data.tobytes()


def read(tmp_path: Path, data: bytes, name: str = "a.jpg") -> U8:
    path = tmp_path / name
    path.write_bytes(data)
    picture = read_picture(path).picture
    return picture.scaled(*picture.size)


def refusal(path: Path) -> PictureRefused:
    with pytest.raises(PictureRefused) as caught:
        read_picture(path)
    return caught.value


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def turned(data: bytes, orientation: int) -> bytes:
    """A JPEG with an EXIF segment that says how to turn it."""
    tiff = b"MM\x00*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\x00\x00" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp", ".bmp"])
def test_jpeg_png_webp_and_bmp_are_read(tmp_path: Path, kind: str) -> None:
    data = encoded(kind)
    assert size_of(data) == (WIDE, HIGH)
    assert np.abs(read(tmp_path, data).astype(int) - pattern()).mean() < 8


def test_the_ending_of_the_name_does_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path, encoded(".png"), "a.jpg").shape == (HIGH, WIDE, 3)


@pytest.mark.parametrize(
    "picture",
    [
        pattern()[..., 0],
        np.dstack([pattern(), np.full((HIGH, WIDE), 90, np.uint8)]),
        (pattern().astype(np.uint16) * 257),
    ],
    ids=["grey", "transparent", "16-bit"],
)
def test_grey_transparent_and_16_bit_pictures_become_plain_bgr(
    tmp_path: Path, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> None:
    pixels = read(tmp_path, encoded(".png", cast(U8, picture)))
    assert pixels.shape == (HIGH, WIDE, 3)
    assert pixels.dtype == np.uint8
    assert pixels[-1, -1].tolist() == [200, 200, 200]


def test_a_picture_is_turned_as_its_exif_data_says(tmp_path: Path) -> None:
    pixels = read(tmp_path, turned(encoded(".jpg"), 6))
    assert pixels.shape == (WIDE, HIGH, 3)
    assert pixels[5, -5].tolist() == pytest.approx([0, 0, 255], abs=12)


def test_the_digest_is_the_files(tmp_path: Path) -> None:
    first, second, third = tmp_path / "1.png", tmp_path / "2.png", tmp_path / "3.png"
    first.write_bytes(encoded(".png"))
    second.write_bytes(encoded(".png"))
    third.write_bytes(encoded(".png", pattern()[::-1]))
    assert read_picture(first).digest == read_picture(second).digest != read_picture(third).digest


def test_a_large_picture_is_reduced(tmp_path: Path) -> None:
    pixels = read(tmp_path, encoded(".jpg", np.zeros((1000, 2 * MAX_SIDE, 3), np.uint8)))
    assert pixels.shape == (500, MAX_SIDE, 3)


def test_a_small_file_that_claims_a_huge_picture_is_refused_undecoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_claiming(60_000, 60_000))
    refused = refusal(path)
    assert refused.reason is Reason.TOO_LARGE
    assert refused.advice == "60000 x 60000 pixels, more than the 50 million that are decoded; reduce it"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert refusal(path).reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.7\n", "a PDF document; save it as JPEG or PNG"),
        (b"\x00\x00\x00\x18ftypheic\x00", "a HEIC photograph; save it as JPEG or PNG"),
        (b"II*\x00\x08\x00", "a TIFF picture"),
        (b"GIF89a", "a GIF picture"),
        (b"wanted for questioning", "not a picture; give JPEG, PNG, WebP or BMP"),
    ],
)
def test_what_is_no_picture_says_what_it_is_instead(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    refused = refusal(path)
    assert refused.reason is Reason.NOT_A_PICTURE
    assert refused.advice.startswith(said)


def test_an_empty_file_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    assert (refusal(path).reason, refusal(path).advice) == (
        Reason.UNREADABLE,
        "the file is empty; copy it again",
    )


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_unreadable(tmp_path: Path, kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (90, 90, 3), np.uint8)
    data = encoded(kind, noise)
    path = tmp_path / "a"
    path.write_bytes(data[: int(len(data) * share)])
    assert refusal(path).reason is Reason.UNREADABLE


def test_a_thumbnail_inside_a_cut_file_does_not_pass_for_its_end(tmp_path: Path) -> None:
    thumbnail, data = encoded(".jpg"), encoded(".jpg")
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    whole = data[:2] + segment + data[2:]
    assert read(tmp_path, whole).shape == (HIGH, WIDE, 3)
    with pytest.raises(PictureRefused, match="cut short"):
        size_of(whole[:-20])


def test_a_link_that_leads_nowhere_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.symlink_to(tmp_path / "gone.jpg")
    refused = refusal(path)
    assert refused.reason is Reason.UNREADABLE
    assert refused.advice.startswith("cannot be opened (No such file or directory)")


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "a.jpg")
    assert refusal(tmp_path / "a.jpg").reason is Reason.NOT_A_PICTURE


@given(
    kind=st.sampled_from([".jpg", ".png", ".webp", ".bmp"]),
    cut=st.integers(0, 400),
    at=st.integers(0, 400),
    byte=st.integers(0, 255),
)
def test_a_damaged_header_gives_a_size_or_a_reason_and_no_other_error(
    kind: str, cut: int, at: int, byte: int
) -> None:
    data = bytearray(encoded(kind))
    data[at % len(data)] = byte
    try:
        size, reason = size_of(data[: max(0, len(data) - cut)]), None
    except PictureRefused as refused:
        size, reason = None, refused.reason
    assert reason in (None, Reason.UNREADABLE, Reason.NOT_A_PICTURE)
    assert size is None or min(size) >= 1
