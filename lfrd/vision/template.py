"""A face's template: numbers that are never printed, never pickled, and overwritten when done."""

from __future__ import annotations

import numpy as np

from lfrd.types import F32


class Template:
    """An L2-normalised vector, float32 [dim]. `wipe()` overwrites it in place."""

    __slots__ = ("_vector",)

    def __init__(self, vector: F32) -> None:
        if vector.ndim != 1:
            raise ValueError(f"a template has one dimension, not {vector.ndim}")
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length < 1e-12:
            raise ValueError("a template must have a length")
        self._vector: F32 = np.divide(vector, np.float32(length), dtype=np.float32)

    @property
    def vector(self) -> F32:
        """The array itself, not a copy; all zeros after `wipe()`."""
        return self._vector

    def wipe(self) -> None:
        self._vector.fill(0)

    def __repr__(self) -> str:
        return "Template(**********)"

    def __reduce__(self) -> str:
        raise TypeError("a template is never pickled: it is a person's biometric")
