"""A watchlist picture's file to pixels: what it claims to be is read from its header before it is decoded."""

from __future__ import annotations

import enum
import hashlib
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from lfrd.types import U8
from lfrd.vision.picture import Picture

MOST_BYTES = 64 * 2**20
"""Largest file that is read."""
MOST_PIXELS = 50_000_000
"""Largest picture that is decoded: 150 MB of memory. A small file may claim many thousand million pixels."""
MAX_SIDE = 2048
"""Pictures are reduced to this many pixels on their longer side; a portrait's face is still hundreds wide."""


class Reason(enum.StrEnum):
    """Why a watchlist picture, or a nominal, is refused. Stable codes; those of a face are `Refusal`'s."""

    NO_PICTURE = "no_picture"
    NOT_A_PICTURE = "not_a_picture"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    DUPLICATE_PICTURE = "duplicate_picture"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    SMALL = "small"
    BLURRED = "blurred"
    POSE = "pose"
    DARK = "dark"
    BRIGHT = "bright"
    CUT = "cut"


class PictureRefused(Exception):
    """A file that gives no picture. `advice` says in words what is wrong and what to do."""

    def __init__(self, reason: Reason, advice: str) -> None:
        super().__init__(advice)
        self.reason = reason
        self.advice = advice


@dataclass(frozen=True, slots=True)
class ReadPicture:
    picture: Picture
    digest: str
    """SHA-256 of the file, hexadecimal."""


def read_picture(path: Path) -> ReadPicture:
    """Decode a JPEG, PNG, WebP or BMP file to BGR, turned as its EXIF data says. Blocks; for worker threads.

    Grey, 16-bit and transparent pictures become 8-bit BGR. Raises PictureRefused: not_a_picture for any other
    kind of file, too_large above MOST_BYTES or MOST_PIXELS, unreadable where it cannot be opened, is cut
    short or damaged.
    """
    data = _read(path)
    try:
        width, height = size_of(data)
        if width * height > MOST_PIXELS:
            raise PictureRefused(
                Reason.TOO_LARGE,
                f"{width} x {height} pixels, more than the {MOST_PIXELS // 10**6} million that are decoded; "
                "reduce it",
            )
        pixels = _decoded(data)
        return ReadPicture(Picture(_reduced(pixels), planar=False), hashlib.sha256(data).hexdigest())
    finally:
        data[:] = bytes(len(data))


def _read(path: Path) -> bytearray:
    try:
        # Opening a pipe would wait for its writer for ever, so the kind is looked at first.
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise PictureRefused(Reason.NOT_A_PICTURE, "not a file; remove it from the watchlist")
        if found.st_size > MOST_BYTES:
            raise PictureRefused(
                Reason.TOO_LARGE,
                f"{found.st_size >> 20} MB, more than the {MOST_BYTES >> 20} MB that are read; reduce it",
            )
        data = bytearray(found.st_size)
        with path.open("rb", buffering=0) as file:
            count = file.readinto(data)
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise PictureRefused(Reason.UNREADABLE, f"cannot be opened ({problem}); check the file") from error
    if not data:
        raise PictureRefused(Reason.UNREADABLE, "the file is empty; copy it again")
    if count != len(data):
        raise PictureRefused(Reason.UNREADABLE, "the file changed while it was read; try again")
    return data


def _decoded(data: bytearray) -> U8:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise PictureRefused(Reason.UNREADABLE, "the file is damaged; copy it again")
    return cast(U8, pixels)


def _reduced(pixels: U8) -> U8:
    height, width = pixels.shape[:2]
    share = MAX_SIDE / max(width, height)
    if share >= 1:
        return pixels
    size = max(1, round(width * share)), max(1, round(height * share))
    small = cast(U8, cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    pixels.fill(0)
    return small


def size_of(data: bytes | bytearray) -> tuple[int, int]:
    """Width and height that a JPEG, PNG, WebP or BMP file's header claims, before EXIF turns it.

    Few formats, each with a header of a few fields, so that a hostile file meets little code. Raises
    PictureRefused: not_a_picture, or unreadable for one of these formats that is cut short or damaged.
    """
    try:
        if data[:3] == b"\xff\xd8\xff":
            size = _jpeg_size(data)
        elif data[:8] == b"\x89PNG\r\n\x1a\n":
            size = _png_size(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            size = _webp_size(data)
        elif data[:2] == b"BM":
            width, height = struct.unpack_from("<ii", data, 18)
            size = width, abs(height)  # a negative height stands for rows from the top
        else:
            raise PictureRefused(Reason.NOT_A_PICTURE, _unknown(data))
    except (struct.error, IndexError):
        raise PictureRefused(Reason.UNREADABLE, "the file is cut short; copy it again") from None
    if size[0] < 1 or size[1] < 1:
        raise PictureRefused(Reason.UNREADABLE, "the file is damaged; copy it again")
    return size


def _jpeg_size(data: bytes | bytearray) -> tuple[int, int]:
    """From the start-of-frame segment (ITU-T T.81, B.2.2); a file without an end marker is cut short.

    It is looked for here because decoders differ: some fill the missing part with grey and say nothing.
    """
    size = None
    at = 2
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:  # fill bytes
            at += 1
        if data[at] != 0xFF:
            raise PictureRefused(Reason.UNREADABLE, "the file is damaged; copy it again")
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            size = width, height
        if marker == 0xDA:  # the picture itself: inside it FF is followed by 00 or a restart
            if size is None or data.find(b"\xff\xd9", at) < 0:
                raise IndexError
            return size
        length = struct.unpack_from(">H", data, at + 2)[0]
        at += 2 + max(2, length)


def _png_size(data: bytes | bytearray) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    if data.find(b"IEND", 33) < 0:
        raise IndexError
    return width, height


def _webp_size(data: bytes | bytearray) -> tuple[int, int]:
    """From the first chunk (RFC 9649): VP8X for extended files, VP8L for lossless, VP8 for plain ones."""
    if len(data) < 8 + struct.unpack_from("<I", data, 4)[0]:
        raise IndexError
    kind = bytes(data[12:16])
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _unknown(data: bytes | bytearray) -> str:
    brand = bytes(data[4:12])
    if brand in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        kind = "a HEIC photograph"
    elif brand == b"ftypavif":
        kind = "an AVIF picture"
    elif data[:5] == b"%PDF-":
        kind = "a PDF document"
    elif data[:4] in (b"II*\x00", b"MM\x00*"):
        kind = "a TIFF picture"
    elif data[:4] == b"GIF8":
        kind = "a GIF picture"
    else:
        return "not a picture; give JPEG, PNG, WebP or BMP"
    return f"{kind}; save it as JPEG or PNG"
