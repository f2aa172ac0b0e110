"""The ONNX graphs compute what the plain layers do; the plain layers are held by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from scipy.signal import correlate

from lfrd.models.builtin import graphs, reference
from lfrd.models.builtin.agreement import disagreement, noise
from lfrd.models.builtin.dlib import FaceResNet, read_face_resnet
from lfrd.models.builtin.mtcnn_weights import Layer, Stage, read_onet, read_pnet, read_rnet
from lfrd.types import F32

TOLERANCE = 1e-5
"""Of an output's greatest value; rounding alone gives about 1e-6."""


@pytest.fixture(scope="module")
def resnet() -> FaceResNet:
    return read_face_resnet()


@pytest.fixture(scope="module")
def face(astronaut: Path) -> Callable[[int], F32]:
    """The astronaut's face, RGB, float32 [1, 3, side, side], -1..1."""
    image = cv2.imread(str(astronaut))
    assert image is not None

    def scaled(side: int) -> F32:
        cut = cv2.resize(image[55:175, 165:285, ::-1], (side, side), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(cut.transpose(2, 0, 1)[None], np.float32) / np.float32(127.5) - 1

    return scaled


# Even and odd sides, and the smallest: the pool's last window is then whole, a part, or alone.
@pytest.mark.parametrize("size", [(12, 12), (13, 30), (40, 27), (25, 25)])
def test_pnet_agrees_with_the_plain_layers_at_any_size(size: tuple[int, int]) -> None:
    stage = read_pnet()
    picture = noise((2, 3, *size), 1.0)
    assert disagreement(graphs.pnet(stage), partial(reference.pnet, stage), picture) < TOLERANCE


def test_pnet_looks_at_12_pixels_every_2() -> None:
    found = reference.pnet(read_pnet(), noise((1, 3, 32, 47), 1.0))
    assert found["offsets"].shape == (1, 4, 11, 19)
    assert found["face"].shape == (1, 1, 11, 19)


@pytest.mark.parametrize("n", [1, 7])
def test_rnet_and_onet_agree_with_the_plain_layers(n: int) -> None:
    small, large = read_rnet(), read_onet()
    for graph, plain, side in (
        (graphs.rnet(small), partial(reference.rnet, small), 24),
        (graphs.onet(large), partial(reference.onet, large), 48),
    ):
        assert disagreement(graph, plain, noise((n, 3, side, side), 1.0)) < TOLERANCE


def test_the_recogniser_agrees_with_the_plain_layers(resnet: FaceResNet) -> None:
    graph = graphs.recogniser(resnet)
    assert (
        disagreement(graph, partial(reference.recogniser, resnet), noise((2, 3, 150, 150), 0.5)) < TOLERANCE
    )


def test_all_four_agree_on_a_face_and_see_one(resnet: FaceResNet, face: Callable[[int], F32]) -> None:
    first, second, third = read_pnet(), read_rnet(), read_onet()
    for graph, plain, side in (
        (graphs.pnet(first), partial(reference.pnet, first), 12),
        (graphs.rnet(second), partial(reference.rnet, second), 24),
        (graphs.onet(third), partial(reference.onet, third), 48),
    ):
        assert disagreement(graph, plain, face(side)) < TOLERANCE
        assert plain(face(side))["face"].max() > 0.9
    graph = graphs.recogniser(resnet)
    assert disagreement(graph, partial(reference.recogniser, resnet), face(150) * np.float32(0.5)) < TOLERANCE


def test_the_pool_before_the_prelu_is_exact_for_slopes_of_every_kind() -> None:
    rng = np.random.default_rng(5)
    stage = read_pnet()
    first = stage.trunk[0]
    slopes = np.array([-2, -1, -0.5, -0.1, 0, 0.25, 0.9, 1, 1.5, 3], np.float32)
    odd = Layer(first.kernel, rng.normal(size=10).astype(np.float32), slopes)
    changed = Stage((odd, *stage.trunk[1:]), stage.offsets, None, stage.face)
    picture = noise((1, 3, 31, 31), 1.0)
    assert disagreement(graphs.pnet(changed), partial(reference.pnet, changed), picture) < TOLERANCE


def test_a_changed_weight_shows_as_a_disagreement(resnet: FaceResNet) -> None:
    stage = read_rnet()
    other = Layer(stage.offsets.kernel * np.float32(1.01), stage.offsets.bias, None)
    changed = Stage(stage.trunk, other, None, stage.face)
    picture = noise((2, 3, 24, 24), 1.0)
    assert disagreement(graphs.rnet(changed), partial(reference.rnet, stage), picture) > 1e-3


def test_the_same_weights_give_the_same_bytes() -> None:
    assert graphs.onet(read_onet()) == graphs.onet(read_onet())


def test_batch_and_pnets_sides_are_free_and_the_input_is_called_input() -> None:
    model = onnx.load_model_from_string(graphs.pnet(read_pnet()))
    (entry,) = model.graph.input
    assert entry.name == "input"
    assert [side.dim_param or side.dim_value for side in entry.type.tensor_type.shape.dim] == [
        "n",
        3,
        "h",
        "w",
    ]
    assert [output.name for output in model.graph.output] == ["offsets", "face"]
    (entry,) = onnx.load_model_from_string(graphs.onet(read_onet())).graph.input
    assert [side.dim_param or side.dim_value for side in entry.type.tensor_type.shape.dim] == ["n", 3, 48, 48]


# ---- the plain layers themselves ------------------------------------------------------------------------


def test_the_plain_convolution_is_scipys_correlation() -> None:
    rng = np.random.default_rng(2)
    picture = rng.normal(size=(1, 3, 9, 8)).astype(np.float32)
    kernel = rng.normal(size=(4, 3, 3, 2)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    padded = np.pad(picture[0], ((0, 0), (1, 1), (1, 1)))
    wanted = np.stack([correlate(padded, one, "valid")[0] + b for one, b in zip(kernel, bias, strict=True)])
    found = reference.convolution(picture, kernel, bias, 2, 1)
    np.testing.assert_allclose(found[0], wanted[:, ::2, ::2], rtol=1e-4, atol=1e-5)


def test_a_part_window_counts_what_it_covers() -> None:
    row = np.arange(5, dtype=np.float32).reshape(1, 1, 1, 5)
    picture = np.concatenate([row, row - 10], 2)
    assert reference.max_pool(picture, 2, part=True).tolist() == [[[[1, 3, 4]]]]
    assert reference.max_pool(picture, 2, part=False).tolist() == [[[[1, 3]]]]


def test_prelu_and_softmax_by_hand() -> None:
    values = np.array([[-2.0, 4.0], [6.0, -8.0]], np.float32)
    assert reference.prelu(values, np.array([0.5, -1], np.float32)).tolist() == [[-1, 4], [6, 8]]
    found = reference.softmax(np.array([[0.0, np.log(3)]], np.float32))
    np.testing.assert_allclose(found, [[0.25, 0.75]], rtol=1e-6)
