"""Small networks built as YuNet is, with weights of chance, and some that are nearly built so."""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lfrd.vision.dense import STRIDES
from lfrd.vision.yunet import PARTS

Flaw = Literal[
    "columns first",  # cells are counted column by column
    "probable boxes",  # of boxes and points too the probability is taken
    "raw scores",  # of scores it is not
    "a step between",  # in each head, between its convolutions
    "other sources",  # each head looks at a map of its own
    "wider steps",  # the last head leaves out the nearest neighbours
    "other names",  # of the outputs
]


class _Parts:
    """The nodes and weights of a graph that is being built."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._rng = np.random.default_rng(3)

    def node(self, kind: str, inputs: list[str], output: str, **settings: object) -> str:
        made = helper.make_node(kind, inputs, [output])
        made.attribute.extend(helper.make_attribute(name, value) for name, value in settings.items())
        self.nodes.append(made)
        return output

    def constant(self, name: str, values: object, kind: type = np.int64) -> str:
        self.weights.append(numpy_helper.from_array(np.array(values, kind), name))
        return name

    def convolution(
        self, source: str, output: str, kernel: list[int], group: int, step: int = 1, *, biased: bool
    ) -> str:
        inputs = [source, self.constant(f"{output}/kernel", self._rng.normal(0, 0.3, kernel), np.float32)]
        if biased:
            inputs.append(self.constant(f"{output}/bias", self._rng.normal(0, 0.3, kernel[0]), np.float32))
        pads = [kernel[2] // 2 * step] * 4
        steps = [step, step]
        return self.node(
            "Conv", inputs, output, kernel_shape=kernel[2:], pads=pads, group=group, dilations=steps
        )


def yunet(
    flaw: Flaw | None = None, size: tuple[int | str, int | str] = ("height", "width"), *, biased: bool = True
) -> bytes:
    """A picture [1, 3, *size], its means over each cell, and of those the outputs for `yunet.decoded`."""
    graph = _Parts()
    dimmed = graph.node("Mul", ["picture", graph.constant("dim", 0.01, np.float32)], "dimmed")
    outputs = []
    for stride in STRIDES:
        window = {"kernel_shape": [stride] * 2, "strides": [stride] * 2}
        for part, channels in PARTS.items():
            name = f"{part}_{stride}"
            if part == "cls" or flaw == "other sources":
                source = graph.node("AveragePool", [dimmed], f"{name}/cells", **window)
            at = graph.convolution(source, f"{name}/mixed", [channels, 3, 1, 1], 1, biased=biased)
            if flaw == "a step between":
                at = graph.node("Relu", [at], f"{name}/step")
            step = 2 if part == "kps" and flaw == "wider steps" else 1
            kernel = [channels, 1, 3, 3]
            at = graph.convolution(at, f"{name}/smooth", kernel, channels, step, biased=biased)
            order = [0, 3, 2, 1] if flaw == "columns first" else [0, 2, 3, 1]
            at = graph.node("Transpose", [at], f"{name}/turned", perm=order)
            at = graph.node(
                "Reshape", [at, graph.constant(f"{name}/shape", [0, -1, channels])], f"{name}/flat"
            )
            probable = flaw != "raw scores" if part in {"cls", "obj"} else flaw == "probable boxes"
            output = name.replace("_", "-") if flaw == "other names" else name
            graph.node("Sigmoid" if probable else "Identity", [at], output)
            outputs.append(
                helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, f"n_{stride}", channels])
            )
    entry = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, *size])
    built = helper.make_graph(graph.nodes, "yunet", [entry], outputs, graph.weights)
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
