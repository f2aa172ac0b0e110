"""A detector with joined heads finds what the original finds; any other network stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest

from lfrd.models import heads
from lfrd.models.heads import join_heads
from lfrd.types import U8
from lfrd.vision.dense import DenseDetector, Input
from lfrd.vision.yunet import decoded
from tests.unit.models.yunets import Flaw, yunet
from tests.unit.vision import networks

NOISE = np.random.default_rng(5).integers(0, 255, (192, 320, 3)).astype(np.uint8)


def detector(model: bytes, size: tuple[int, int] | None = None) -> DenseDetector:
    return DenseDetector(networks.runner(model), Input(False, (0, 0, 0), 1.0, size), decoded, nms_iou=0.3)


def outputs(model: bytes) -> dict[str, list[int | str]]:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return {output.name: output.shape for output in session.get_outputs()}


def assert_finds_the_same(one: DenseDetector, other: DenseDetector, picture: U8, low: float) -> None:
    wanted, found = one.detect(picture, low), other.detect(picture, low)
    assert len(wanted) > 0
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-5)
    np.testing.assert_allclose(found.boxes, wanted.boxes, atol=1e-2)
    np.testing.assert_allclose(found.points, wanted.points, atol=1e-2)


@pytest.mark.parametrize("biased", [True, False])
def test_a_network_with_joined_heads_finds_what_the_original_finds(biased: bool) -> None:
    original = yunet(biased=biased)
    joined = join_heads(original)
    assert list(outputs(joined)) == ["map_8", "map_16", "map_32"]
    assert_finds_the_same(detector(original), detector(joined), NOISE, 0.1)


def test_a_network_of_one_size_keeps_it_and_says_what_it_gives() -> None:
    original = yunet(size=(128, 224))
    joined = join_heads(original)
    assert outputs(joined) == {"map_8": [1, 16, 16, 28], "map_16": [1, 16, 8, 14], "map_32": [1, 16, 4, 7]}
    assert_finds_the_same(detector(original, (224, 128)), detector(joined, (224, 128)), NOISE, 0.1)


def test_nothing_is_left_that_nobody_reads() -> None:
    graph = onnx.load_model_from_string(join_heads(yunet())).graph
    read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    assert all(read.intersection(node.output) for node in graph.node)
    assert {weight.name for weight in graph.initializer} <= read
    assert [node.op_type for node in graph.node].count("Conv") == 6
    assert not {"Reshape", "Sigmoid", "Transpose"}.intersection(node.op_type for node in graph.node)


@pytest.mark.parametrize("flaw", get_args(Flaw))
def test_a_network_that_is_built_in_another_way_stays_as_it_is(flaw: Flaw) -> None:
    original = yunet(flaw)
    assert join_heads(original) is original


@pytest.mark.parametrize("flaw", get_args(Flaw))
def test_only_what_is_not_seen_in_the_graph_is_left_to_the_numbers(
    flaw: Flaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "_check", lambda original, joined: None)
    original = yunet(flaw)
    unseen = flaw in {"columns first", "probable boxes", "raw scores"}
    assert (join_heads(original) is not original) == unseen


def test_a_network_whose_numbers_are_none_stays_as_it_is() -> None:
    model = onnx.load_model_from_string(yunet())
    [weight] = [weight for weight in model.graph.initializer if weight.name == "kps_16/smooth/bias"]
    weight.raw_data = np.full(10, np.nan, np.float32).tobytes()
    damaged = model.SerializeToString()
    assert join_heads(damaged) is damaged


@pytest.mark.parametrize("content", [b"", b"not a network", yunet()[:-60], networks.recogniser()])
def test_what_is_no_detector_stays_as_it_is(content: bytes) -> None:
    assert join_heads(content) is content


def test_the_field_detector_finds_the_same_with_joined_heads(shared: Path, astronaut: Path) -> None:
    original = (shared / "models" / "field" / "yunet_n_dynamic.onnx").read_bytes()
    joined = join_heads(original)
    assert list(outputs(joined)) == ["map_8", "map_16", "map_32"]
    image = cv2.imread(str(astronaut))
    assert image is not None
    for picture in (image[:300], np.hstack([image, image[:, ::-1]])):
        for low in (0.6, 0.05):
            assert_finds_the_same(detector(original), detector(joined), picture.astype(np.uint8), low)
