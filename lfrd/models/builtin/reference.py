"""The pack's networks in plain NumPy, layer by layer as their authors drew them, to hold the ONNX against.

Nothing is folded or joined here. It is slow: only `convert.build` and tests use it.
All pictures and cells are float32 [n, channels, rows, columns].
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lfrd.models.builtin.dlib import Block, Convolution, FaceResNet
from lfrd.models.builtin.mtcnn_weights import Layer, Stage
from lfrd.types import F32


def pnet(stage: Stage, picture: F32) -> dict[str, F32]:
    """`offsets` and `face` as the graph of the same name gives them; see `graphs`."""
    first, *others = stage.trunk
    at = max_pool(_activated(picture, first), 2, part=True)
    for layer in others:
        at = _activated(at, layer)
    return {
        "offsets": convolution(at, stage.offsets.kernel, stage.offsets.bias),
        "face": softmax(convolution(at, stage.face.kernel, stage.face.bias))[:, 1:],
    }


def rnet(stage: Stage, patches: F32) -> dict[str, F32]:
    first, second, third, dense = stage.trunk
    at = max_pool(_activated(patches, first), 3, part=True)
    at = max_pool(_activated(at, second), 3, part=False)
    return _heads(stage, dense, _activated(at, third))


def onet(stage: Stage, patches: F32) -> dict[str, F32]:
    first, second, third, fourth, dense = stage.trunk
    at = max_pool(_activated(patches, first), 3, part=True)
    at = max_pool(_activated(at, second), 3, part=False)
    at = max_pool(_activated(at, third), 2, part=True)
    return _heads(stage, dense, _activated(at, fourth))


def recogniser(network: FaceResNet, faces: F32) -> dict[str, F32]:
    """`template`, not normalised. faces: float32 [n, 3, 150, 150], RGB, (pixel - mean) / 256."""
    at = max_pool(relu(_affine(faces, network.stem)), 3, part=False)
    for block in network.blocks:
        at = _residual(at, block)
    return {"template": at.mean((2, 3)) @ network.dense}


def convolution(at: F32, kernel: F32, bias: F32, stride: int = 1, padding: int = 0) -> F32:
    """kernel: float32 [out, in, rows, columns]."""
    if padding:
        at = np.pad(at, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(at, kernel.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    out = np.tensordot(windows, kernel, ((1, 4, 5), (1, 2, 3)))
    return np.ascontiguousarray((out + bias).transpose(0, 3, 1, 2), np.float32)


def prelu(at: F32, slope: F32) -> F32:
    """slope: one a channel (axis 1)."""
    return np.where(at < 0, at * slope.reshape(1, -1, *(1,) * (at.ndim - 2)), at)


def relu(at: F32) -> F32:
    return np.maximum(at, np.float32(0))


def max_pool(at: F32, window: int, *, part: bool) -> F32:
    """Stride 2. part: a window that reaches past the end by less than a stride counts what it covers."""
    if part:
        beyond = [(0, (size - window) % 2) for size in at.shape[2:]]
        at = np.pad(at, ((0, 0), (0, 0), *beyond), constant_values=-np.inf)
    windows: F32 = sliding_window_view(at, (window, window), (2, 3))[:, :, ::2, ::2]
    return np.asarray(windows.max((4, 5)))


def softmax(at: F32) -> F32:
    """Over axis 1."""
    powers = np.exp(at - at.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)


def _activated(at: F32, layer: Layer) -> F32:
    assert layer.slope is not None
    return prelu(convolution(at, layer.kernel, layer.bias), layer.slope)


def _heads(stage: Stage, dense: Layer, at: F32) -> dict[str, F32]:
    assert dense.slope is not None
    flat = prelu(at.reshape(len(at), -1) @ dense.kernel.T + dense.bias, dense.slope)
    outputs = {
        "offsets": flat @ stage.offsets.kernel.T + stage.offsets.bias,
        "face": softmax(flat @ stage.face.kernel.T + stage.face.bias)[:, 1:],
    }
    if stage.points is not None:
        outputs["points"] = flat @ stage.points.kernel.T + stage.points.bias
    return outputs


def _affine(at: F32, layer: Convolution) -> F32:
    out = convolution(at, layer.kernel, layer.bias, layer.stride, layer.padding)
    return out * layer.gamma[:, None, None] + layer.beta[:, None, None]


def _residual(at: F32, block: Block) -> F32:
    main = _affine(relu(_affine(at, block.first)), block.second)
    if block.down:
        at = sliding_window_view(at, (2, 2), (2, 3))[:, :, ::2, ::2].mean((4, 5))
    channels, rows, columns = np.maximum(main.shape[1:], at.shape[1:])
    out = np.zeros((len(at), channels, rows, columns), np.float32)
    for side in (main, at):
        out[:, : side.shape[1], : side.shape[2], : side.shape[3]] += side
    return relu(out)
