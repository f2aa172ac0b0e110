"""Holds the ONNX graphs, as ONNX Runtime computes them on this machine, against the layers in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime

from lfrd.types import F32

TOLERANCE = 1e-4
"""Greatest difference accepted, in units of an output's greatest value. Rounding alone gives about 1e-6."""


def disagreement(graph: bytes, reference: Callable[[F32], dict[str, F32]], picture: F32) -> float:
    """Greatest difference over all outputs, each in units of the reference's greatest value."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    wanted = reference(picture)
    names = list(wanted)
    found = session.run(names, {"input": picture})
    return max(
        float(np.abs(np.asarray(array) - wanted[name]).max() / np.abs(wanted[name]).max())
        if np.shape(array) == wanted[name].shape
        else float("inf")
        for name, array in zip(names, found, strict=True)
    )


def noise(shape: tuple[int, ...], spread: float) -> F32:
    """A picture of noise that is the same on every run, -spread..spread."""
    return np.random.default_rng(150).uniform(-spread, spread, shape).astype(np.float32)
