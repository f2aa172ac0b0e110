"""Builds the four ONNX graphs of the builtin pack from its weights.

All are float32, NCHW, opset 17, with a dynamic batch; P-Net's rows and columns are dynamic too.

| graph      | input `input`     | outputs                                                                   |
| ---------- | ----------------- | ------------------------------------------------------------------------- |
| pnet       | [n, 3, h, w]      | `offsets` [n, 4, rows, columns], `face` [n, 1, rows, columns]             |
| rnet       | [n, 3, 24, 24]    | `offsets` [n, 4], `face` [n, 1]                                           |
| onet       | [n, 3, 48, 48]    | `offsets` [n, 4], `points` [n, 10], `face` [n, 1]                         |
| recogniser | [n, 3, 150, 150]  | `template` [n, 128], not normalised                                       |

`face` is the probability of a face, 0..1. The other values are described at `mtcnn_weights.Stage`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lfrd.models.builtin.dlib import Block, Convolution, FaceResNet
from lfrd.models.builtin.mtcnn_weights import Layer, Stage
from lfrd.types import F32

Shape = tuple[int | str, ...]
"""Sizes of a tensor; a name where the size is free."""
Order = NDArray[np.intp]
"""Which of a layer's own channels stands at each place."""

OPSET = 17
IR_VERSION = 8  # the one that came with opset 17; a newer one would shut out older runtimes for nothing


class _Graph:
    """A graph under construction: nodes in order, each with one output that takes the node's name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def constant(self, array: F32 | NDArray[np.int64]) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def split(self, source: str, sizes: tuple[int, ...], outputs: tuple[str, ...]) -> None:
        """Cut axis 1 into parts of the given sizes."""
        name = f"split{len(self._nodes)}"
        wanted = self.constant(np.array(sizes, np.int64))
        self._nodes.append(helper.make_node("Split", [source, wanted], list(outputs), name=name, axis=1))

    def model(self, inputs: Shape, outputs: dict[str, Shape]) -> bytes:
        """The checked model, serialised so that the same weights always give the same bytes."""
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, inputs)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in outputs.items()
            ],
            self._weights,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="lfrd",
        )
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))


def pnet(stage: Stage) -> bytes:
    graph = _Graph("pnet")
    first, *others = stage.trunk
    at, order = _conv_prelu_pool(graph, "input", first, 2, same=True)
    others[0] = _reordered(others[0], order)
    for layer in others:
        at = _prelu(graph, _conv(graph, at, layer), layer)
    heads, sizes = _joined_heads(stage)
    at = _conv(graph, at, heads)
    graph.split(at, sizes, ("offsets", "logit"))
    graph.node("Sigmoid", "logit", output="face")
    cells = ("n", 4, "rows", "columns"), ("n", 1, "rows", "columns")
    return graph.model(("n", 3, "h", "w"), dict(zip(("offsets", "face"), cells, strict=True)))


def rnet(stage: Stage) -> bytes:
    return _patch_net("rnet", stage, 24, ((3, True), (3, False)))


def onet(stage: Stage) -> bytes:
    return _patch_net("onet", stage, 48, ((3, True), (3, False), (2, True)))


def _patch_net(name: str, stage: Stage, side: int, pools: tuple[tuple[int, bool], ...]) -> bytes:
    """pools: window and `same` behind each convolution but the last, which has none."""
    graph = _Graph(name)
    *pooled, last, dense = stage.trunk
    at, order = "input", np.arange(3)
    for layer, (window, same) in zip(pooled, pools, strict=True):
        at, order = _conv_prelu_pool(graph, at, _reordered(layer, order), window, same=same)
    at = _prelu(graph, _conv(graph, at, _reordered(last, order)), last)
    at = graph.node("Flatten", at, axis=1)
    at = _prelu(graph, _dense(graph, at, dense), dense)
    heads, sizes = _joined_heads(stage)
    at = _dense(graph, at, heads)
    names = ("offsets", "points", "logit") if stage.points is not None else ("offsets", "logit")
    graph.split(at, sizes, names)
    graph.node("Sigmoid", "logit", output="face")
    outputs: dict[str, Shape] = {"offsets": ("n", 4), "face": ("n", 1)}
    if stage.points is not None:
        outputs["points"] = ("n", 10)
    return graph.model(("n", 3, side, side), outputs)


def recogniser(network: FaceResNet) -> bytes:
    """Affine layers are folded into the convolutions before them."""
    graph = _Graph("recogniser")
    at = graph.node("Relu", _folded(graph, "input", network.stem))
    at = _pool(graph, at, 3, same=False)
    side, width = 35, network.stem.kernel.shape[0]  # 150 pixels, 72 cells behind the stem, 35 behind the pool
    for block in network.blocks:
        at, side, width = _residual(graph, at, block, side, width)
    at = graph.node("GlobalAveragePool", at)
    at = graph.node("Flatten", at, axis=1)
    graph.node("MatMul", at, graph.constant(network.dense), output="template")
    return graph.model(("n", 3, 150, 150), {"template": ("n", network.dense.shape[1])})


def _residual(graph: _Graph, at: str, block: Block, side: int, width: int) -> tuple[str, int, int]:
    """The block's output, its side in cells, and its channels."""
    out = block.second.kernel.shape[0]
    main = graph.node("Relu", _folded(graph, at, block.first))
    main = _folded(graph, main, block.second)
    if not block.down:
        return graph.node("Relu", graph.node("Add", main, at)), side, out
    main_side, short_side = (side - 3) // 2 + 1, (side - 2) // 2 + 1
    short = graph.node("AveragePool", at, kernel_shape=[2, 2], strides=[2, 2])
    side = max(main_side, short_side)
    short = _zero_padded(graph, short, out - width, side - short_side)
    main = _zero_padded(graph, main, 0, side - main_side)
    return graph.node("Relu", graph.node("Add", main, short)), side, out


def _zero_padded(graph: _Graph, at: str, channels: int, cells: int) -> str:
    if channels == cells == 0:
        return at
    pads = np.array([0, 0, 0, 0, 0, channels, cells, cells], np.int64)
    return graph.node("Pad", at, graph.constant(pads), mode="constant")


def _folded(graph: _Graph, at: str, layer: Convolution) -> str:
    kernel = layer.kernel * layer.gamma[:, None, None, None]
    bias = layer.bias * layer.gamma + layer.beta
    rows, columns = kernel.shape[2:]
    return graph.node(
        "Conv",
        at,
        graph.constant(kernel),
        graph.constant(bias),
        kernel_shape=[rows, columns],
        strides=[layer.stride] * 2,
        pads=[layer.padding] * 4,
    )


def _conv(graph: _Graph, at: str, layer: Layer) -> str:
    rows, columns = layer.kernel.shape[2:]
    return graph.node(
        "Conv", at, graph.constant(layer.kernel), graph.constant(layer.bias), kernel_shape=[rows, columns]
    )


def _dense(graph: _Graph, at: str, layer: Layer) -> str:
    return graph.node("Gemm", at, graph.constant(layer.kernel), graph.constant(layer.bias), transB=1)


def _prelu(graph: _Graph, at: str, layer: Layer) -> str:
    assert layer.slope is not None
    cells = (1, 1) if layer.kernel.ndim == 4 else ()
    return graph.node("PRelu", at, graph.constant(layer.slope.reshape(-1, *cells)))


def _pool(graph: _Graph, at: str, window: int, *, same: bool) -> str:
    """Max-pool of stride 2; `same` keeps a part window at the end, as Keras's padding "same" does here."""
    return graph.node("MaxPool", at, kernel_shape=[window, window], strides=[2, 2], ceil_mode=int(same))


def _conv_prelu_pool(graph: _Graph, at: str, layer: Layer, window: int, *, same: bool) -> tuple[str, Order]:
    """Convolution, PReLU and max-pool, with the PReLU behind the pool, where it has a quarter of the work.

    A PReLU with a slope of 0 or more never falls, so the greatest value before it is the greatest behind it.
    One with a negative slope s is max(x, s x): its channel is computed twice, the second time with its
    kernel times s, both are pooled, and the greater is taken. Exact for both; measured for P-Net at 480 x 270
    on one thread: 6.5 ms instead of 10.5.

    Returns the output and its channels' order, those with negative slopes last.
    """
    assert layer.slope is not None
    falling = layer.slope < 0
    order = np.concatenate([np.flatnonzero(~falling), np.flatnonzero(falling)])
    twice = np.flatnonzero(falling)
    slope = layer.slope[twice]
    kernel = np.concatenate([layer.kernel[order], layer.kernel[twice] * slope[:, None, None, None]])
    bias = np.concatenate([layer.bias[order], layer.bias[twice] * slope])
    pooled = _pool(graph, _conv(graph, at, Layer(kernel, bias, None)), window, same=same)
    sizes = (len(order) - len(twice), len(twice), len(twice))
    rising, left, right = (f"{pooled}_{part}" for part in ("rising", "falling", "turned"))
    graph.split(pooled, sizes, (rising, left, right))
    rising = graph.node("PRelu", rising, graph.constant(layer.slope[~falling].reshape(-1, 1, 1)))
    return graph.node("Concat", rising, graph.node("Max", left, right), axis=1), order


def _reordered(layer: Layer, order: Order) -> Layer:
    """The convolution for an input whose channels come in this order."""
    return Layer(layer.kernel[:, order], layer.bias, layer.slope)


def _joined_heads(stage: Stage) -> tuple[Layer, tuple[int, ...]]:
    """All heads as one layer, and the outputs of each: offsets, points if any, face.

    The softmax of two values is the sigmoid of their difference, so the face head gives that difference.
    """
    heads = [stage.offsets] if stage.points is None else [stage.offsets, stage.points]
    kernels = [head.kernel for head in heads] + [stage.face.kernel[1:] - stage.face.kernel[:1]]
    biases = [head.bias for head in heads] + [stage.face.bias[1:] - stage.face.bias[:1]]
    sizes = tuple(len(bias) for bias in biases)
    return Layer(np.concatenate(kernels), np.concatenate(biases), None), sizes
