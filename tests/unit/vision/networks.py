"""Real ONNX networks, tiny and with known answers, and a runner for any file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from lfrd.types import F32
from lfrd.vision.adapters import Runner


def runner(model: bytes) -> Runner:
    """What the inference room makes of a file: its single input under the name `input`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    entry, outputs = session.get_inputs()[0].name, [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, F32]) -> dict[str, F32]:
        return dict(zip(outputs, session.run(outputs, {entry: inputs["input"]}), strict=True))

    return run


def output_names(model: bytes) -> list[str]:
    return [output.name for output in onnx.load_model_from_string(model).graph.output]


def answers(outputs: Mapping[str, F32]) -> bytes:
    """A network that looks at any picture and gives these outputs."""
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "mean"], ["nothing"]),
    ]
    weights = []
    for name, value in outputs.items():
        weights.append(numpy_helper.from_array(np.asarray(value, np.float32), f"{name}/value"))
        nodes.append(helper.make_node("Add", [f"{name}/value", "nothing"], [name]))
    graph = helper.make_graph(
        nodes,
        "answers",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(v.shape)) for n, v in outputs.items()],
        weights,
    )
    return _saved(graph)


def recogniser(
    batch: int | str = "n", size: int = 16, dim: int = 8, *, shape_as: str = "initializer"
) -> bytes:
    """Averages quarters of the face and mixes them: [batch, 3, size, size] -> [batch, dim].

    With `batch` 1 its Reshape holds [1, 12] as an initializer or a Constant node, as exporters write it.
    """
    rng = np.random.default_rng(7)
    first = 1 if batch == 1 else 0
    shape = numpy_helper.from_array(np.array([first, 12], np.int64), "shape")
    side = size // 2
    nodes = [
        helper.make_node("AveragePool", ["face"], ["quarters"], kernel_shape=[side] * 2, strides=[side] * 2),
        helper.make_node("Reshape", ["quarters", "shape"], ["flat"]),
        # Weights are reshaped too, to a first side of 1 that has nothing to do with the batch.
        helper.make_node("Reshape", ["bias/flat", "bias/shape"], ["bias"]),
        helper.make_node("MatMul", ["flat", "mix"], ["mixed"]),
        helper.make_node("Add", ["mixed", "bias"], ["template"]),
    ]
    weights = [
        numpy_helper.from_array(rng.normal(size=(12, dim)).astype(np.float32), "mix"),
        numpy_helper.from_array(rng.normal(size=dim).astype(np.float32), "bias/flat"),
        numpy_helper.from_array(np.array([1, dim], np.int64), "bias/shape"),
    ]
    if shape_as == "initializer":
        weights.append(shape)
    else:
        nodes.insert(0, helper.make_node("Constant", [], ["shape"], value=shape))
    graph = helper.make_graph(
        nodes,
        "recogniser",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, [batch, 3, size, size])],
        [helper.make_tensor_value_info("template", TensorProto.FLOAT, [batch, dim])],
        weights,
    )
    return _saved(graph)


def of_one_picture_only() -> bytes:
    """A recogniser that mixes the faces of a batch, so that no rewriting makes a batch of it."""
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["face"], ["all"], axes=[0, 2, 3], keepdims=0),
            helper.make_node("Reshape", ["all", "shape"], ["template"]),
        ],
        "one",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("template", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.array([-1, 3], np.int64), "shape")],
    )
    return _saved(graph)


def _saved(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
