"""The recogniser: aligned faces in, templates of length 1 out, with whatever numbers the model wants."""

from __future__ import annotations

import numpy as np

from lfrd.types import F32, U8
from lfrd.vision.adapters import Runner
from lfrd.vision.dense import UnfitModel


class ArcfaceRecogniser:
    """A `Recogniser` for every network that takes one aligned face and gives one vector.

    With `mirror`, a face and its mirror image go through the network in the same batch, and their raw outputs
    are summed before the sum is brought to length 1: the half that the network is surer of (the longer
    vector) weighs more.
    """

    def __init__(
        self,
        run: Runner,
        *,
        size: int,
        dim: int,
        rgb: bool,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        mirror: bool,
        template_points: F32,
    ) -> None:
        self._run = run
        self._size = size
        self._dim = dim
        self._rgb = rgb  # the order of the network's channels, and of the two rows below
        self._mean = np.array(mean, np.float32).reshape(1, 3, 1, 1)
        self._factor = (1 / np.array(std, np.float64)).astype(np.float32).reshape(1, 3, 1, 1)
        self._mirror = mirror
        self._template_points = template_points.copy()
        self._template_points.flags.writeable = False

    @property
    def size(self) -> int:
        """Side of an aligned face, pixels."""
        return self._size

    @property
    def dim(self) -> int:
        return self._dim

    @property
    def template_points(self) -> F32:
        """float32 [5, 2]: where the five points lie in an aligned face, pixels. Read-only."""
        return self._template_points

    def embed(self, aligned: U8) -> F32:
        """aligned: BGR uint8 [n, size, size, 3]. Returns float32 [n, dim], each row of length 1.

        A row for which the network gives no direction (zeros, or numbers that are not finite) is all zeros:
        it is like nobody. Raises UnfitModel where the output is not [n, dim], ValueError where the faces are
        not of this size.
        """
        if aligned.shape[1:] != (self._size, self._size, 3):
            raise ValueError(f"faces must be [n, {self._size}, {self._size}, 3], not {list(aligned.shape)}")
        n = len(aligned)
        if not n:
            return np.empty((0, self._dim), np.float32)
        tensor = self._tensor(aligned)
        try:
            raw = self._vectors(self._run({"input": tensor}), len(tensor))
        finally:
            tensor.fill(0)
        sums = raw[:n] + raw[n:] if self._mirror else raw
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        known = np.isfinite(lengths) & (lengths > 1e-12)
        vectors = np.zeros((n, self._dim), np.float32)
        np.divide(sums, lengths, out=vectors, where=known)
        sums.fill(0)
        raw.fill(0)
        return vectors

    def _tensor(self, aligned: U8) -> F32:
        """float32 [n or 2n, 3, size, size]; the mirrored faces follow the others."""
        n = len(aligned)
        ordered = aligned[..., ::-1] if self._rgb else aligned
        tensor = np.empty((n * (1 + self._mirror), 3, self._size, self._size), np.float32)
        tensor[:n] = ordered.transpose(0, 3, 1, 2)
        tensor[:n] -= self._mean
        tensor[:n] *= self._factor
        if self._mirror:
            tensor[n:] = tensor[:n, :, :, ::-1]
        return tensor

    def _vectors(self, outputs: dict[str, F32], n: int) -> F32:
        """The network's vectors, float32 [n, dim], in memory of our own."""
        for output in outputs.values():
            if output.size == n * self._dim and output.shape[:1] == (n,):
                return np.array(output, np.float32).reshape(n, self._dim)
        shapes = ", ".join(str(list(output.shape)) for output in outputs.values())
        raise UnfitModel(
            "recogniser", "arcface", f"for {n} faces the network gives {shapes}, not {[n, self._dim]}"
        )
