"""Reads the weights of dlib's face ResNet from its serialised file, layer by layer.

The format (dlib/serialize.h, dlib/dnn): an integer is a control byte (low four bits: count of bytes, 0x80:
negative) and that many little-endian bytes; a tensor is the integer 2, four integers of shape, then float32
little-endian. Layers stand in the order of computation, each behind its name, which is a length and bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lfrd.errors import CorruptError
from lfrd.models.builtin.sources import FACE_RESNET
from lfrd.types import F32


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution and the affine layer (batch normalisation, frozen) behind it.

    kernel: float32 [out, in, rows, columns]; bias, gamma, beta: float32 [out]. The output is
    gamma x (kernel * input + bias) + beta.
    """

    kernel: F32
    bias: F32
    gamma: F32
    beta: F32
    stride: int
    padding: int


@dataclass(frozen=True, slots=True)
class Block:
    """A residual block: first, ReLU, second, plus the shortcut, ReLU.

    Where `down`, `first` has stride 2 and the shortcut is a 2 x 2 average pool of stride 2; where the two
    sides then differ in channels, rows or columns, zeros are added at the end of the smaller.
    """

    first: Convolution
    second: Convolution

    @property
    def down(self) -> bool:
        return self.first.stride == 2


@dataclass(frozen=True, slots=True)
class FaceResNet:
    """dnn_face_recognition_ex.cpp's network: RGB 150 x 150 in, 128 numbers out.

    stem, ReLU, 3 x 3 max-pool of stride 2, the blocks, the mean over all cells, `dense` (float32 [256, 128],
    no bias).
    """

    stem: Convolution
    blocks: tuple[Block, ...]
    dense: F32


# Channels of each residual block in the order of computation; negative where the block halves the picture.
_BLOCKS = (32, 32, 32, -64, 64, 64, 64, -128, 128, 128, -256, 256, 256, -256)
_STEM = 32
_DIM = 128


def read_face_resnet() -> FaceResNet:
    """Raises MissingError where the package is absent, CorruptError where its file is another one."""
    return parse(FACE_RESNET.read(), FACE_RESNET.locate())


def parse(data: bytes, origin: Path) -> FaceResNet:
    """The network in the file's bytes. Raises CorruptError (path `origin`) where it is not this network."""
    cursor = _Cursor(data, origin)
    stem = cursor.convolution(3, _STEM, side=7, stride=2, padding=0)
    blocks = []
    before = _STEM
    for entry in _BLOCKS:
        width, down = abs(entry), entry < 0
        first = cursor.convolution(before, width, side=3, stride=2 if down else 1, padding=0 if down else 1)
        blocks.append(Block(first, cursor.convolution(width, width, side=3, stride=1, padding=1)))
        before = width
    return FaceResNet(stem, tuple(blocks), cursor.dense(before, _DIM))


class _Cursor:
    """A place in the file that only moves forward."""

    def __init__(self, data: bytes, origin: Path) -> None:
        self._data = data
        self._origin = origin  # named in errors
        self._at = 0

    def convolution(self, before: int, width: int, *, side: int, stride: int, padding: int) -> Convolution:
        self._seek("con_4")
        values = self._tensor()
        found = tuple(self._integer() for _ in range(7))
        wanted = (width, side, side, stride, stride, padding, padding)
        if found != wanted or values.size != width * (before * side * side + 1):
            raise self._corrupt(f"a convolution {found} of {values.size} numbers, expected {wanted}")
        self._seek("affine_")
        affine = self._tensor()
        if affine.size != 2 * width:
            raise self._corrupt(f"an affine layer of {affine.size} numbers, expected {2 * width}")
        kernel = values[: width * before * side * side].reshape(width, before, side, side)
        return Convolution(kernel, values[kernel.size :], affine[:width], affine[width:], stride, padding)

    def dense(self, before: int, width: int) -> F32:
        self._seek("fc_2")
        found = (self._integer(), self._integer())
        values = self._tensor()
        if found != (width, before) or values.size != before * width:
            raise self._corrupt(f"a dense layer {found} of {values.size} numbers, expected {(width, before)}")
        return values.reshape(before, width)

    def _seek(self, name: str) -> None:
        """Go behind the next layer of this name; what lies between (counters, rates) is not needed."""
        mark = bytes((1, len(name))) + name.encode("ascii")
        found = self._data.find(mark, self._at)
        if found < 0:
            raise self._corrupt(f"no further layer '{name}'")
        self._at = found + len(mark)

    def _integer(self) -> int:
        control = self._bytes(1)[0]
        size = control & 0x0F
        if not 1 <= size <= 8:
            raise self._corrupt(f"no integer at byte {self._at - 1}")
        value = int.from_bytes(self._bytes(size), "little")
        return -value if control & 0x80 else value

    def _tensor(self) -> F32:
        version = self._integer()
        shape = [self._integer() for _ in range(4)]
        if version != 2 or min(shape) < 0:
            raise self._corrupt(f"no tensor before byte {self._at}")
        count = int(np.prod(shape, dtype=object))
        return np.frombuffer(self._bytes(4 * count), "<f4").astype(np.float32)

    def _bytes(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise self._corrupt(f"ends within a layer, at byte {len(self._data)}")
        self._at += count
        return part

    def _corrupt(self, problem: str) -> CorruptError:
        return CorruptError(self._origin, f"not dlib's face ResNet: {problem}")
