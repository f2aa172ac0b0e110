"""People made of numbers: folders whose templates score against each other as a test says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from lfrd.evaluation.acquire import Acquired
from lfrd.evaluation.people import People, PictureFile, Role
from lfrd.gallery.reading import Reason
from lfrd.types import F32

DIM = 16

Pictures = dict[str, list[F32 | Reason]]
"""By person: a template, or why there is none."""


def face(person: int, nearness: float = 1.0, also: int = DIM - 1) -> F32:
    """A template that scores `nearness` against that of `person`, and the rest goes to `also`'s."""
    vector = np.zeros(DIM, np.float32)
    vector[person] = nearness
    if nearness < 1:
        vector[also] = math.sqrt(1 - nearness**2)
    return vector


def people(role: Role, pictures: Pictures) -> tuple[People, Acquired]:
    """A folder, and what would have been taken from it."""
    files = tuple(
        tuple(PictureFile(Path(name) / f"{number}.jpg", "") for number in range(len(ones)))
        for name, ones in pictures.items()
    )
    rows = [(number, one) for number, ones in enumerate(pictures.values()) for one in ones]
    vectors: F32 = np.zeros((len(rows), DIM), np.float32)
    for row, (_, one) in enumerate(rows):
        if not isinstance(one, Reason):
            vectors[row] = one
    reasons = tuple(one if isinstance(one, Reason) else None for _, one in rows)
    person = np.array([number for number, _ in rows], np.intp)
    return (
        People(role, Path("DIR"), tuple(pictures), files, "0" * 64),
        Acquired(vectors, person, len(pictures), reasons),
    )


GALLERY: Pictures = {"a": [face(1)], "b": [face(2)], "c": [Reason.NO_FACE]}
PROBES: Pictures = {
    "a": [face(1, 0.9), Reason.POSE],
    "b": [face(2, 0.6, also=1)],
    "c": [face(3)],
}
STRANGERS: Pictures = {"x": [face(2, 0.5)], "y": [Reason.SEVERAL_FACES], "z": [face(1, 0.3), face(5)]}

CROWD: Pictures = {f"p{number}": [face(number)] for number in range(12)}
WALKERS: Pictures = {
    f"p{number}": [face(number, 0.5 + number / 30, (number + 1) % 12), Reason.BLURRED] for number in range(12)
}
PASSERS_BY: Pictures = {f"x{number}": [face(number % 12, 0.3 + number / 90)] for number in range(40)}
