"""A folder of pictures as a recording, in the order that people number them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from lfrd.capture.base import Clock, SourceBase, Wanted
from lfrd.capture.pace import Pace
from lfrd.capture.pixels import SizeError, check_size
from lfrd.errors import SourceError
from lfrd.types import U8, CameraId, Frame
from lfrd.vision.picture import Picture

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts picture9 before picture10, and Picture with picture."""
    parts = re.split(r"([0-9]+)", name.lower())  # every second part is a number
    return [(int(part), "") if index % 2 else (-1, part) for index, part in enumerate(parts)]


class FolderSource(SourceBase):
    """Pictures at `fps` a second. `captured_at` is media time (position / fps) when unpaced, and when paced
    the moment at which the picture was due, by `clock`. An unreadable picture keeps its place in time, and is
    counted and remarked on."""

    def __init__(
        self,
        camera: CameraId,
        path: Path,
        wanted: Wanted,
        *,
        fps: float = 1.0,
        loop: bool = False,
        paced: bool = False,
        clock: Clock = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(camera, wanted, clock)
        self.path = path
        self._fps = fps
        self._loop = loop
        self._pace = pace or (Pace(clock, self._stopping.wait) if paced else None)
        self._files: list[Path] = []

    def open(self) -> None:
        try:
            files = [file for file in self.path.iterdir() if file.suffix.lower() in SUFFIXES]
        except OSError as error:
            raise SourceError(
                self.camera, f"{self.path}: cannot be read ({(error.strerror or '').lower()})"
            ) from None
        if not files:
            raise SourceError(
                self.camera, f"{self.path}: holds no picture ({', '.join(sorted(SUFFIXES))} are taken)"
            )
        self._files = sorted(files, key=lambda file: (natural(file.name), file.name))

    def __iter__(self) -> Iterator[Frame]:
        position = 0
        while True:
            before = self.counts.decoded
            for file in self._files:
                at = position / self._fps
                position += 1
                if self._pace is not None:
                    if not self._pace.reach(at):
                        return
                    at = self._pace.due(at)
                if self._stopping.is_set():
                    return
                pixels = _read(file)
                if pixels is None:
                    self.counts.corrupt += 1
                    self.remark = f"{self.counts.corrupt} of {len(self._files)} pictures cannot be read"
                    continue
                picture = Picture(pixels, planar=False)
                if self._wants(at):
                    yield self._frame(at, picture)
                else:
                    picture.release()
            if self.counts.decoded == before:
                raise SourceError(self.camera, f"{self.path}: none of its pictures can be read")
            if not self._loop:
                return

    def _release(self) -> None:
        self._files = []


def _read(file: Path) -> U8 | None:
    """BGR pixels [height, width, 3], turned as the picture's EXIF says; None where it cannot be read."""
    try:
        coded = np.fromfile(file, np.uint8)
        if not coded.size:
            return None
        pixels = cast("U8 | None", cv2.imdecode(coded, cv2.IMREAD_COLOR))
        coded.fill(0)
        if pixels is not None:
            check_size(pixels.shape[1], pixels.shape[0])
    except (OSError, cv2.error, SizeError):
        return None
    return pixels
