"""A network in a process of its own, whose memory a test reads: pictures go through, and are forgotten.

Its one argument is the runtime. Says where it is on standard output, and waits for a line on standard input.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lfrd import memory
from lfrd.config import Precision
from lfrd.networks import onnx_runtime, openvino_runtime
from lfrd.networks.workspace import Workspace
from lfrd.types import F32
from lfrd.vision.adapters import Runner

Shape = Sequence[int | str]
"""Names stand for sides that may be any."""

LAYERS, CHANNELS = 4, 16
SIDES = (96, 256, 160)
"""Of the pictures, in turn: the first one that a runtime sees, and others, each of a shape of its own."""


def layers() -> bytes:
    """[1, 3, h, w] to [1, 16, h / 2, w / 2], by convolutions whose values can be foretold: each layer's first
    channel adds 1 to the picture's first plane, or to the layer before."""
    weights, nodes, last = [], [], "picture"
    for number in range(LAYERS):
        kernel = np.zeros((CHANNELS, 3 if not number else CHANNELS, 1, 1), np.float32)
        kernel[:, 0] = 1
        name = f"layer{number}"
        bias = np.arange(1, CHANNELS + 1, dtype=np.float32)
        weights += [numpy_helper.from_array(kernel, f"{name}/w"), numpy_helper.from_array(bias, f"{name}/b")]
        nodes.append(helper.make_node("Conv", [last, f"{name}/w", f"{name}/b"], [f"{name}/out"]))
        nodes.append(helper.make_node("Relu", [f"{name}/out"], [name]))
        last = name
    nodes.append(helper.make_node("MaxPool", [last], ["map"], kernel_shape=[2, 2], strides=[2, 2]))
    return saved("layers", nodes, {"picture": [1, 3, "h", "w"]}, {"map": [1, CHANNELS, "h2", "w2"]}, weights)


def saved(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    given: Mapping[str, Shape],
    got: Mapping[str, Shape],
    weights: Sequence[TensorProto],
) -> bytes:
    """A network as its file. given, got: inputs and outputs, all of float32, with their shapes."""
    inputs, outputs = (
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in values.items()]
        for values in (given, got)
    )
    graph = helper.make_graph(list(nodes), name, inputs, outputs, list(weights))
    model: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10
    ).SerializeToString()
    onnx.checker.check_model(model)
    return model


def picture(side: int) -> F32:
    """float32 [1, 3, side, side]: one number everywhere, which nothing else has."""
    return np.full((1, 3, side, side), 1 + side / 1237, np.float32)


def marks(side: int) -> list[bytes]:
    """What the layers make of `picture(side)`: 32 pixels of the first channel, and all channels of two
    pixels, as one runtime or another lays them out. Every larger part of what was there has them; what a
    processor's register held of it, and left on a stack, is shorter."""
    found, value = [], picture(side)[0, 0, 0, 0]
    for _ in range(LAYERS):
        channels = value + np.arange(1, CHANNELS + 1, dtype=np.float32)
        value = channels[0]
        found += [np.full(32, value).tobytes(), np.tile(channels, 2).tobytes()]
    return found


def kernel() -> bytes:
    """[1, 3, h, w] to [1, 16, h / 2, w / 2] by one convolution that takes rows of the picture at a time."""
    weights = np.full((CHANNELS, 3, 3, 3), 0.01, np.float32)
    node = helper.make_node("Conv", ["picture", "w"], ["map"], strides=[2, 2], pads=[1, 1, 1, 1])
    shapes: tuple[Shape, Shape] = [1, 3, "h", "w"], [1, CHANNELS, "h2", "w2"]
    return saved(
        "kernel", [node], {"picture": shapes[0]}, {"map": shapes[1]}, [numpy_helper.from_array(weights, "w")]
    )


NUMBERS = 1 + np.arange(128, dtype=np.float32) / 977


def recogniser() -> bytes:
    """[1, 3, h, w] to 128 numbers, as few as a template has: the first plane's greatest value times each of
    `NUMBERS`."""
    weights = np.zeros((len(NUMBERS), 3, 1, 1), np.float32)
    weights[:, 0, 0, 0] = NUMBERS
    nodes = [
        helper.make_node("GlobalMaxPool", ["picture"], ["most"]),
        helper.make_node("Conv", ["most", "w"], ["numbers"]),
        helper.make_node("Flatten", ["numbers"], ["template"]),
    ]
    given: Mapping[str, Shape] = {"picture": ["n", 3, "h", "w"]}
    got: Mapping[str, Shape] = {"template": ["n", len(NUMBERS)]}
    return saved("recogniser", nodes, given, got, [numpy_helper.from_array(weights, "w")])


def template_marks(side: int) -> list[bytes]:
    """Eight numbers in a row of the template of `picture(side)`, from each eighth on."""
    template = picture(side)[0, 0, 0, 0] * NUMBERS
    return [template[start : start + 8].tobytes() for start in range(0, len(template), 8)]


def faint(side: int) -> F32:
    """As `picture`, with a number that no weight and no other sum has in bfloat16 either."""
    return picture(side) * np.float32(1e-7)


def faint_marks(side: int) -> list[bytes]:
    """Five pixels of `faint(side)` in bfloat16: the upper half of a float32, rounded."""
    bits = int(faint(side)[0, 0, 0, :1].view(np.uint32)[0])
    return [((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).to_bytes(2, "little") * 16]


def made(runtime: str) -> tuple[Runner, Workspace]:
    """The layers in "onnx_runtime" or "openvino_runtime", in full precision, for one thread; or in the latter
    the kernel in "bfloat16", or a "recogniser"."""
    if runtime != "onnx_runtime":
        model = {"bfloat16": kernel, "recogniser": recogniser}.get(runtime, layers)()
        precision: Precision = "bfloat16" if runtime == "bfloat16" else "float32"
        network = openvino_runtime.Network(Path("child.onnx"), model, precision, 1)
        return network, network.workspace
    workspace = onnx_runtime.arena()
    assert workspace is not None
    return onnx_runtime.Network(Path("layers.onnx"), layers(), "cpu", 1, workspace), workspace


def main(runtime: str) -> None:
    memory.harden()
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # hardening has forbidden that others look into its memory
    network, workspace = made(runtime)

    def see(side: int) -> None:
        seen = faint(side) if runtime == "bfloat16" else picture(side)
        for output in network({"input": seen}).values():
            output.fill(0)
        seen.fill(0)

    with ThreadPoolExecutor(1) as worker:  # one thread calls, another one forgets, as in the product
        for side in SIDES:
            worker.submit(see, side).result()
        print("ran", flush=True)
        sys.stdin.readline()
        workspace.forget()
        print("forgotten", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
