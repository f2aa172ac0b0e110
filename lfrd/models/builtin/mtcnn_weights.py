"""Reads MTCNN's weights from the `mtcnn` package's files into named layers in NCHW order."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np

from lfrd.errors import CorruptError
from lfrd.models.builtin.sources import ONET, PNET, RNET, Source
from lfrd.types import F32


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or a dense layer, and the PReLU behind it.

    kernel: float32 [out, in, rows, columns] (convolution, stride 1, no padding) or [out, in] (dense; `in` in
    the order channels, rows, columns). bias: float32 [out]. slope: float32 [out], or None behind a head.
    """

    kernel: F32
    bias: F32
    slope: F32 | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the three networks. `trunk` in the order of computation; heads all read the trunk's end."""

    trunk: tuple[Layer, ...]
    offsets: Layer
    """4 values: shifts of left, top, right, bottom in units of the box's side."""
    points: Layer | None
    """10 values: five x, then five y, in units of the box's side from its corner. O-Net only."""
    face: Layer
    """2 values before the softmax: no face, face."""


# Kernels in Keras order, rows x columns x in x out (convolution) or in x out (dense), from mtcnn 1.0.0's
# network/pnet.py, rnet.py and onet.py. Each layer has a bias, and each but a head a slope per channel.
_PNET = ((3, 3, 3, 10), (3, 3, 10, 16), (3, 3, 16, 32))
_RNET = ((3, 3, 3, 28), (3, 3, 28, 48), (2, 2, 48, 64), (576, 128))
_ONET = ((3, 3, 3, 32), (3, 3, 32, 64), (3, 3, 64, 64), (2, 2, 64, 128), (1152, 256))
_FLAT_SIDE = 3  # R-Net and O-Net flatten 3 x 3 cells


def read_pnet() -> Stage:
    """Raises MissingError and CorruptError, as `read_rnet` and `read_onet` do."""
    return _read(PNET, _PNET, points=False)


def read_rnet() -> Stage:
    return _read(RNET, _RNET, points=False)


def read_onet() -> Stage:
    return _read(ONET, _ONET, points=True)


def _read(source: Source, trunk: tuple[tuple[int, ...], ...], *, points: bool) -> Stage:
    data = source.read()
    try:
        arrays = joblib.load(io.BytesIO(data))
    except Exception as error:  # joblib, lz4 and pickle each raise their own kinds
        raise CorruptError(source.locate(), f"cannot be decoded ({type(error).__name__})") from None
    return arrange(arrays, trunk, points=points, origin=source.locate())


def arrange(arrays: list[F32], trunk: tuple[tuple[int, ...], ...], *, points: bool, origin: Path) -> Stage:
    """Arrays in Keras order as a Stage. Raises CorruptError (path `origin`) where a shape is another one."""
    remaining = iter(arrays)

    def take(*shape: int) -> F32:
        array = next(remaining, None)
        if array is None or array.shape != shape or array.dtype != np.float32:
            found = "nothing" if array is None else f"{array.dtype} {array.shape}"
            raise CorruptError(origin, f"expected weights of shape {shape}, found {found}")
        return array

    def layer(shape: tuple[int, ...], *, head: bool = False) -> Layer:
        kernel, bias = take(*shape), take(shape[-1])
        if len(shape) == 4:
            slope = None if head else take(1, 1, shape[-1]).reshape(-1)
            return Layer(_contiguous(kernel.transpose(3, 2, 0, 1)), bias, slope)
        slope = None if head else take(shape[-1])
        return Layer(_contiguous((kernel if head else _unflattened(kernel)).T), bias, slope)

    body = tuple(layer(shape) for shape in trunk)
    # P-Net's heads are convolutions of 1 x 1, the others' are dense.
    width = trunk[-1][-1]
    before = (1, 1, width) if len(trunk[-1]) == 4 else (width,)
    offsets = layer((*before, 4), head=True)
    landmarks = layer((*before, 10), head=True) if points else None
    face = layer((*before, 2), head=True)
    if (extra := sum(1 for _ in remaining)) > 0:
        raise CorruptError(origin, f"{extra} arrays more than the network has")
    return Stage(body, offsets, landmarks, face)


def _unflattened(kernel: F32) -> F32:
    """Dense rows from MTCNN's order (columns, rows, channels: Matlab's layout) to NCHW's."""
    channels = kernel.shape[0] // _FLAT_SIDE**2
    cells = kernel.reshape(_FLAT_SIDE, _FLAT_SIDE, channels, -1)
    return cells.transpose(2, 1, 0, 3).reshape(kernel.shape)


def _contiguous(array: F32) -> F32:
    return np.ascontiguousarray(array, np.float32)
