"""Lets a network that was exported for one face at a time take many: batches are what workers live on."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

from lfrd.errors import LfrdError

BATCH = "batch"  # the dimension's name in the rewritten file

CLOSE = 1e-3  # largest difference, as a share of the output's size, between a batch and one by one


class FixedBatchError(LfrdError):
    """This network cannot be made to take several faces; it has to be run one at a time."""


def make_batch_dynamic(model_bytes: bytes) -> bytes:
    """The same network with a free batch dimension; the bytes themselves where it already has one.

    The first dimension of every input and output becomes free. Reshapes of the picture's own tensors whose
    constant shape begins with 1 keep the batch instead (0 means "as the input has it"); reshapes of weights
    are left alone. The stored shapes in between are dropped, for ONNX Runtime to infer again. What comes out
    is compared with the original on three noise pictures. Raises FixedBatchError where it cannot be read or
    does not agree.
    """
    try:
        model = onnx.load_model_from_string(model_bytes)
    except Exception as error:  # protobuf's own errors, by version
        raise FixedBatchError(f"not an ONNX file ({type(error).__name__})") from None
    graph = model.graph
    weights = {weight.name for weight in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if not inputs:
        raise FixedBatchError("it has no input")
    if not any(_is_fixed(value) for value in inputs):
        return model_bytes
    for value in (*inputs, *graph.output):
        first = value.type.tensor_type.shape.dim
        if first:
            first[0].dim_param = BATCH
    del graph.value_info[:]
    _free_reshapes(graph, {value.name for value in inputs})
    _drop_unused(graph)
    rewritten: bytes = model.SerializeToString()
    _check(model_bytes, rewritten)
    return rewritten


def _is_fixed(value: onnx.ValueInfoProto) -> bool:
    shape = value.type.tensor_type.shape.dim
    return bool(shape) and shape[0].HasField("dim_value") and shape[0].dim_value == 1


def _free_reshapes(graph: onnx.GraphProto, carried: set[str]) -> None:
    """Rewrite the constant shapes of reshapes whose data comes from the picture. Nodes are in the order of
    computation, as ONNX demands."""
    constants: dict[str, onnx.TensorProto] = {weight.name: weight for weight in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    constants[node.output[0]] = attribute.t
        if not carried.intersection(node.input):
            continue
        carried.update(node.output)
        if node.op_type != "Reshape" or node.input[1] not in constants:
            continue
        tensor = constants[node.input[1]]
        shape = numpy_helper.to_array(tensor).copy()
        if shape.ndim == 1 and len(shape) and shape[0] == 1:
            literal_zero = any(a.name == "allowzero" and a.i for a in node.attribute)
            if literal_zero and -1 in shape:
                raise FixedBatchError(f"the reshape '{node.name or node.output[0]}' cannot be freed")
            shape[0] = -1 if literal_zero else 0
            # A shape of its own: another reshape, of weights, may share the constant.
            own = f"{node.output[0]}/{BATCH}"
            graph.initializer.append(numpy_helper.from_array(shape, own))
            node.input[1] = own


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Leave out the constants that nothing reads any more: ONNX Runtime would warn of each."""
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    for node in [n for n in graph.node if n.op_type == "Constant" and n.output[0] not in read]:
        graph.node.remove(node)
    for weight in [w for w in graph.initializer if w.name not in read]:
        graph.initializer.remove(weight)


def _check(original: bytes, rewritten: bytes) -> None:
    one, many = _session(original), _session(rewritten)
    entry = one.get_inputs()[0]
    if len(one.get_inputs()) != 1 or not all(isinstance(side, int) for side in entry.shape[1:]):
        raise FixedBatchError(f"its input is {entry.shape}: only the batch may be free")
    noise = np.random.default_rng(1).uniform(-1, 1, (3, *entry.shape[1:])).astype(np.float32)
    try:
        together = many.run(None, {entry.name: noise})
        single = [one.run(None, {entry.name: noise[i : i + 1]}) for i in range(len(noise))]
    except Exception as error:
        raise FixedBatchError(f"it does not run with three pictures ({_first_line(error)})") from None
    for number, output in enumerate(together):
        expected = np.concatenate([outputs[number] for outputs in single])
        size = float(np.abs(expected).max()) or 1.0
        if output.shape != expected.shape or float(np.abs(output - expected).max()) > CLOSE * size:
            raise FixedBatchError("three pictures together do not give what they give one by one")


def _session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise FixedBatchError(f"ONNX Runtime cannot load it ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
