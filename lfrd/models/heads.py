"""Joins YuNet's four heads of a stride into one: the same numbers, in a tenth to a fifth less time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from lfrd.types import F32
from lfrd.vision.dense import STRIDES
from lfrd.vision.yunet import MAP, PARTS, probabilities

CLOSE = 1e-5
"""Largest difference of the joined heads from the single ones, in probabilities and cells, or as a share of
an output that is larger than 1. Rounding makes a fortieth of it."""

NOISE = (8, 255)
"""Brightest of the noise pictures that are compared: one nearly dark, one of every brightness."""

SMALL = 96, 64
"""Their width and height in pixels where the network takes any: the check is made at every start."""

_SHAPING = {"Identity", "Reshape", "Sigmoid", "Transpose"}
"""What lies between a head's last convolution and its output."""


class _OtherGraphError(Exception):
    """This network's heads cannot be joined as YuNet's can."""


@dataclass(frozen=True, slots=True)
class _Head:
    """One part of one stride: `mix`, a convolution of each cell's channels, then `smooth`, of each channel's
    cells."""

    mix: onnx.NodeProto
    smooth: onnx.NodeProto


def join_heads(model: bytes) -> bytes:
    """A YuNet whose outputs are `yunet.MAP` of each stride instead of the four `yunet.PARTS`.

    A head is two small convolutions, of 1, 1, 4 and 10 channels: too few to fill a processor's registers.
    Their weights, laid one behind the other, are one pair of 16 channels. The reshaping is left to the
    decoder, as are the probabilities, which only the few cells with a face need. What comes out is compared
    with the original on noise. The bytes themselves where the network is built in another way or disagrees.
    """
    try:
        joined = _joined(model)
        _check(model, joined)
    except Exception:
        # Ours, protobuf's, ONNX's or ONNX Runtime's: what an original lacks is told by whoever loads it.
        return model
    return joined


def _joined(content: bytes) -> bytes:
    """Raises _OtherGraphError, or what ONNX does of what is no network."""
    model = onnx.load_model_from_string(content)
    graph = model.graph
    weights = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    maker = {name: node for node in graph.node for name in node.output}
    entry = next(value for value in graph.input if value.name not in weights)
    batch = entry.type.tensor_type.shape.dim[0]
    outputs = []
    for stride in STRIDES:
        heads = [_head(maker, f"{part}_{stride}") for part in PARTS]
        name = MAP.format(stride)
        between = f"{name}/mixed"
        sources = {head.mix.input[0] for head in heads}
        if len(sources) > 1:
            raise _OtherGraphError(f"the heads of stride {stride} look at different maps")
        mixed = _one([head.mix for head in heads], sources.pop(), between, weights, graph)
        graph.node.extend([mixed, _one([head.smooth for head in heads], between, name, weights, graph)])
        shape = [batch.dim_value or batch.dim_param, sum(PARTS.values()), None, None]
        outputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    del graph.output[:]
    graph.output.extend(outputs)
    del graph.value_info[:]
    _drop_unread(graph)
    onnx.checker.check_model(model)
    rewritten: bytes = model.SerializeToString()
    return rewritten


def _head(maker: dict[str, onnx.NodeProto], output: str) -> _Head:
    """The two convolutions that an output comes from. maker: the node that makes a tensor, by its name."""
    node = maker.get(output)
    while node is not None and node.op_type in _SHAPING:
        node = maker.get(node.input[0])
    before = None if node is None else maker.get(node.input[0])
    if node is None or before is None or (node.op_type, before.op_type) != ("Conv", "Conv"):
        raise _OtherGraphError(f"{output} does not come from two convolutions")
    return _Head(before, node)


def _one(
    nodes: list[onnx.NodeProto],
    source: str,
    target: str,
    weights: dict[str, NDArray[np.generic]],
    graph: onnx.GraphProto,
) -> onnx.NodeProto:
    """The convolutions as one whose channels are theirs, in their order; its weights go into the graph."""
    kernels = [weights[node.input[1]] for node in nodes]
    biases = [
        weights[node.input[2]] if len(node.input) > 2 else np.zeros(len(kernel), kernel.dtype)
        for node, kernel in zip(nodes, kernels, strict=True)
    ]
    settings = [{a.name: helper.get_attribute_value(a) for a in node.attribute} for node in nodes]
    groups = [each.pop("group", 1) for each in settings]
    if any(each != settings[0] for each in settings):
        raise _OtherGraphError(f"{target}: the convolutions are set in different ways")
    if groups == [len(kernel) for kernel in kernels] and all(kernel.shape[1] == 1 for kernel in kernels):
        group = sum(groups)  # each channel by itself
    elif set(groups) == {1}:
        group = 1
    else:
        raise _OtherGraphError(f"{target}: the convolutions are grouped in different ways")
    for suffix, parts in (("kernel", kernels), ("bias", biases)):
        graph.initializer.append(numpy_helper.from_array(np.concatenate(parts), f"{target}/{suffix}"))
    inputs = [source, f"{target}/kernel", f"{target}/bias"]
    return helper.make_node("Conv", inputs, [target], target, group=group, **settings[0])


def _drop_unread(graph: onnx.GraphProto) -> None:
    """Leave out all that leads to no output any more. Nodes are in the order of computation."""
    read = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if read.intersection(node.output):
            kept.append(node)
            read.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    for values in (graph.initializer, graph.input):
        needed = [value for value in values if value.name in read]
        del values[:]
        values.extend(needed)


def _check(original: bytes, joined: bytes) -> None:
    """Raises _OtherGraphError where the two do not give the same numbers for noise."""
    apart, together = _session(original), _session(joined)
    entry = apart.get_inputs()[0]
    width, height = SMALL
    free = 1, 3, height, width
    shape = [side if isinstance(side, int) else other for side, other in zip(entry.shape, free, strict=True)]
    random = np.random.default_rng(1)
    names = [output.name for output in apart.get_outputs()]
    for brightest in NOISE:
        noise = random.uniform(0, brightest, shape).astype(np.float32)
        wanted = dict(zip(names, apart.run(names, {entry.name: noise}), strict=True))
        for stride, found in zip(STRIDES, together.run(None, {entry.name: noise}), strict=True):
            for part, values in _split(found).items():
                _compare(f"{part}_{stride}", wanted[f"{part}_{stride}"], values)


def _split(found: F32) -> dict[str, F32]:
    """A map [1, 16, rows, columns] as the single heads' outputs [1, n, channels]."""
    flat = found.reshape(found.shape[1], -1).T
    parts = np.split(flat, np.cumsum(list(PARTS.values()))[:-1], axis=1)
    named = dict(zip(PARTS, parts, strict=True))
    return named | {part: probabilities(named[part]) for part in ("cls", "obj")}


def _compare(name: str, wanted: F32, found: F32) -> None:
    if wanted.shape != (1, *found.shape):
        raise _OtherGraphError(f"{name} is {list(wanted.shape)}, and joined {[1, *found.shape]}")
    size = max(1.0, float(np.abs(wanted).max()))
    difference = float(np.abs(wanted[0] - found).max())
    if not difference <= CLOSE * size:  # not a number is none
        raise _OtherGraphError(f"joined, {name} differs by {difference:.1e}")


def _session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
