"""Truth in WIDER FACE's text format: where the faces of a folder's pictures are.

S. Yang, P. Luo, C. C. Loy and X. Tang, "WIDER FACE: A face detection benchmark", CVPR 2016; the format is
that of wider_face_val_bbx_gt.txt. For each picture its path under the folder, how many faces, a line a face:

    0--Parade/0_Parade_marchingband_1_849.jpg
    1
    449 330 122 149 0 0 0 0 0 0

x, y, width and height in pixels, then blur, expression, illumination, invalid, occlusion and pose, which may
be left out together. Of these only `invalid` is read: such a face is neither to be found nor false when it
is. A picture without faces has a count of 0, and in the original one line of zeros below it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from lfrd.errors import CorruptError, MissingError
from lfrd.types import F64

PLAIN, FULL = 4, 10
"""Numbers in a face's line, without and with its attributes."""
INVALID = 7
"""The place of `invalid` among them."""


@dataclass(frozen=True, slots=True)
class Marked:
    """One picture's truth. name: its path under the folder, with '/'; line: of the file, from 1. boxes:
    float64 [n, 4], x, y, width, height in its pixels. invalid: bool [n]."""

    name: str = field(repr=False)
    line: int
    boxes: F64
    invalid: NDArray[np.bool_]


def read_wider(path: Path) -> list[Marked]:
    """Every picture of a truth, in its order. Raises MissingError where it cannot be read or names none, and
    CorruptError, with the line's number, where it is not as it should be."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MissingError(
            f"{path}: cannot be read ({error.strerror}); give a truth in WIDER FACE's format"
        ) from error
    except UnicodeDecodeError:
        raise CorruptError(path, "not text; give a truth in WIDER FACE's format") from None
    lines = _Lines(path, text)
    pictures: list[Marked] = []
    named: dict[str, int] = {}
    while (name := lines.next()) is not None:
        line = lines.number
        if lines.numbers(name) is not None:
            raise lines.wrong("a picture's name is due, not numbers; is the count above it right?")
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise lines.wrong("a picture outside the folder; give its path under the folder")
        if name in named:
            raise lines.wrong(f"the same picture as in line {named[name]}; name each once")
        named[name] = line
        faces = list(_faces(lines, _count(lines)))
        boxes = np.array([face[:PLAIN] for face in faces], np.float64).reshape(-1, PLAIN)
        invalid = np.array([len(face) == FULL and face[INVALID] != 0 for face in faces], np.bool_)
        pictures.append(Marked(name, line, boxes, invalid))
    if not pictures:
        raise MissingError(f"{path}: names no picture; give a truth in WIDER FACE's format")
    return pictures


def _count(lines: _Lines) -> int:
    said = lines.next()
    if said is None:
        raise lines.wrong("the file ends where a count of faces is due")
    if not said.isascii() or not said.isdigit():
        raise lines.wrong("a count of faces is due, a whole number")
    return int(said)


def _faces(lines: _Lines, count: int) -> Iterator[list[float]]:
    for number in range(count):
        said = lines.next()
        if said is None:
            raise lines.wrong(f"the file ends after {number} of {count} faces")
        values = lines.numbers(said)
        if values is None or len(values) not in (PLAIN, FULL):
            raise lines.wrong(
                f"face {number + 1} of {count} is due: x, y, width, height, and six attributes or none"
            )
        if min(values[2:PLAIN]) < 0:
            raise lines.wrong("a face's width or height is below 0")
        yield values
    if not count:
        lines.skip_zeros()


class _Lines:
    """Lines that are not blank, with their numbers."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = [
            (number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()
        ]
        self._at = 0  # the next one
        self.number = 0  # of the file, of the one given last

    def next(self) -> str | None:
        """None at the end."""
        if self._at == len(self._lines):
            return None
        self.number, line = self._lines[self._at]
        self._at += 1
        return line

    def skip_zeros(self) -> None:
        """Pass over the line that stands where there are no faces."""
        if self._at < len(self._lines):
            values = self.numbers(self._lines[self._at][1])
            if values is not None and not any(values):
                self._at += 1

    @staticmethod
    def numbers(line: str) -> list[float] | None:
        """None for a line that holds anything else."""
        try:
            values = [float(word) for word in line.split()]
        except ValueError:
            return None
        return values if all(math.isfinite(value) for value in values) else None

    def wrong(self, problem: str) -> CorruptError:
        """An error at the line given last."""
        return CorruptError(self._path, f"line {self.number}: {problem}")
