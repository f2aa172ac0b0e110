"""A pack's two networks as the trial uses them: one thread, and vectors as long as they come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from lfrd.config import Inference as InferenceSettings
from lfrd.models import library
from lfrd.networks.onnx_runtime import Network
from lfrd.types import F32, U8
from lfrd.vision.adapters import Detector, Recogniser, Runner
from lfrd.vision.pack import Pack, make_detector, make_recogniser

BATCH = 32  # faces a call of the recogniser


class _Noting:
    """A network that remembers how long the vectors of its last call were."""

    def __init__(self, run: Runner, dim: int) -> None:
        self._run = run
        self._dim = dim
        self.lengths = np.empty(0, np.float32)

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        outputs = self._run(inputs)
        n = len(next(iter(inputs.values())))
        vectors = next(output for output in outputs.values() if output.size == n * self._dim)
        self.lengths = np.linalg.norm(vectors.reshape(n, self._dim), axis=1).astype(np.float32)
        return outputs


@dataclass(frozen=True, slots=True)
class Networks:
    """mirrored: whether the pack itself averages a face with its mirror image; here that is a cut of its own,
    so the recogniser does not. high: the detector's score of a confident face."""

    pack: Pack
    detector: Detector
    recogniser: Recogniser
    high: float
    mirrored: bool
    _noting: _Noting

    def embed(self, aligned: U8) -> F32:
        """BGR uint8 [n, size, size, 3] to float32 [n, dim], each row as long as the network made it."""
        rows = []
        for start in range(0, len(aligned), BATCH):
            units = self.recogniser.embed(aligned[start : start + BATCH])
            rows.append(units * self._noting.lengths[:, None])
        return np.concatenate(rows) if rows else np.empty((0, self.recogniser.dim), np.float32)


def open_networks(pack: Pack) -> Networks:
    """Raises what reading the pack's files does."""
    provider = InferenceSettings().provider
    runners: dict[str, Runner] = {
        role: Network(pack.files[role], network, provider, 1)
        for role, network in library.networks(pack).items()
    }
    manifest = pack.manifest
    noting = _Noting(runners.pop("recogniser"), manifest.recogniser.dim)
    plain = msgspec.structs.replace(
        manifest, recogniser=msgspec.structs.replace(manifest.recogniser, mirror=False)
    )
    return Networks(
        pack,
        make_detector(manifest, runners),
        make_recogniser(plain, noting),
        manifest.detector.score,
        manifest.recogniser.mirror,
        noting,
    )
