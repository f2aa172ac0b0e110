"""What a model looks like to the pipeline, whatever file and decoding stand behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from lfrd.types import F32, U8, Detections


class Runner(Protocol):
    """One loaded network: named float32 inputs in, outputs by name out. Thread-safe, as ONNX Runtime is."""

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]: ...


class Detector(Protocol):
    """Finds faces in one picture. `low` is a score below the pack's own: faces from there up are returned,
    so that a tracker may use the doubtful ones to carry a track that a good one began."""

    @property
    def step(self) -> int | None:
        """A part of a picture whose edges lie at multiples of so many pixels is seen as it is in the whole,
        and costs that much less; None where it would not."""
        ...

    def detect(self, image: U8, low: float) -> Detections:
        """image: BGR uint8 [height, width, 3], any size. Coordinates are pixels of this image."""
        ...


class Recogniser(Protocol):
    """Turns aligned faces into templates."""

    @property
    def size(self) -> int:
        """Side of an aligned face, pixels."""
        ...

    @property
    def dim(self) -> int: ...

    @property
    def template_points(self) -> F32:
        """float32 [5, 2]: where the five points lie in an aligned face, pixels."""
        ...

    def embed(self, aligned: U8) -> F32:
        """aligned: BGR uint8 [n, size, size, 3]. Returns float32 [n, dim], each row of length 1."""
        ...
